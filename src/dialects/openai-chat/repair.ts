/** What servers of Chat refuse, and what is changed for them. */
import type { JsonObject } from "../../core/json.ts";
import { type CallIdRule, SHORT_IDS } from "../../neutral/conversation/call-ids.ts";
import { asArray, asObject, asString } from "../../wire/json.ts";
import { type BodyEdit, mapMember, type Refusal, type RepairRules } from "../repair.ts";
import {
  DEVELOPER_REFUSED,
  FORCED_TOOL_REFUSED,
  FREE_TOOL_CHOICE,
  systemRole,
} from "../shared/openai-repairs.ts";
import { REFUSED_MEMBER } from "../shared/refused-member.ts";
import { CALL_IDS_REFUSED, fitCallIds } from "../shared/repairs/call-id-repairs.ts";
import { CALL_INSTEAD_OF_THINKING, FORCED_CALL_REFUSED } from "../shared/repairs/forced-call-repairs.ts";
import { addProperties, TOOL_MEMBERS_REFUSED, WITHOUT_NULLS } from "../shared/repairs/tool-repairs.ts";
import { joinContents, joinTurns, partsOf, withoutSealsIn } from "../shared/turns.ts";
import { sealOf } from "./call-slot.ts";
import { REASONING_MEMBERS, thinkingPart } from "./reasoning-members.ts";
import { DUMMY_SIGNATURE } from "./seal.ts";
import { isClosed } from "./tool-encode.ts";
import { withoutSeals } from "./unseal.ts";

/** Template engines report a refusal as 400 or, in llama.cpp, as 500. */
const TEMPLATE_STATUSES: readonly number[] = [400, 422, 500];

