// Servers of those who make their models. Where no other source stands, the documentation of each says it, November 2026.

import { asList, asNumber, asRecord, asString, type JsonRecord } from "../base/json.ts";
import { Refusal } from "../base/refusal.ts";
import type { Asked, Persona, Rule } from "./persona.ts";
import {
  contextInWords,
  forcedTools,
  idsOf,
  isSet,
  memberOf,
  noSchemas,
  plainError,
  returnedReasoning,
  rolesOf,
  unlessDisabled,
} from "./rules.ts";

const isText = (value: unknown): boolean => typeof value === "string";

/** https://api-docs.deepseek.com/guides/thinking_mode; openclaw/openclaw#73417, deepseek-ai/DeepSeek-V3#1376. */
const deepseek: Persona = {
  about:
    'wants reasoning_content back on every turn of a conversation with calls, "" too; no forced tools while it thinks',
  models: ["deepseek-v4-pro", "deepseek-v4-flash", "deepseek-chat"],
  words: ["flat-cache"],
  takes: { assistant: ["reasoning_content"] },
  rules: [
    rolesOf(["system", "user", "assistant", "tool"], (index, role) =>
      plainError(
        400,
        `Failed to deserialize the JSON body into the target type: messages[${index}].role: unknown variant \`${role}\`, expected one of \`system\`, \`user\`, \`assistant\`, \`tool\` at line 1 column 60`,
        { code: "invalid_request_error" },
      ),
    ),
    returnedReasoning({
      member: "reasoning_content",
      of: "conversations",
      isGood: isText,
      refuse: () =>
        plainError(400, "The `reasoning_content` in the thinking mode must be passed back to the API.", {
          code: "invalid_request_error",
        }),
    }),
    forcedTools(() =>
      plainError(400, "Thinking mode does not support this tool_choice", { code: "invalid_request_error" }),
    ),
    noSchemas(() =>
      plainError(400, "This response_format type is unavailable now", { code: "invalid_request_error" }),
    ),
  ],
  thinks: unlessDisabled(/^deepseek-(?:v4|reasoner)/),
  faults: {
    "rate-limit": "compat/concurrency",
    credit: "compat/insufficient-balance",
    "invalid-key": "compat/invalid-key",
    "forbidden-model": "compat/model-not-exist",
    overload: "compat/deepseek-busy",
  },
  tooLong: contextInWords("invalid_request_error", "invalid_request_error"),
  opening: ": keep-alive\n\n",
};

const KIMI_THINKS = /^kimi-(?:k2[.p][5-9]|k[3-9]|k2-thinking)/;

/** https://platform.moonshot.ai/docs; earendil-works/pi#4178 and #2017, HKUDS/nanobot#3939, anomalyco/opencode#10811. */
const moonshot: Persona = {
  about:
    "Kimi: wants reasoning_content back on turns with calls, not empty; no forced tools while it thinks; one temperature",
  models: ["kimi-k2.6", "kimi-k2.5", "kimi-k2-0905-preview"],
  words: ["cached-at-top", "usage-in-choice"],
  takes: { assistant: ["reasoning_content"] },
  rules: [
    ({ body }) =>
      isSet(body.thinking) && isSet(body.reasoning_effort)
        ? plainError(400, "cannot specify both 'thinking' and 'reasoning_effort'")
        : undefined,
    returnedReasoning({
      member: "reasoning_content",
      of: "calls",
      isGood: (value) => isText(value) && value !== "",
      refuse: (index) =>
        plainError(
          400,
          `thinking is enabled but reasoning_content is missing in assistant tool call message at index ${index}`,
        ),
    }),
    forcedTools((choice) => plainError(400, `tool_choice '${choice}' is incompatible with thinking enabled`)),
    memberOf(
      "temperature",
      ({ body, model, isThinking }) =>
        !KIMI_THINKS.test(model) || body.temperature === (isThinking ? 1 : 0.6),
      ({ isThinking }) =>
        plainError(400, `invalid temperature: only ${isThinking ? 1 : 0.6} is allowed for this model`),
    ),
  ],
  thinks: unlessDisabled(KIMI_THINKS),
  faults: {
    "rate-limit": "compat/moonshot-rate-limit",
    credit: "compat/moonshot-no-balance",
    overload: "compat/engine-overloaded",
    "forbidden-model": "compat/moonshot-model",
  },
  tooLong: ({ contextTokens, promptTokens, askedTokens = 0 }) =>
    plainError(
      400,
      `Invalid request: Your request exceeded model token limit: ${contextTokens} (requested: ${promptTokens + askedTokens})`,
    ),
  callId: ({ name, index }) => `functions.${name}:${index}`,
};

/** https://docs.z.ai/api-reference; zeroclaw-labs/zeroclaw#4124. */
const zai: Persona = {
  about: "GLM at Z.ai: thinks unless thinking.type is disabled; codes in place of types",
  models: ["glm-5.2", "glm-4.7", "glm-4-32b"],
  words: [],
  takes: { assistant: ["reasoning_content"] },
  rules: [],
  thinks: unlessDisabled(/^glm-(?:4\.[5-9]|[5-9])/),
  faults: {
    "rate-limit": "compat/zai-concurrency",
    credit: "compat/zai-no-balance",
    overload: "compat/zai-busy",
    "forbidden-model": "compat/zai-model",
  },
  tooLong: () => new Refusal(400, { error: { code: "1261", message: "Prompt exceeds max length" } }),
};

