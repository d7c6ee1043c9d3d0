// The matrix of counts, with Claude and Gemini on Vertex AI.
import "./on-vertex.ts";
import "../matrix/counts.test.ts";
