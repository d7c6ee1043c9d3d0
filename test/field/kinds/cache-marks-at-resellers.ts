import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "cache-marks-at-resellers",
  title: "Cache marks for Claude behind a reseller",
  promise:
    "Claude caches nothing without marks. The marks of a client of any dialect reach Claude behind servers of Chat, on texts, tools and results; a server that is not known gets them too, and the request without them if it refuses them. Where a server is known to take none, the loss is named.",
  sources: [
    "anomalyco/opencode#39009",
    "microsoft/vscode#312939",
    "nextlevelbuilder/goclaw#1042",
    "getnao/nao#1381",
    "https://docs.litellm.ai/docs/completion/prompt_caching",
    "https://openrouter.ai/docs/features/prompt-caching",
  ],
  open: [
    "Models that cache by themselves get no marks, although OpenRouter and Alibaba would take some for Gemini and Qwen.",
  ],
};
