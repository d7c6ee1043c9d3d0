// The matrix of turns, with Claude and Gemini on Vertex AI.
import "./on-vertex.ts";
import "../matrix/turns.test.ts";
