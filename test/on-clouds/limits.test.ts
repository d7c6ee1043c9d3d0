// The matrix of limits, with Claude and Gemini on Vertex AI.
import "./on-vertex.ts";
import "../matrix/limits.test.ts";