const ALGORITHM = "<400> InternalError.Algo.InvalidParameter: ";
const parameterError = (message: string): Refusal =>
  plainError(400, message, { code: "invalid_parameter_error" });

/** https://www.alibabacloud.com/help/en/model-studio/deep-thinking; cloudwego/eino#994, langchain4j/langchain4j#3974. */
const dashscope: Persona = {
  about:
    "Qwen at DashScope: enable_thinking, thinking_budget; no forced tools while it thinks; open models think in streams alone",
  models: ["qwen3.5-plus", "qwen-plus", "qwen3-32b"],
  words: [],
  takes: { assistant: ["reasoning_content"] },
  rules: [
    forcedTools(() =>
      parameterError(
        `${ALGORITHM}The tool_choice parameter does not support being set to required or object in thinking mode`,
      ),
    ),
    ({ body, model }) =>
      body.enable_thinking === true && body.stream !== true && /^qwen3-\d+b/.test(model)
        ? parameterError("parameter.enable_thinking must be set to false for non-streaming calls")
        : undefined,
    memberOf(
      "thinking_budget",
      ({ body }) => (asNumber(body.thinking_budget) ?? 0) > 0,
      () =>
        parameterError(
          `${ALGORITHM}The thinking_budget parameter must be a positive integer and not greater than 38912`,
        ),
    ),
  ],
  thinks: ({ enable_thinking: isOn }, model) =>
    /^qwen3\.[5-9]/.test(model) ? isOn !== false : isOn === true,
  faults: {
    "rate-limit": "compat/dashscope-requests",
    quota: "compat/throttled-quota",
    credit: "compat/dashscope-arrears",
    "invalid-key": "compat/dashscope-invalid-key",
  },
  tooLong: ({ contextTokens }) =>
    parameterError(`${ALGORITHM}Range of input length should be [1, ${contextTokens}]`),
};

const minimaxError = (message: string): Refusal =>
  new Refusal(400, {
    type: "error",
    error: { type: "bad_request_error", message: `invalid params, ${message} (2013)`, http_code: "400" },
    request_id: "simulated",
  });

/** https://platform.minimax.io/docs; QwenLM/qwen-code#11834, CherryHQ/cherry-studio#16431, milind-soni/OpenMausBot#1200. */
const minimax: Persona = {
  about:
    "MiniMax: thinks in <think> tags unless reasoning_split is true; functions need parameters; failures inside a 200",
  models: ["MiniMax-M2.7", "MiniMax-M3"],
  words: ["base-resp"],
  takes: { assistant: ["reasoning_content", "reasoning_details"] },
  rules: [
    ({ body }) =>
      asList(body.tools).some((tool) => !isSet(asRecord(asRecord(tool).function).parameters))
        ? minimaxError("function parameters is empty")
        : undefined,
    ({ body, model }) => {
      const { type } = asRecord(body.thinking);
      return /^MiniMax-M3/.test(model) && type === "enabled"
        ? minimaxError('invalid thinking.type: "enabled" (allowed: adaptive, disabled)')
        : undefined;
    },
  ],
  thinks: unlessDisabled(/^MiniMax-M[2-9]/),
  faults: {
    "rate-limit": "compat/minimax-rate-limit",
    credit: "compat/minimax-no-balance",
    "invalid-key": "compat/minimax-login",
  },
  tooLong: () => minimaxError("context window exceeds limit"),
};

const mistralError = (message: string, code: string, type: string): Refusal =>
  new Refusal(400, { object: "error", message, type, param: null, code, raw_status_code: 400 });

function extraForbidden(path: readonly (string | number)[], input: unknown, body: JsonRecord): Refusal {
  const [first, index, ...rest] = path;
  const role = first === "messages" ? asString(asRecord(asList(body.messages)[Number(index)]).role) : "";
  const loc = role === "" ? ["body", ...path] : ["body", first, index, role, ...rest];
  const detail = [{ type: "extra_forbidden", loc, msg: "Extra inputs are not permitted", input }];
  return new Refusal(422, {
    object: "error",
    message: { detail },
    type: "invalid_request_error",
    param: null,
    code: null,
    raw_status_code: 422,
  });
}

/** The order of turns that Mistral's chat templates take: zed-industries/zed#37021, 0xPlaygrounds/rig#1130. */
const mistralTurns: Rule = ({ messages }) => {
  for (const [index, { role }] of messages.entries()) {
    const before = asString(messages[index - 1]?.role);
    const isOdd =
      (role === "user" && before === "tool") ||
      (role === "system" && index > 0 && before !== "system") ||
      (role === "assistant" && before === "assistant");
    if (isOdd) {
      return mistralError(
        `Unexpected role '${asString(role)}' after role '${before}'`,
        "3230",
        "invalid_request_message_order",
      );
    }
  }
  const last = messages.at(-1);
  return last?.role === "assistant" && last.prefix !== true
    ? mistralError(
        "Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant",
        "3240",
        "invalid_request_message_order",
      )
    : undefined;
};

