// The matrix of errors, with Claude and Gemini on Vertex AI.
import "./on-vertex.ts";
import "../matrix/errors.test.ts";