const REFUSALS: readonly Refusal[] = [
  // DeepSeek: openclaw/openclaw#73417, deepseek-ai/DeepSeek-V3#1053; Kimi: QuantumNous/new-api#3121
  {
    words:
      /^(?:The )?[`'"]?reasoning_content[`'"]?(?: field)? (?:in the thinking mode )?(?:must|should|needs to) be (?:passed|sent) back|^thinking is enabled but reasoning_content is missing|^Missing [`'"]?reasoning_content[`'"]? field/i,
    repairs: ["return-reasoning"],
  },
  // Google: https://ai.google.dev/gemini-api/docs/thought-signatures, massgen/MassGen#624
  {
    words:
      /^(?:Unable to submit request because )?function call (?:[^\n]{0,200} )?is missing a thought_signature/i,
    repairs: ["sign-calls"],
  },
  // Alibaba's open models, infiniflow/ragflow#8972; ModelScope, musistudio/claude-code-router#948
  {
    words:
      /^(?:<400> InternalError\.Algo\.InvalidParameter: )?parameter\.enable_thinking must be set to false for non-streaming calls|^enable thinking can not be support when `?stream=False/i,
    repairs: ["no-thinking"],
  },
  // OpenRouter, for models that always think: musistudio/claude-code-router#1238
  {
    words: /^Reasoning is mandatory for this endpoint and cannot be disabled/i,
    repairs: ["without"],
    members: ["reasoning", "reasoning_effort"],
  },
  ...FORCED_CALL_REFUSED,
  ...FORCED_TOOL_REFUSED,
  DEVELOPER_REFUSED,
  // OpenAI's models from GPT-5.4 on: https://platform.openai.com/docs/guides/latest-model
  { words: /^Function tools with reasoning_effort are not supported/i, repairs: ["no-effort"] },
  // OpenAI behind a name that says nothing of it: https://platform.openai.com/docs/guides/structured-outputs
  {
    words: /^Invalid schema for function '[^'\n]{0,80}': In context=\(\), object schema missing properties/i,
    repairs: ["add-properties"],
  },
  {
    words:
      /^Invalid schema for function '[^'\n]{0,80}': In context=\([^\n]{0,200}\), '(?:additionalProperties|required)' is required to be supplied/i,
    repairs: ["strict-when-closed"],
  },
  // Gemma's template in vLLM and llama.cpp
  {
    words: /^System role (?:is )?not supported/i,
    repairs: ["system-as-user"],
    statuses: TEMPLATE_STATUSES,
  },
  ...TOOL_MEMBERS_REFUSED,
  ...CALL_IDS_REFUSED,
  // Mistral (error 3280), and its chat templates elsewhere: nearai/ironclaw#1241, jundot/omlx#1997, ml-explore/mlx-lm#1375
  {
    words: /^Tool call id was \S{0,300} but must be a-z, A-Z, 0-9, with a length of 9/i,
    repairs: ["short-call-ids"],
    statuses: TEMPLATE_STATUSES,
  },
  {
    words: /^Tool call IDs should be alphanumeric strings with length 9/i,
    repairs: ["short-call-ids"],
    statuses: TEMPLATE_STATUSES,
  },
  // Claude behind OpenRouter, LiteLLM and others, of a turn whose thinking the client has not kept: anomalyco/opencode#3077
  {
    words:
      /^(?:The model returned the following errors: )?(?:messages\.\d+\.content\.\d+\.type: )?Expected `thinking` or `redacted_thinking`, but found `\w+`/i,
    repairs: ["without"],
    members: ["reasoning", "reasoning_effort", "thinking"],
    isOnce: true,
  },
  // Mistral: avante-corp/avante.nvim#2562, zed-industries/zed#31736
  { words: /^Unexpected role 'user' after role 'tool'/i, repairs: ["bridge-turns"] },
  // Mistral, with the beginning of an answer last: 0xPlaygrounds/rig#1130
  { words: /^Expected last role User or Tool \(or Assistant with prefix True\)/i, repairs: ["mark-prefix"] },
  { words: /^Unexpected role '(user|assistant)' after role '\1'/i, repairs: ["system-first"] },
  // Qwen's and Mistral's templates: can1357/oh-my-pi#958, charmbracelet/crush#279
  {
    words:
      /^System (?:message|role) (?:must|should|can only) be (?:at the beginning|(?:the )?first|at the start)|^Unexpected role 'system' after role/i,
    repairs: ["system-first"],
    statuses: TEMPLATE_STATUSES,
  },
  {
    words:
      /^(?:After the (?:optional )?system message,? |Only user, assistant and tool roles are supported after the initial, optional system message\. )?(?:conversation )?roles must alternate|^Only user, assistant and tool roles are supported after the initial/i,
    repairs: ["system-first", "bridge-turns"],
    statuses: TEMPLATE_STATUSES,
  },
  // Google's models behind Chat
  {
    words: /^(?:.{0,120}: )?(?:Corrupted thought signature|Thought signature is not valid)/i,
    repairs: ["without-seals"],
    isOnce: true,
  },
  // DeepSeek; Groq; LM Studio
  {
    words:
      /^This response_format type is unavailable now|^This model does not support response format `?json_schema|^Invalid parameter: 'response_format' of type 'json_schema' is not supported|^response_format\.type: (?:Input should be|unknown variant)/i,
    repairs: ["schema-in-words"],
  },
  // Ollama, for models that do not think
  {
    words: /^"?[\w./:-]+"? does not support thinking/i,
    repairs: ["without"],
    members: ["reasoning_effort", "reasoning", "thinking"],
  },
  ...REFUSED_MEMBER,
];

/** Members of the dialect and of its servers that say how, not what. */
const OPTIONAL = {
  stream_options: null,
  "stream_options.include_obfuscation": null,
  temperature: "temperature",
  top_p: "topP",
  top_k: "topK",
  min_p: null,
  top_a: null,
  repetition_penalty: null,
  frequency_penalty: "frequencyPenalty",
  presence_penalty: "presencePenalty",
  logit_bias: "logitBias",
  seed: "seed",
  parallel_tool_calls: "parallelToolCalls",
  reasoning_effort: "reasoning",
  reasoning: "reasoning",
  include_reasoning: null,
  reasoning_format: null,
  thinking: "reasoning",
  enable_thinking: "reasoning",
  thinking_budget: "reasoning",
  chat_template_kwargs: "reasoning",
  verbosity: "verbosity",
  user: "userId",
  safety_identifier: "userId",
  metadata: "metadata",
  store: null,
  service_tier: "serviceTier",
  prediction: null,
  prompt_cache_key: "cacheKey",
  prompt_cache_retention: null,
  prompt_cache_options: null,
  cache_control: null,
  "messages.*.name": null,
  "messages.*.refusal": null,
  "messages.*.annotations": null,
  "messages.*.metadata": null,
  "messages.*.cache_control": null,
  "messages.*.reasoning": "reasoning",
  "messages.*.reasoning_content": "reasoning",
  "messages.*.reasoning_details": "reasoning",
  "messages.*.content.*.cache_control": null,
  "messages.*.content.*.prompt_cache_breakpoint": null,
  // Clients send back what their libraries note on an answer: LiteLLM (BerriAI/litellm#25595 and #20334), OpenAI's `parse`.
  "messages.*.provider_specific_fields": null,
  "messages.*.parsed": null,
  "messages.*.thinking_blocks": "reasoning",
  "messages.*.tool_calls.*.provider_specific_fields": null,
  "messages.*.tool_calls.*.function.provider_specific_fields": null,
  "messages.*.tool_calls.*.function.parsed_arguments": null,
  // opencode marks the last part of a turn for the cache, also a call.
  "messages.*.tool_calls.*.cache_control": null,
  "messages.*.tool_calls.*.index": null,
  "messages.*.tool_calls.*.extra_content": "reasoning",
  "tools.*.cache_control": null,
  "tools.*.strict": null,
  "tools.*.function.strict": null,
} satisfies RepairRules["optional"];

