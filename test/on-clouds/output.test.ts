// The matrix of output, with Claude and Gemini on Vertex AI.
import "./on-vertex.ts";
import "../matrix/output.test.ts";
