// The matrix of caches, with Claude and Gemini on Vertex AI.
import "./on-vertex.ts";
import "../matrix/caches.test.ts";