/** nearai/ironclaw#1241. */
const mistralIds: Rule = ({ messages }) => {
  const odd = idsOf(messages).find((id) => !/^[A-Za-z0-9]{9}$/.test(id));
  return odd === undefined
    ? undefined
    : mistralError(
        `Tool call id was ${odd} but must be a-z, A-Z, 0-9, with a length of 9.`,
        "3280",
        "invalid_function_call",
      );
};

/** https://docs.mistral.ai/api: nothing else may stand in a request. anon-kode#53: `stream_options` has no member. */
const MISTRAL_MEMBERS = [
  "model",
  "messages",
  "temperature",
  "top_p",
  "max_tokens",
  "stream",
  "stop",
  "random_seed",
  "metadata",
  "response_format",
  "tools",
  "tool_choice",
  "presence_penalty",
  "frequency_penalty",
  "n",
  "prediction",
  "parallel_tool_calls",
  "prompt_mode",
  "reasoning_effort",
  "guardrails",
  "safe_prompt",
  "prompt_cache_key",
];

const mistral: Persona = {
  about:
    "Mistral: ids of calls have nine letters and digits; no user behind a tool; no unknown member; thinking in content",
  models: ["mistral-medium-3-5", "mistral-large-2512", "magistral-medium-latest"],
  words: ["usage-in-finish", "reasoning-chunks"],
  takes: {
    assistant: ["prefix"],
    thinkingChunks: true,
    only: MISTRAL_MEMBERS,
    empty: ["stream_options"],
    unknown: extraForbidden,
  },
  rules: [
    mistralIds,
    mistralTurns,
    memberOf(
      "reasoning_effort",
      ({ body }) => body.reasoning_effort === "high" || body.reasoning_effort === "none",
      ({ body }) =>
        new Refusal(422, {
          object: "error",
          message: {
            detail: [
              {
                type: "enum",
                loc: ["body", "reasoning_effort"],
                msg: "Input should be 'high' or 'none'",
                input: body.reasoning_effort,
              },
            ],
          },
          type: "invalid_request_error",
          param: null,
          code: null,
          raw_status_code: 422,
        }),
    ),
  ],
  thinks: ({ reasoning_effort: effort }, model) => /^magistral/.test(model) || effort === "high",
  faults: {
    "rate-limit": "compat/mistral-rate-limit",
    "invalid-key": "compat/mistral-unauthorized",
    overload: "compat/mistral-capacity",
    "forbidden-model": "compat/mistral-model",
  },
  tooLong: ({ contextTokens, promptTokens }) =>
    mistralError(
      `Prompt contains ${promptTokens} tokens and 0 draft tokens, too large for model with ${contextTokens} maximum context length`,
      "3051",
      "invalid_request_prompt",
    ),
  callId: ({ hex }) => hex.slice(0, 9),
};

const xaiError = (error: string): Refusal =>
  new Refusal(400, { code: "Client specified an invalid argument", error });

const XAI_EFFORT = /^grok-(?:3-mini|4\.[3-9])/;
const camel = (member: string): string =>
  member.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());

function xaiMember(member: string, isTaken: (asked: Asked) => boolean): Rule {
  return memberOf(member, isTaken, ({ model }) =>
    xaiError(`Model ${model} does not support parameter ${camel(member)}.`),
  );
}

/** https://docs.x.ai/docs/guides/reasoning; BerriAI/litellm#16265, miaoxworld/NativeTavern#83, cline/cline#3120. */
const xai: Persona = {
  about:
    "xAI: few models take reasoning_effort, none stop or penalties; reasoning beside the completion's tokens",
  models: ["grok-4.3", "grok-4", "grok-4-fast-non-reasoning"],
  words: ["outside-reasoning"],
  takes: { assistant: ["reasoning_content"] },
  rules: [
    xaiMember("reasoning_effort", ({ model }) => XAI_EFFORT.test(model)),
    ...["stop", "presence_penalty", "frequency_penalty"].map((member) =>
      xaiMember(member, ({ model }) => !/^grok-(?:[4-9]|\d\d)/.test(model)),
    ),
  ],
  thinks: (_, model) => /^grok-(?:[4-9]|\d\d)/.test(model) && !model.includes("non-reasoning"),
  faults: {
    "rate-limit": "compat/xai-rate-limit",
    credit: "compat/xai-no-credits",
    "invalid-key": "compat/xai-invalid-key",
    "forbidden-model": "compat/xai-model",
  },
  tooLong: ({ contextTokens, promptTokens }) =>
    xaiError(
      `This model's maximum prompt length is ${contextTokens} but the request contains ${promptTokens} tokens.`,
    ),
};

export const MAKERS = { deepseek, moonshot, zai, dashscope, minimax, mistral, xai } as const;
