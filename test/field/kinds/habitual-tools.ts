import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "habitual-tools",
  title: "A provider's own tool that an agent offers by habit",
  promise:
    "A tool that only another provider runs, or that the model does not have, is left out and named when it stands beside tools that the target can use. It is refused by name when the request counts on it: it is forced, it is alone, or the key or model is strict.",
  sources: [
    "openai/codex#30557",
    "caozhiyuan/copilot-api#220",
    "https://platform.openai.com/docs/guides/tools",
    "https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/overview",
    "https://ai.google.dev/gemini-api/docs/function-calling",
  ],
  open: [],
};
