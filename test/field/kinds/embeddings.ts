import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "embeddings",
  title: "Vectors of one provider for clients of another",
  promise:
    "A client of Google's SDK gets embeddings of any model that has them, and a client of OpenAI's SDK those of Gemini, with dimensions, base64, usage and cost. What the target does not know is named; what it must not lose is refused by name.",
  sources: [
    "volcengine/OpenViking#3484",
    "https://ai.google.dev/api/embeddings",
    "https://platform.openai.com/docs/api-reference/embeddings",
    "https://docs.cloud.google.com/vertex-ai/generative-ai/docs/embeddings/get-text-embeddings",
  ],
  open: ["Embeddings of pictures and other media are relayed to Google alone."],
};
