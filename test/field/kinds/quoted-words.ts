import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "quoted-words",
  title: "Words of the request that a refusal repeats",
  promise:
    "What a client wrote decides nothing about a credential: the meaning of a refusal is that of the same refusal without the client's words, in every envelope and with every status.",
  sources: ["QwenLM/qwen-code#73", "songquanpeng/one-api", "BerriAI/litellm"],
  open: [],
};
