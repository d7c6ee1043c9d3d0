/**
 * The servers that speak OpenAI's dialects and of which more is known. A server is known by its host, or by
 * its name in the configuration (`[[upstreams]] server`). docs/servers.md tells users the same.
 */

import type { ServerName } from "../../config/upstreams/servers.ts";
import { SHORT_IDS } from "../../neutral/conversation/call-ids.ts";
import { DEEPSEEK_PROOF, MOONSHOT_PROOF, OPENROUTER_PROOF, SILICONFLOW_PROOF } from "../evidence/proof.ts";
import type { ServerProfile } from "../profile.ts";
import { COMPATIBLE, COMPATIBLE_IDS, type KnownServer, LONG_IDS, OPENAI, profileAt } from "../profiles.ts";

export interface OpenaiServer {
  /** Its makers' name for it. */
  readonly title: string;
  /** Each stands for the names below it as well. Empty: people run it on machines of their own. */
  readonly hosts: readonly string[];
  readonly profile: ServerProfile;
}

/** Sampling beyond OpenAI's that servers of open models take. */
const OPEN_SAMPLING: ReadonlySet<string> = new Set(["top_k", "min_p", "repetition_penalty", "min_tokens"]);
const NO_MORE_SAMPLING: ReadonlySet<string> = new Set();

/** A server of open models: their chat templates have the switch of thinking, and tools are forced by grammar. */
const OPEN: Partial<ServerProfile> = {
  thinkingSwitch: "chat_template_kwargs",
  forcedTools: "always",
  cacheMarks: null,
};

/** Servers whose reference has no Responses, November 2026: requests in this dialect are translated for them. */
const CHAT_ALONE = { spoken: ["openai-chat"] } as const;

/** A compatible server, with what is particular to it. */
function like(facts: Partial<ServerProfile>): ServerProfile {
  return Object.freeze({ ...COMPATIBLE, callIds: COMPATIBLE_IDS, ...facts });
}

