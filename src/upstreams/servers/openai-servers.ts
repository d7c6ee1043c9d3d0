/**
 * The servers that speak OpenAI's dialects and of which more is known. A server is known by its host, or by
 * its name in the configuration (`[[upstreams]] server`). docs/servers.md tells users the same.
 */

import type { ServerName } from "../../config/upstreams/servers.ts";
import type { CallIdRule } from "../../neutral/conversation/call-ids.ts";
import { DEEPSEEK_PROOF, MOONSHOT_PROOF, OPENROUTER_PROOF, SILICONFLOW_PROOF } from "../evidence/proof.ts";
import type { ServerProfile } from "../profile.ts";
import { COMPATIBLE, type KnownServer, OPENAI, profileAt } from "../profiles.ts";

export interface OpenaiServer {
  /** Its makers' name for it. */
  readonly title: string;
  /** Each stands for the names below it as well. Empty: people run it on machines of their own. */
  readonly hosts: readonly string[];
  readonly profile: ServerProfile;
}

/** `error 3280: Tool call id was … but must be a-z, A-Z, 0-9, with a length of 9`: nearai/ironclaw#1241. */
const NINE_CHARACTERS: CallIdRule = { isAllowed: /^[A-Za-z0-9]{9}$/, maxChars: 9, prefix: "" };

/** A compatible server, with what is particular to it. */
function like(facts: Partial<ServerProfile>): ServerProfile {
  return Object.freeze({ ...COMPATIBLE, ...facts });
}

export const OPENAI_SERVER_PROFILES: Readonly<Record<ServerName, OpenaiServer>> = {
  azure: {
    title: "Azure OpenAI",
    hosts: ["openai.azure.com", "services.ai.azure.com"],
    // Each deployment is limited: https://learn.microsoft.com/azure/ai-foundry/openai/quotas-limits, November 2026.
    profile: like({ rateScope: "model" }),
  },
  cerebras: { title: "Cerebras", hosts: ["api.cerebras.ai"], profile: like({ rateScope: "model" }) },
  dashscope: {
    title: "Alibaba Model Studio (DashScope)",
    hosts: ["dashscope.aliyuncs.com", "dashscope-intl.aliyuncs.com", "dashscope-us.aliyuncs.com"],
    // https://www.alibabacloud.com/help/en/model-studio/rate-limit, November 2026.
    profile: like({ rateScope: "model" }),
  },
  deepseek: {
    title: "DeepSeek",
    hosts: ["api.deepseek.com"],
    profile: like({ proof: DEEPSEEK_PROOF }),
  },
  fireworks: { title: "Fireworks", hosts: ["api.fireworks.ai"], profile: like({}) },
  groq: {
    title: "Groq",
    hosts: ["api.groq.com"],
    // https://console.groq.com/docs/rate-limits, November 2026.
    profile: like({ rateScope: "model" }),
  },
  litellm: { title: "LiteLLM", hosts: [], profile: like({}) },
  "llama.cpp": { title: "llama.cpp", hosts: [], profile: like({}) },
  lmstudio: { title: "LM Studio", hosts: [], profile: like({}) },
  minimax: {
    title: "MiniMax",
    hosts: ["api.minimax.io", "api.minimaxi.com", "api.minimax.chat"],
    profile: like({}),
  },
  mistral: {
    title: "Mistral",
    hosts: ["api.mistral.ai"],
    profile: like({ callIds: NINE_CHARACTERS, rateScope: "model" }),
  },
  moonshot: {
    title: "Moonshot (Kimi)",
    hosts: ["api.moonshot.ai", "api.moonshot.cn"],
    profile: like({ proof: MOONSHOT_PROOF }),
  },
  "new-api": { title: "New API", hosts: [], profile: like({}) },
  ollama: { title: "Ollama", hosts: [], profile: like({}) },
  openai: { title: "OpenAI", hosts: ["api.openai.com"], profile: OPENAI },
  openrouter: {
    title: "OpenRouter",
    hosts: ["openrouter.ai"],
    profile: like({ proof: OPENROUTER_PROOF }),
  },
  sglang: { title: "SGLang", hosts: [], profile: like({}) },
  siliconflow: {
    title: "SiliconFlow",
    hosts: ["api.siliconflow.cn", "api.siliconflow.com"],
    profile: like({ proof: SILICONFLOW_PROOF, rateScope: "model" }),
  },
  together: { title: "Together", hosts: ["api.together.xyz", "api.together.ai"], profile: like({}) },
  vllm: { title: "vLLM", hosts: [], profile: like({}) },
  xai: { title: "xAI", hosts: ["api.x.ai"], profile: like({ rateScope: "model" }) },
  zai: {
    title: "Z.ai and BigModel (GLM)",
    hosts: ["api.z.ai", "open.bigmodel.cn"],
    profile: like({ rateScope: "model" }),
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