/** As OpenAI takes them; other servers take other signs too. */
const CALL_IDS: CallIdRule = { isAllowed: /^[\x21-\x7e]+$/, maxChars: 40, prefix: "call_" };

/** The turn of the assistant that stands between a tool's result and the user's next words. */
const BRIDGE = { role: "assistant", content: "Understood." };

const EDITS = {
  "return-reasoning": {
    field: "messages",
    parameter: null,
    reason:
      "each turn of the assistant got the reasoning that the upstream wants back, a space where none was",
    change: (body) => mapMember(body, "messages", withReasoning),
  },
  "think-in-content": {
    field: "messages",
    parameter: null,
    reason: "the reasoning of earlier turns went into their content, where the upstream takes it back",
    concerns: REASONING_MEMBERS,
    change: (body) => mapMember(body, "messages", withThinkingInContent),
  },
  "sign-calls": {
    field: "messages",
    parameter: null,
    reason: "calls that Google did not sign got its stand-in for a signature",
    change: (body) => mapMember(body, "messages", withSignature),
  },
  "no-thinking": {
    field: "enable_thinking",
    parameter: "reasoning",
    reason: "false, because the upstream's model thinks in streams alone",
    change(body) {
      if (body.stream === true || body.enable_thinking === false) return body;
      const { thinking_budget: _, ...rest } = body;
      return { ...rest, enable_thinking: false };
    },
  },
  "call-instead-of-thinking": CALL_INSTEAD_OF_THINKING,
  "free-tool-choice": FREE_TOOL_CHOICE,
  "strict-when-closed": {
    field: "tools",
    parameter: null,
    reason: "a tool whose schema is open is not strict, because the upstream refuses it",
    change: (body) => mapMember(body, "tools", strictWhenClosed),
  },
  "short-call-ids": fitCallIds("messages", SHORT_IDS),
  "fit-call-ids": fitCallIds("messages", CALL_IDS),
  "add-properties": addProperties("parameters"),
  "without-nulls": WITHOUT_NULLS,
  "no-effort": {
    field: "reasoning_effort",
    parameter: "reasoning",
    reason: "none, because this model does not think on Chat Completions when it has tools",
    change: (body) =>
      asArray(body.tools).length === 0 || body.reasoning_effort === "none"
        ? body
        : { ...body, reasoning_effort: "none" },
  },
  "system-role": systemRole("messages"),
  "system-as-user": {
    field: "messages",
    parameter: "messages",
    reason: "instructions were put into the user's turns, because the upstream knows no others",
    change: (body) =>
      withMessages(body, (messages) => joinTurns(messages.map(asUser), joinMessages, standsApart)),
  },
  "system-first": {
    field: "messages",
    parameter: null,
    reason:
      "instructions between the turns were put into the user's turns, and neighbours of one role joined",
    change: (body) => withMessages(body, systemFirst),
  },
  "bridge-turns": {
    field: "messages",
    parameter: "messages",
    reason: "a turn of the assistant was put between the result of a tool and the user's words",
    change: (body) => withMessages(body, bridged),
  },
  "mark-prefix": {
    field: "messages",
    parameter: null,
    reason: "the beginning of the answer was marked with prefix, as the upstream wants it",
    change: (body) =>
      withMessages(body, (messages) => {
        const last = asObject(messages.at(-1));
        if (last?.role !== "assistant" || last.prefix === true) return messages;
        return [...messages.slice(0, -1), { ...last, prefix: true }];
      }),
  },
  "without-seals": withoutSealsIn("messages", withoutSeals),
} satisfies Readonly<Record<string, BodyEdit>>;

