// The matrix of text, with Claude and Gemini on Vertex AI.
import "./on-vertex.ts";
import "../matrix/text.test.ts";