export const OPENAI_SERVER_PROFILES: Readonly<Record<ServerName, OpenaiServer>> = {
  azure: {
    title: "Azure OpenAI",
    hosts: ["openai.azure.com", "services.ai.azure.com"],
    // Each deployment is limited: https://learn.microsoft.com/azure/ai-foundry/openai/quotas-limits, November 2026.
    profile: like({ rateScope: "model", cacheMarks: null, extraSampling: NO_MORE_SAMPLING }),
  },
  cerebras: {
    title: "Cerebras",
    hosts: ["api.cerebras.ai"],
    // Other members of a turn are refused: QwenLM/qwen-code#11045. https://inference-docs.cerebras.ai/capabilities/reasoning
    profile: like({
      ...CHAT_ALONE,
      rateScope: "model",
      reasoningMembers: ["reasoning"],
      thinkingSwitch: "reasoning_effort",
      forcedTools: "always",
      cacheMarks: null,
      extraSampling: NO_MORE_SAMPLING,
    }),
  },
  dashscope: {
    title: "Alibaba Model Studio (DashScope)",
    hosts: ["dashscope.aliyuncs.com", "dashscope-intl.aliyuncs.com", "dashscope-us.aliyuncs.com"],
    // https://www.alibabacloud.com/help/en/model-studio/rate-limit, November 2026.
    // https://www.alibabacloud.com/help/en/model-studio/deep-thinking; forced tools: cloudwego/eino#994.
    profile: like({
      rateScope: "model",
      reasoningMembers: ["reasoning_content"],
      thinkingSwitch: "enable_thinking",
      forcedTools: "unless-thinking",
      cacheMarks: "parts",
      extraSampling: new Set(["top_k", "repetition_penalty"]),
    }),
  },
  databricks: {
    title: "Databricks",
    hosts: ["cloud.databricks.com", "azuredatabricks.net", "gcp.databricks.com"],
    // Its Claude and gpt-oss answer so, and take no other member of a turn: databricks/appkit#559, BerriAI/litellm#36931.
    profile: like({ answersInParts: true, reasoningMembers: [] }),
  },
  deepseek: {
    title: "DeepSeek",
    hosts: ["api.deepseek.com"],
    // https://api-docs.deepseek.com/guides/thinking_mode: no model of it has another switch.
    profile: like({
      ...CHAT_ALONE,
      proof: DEEPSEEK_PROOF,
      reasoningMembers: ["reasoning_content"],
      thinkingSwitch: "thinking",
      cacheMarks: null,
      extraSampling: NO_MORE_SAMPLING,
    }),
  },
  fireworks: {
    title: "Fireworks",
    hosts: ["api.fireworks.ai"],
    // https://docs.fireworks.ai/guides/reasoning
    profile: like({
      reasoningMembers: ["reasoning_content"],
      thinkingSwitch: "reasoning_effort",
      forcedTools: "always",
      cacheMarks: null,
      extraSampling: new Set(["top_k", "min_p", "repetition_penalty", "typical_p"]),
    }),
  },
  google: {
    title: "Google's Gemini on Chat",
    hosts: ["generativelanguage.googleapis.com", "aiplatform.googleapis.com"],
    // https://ai.google.dev/gemini-api/docs/openai
    profile: like({
      ...CHAT_ALONE,
      rateScope: "model",
      reasoningMembers: ["extra_content"],
      thinkingSwitch: "reasoning_effort",
      forcedTools: "always",
      cacheMarks: null,
      extraSampling: NO_MORE_SAMPLING,
    }),
  },
  groq: {
    title: "Groq",
    hosts: ["api.groq.com"],
    // https://console.groq.com/docs/rate-limits and /docs/reasoning, November 2026; another member of reasoning is
    // refused: janhq/jan#8136.
    profile: like({
      rateScope: "model",
      reasoningMembers: ["reasoning"],
      thinkingSwitch: "reasoning_effort",
      forcedTools: "always",
      cacheMarks: null,
      extraSampling: NO_MORE_SAMPLING,
    }),
  },
  litellm: {
    title: "LiteLLM",
    hosts: [],
    // https://docs.litellm.ai/docs/reasoning_content and /docs/completion/prompt_caching
    profile: like({
      callIds: LONG_IDS,
      reasoningMembers: ["reasoning_content", "thinking_blocks"],
      thinkingSwitch: "reasoning_effort",
      cacheMarks: "messages",
    }),
  },
  "llama.cpp": {
    title: "llama.cpp",
    hosts: [],
    // https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md
    profile: like({ ...OPEN, reasoningMembers: ["reasoning_content"] }),
  },
  lmstudio: { title: "LM Studio", hosts: [], profile: like({}) },
  minimax: {
    title: "MiniMax",
    hosts: ["api.minimax.io", "api.minimaxi.com", "api.minimax.chat"],
    // https://platform.minimax.io/docs/guides/text-m2-function-call; switch: CherryHQ/cherry-studio#16431.
    profile: like({
      ...CHAT_ALONE,
      // Its thinking stands in tags in front of the text, and is wanted back there.
      reasoningMembers: ["reasoning_content", "reasoning_details", "<think>"],
      thinkingSwitch: "thinking-adaptive",
      cacheMarks: null,
      extraSampling: NO_MORE_SAMPLING,
    }),
  },
  mistral: {
    title: "Mistral",
    hosts: ["api.mistral.ai"],
    // Error 3280 at any other id: nearai/ironclaw#1241. `stream_options` is refused, and usage comes without:
    // dnakov/anon-kode#53. Thinking stands in the content, and every unknown member is refused: charmbracelet/crush#1590,
    // https://docs.mistral.ai/capabilities/reasoning.
    profile: like({
      ...CHAT_ALONE,
      callIds: SHORT_IDS,
      usageOption: false,
      rateScope: "model",
      answersInParts: true,
      // Its SDKs, its own agent, and the AI SDK's package for it.
      ownClients: /mistral/i,
      reasoningMembers: ["content"],
      thinkingSwitch: "reasoning_effort",
      forcedTools: "always",
      cacheMarks: null,
      extraSampling: NO_MORE_SAMPLING,
    }),
  },
  moonshot: {
    title: "Moonshot (Kimi)",
    hosts: ["api.moonshot.ai", "api.moonshot.cn"],
    // https://platform.moonshot.ai/docs/guide/use-kimi-k2-thinking-model
    profile: like({
      ...CHAT_ALONE,
      proof: MOONSHOT_PROOF,
      reasoningMembers: ["reasoning_content"],
      thinkingSwitch: "thinking",
      cacheMarks: null,
      extraSampling: NO_MORE_SAMPLING,
    }),
  },
  "new-api": { title: "New API", hosts: [], profile: like({ callIds: LONG_IDS }) },
  ollama: {
    title: "Ollama",
    hosts: [],
    // ollama/ollama#14820; https://docs.ollama.com/api/openai-compatibility lists no further sampling.
    profile: like({
      ...OPEN,
      reasoningMembers: ["reasoning"],
      thinkingSwitch: "reasoning_effort",
      extraSampling: NO_MORE_SAMPLING,
    }),
  },
  openai: { title: "OpenAI", hosts: ["api.openai.com"], profile: OPENAI },
  openrouter: {
    title: "OpenRouter",
    hosts: ["openrouter.ai"],
    // https://openrouter.ai/docs/use-cases/reasoning-tokens, /docs/features/prompt-caching, /docs/api/reference/parameters
    profile: like({
      proof: OPENROUTER_PROOF,
      // DeepSeek's models want reasoning_content besides, and no empty one: UKGovernmentBEIS/inspect_ai#4080,
      // BerriAI/litellm#27439.
      reasoningMembers: ["reasoning", "reasoning_details", "reasoning_content"],
      emptyReasoning: false,
      thinkingSwitch: "reasoning",
      cacheMarks: "parts",
      extraSampling: new Set(["top_k", "min_p", "top_a", "repetition_penalty"]),
    }),
  },
  sglang: {
    title: "SGLang",
    hosts: [],
    // https://docs.sglang.io/advanced_features/separate_reasoning.html
    profile: like({ ...OPEN, reasoningMembers: ["reasoning_content"], extraSampling: OPEN_SAMPLING }),
  },
  siliconflow: {
    title: "SiliconFlow",
    hosts: ["api.siliconflow.cn", "api.siliconflow.com"],
    // https://docs.siliconflow.com/en/userguide/capabilities/reasoning
    profile: like({
      ...CHAT_ALONE,
      proof: SILICONFLOW_PROOF,
      rateScope: "model",
      reasoningMembers: ["reasoning_content"],
      thinkingSwitch: "enable_thinking",
      cacheMarks: null,
      extraSampling: new Set(["top_k", "min_p"]),
    }),
  },
  together: {
    title: "Together",
    hosts: ["api.together.xyz", "api.together.ai"],
    // https://docs.together.ai/docs/inference/chat/reasoning
    profile: like({
      ...CHAT_ALONE,
      reasoningMembers: ["reasoning"],
      thinkingSwitch: "reasoning-enabled",
      forcedTools: "always",
      cacheMarks: null,
      extraSampling: new Set(["top_k", "min_p", "repetition_penalty"]),
    }),
  },
  vllm: {
    title: "vLLM",
    hosts: [],
    // https://docs.vllm.ai/en/latest/features/reasoning_outputs: reasoning was reasoning_content until 0.16.
    profile: like({ ...OPEN, reasoningMembers: ["reasoning"], extraSampling: OPEN_SAMPLING }),
  },
  xai: {
    title: "xAI",
    hosts: ["api.x.ai"],
    // https://docs.x.ai/docs/guides/reasoning
    profile: like({
      rateScope: "model",
      thinkingSwitch: "reasoning_effort",
      forcedTools: "always",
      cacheMarks: null,
      extraSampling: NO_MORE_SAMPLING,
    }),
  },
  zai: {
    title: "Z.ai and BigModel (GLM)",
    hosts: ["api.z.ai", "open.bigmodel.cn"],
    // https://docs.z.ai/guides/capabilities/thinking-mode; tool_choice knows auto alone:
    // https://docs.z.ai/api-reference/llm/chat-completion.
    profile: like({
      ...CHAT_ALONE,
      rateScope: "model",
      reasoningMembers: ["reasoning_content"],
      thinkingSwitch: "thinking",
      forcedTools: "never",
      cacheMarks: null,
      extraSampling: NO_MORE_SAMPLING,
    }),
  },
};

/** Servers of the family `openai` by their hosts; all others are `COMPATIBLE`. */
export const OPENAI_SERVERS: readonly KnownServer[] = Object.values(OPENAI_SERVER_PROFILES).flatMap(
  ({ hosts, profile }) => hosts.map((host) => ({ host, profile })),
);

/**
 * The profile of the server at a base URL. `server`: what the configuration says that it is. At another host
 * than its own nobody knows whether its call of proof leads to it.
 */
export function openaiProfile(baseUrl: string, server?: ServerName | null): ServerProfile {
  const atHost = profileAt(baseUrl, OPENAI_SERVERS, COMPATIBLE);
  if (server === undefined || server === null) return atHost;
  const named = OPENAI_SERVER_PROFILES[server].profile;
  return atHost === named ? named : NAMED[server];
}

/** Each without its call of proof: one object a server, so that it is found again by itself. */
const NAMED = Object.fromEntries(
  Object.entries(OPENAI_SERVER_PROFILES).map(([name, { profile }]) => [
    name,
    profile.proof === null ? profile : Object.freeze({ ...profile, proof: null }),
  ]),
) as Readonly<Record<ServerName, ServerProfile>>;
