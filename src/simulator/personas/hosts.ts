// Servers that host the models of others. Where no other source stands, the documentation of each says it, November 2026.

import { checkSeal } from "../answer/seal.ts";
import { asList, asNumber, asRecord, asString, type JsonRecord } from "../base/json.ts";
import { Refusal } from "../base/refusal.ts";
import type { Asked, Persona, Rule } from "./persona.ts";
import { contextInWords, hasCalls, isSet, memberOf, plainError } from "./rules.ts";

/** What OpenAI's Chat documents and Groq and Cerebras take. */
const COMMON_MEMBERS = [
  "model",
  "messages",
  "temperature",
  "top_p",
  "max_tokens",
  "max_completion_tokens",
  "n",
  "stop",
  "stream",
  "stream_options",
  "tools",
  "tool_choice",
  "parallel_tool_calls",
  "response_format",
  "seed",
  "user",
  "service_tier",
  "reasoning_effort",
  "logprobs",
  "top_logprobs",
];

const lastOf = (path: readonly (string | number)[]): string => path.map(String).at(-1) ?? "";

const GROQ_EFFORTS: readonly (readonly [models: RegExp, efforts: readonly string[]])[] = [
  [/gpt-oss/, ["low", "medium", "high"]],
  [/qwen3/, ["none", "default"]],
];
const groqEfforts = (model: string): readonly string[] =>
  GROQ_EFFORTS.find(([models]) => models.test(model))?.[1] ?? [];

/** https://console.groq.com/docs/reasoning; janhq/jan#8136, vercel/ai#8057, musistudio/llms#64. */
const groq: Persona = {
  about: "Groq: refuses unknown members of requests and messages; reasoning in `reasoning`; usage in x_groq",
  models: ["openai/gpt-oss-120b", "qwen/qwen3-32b", "llama-3.3-70b-versatile"],
  words: ["reasoning", "x-groq"],
  takes: {
    assistant: ["reasoning"],
    only: [
      ...COMMON_MEMBERS,
      "reasoning_format",
      "include_reasoning",
      "presence_penalty",
      "frequency_penalty",
      "logit_bias",
      "metadata",
      "store",
    ],
    unknown: (path, _, body) => {
      const [first, index] = path;
      const property = `property '${lastOf(path)}' is unsupported`;
      const place = `'messages.${String(index)}'`;
      const role = asString(asRecord(asList(body.messages)[Number(index)]).role);
      return new Refusal(400, {
        error: {
          message:
            first === "messages"
              ? `${place} : for 'role:${role}' the following must be satisfied[(${place} : ${property})]`
              : property,
          type: "invalid_request_error",
        },
      });
    },
  },
  rules: [
    ({ model, messages }) => {
      const index = messages.findIndex(({ reasoning }) => reasoning !== undefined);
      return index < 0 || groqEfforts(model).length > 0
        ? undefined
        : plainError(400, `messages[${index}].reasoning: reasoning is not supported with this model`);
    },
    memberOf(
      "reasoning_effort",
      ({ body, model }) => groqEfforts(model).includes(asString(body.reasoning_effort)),
      ({ model }) => {
        const known = groqEfforts(model).map((effort) => `\`${effort}\``);
        const message =
          known.length === 0
            ? "`reasoning_effort` is not supported with this model"
            : `\`reasoning_effort\` must be one of ${known.join(", ")}`;
        return plainError(400, message, { param: "reasoning_effort" });
      },
    ),
  ],
  thinks: ({ reasoning_effort: effort }, model) => groqEfforts(model).length > 0 && effort !== "none",
  faults: {
    "rate-limit": "compat/groq-tokens-per-minute",
    "invalid-key": "compat/groq-invalid-key",
    overload: "compat/groq-over-capacity",
  },
  tooLong: () =>
    plainError(400, "Please reduce the length of the messages or completion.", {
      code: "context_length_exceeded",
      param: "messages",
    }),
};

const cerebrasError = (status: number, message: string, code = "wrong_api_format"): Refusal =>
  new Refusal(status, { message, type: "invalid_request_error", param: "validation_error", code });

/** https://inference-docs.cerebras.ai/capabilities/reasoning; QwenLM/qwen-code#11045, Gitlawb/openclaude#740. */
const cerebras: Persona = {
  about: "Cerebras: refuses unknown members of requests and messages; reasoning in `reasoning`; flat errors",
  models: ["gpt-oss-120b", "zai-glm-4.7", "llama3.1-8b"],
  words: ["reasoning"],
  takes: {
    assistant: ["reasoning"],
    only: [...COMMON_MEMBERS, "disable_reasoning", "clear_thinking", "prediction"],
    unknown: (path, _, body) => {
      const [first, index, ...rest] = path;
      const role = asString(asRecord(asList(body.messages)[Number(index)]).role);
      const place = first === "messages" ? [first, index, role, ...rest].join(".") : `body.${path.join(".")}`;
      return cerebrasError(first === "messages" ? 400 : 422, `${place}: property '${place}' is unsupported`);
    },
  },
  rules: [],
  thinks: ({ reasoning_effort: effort, disable_reasoning: isOff }, model) =>
    /^(?:gpt-oss|zai-glm)/.test(model) && effort !== "none" && isOff !== true,
  faults: { "rate-limit": "compat/cerebras-tokens", overload: "compat/cerebras-traffic" },
  tooLong: ({ contextTokens, promptTokens }) =>
    cerebrasError(
      400,
      `Please reduce the length of the messages or completion. Current length is ${promptTokens} while limit is ${contextTokens}`,
      "context_length_exceeded",
    ),
};

