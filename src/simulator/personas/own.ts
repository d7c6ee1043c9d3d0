// Servers on one's own machine, and gateways that are an upstream of this one.

import { asRecord, asString } from "../base/json.ts";
import { Refusal } from "../base/refusal.ts";
import type { Persona, Sizes } from "./persona.ts";
import { contextInWords, isSet, memberOf, plainError, unlessSwitchedOff } from "./rules.ts";

const THINKERS =
  /qwen3|qwq|deepseek-(?:v[34]|r1)|glm-(?:4\.[5-9]|[5-9])|gpt-oss|minimax-m|kimi-k2|magistral/i;

/** From 0.18. */
function vllmTooLong({ contextTokens, promptTokens, askedTokens }: Sizes): Refusal {
  const limit = `This model's maximum context length is ${contextTokens} tokens.`;
  const message =
    askedTokens === undefined
      ? `${limit} However, your prompt contains ${promptTokens} input tokens. Please reduce the length of the input prompt. (parameter=input_tokens, value=${promptTokens})`
      : `${limit} However, you requested ${askedTokens} output tokens and your prompt contains ${promptTokens} input tokens, for a total of ${promptTokens + askedTokens} tokens. Please reduce the length of the input prompt or the number of requested output tokens. (parameter=input_tokens, value=${promptTokens})`;
  return plainError(400, message, { type: "BadRequestError", code: 400 });
}

/** https://docs.vllm.ai/en/latest/features/reasoning_outputs: `reasoning` since 0.16; vllm-project/router PR#115. */
const vllm: Persona = {
  about:
    "vLLM: reasoning in `reasoning`, switched by chat_template_kwargs; refuses what its context has no room for",
  models: ["qwen3-32b", "local-32k", "llama-3.3-70b"],
  words: ["reasoning", "stop-reason"],
  takes: { assistant: ["reasoning", "reasoning_content"] },
  rules: [],
  thinks: unlessSwitchedOff(THINKERS),
  faults: { "forbidden-model": "compat/vllm-no-model", "invalid-key": "compat/vllm-unauthorized" },
  tooLong: vllmTooLong,
  callId: ({ hex }) => `chatcmpl-tool-${hex}`,
};

/** https://docs.sglang.ai/basic_usage/openai_api_completions.html; anomalyco/opencode#25231. */
const sglang: Persona = {
  about: "SGLang: reasoning in `reasoning_content`, switched by chat_template_kwargs; flat errors",
  models: ["qwen3-32b", "llama-3.3-70b"],
  words: [],
  takes: { assistant: ["reasoning_content"] },
  rules: [],
  thinks: unlessSwitchedOff(THINKERS),
  faults: { "forbidden-model": "compat/vllm-no-model", overload: "compat/sglang-queue" },
  tooLong: ({ contextTokens, promptTokens, askedTokens = 0 }) =>
    new Refusal(400, {
      object: "error",
      message: `Requested token count exceeds the model's maximum context length of ${contextTokens} tokens. You requested a total of ${promptTokens + askedTokens} tokens: ${promptTokens} tokens from the input messages and ${askedTokens} tokens for the completion. Please reduce the number of tokens in the input messages or the completion to fit within the limit.`,
      type: "BadRequestError",
      param: null,
      code: 400,
    }),
};

/** https://docs.ollama.com/api/openai-compatibility. */
const ollama: Persona = {
  about: "Ollama: reasoning in `reasoning`; refuses reasoning_effort for models that do not think",
  models: ["qwen3:8b", "gpt-oss:20b", "llama3.2"],
  words: ["reasoning", "whole-calls"],
  takes: { assistant: ["reasoning", "reasoning_content"] },
  rules: [
    memberOf(
      "reasoning_effort",
      ({ model }) => THINKERS.test(model),
      ({ model }) => plainError(400, `"${model}" does not support thinking`, { type: "api_error" }),
    ),
  ],
  thinks: ({ reasoning, reasoning_effort: flat }, model) =>
    THINKERS.test(model) && flat !== "none" && asRecord(reasoning).effort !== "none",
  faults: { "forbidden-model": "compat/model-not-found", "rate-limit": "compat/ollama-hourly" },
  tooLong: ({ contextTokens, promptTokens }) =>
    plainError(
      400,
      `prompt too long; exceeded max context length by ${Math.max(1, promptTokens - contextTokens)} tokens`,
      { type: "api_error" },
    ),
};

/** https://github.com/ggml-org/llama.cpp, tools/server/README.md; ggml-org/llama.cpp#15780. */
const llamaCpp: Persona = {
  about: "llama.cpp: reasoning in `reasoning_content`; template errors and sizes as it words them",
  models: ["qwen3-8b", "gemma-3-12b"],
  words: [],
  takes: { assistant: ["reasoning_content"] },
  rules: [],
  thinks: unlessSwitchedOff(THINKERS),
  faults: { overload: "compat/llama-loading" },
  tooLong: ({ contextTokens, promptTokens }) =>
    new Refusal(400, {
      error: {
        code: 400,
        message: `request (${promptTokens} tokens) exceeds the available context size (${contextTokens} tokens), try increasing it`,
        type: "exceed_context_size_error",
        n_prompt_tokens: promptTokens,
        n_ctx: contextTokens,
      },
    }),
};

