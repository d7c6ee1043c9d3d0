import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "named-servers",
  title: "A server behind a host that does not tell",
  promise:
    "An upstream whose configuration names its server is treated as that server behind any host: what it is sent, and what it costs. A name that nobody knows is refused with the names that are known.",
  sources: [
    "nearai/ironclaw#1241",
    "QwenLM/qwen-code#7659",
    "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
  ],
  open: [],
};
