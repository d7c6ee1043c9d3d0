import type { FieldKind } from "../kind.ts";

export const kind: FieldKind = {
  id: "server-throttles",
  title: "Limits and overload, in each server's words",
  promise:
    "What DeepSeek, Kimi, GLM, Qwen, MiniMax, Mistral, Groq, xAI, Cerebras, OpenRouter, Together, Fireworks, SiliconFlow, vLLM, SGLang, Ollama, llama.cpp, LiteLLM and New API say with 429, 403, 503 or inside a 200 is read as what it is: a credential that is limited rests, one without money or with a wrong key is doubted, and a server that is busy costs no credential. The client is served by the next credential, whatever dialect it speaks.",
  sources: [
    "tarigelamin1997/jobfetcher#42",
    "sgl-project/sglang#33858",
    "continuedev/continue#9233",
    "XiaomiMiMo/MiMo-Code#1690",
    "https://docs.litellm.ai/docs/exception_mapping",
  ],
  open: [
    "vLLM queues without a bound unless it is told otherwise; in which words a bounded one refuses is not reported yet.",
  ],
};