const lmstudioError = (error: string): Refusal => new Refusal(400, { error });

/** https://lmstudio.ai/docs/developer/openai-compat. */
const lmstudio: Persona = {
  about: "LM Studio: errors are texts; no tool_choice of one tool; json_schema alone",
  models: ["qwen3-8b", "openai/gpt-oss-20b"],
  words: ["reasoning"],
  takes: { assistant: ["reasoning", "reasoning_content"] },
  rules: [
    ({ body }) =>
      isSet(body.tool_choice) && typeof body.tool_choice !== "string"
        ? lmstudioError("Invalid tool_choice type: 'object'. Supported string values: none, auto, required")
        : undefined,
    ({ body }) =>
      asString(asRecord(body.response_format).type) === "json_object"
        ? lmstudioError("'response_format.type' must be 'json_schema' or 'text'")
        : undefined,
  ],
  thinks: (_, model) => THINKERS.test(model),
  faults: {},
  tooLong: ({ contextTokens, promptTokens }) =>
    lmstudioError(
      `Trying to keep the first ${promptTokens} tokens when context the overflows. However, the model is loaded with context length of only ${contextTokens} tokens, which is not enough. Try to load the model with a larger context length, or provide a shorter input`,
    ),
};

const openaiTooLong = contextInWords("invalid_request_error", "context_length_exceeded");

/** The refusal of a server behind a gateway, in the words that the gateway puts around it. */
function wrapped(
  sizes: Sizes,
  around: (message: string) => string,
  type: string | null,
  code: string,
): Refusal {
  const { message } = asRecord(asRecord(openaiTooLong(sizes).body).error);
  return new Refusal(400, { error: { message: around(asString(message)), type, param: null, code } });
}

/** https://docs.litellm.ai/docs/exception_mapping; https://docs.litellm.ai/docs/completion/prompt_caching. */
const litellm: Persona = {
  about: "LiteLLM: other servers' reasons behind its own words; cache marks for Claude",
  models: ["claude-sonnet-5", "gpt-4.1"],
  words: [],
  takes: { assistant: ["reasoning_content", "thinking_blocks"], cacheMarks: true },
  rules: [],
  thinks: ({ thinking, reasoning_effort: effort }) =>
    asRecord(thinking).type === "enabled" || (isSet(effort) && effort !== "none"),
  faults: {
    "rate-limit": "compat/litellm-rate-limit",
    "invalid-key": "compat/litellm-invalid-key",
    "forbidden-model": "compat/model-denied-401",
  },
  tooLong: (sizes) =>
    wrapped(
      sizes,
      (message) =>
        `litellm.ContextWindowExceededError: litellm.BadRequestError: ContextWindowExceededError: OpenAIException - ${message}`,
      null,
      "400",
    ),
  cachesAtMarks: (model) => model.startsWith("claude-"),
};

/** QuantumNous/new-api: the request id behind each message, messages in Chinese. */
const newApi: Persona = {
  about: "New API: other servers' reasons with a request id behind them; its own in Chinese",
  models: ["gpt-4.1", "deepseek-v4-pro"],
  words: [],
  takes: { assistant: ["reasoning_content", "reasoning"] },
  rules: [],
  thinks: ({ thinking, reasoning_effort: effort }) =>
    asRecord(thinking).type === "enabled" || (isSet(effort) && effort !== "none"),
  faults: {
    "rate-limit": "compat/new-api-saturated",
    credit: "compat/new-api-no-quota",
    "invalid-key": "compat/new-api-invalid-token",
    "forbidden-model": "compat/new-api-no-channel",
  },
  tooLong: (sizes) =>
    wrapped(
      sizes,
      (message) => `${message} (request id: 2026113008000000000000000000000)`,
      "upstream_error",
      "context_length_exceeded",
    ),
};

/** EM-GeekLab/NexusGate#82, Wei-Shaw/sub2api#2826: streams under another type. xiaoliu10/claude-code-router-next#45. */
const reseller: Persona = {
  about: "a reseller's relay: streams under text/plain, usage in every chunk, reasons as JSON within a text",
  models: ["gpt-4.1", "deepseek-v4-pro"],
  words: ["usage-every-chunk", "empty-role"],
  takes: { assistant: ["reasoning_content"] },
  rules: [],
  thinks: () => false,
  faults: { "rate-limit": "compat/ok-rate-limit", credit: "compat/ok-no-credit" },
  tooLong: (sizes) =>
    new Refusal(400, {
      error: {
        message: JSON.stringify(openaiTooLong(sizes).body),
        type: "upstream_error",
        param: "",
        code: null,
      },
    }),
  streamType: "text/plain; charset=utf-8",
};

export const OWN = {
  vllm,
  sglang,
  ollama,
  "llama.cpp": llamaCpp,
  lmstudio,
  litellm,
  "new-api": newApi,
  reseller,
} as const;
