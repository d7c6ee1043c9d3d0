import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "usage-places",
  title: "Usage that a server tells in a place of its own",
  promise:
    "What a server counted is in the row and in the client's answer, wherever the server says it: beside the choices, in a choice, in a member of its own, in every chunk or twice, with cached tokens under any known name and reasoning beside the completion.",
  sources: [
    "earendil-works/pi#2017",
    "vercel/ai#12337",
    "https://console.groq.com/docs/api-reference",
    "https://api-docs.deepseek.com/guides/kv_cache",
    "https://platform.moonshot.ai/docs/api/chat",
  ],
  open: [],
};
