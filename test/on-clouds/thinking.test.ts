// The matrix of thinking, with Claude and Gemini on Vertex AI.
import "./on-vertex.ts";
import "../matrix/thinking.test.ts";
