// The matrix of system, with Claude and Gemini on Vertex AI.
import "./on-vertex.ts";
import "../matrix/system.test.ts";