/** Calls that this server made while its model thought. */
const OPENROUTER_CALL = /^toolu_or/;

const openrouterWrapped = (provider: string, raw: unknown): Refusal =>
  new Refusal(400, {
    error: {
      message: "Provider returned error",
      code: 400,
      metadata: { raw: JSON.stringify(raw), provider_name: provider },
    },
    user_id: "user_simulated",
  });

/** The entries of a turn come back whole and in order: the last one seals the text of the others. */
function hasGoodDetails(message: JsonRecord, organization: string): boolean {
  const details = asList(message.reasoning_details).map(asRecord);
  const text = details.map((entry) => asString(entry.text)).join("");
  const seals = details
    .flatMap(({ signature, data }) => [asString(signature), asString(data)])
    .filter(Boolean);
  return (
    seals.length > 0 && seals.every((one) => checkSeal(one, "openrouter", organization, text) === "good")
  );
}

/**
 * Claude and Gemini want what they have sealed; DeepSeek wants its reasoning: massgen/MassGen#624,
 * microsoft/agent-framework#2947, router-for-me/CLIProxyAPI#3587.
 */
const openrouterReasoning: Rule = ({ messages, model, organization, isThinking }) => {
  const isOwn = (message: JsonRecord): boolean =>
    hasCalls(message) &&
    asList(message.tool_calls).some((call) => OPENROUTER_CALL.test(asString(asRecord(call).id)));
  const isSealed = /^(?:anthropic|google)\//.test(model);
  const isGood = (message: JsonRecord): boolean =>
    isSealed
      ? hasGoodDetails(message, organization)
      : [message.reasoning, message.reasoning_content].some((text) => typeof text === "string") ||
        asList(message.reasoning_details).length > 0;
  const index = messages.findIndex((message) => isOwn(message) && !isGood(message));
  if (!isThinking || index < 0) {
    return undefined;
  }
  if (!isSealed) {
    return openrouterWrapped("DeepSeek", {
      error: {
        message: "The `reasoning_content` in the thinking mode must be passed back to the API.",
        type: "invalid_request_error",
      },
    });
  }
  return model.startsWith("google/")
    ? openrouterWrapped("Google", {
        error: {
          code: 400,
          message:
            "Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly.",
          status: "INVALID_ARGUMENT",
        },
      })
    : openrouterWrapped("Anthropic", {
        type: "error",
        error: {
          type: "invalid_request_error",
          message: `messages.${index}.content.0.type: Expected \`thinking\` or \`redacted_thinking\`, but found \`tool_use\`. When \`thinking\` is enabled, a final \`assistant\` message must start with a thinking block`,
        },
      });
};

function openrouterThinks({ reasoning, reasoning_effort: flat }: JsonRecord, model: string): boolean {
  const { enabled, effort = flat, max_tokens: budget } = asRecord(reasoning);
  if (enabled === false || effort === "none") {
    return false;
  }
  return (
    /^google\/gemini-3|thinking|^deepseek\//.test(model) || enabled === true || isSet(effort) || isSet(budget)
  );
}

/** https://openrouter.ai/docs/use-cases/reasoning-tokens. The marks: anomalyco/opencode#39009, microsoft/vscode#312939. Wrapped reasons: open-webui/computer#293, cline/cline#13194. */
const openrouter: Persona = {
  about:
    "OpenRouter: wants reasoning_details back whole; cache marks for Claude; reasons of providers in metadata.raw",
  models: [
    "anthropic/claude-sonnet-5",
    "google/gemini-3-pro-preview",
    "deepseek/deepseek-v4-pro",
    "openai/gpt-4.1",
  ],
  words: ["reasoning-details"],
  // reasoning_content is a second name of reasoning: UKGovernmentBEIS/inspect_ai#4080, BerriAI/litellm#27439.
  takes: { assistant: ["reasoning", "reasoning_content", "reasoning_details"], cacheMarks: true },
  rules: [
    ({ body }) => {
      const { effort, max_tokens: budget } = asRecord(body.reasoning);
      return isSet(effort) && isSet(budget)
        ? plainError(400, 'Only one of "reasoning.effort" and "reasoning.max_tokens" may be specified', {
            code: 400,
          })
        : undefined;
    },
    openrouterReasoning,
  ],
  thinks: openrouterThinks,
  faults: {
    "rate-limit": "compat/openrouter-limited",
    credit: "compat/openrouter-no-credits",
    "invalid-key": "compat/openrouter-no-user",
    overload: "compat/openrouter-wrapped",
    "forbidden-model": "compat/openrouter-no-endpoints",
  },
  tooLong: ({ contextTokens, promptTokens, askedTokens = 0 }) =>
    plainError(
      400,
      `This endpoint's maximum context length is ${contextTokens} tokens. However, you requested about ${promptTokens + askedTokens} tokens (${promptTokens} of text input, ${askedTokens} in the output). Please reduce the length of either one, or use the "middle-out" transform to compress your prompt automatically.`,
      { code: 400 },
    ),
  callId: ({ hex, isThinking }) => `${isThinking ? "toolu_or" : "toolu_"}${hex.slice(0, 20)}`,
  cachesAtMarks: (model) => model.startsWith("anthropic/"),
  opening: ": OPENROUTER PROCESSING\n\n",
};