export const REPAIRS: RepairRules = {
  refusals: REFUSALS,
  optional: OPTIONAL,
  replaced: { stop: "watch-stops", response_format: "schema-in-words" },
  renamed: { max_tokens: "max_completion_tokens", max_completion_tokens: "max_tokens" },
  edits: EDITS,
  betaHeader: null,
  limits: { answer: [["max_tokens"], ["max_completion_tokens"]], thinking: null },
};

function withMessages(
  body: JsonObject,
  change: (messages: readonly unknown[]) => readonly unknown[],
): JsonObject {
  const messages = asArray(body.messages);
  const changed = change(messages);
  const isSame = changed.length === messages.length && changed.every((item, n) => item === messages[n]);
  return isSame ? body : { ...body, messages: changed };
}

function strictWhenClosed(tool: JsonObject): JsonObject {
  const named = asObject(tool.function);
  const schema = asObject(named?.parameters);
  if (named?.strict !== true || (schema !== null && isClosed(schema))) return tool;
  const { strict: _, ...loose } = named;
  return { ...tool, function: loose };
}

/** Kimi, and DeepSeek behind OpenRouter, take an empty text for a missing one: earendil-works/pi#4178, BerriAI/litellm#27439. */
const NO_REASONING = " ";

/** vLLM and OpenRouter call the same text `reasoning`. */
function withReasoning(message: JsonObject): JsonObject {
  if (message.role !== "assistant" || (asString(message.reasoning_content) ?? "") !== "") return message;
  const known = asString(message.reasoning) ?? "";
  return { ...message, reasoning_content: known === "" ? NO_REASONING : known };
}

/** The members would be refused, those that the server has no place for as well. */
function withThinkingInContent(message: JsonObject): JsonObject {
  if (message.role !== "assistant" || !REASONING_MEMBERS.some((name) => message[name] !== undefined))
    return message;
  const rest = Object.fromEntries(
    Object.entries(message).filter(([name]) => !REASONING_MEMBERS.includes(name)),
  );
  const thought = asString(message.reasoning_content) || asString(message.reasoning) || "";
  if (thought === "") return rest;
  const { content } = message;
  const said = content === undefined || content === null || content === "" ? [] : partsOf(content);
  return { ...rest, content: [thinkingPart(thought), ...said] };
}

/** Google signs the first of parallel calls. */
function withSignature(message: JsonObject): JsonObject {
  const [first, ...others] = asArray(message.tool_calls);
  const call = asObject(first);
  if (message.role !== "assistant" || call === null || sealOf(call) !== null) return message;
  const signed = { ...call, extra_content: { google: { thought_signature: DUMMY_SIGNATURE } } };
  return { ...message, tool_calls: [signed, ...others] };
}

function isInstruction(message: unknown): boolean {
  const role = asObject(message)?.role;
  return role === "system" || role === "developer";
}

function asUser(message: unknown): unknown {
  return isInstruction(message) ? { role: "user", content: asObject(message)?.content } : message;
}

/** The instructions in front as one message; the user says those between the turns, in the usual tag. */
function systemFirst(messages: readonly unknown[]): readonly unknown[] {
  let leading = 0;
  while (isInstruction(messages[leading])) leading++;
  const turns = messages.map((message, n) =>
    n < leading || !isInstruction(message) ? message : tagged(message),
  );
  return joinTurns(turns, joinMessages, standsApart);
}

function tagged(message: unknown): JsonObject {
  const content = asObject(message)?.content;
  return typeof content === "string"
    ? { role: "user", content: `<system-reminder>\n${content}\n</system-reminder>` }
    : { role: "user", content };
}

/** Calls and their results stay apart from what follows. */
function standsApart(message: JsonObject): boolean {
  return message.role === "tool" || message.tool_calls !== undefined;
}

function joinMessages(run: readonly JsonObject[]): JsonObject {
  const members = Object.fromEntries(run.flatMap((message) => Object.entries(message)));
  return { ...members, content: joinContents(run.map(({ content }) => content)) };
}

function bridged(messages: readonly unknown[]): readonly unknown[] {
  return messages.flatMap((message, n) => {
    const isBehindResult = asObject(messages[n - 1])?.role === "tool" && asObject(message)?.role === "user";
    return isBehindResult ? [BRIDGE, message] : [message];
  });
}
