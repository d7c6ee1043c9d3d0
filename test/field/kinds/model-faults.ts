import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "model-faults",
  title: "A refusal of something that a client named, taken for a refusal of the model",
  promise:
    "Only a reply that names exactly the asked model forbids it to a credential. Files, betas, tools and other models that a request names are the request's fault, and a success puts all credentials to the test again.",
  sources: ["https://docs.claude.com/en/api/errors", "https://platform.openai.com/docs/guides/error-codes"],
  open: [],
};