/** https://docs.together.ai/docs/reasoning-overview. */
const together: Persona = {
  about:
    "Together: reasoning in `reasoning`, switched by reasoning.enabled; cached tokens at the top of usage",
  models: ["openai/gpt-oss-120b", "zai-org/GLM-4.7", "meta-llama/Llama-3.3-70B-Instruct-Turbo"],
  words: ["reasoning", "cached-at-top"],
  takes: { assistant: ["reasoning", "reasoning_content"] },
  rules: [],
  thinks: ({ reasoning, chat_template_kwargs: kwargs }, model) =>
    /gpt-oss/.test(model) ||
    (/GLM-(?:4\.[5-9]|[5-9])|Kimi-K2|DeepSeek-V[34]/.test(model) &&
      asRecord(reasoning).enabled !== false &&
      asRecord(kwargs).thinking !== false),
  faults: { "rate-limit": "compat/together-rate-limit", credit: "compat/together-no-credits" },
  tooLong: ({ contextTokens, promptTokens, askedTokens = 0 }) =>
    plainError(
      422,
      `Input validation error: \`inputs\` tokens + \`max_new_tokens\` must be <= ${contextTokens}. Given: ${promptTokens} \`inputs\` tokens and ${askedTokens} \`max_new_tokens\``,
    ),
};

/** https://docs.fireworks.ai/guides/reasoning. */
const fireworks: Persona = {
  about: "Fireworks: reasoning_effort or thinking, not both",
  models: ["accounts/fireworks/models/deepseek-v4-pro", "accounts/fireworks/models/glm-4p7"],
  words: [],
  takes: { assistant: ["reasoning_content"] },
  rules: [
    ({ body }) =>
      isSet(body.thinking) && isSet(body.reasoning_effort)
        ? plainError(400, "Cannot specify both 'thinking' and 'reasoning_effort'")
        : undefined,
  ],
  thinks: ({ thinking, reasoning_effort: effort }) =>
    asRecord(thinking).type !== "disabled" && effort !== "none",
  faults: { "rate-limit": "compat/fireworks-rate-limit", credit: "compat/fireworks-suspended" },
  tooLong: ({ contextTokens, promptTokens }) =>
    plainError(
      400,
      `The prompt is too long: ${promptTokens}, model maximum context length: ${contextTokens}`,
    ),
};

const siliconflowError = (code: number, message: string): Refusal =>
  new Refusal(400, { code, message, data: null });
const siliconflowThinks = ({ model }: Pick<Asked, "model">): boolean => /Qwen3|DeepSeek-V|GLM-/.test(model);

/** https://docs.siliconflow.cn/en/api-reference/chat-completions; EatWorld/UmiOCR-AI-OCR-Plugin#39, THU-MAIC/OpenMAIC#1035. */
const siliconflow: Persona = {
  about: "SiliconFlow: enable_thinking and thinking_budget for few models; failures as {code, message, data}",
  models: ["deepseek-ai/DeepSeek-V3.2", "Qwen/Qwen3-32B", "Qwen/Qwen2.5-72B-Instruct"],
  words: [],
  takes: { assistant: ["reasoning_content"] },
  rules: [
    memberOf("enable_thinking", siliconflowThinks, () =>
      siliconflowError(20_015, "Value error, current model does not support parameter `enable_thinking`."),
    ),
    memberOf(
      "thinking_budget",
      ({ body }) => (asNumber(body.thinking_budget) ?? 0) >= 128 && Number(body.thinking_budget) <= 32_768,
      () => siliconflowError(20_015, "thinking_budget: Must be less than or equal to 32768"),
    ),
  ],
  thinks: ({ enable_thinking: isOn }, model) => siliconflowThinks({ model }) && isOn === true,
  faults: {
    "rate-limit": "compat/siliconflow-tokens-per-minute",
    credit: "compat/siliconflow-no-balance",
    overload: "compat/siliconflow-busy",
    "server-error": "compat/ok-unknown-code",
  },
  tooLong: contextInWords("invalid_request_error"),
};

export const HOSTS = { groq, cerebras, openrouter, together, fireworks, siliconflow } as const;
