// The matrix of readers, with Claude and Gemini on Vertex AI.
import "./on-vertex.ts";
import "../matrix/readers.test.ts";
