/** Imported first: the matrix has its Claude and its Gemini on Vertex AI. */
process.env.CLEWLINE_TEST_CLOUD = "vertex";
