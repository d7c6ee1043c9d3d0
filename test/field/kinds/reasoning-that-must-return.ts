import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "reasoning-that-must-return",
  title: "Reasoning that the server wants back",
  promise:
    "A server that wants the reasoning of earlier turns gets it on every turn of the assistant, empty or blank where none is known; a server that refuses reasoning gets none. A refusal is never answered with the opposite of what it asks for.",
  sources: [
    "deepseek-ai/DeepSeek-V3#1053",
    "openclaw/openclaw#73417",
    "MoonshotAI/kimi-cli#2141",
    "QuantumNous/new-api#3121",
    "QwenLM/qwen-code#3788",
    "karthink/gptel#774",
    "earendil-works/pi#4178",
    "BerriAI/litellm#27439",
  ],
  open: [],
};
