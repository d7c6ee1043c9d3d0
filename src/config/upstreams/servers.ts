/** The servers of family openai that `[[upstreams]] server` names. A test holds them to `upstreams/servers/`. */

/** The base URL of each as its documentation writes it; null: every account or machine has its own. */
export const SERVER_BASE_URLS = {
  azure: null,
  cerebras: "https://api.cerebras.ai/v1",
  dashscope: "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
  databricks: null,
  deepseek: "https://api.deepseek.com/v1",
  fireworks: "https://api.fireworks.ai/inference/v1",
  google: "https://generativelanguage.googleapis.com/v1beta/openai",
  groq: "https://api.groq.com/openai/v1",
  litellm: null,
  "llama.cpp": null,
  lmstudio: null,
  minimax: "https://api.minimax.io/v1",
  mistral: "https://api.mistral.ai/v1",
  moonshot: "https://api.moonshot.ai/v1",
  "new-api": null,
  ollama: null,
  openai: "https://api.openai.com/v1",
  openrouter: "https://openrouter.ai/api/v1",
  sglang: null,
  siliconflow: "https://api.siliconflow.com/v1",
  together: "https://api.together.xyz/v1",
  vllm: null,
  xai: "https://api.x.ai/v1",
  zai: "https://api.z.ai/api/paas/v4",
} as const satisfies Readonly<Record<string, string | null>>;

export type ServerName = keyof typeof SERVER_BASE_URLS;

export const SERVER_NAMES = Object.keys(SERVER_BASE_URLS) as ServerName[];
