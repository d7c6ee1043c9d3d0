// The matrix of tools, with Claude and Gemini on Vertex AI.
import "./on-vertex.ts";
import "../matrix/tools.test.ts";
