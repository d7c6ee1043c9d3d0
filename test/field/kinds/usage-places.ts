import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "usage-places",
  title: "Usage that a server tells in a place of its own",
  promise:
    "What a server counted is in the row and in the client's answer, wherever the server says it: beside the choices, in a choice, in a member of its own, in every chunk or twice, as numbers or texts, with what was read from a cache and written to one under any known name, and the cache beside the prompt or reasoning beside the completion. Zeros in place of counts count nothing.",
  sources: [
    "earendil-works/pi#2017",
    "vercel/ai#12337",
    "router-for-me/CLIProxyAPI#4053",
    "jeremychone/rust-genai#242",
    "BerriAI/litellm#15056",
    "vercel/ai#14382",
    "vercel/ai#12425",
    "https://www.alibabacloud.com/help/en/model-studio/context-cache",
    "https://console.groq.com/docs/api-reference",
    "https://api-docs.deepseek.com/guides/kv_cache",
    "https://platform.moonshot.ai/docs/api/chat",
  ],
  open: [
    "A cost that a server tells itself, such as OpenRouter's `usage.cost`, is passed on and not used: costs come from the price list.",
  ],
};
