import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "which-server",
  title: "OpenAI's models behind other servers",
  promise:
    "A model that is named as OpenAI's is asked as OpenAI takes it, behind any host and in any order of `dialects`. What only Responses carries goes to Responses, where the upstream speaks it.",
  sources: [
    "https://platform.openai.com/docs/guides/reasoning",
    "https://platform.openai.com/docs/guides/migrate-to-responses",
    "https://learn.microsoft.com/azure/ai-foundry/openai/how-to/reasoning",
  ],
  open: [
    "A name of the operator's own, such as a deployment at Azure, says nothing of its model: the first request is repaired, or `[[traits]]` says it.",
  ],
};
