// The matrix of media, with Claude and Gemini on Vertex AI.
import "./on-vertex.ts";
import "../matrix/media.test.ts";
