import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "further-sampling",
  title: "Sampling that only some servers have",
  promise:
    "top_k, min_p, repetition_penalty and their like reach the servers of Chat that take them, from clients of every dialect. A server that is known to take none does not get them, one that refuses them gets the request without them, and what is left out is named.",
  sources: [
    "https://openrouter.ai/docs/api/reference/parameters",
    "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
    "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
    "https://docs.together.ai/reference/chat-completions-1",
  ],
  open: ["A parameter that is no number, and one that is in no list, is named as left out."],
};
