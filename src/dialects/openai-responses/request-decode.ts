/** Reads a request of the Responses API. */
import type { JsonObject } from "../../core/json.ts";
import type { CacheHint } from "../../neutral/message.ts";
import type { OutputFormat, ReasoningRequest } from "../../neutral/request.ts";
import { EFFORTS } from "../../neutral/traits.ts";
import type { DecodedRequest } from "../codec.ts";
import { Drops } from "../shared/drops.ts";
import { decodeExtraSampling, withExtraSampling } from "../shared/extra-sampling.ts";
import {
  booleanAt,
  checkDepth,
  integerAt,
  isAbsent,
  listAt,
  nameAt,
  notOneOf,
  numberAt,
  objectAt,
  requiredObjectAt,
  stringAt,
  stringsAt,
  wordAt,
} from "../shared/members.ts";
import { malformed, refusedPart } from "../shared/refusal.ts";
import { ttlOf } from "./part-decode.ts";
import { makeReplyContext } from "./reply-context.ts";
import { decodeToolChoice, ToolList } from "./tool-decode.ts";
import { InputDecoder } from "./turn-decode.ts";

/**
 * Members that are read, and members that clients send with each request and that mean nothing elsewhere:
 * `store` (the response says that nothing is stored), `client_metadata` (Codex about itself),
 * `stream_options` (padding against eavesdroppers).
 */
const MEMBERS: ReadonlySet<string> = new Set([
  "model",
  "input",
  "instructions",
  "tools",
  "tool_choice",
  "parallel_tool_calls",
  "max_tool_calls",
  "max_output_tokens",
  "temperature",
  "top_p",
  "top_logprobs",
  "reasoning",
  "text",
  "include",
  "stream",
  "metadata",
  "safety_identifier",
  "user",
  "service_tier",
  "prompt_cache_key",
  "prompt_cache_options",
  "prompt_cache_retention",
  "truncation",
  "moderation",
  "store",
  "client_metadata",
  "stream_options",
]);

const READ_OR_PASSED = withExtraSampling(MEMBERS);

/** Members that name state at OpenAI. Without the state the request means something else. */
const STORED = {
  previous_response_id: "the conversation is stored at OpenAI; send the whole conversation as input",
  conversation: "the conversation is stored at OpenAI; send the whole conversation as input",
  prompt: "the prompt is stored at OpenAI; send its text as instructions and input",
} as const;

const STORED_NAMES = Object.keys(STORED) as readonly (keyof typeof STORED)[];

const LOGPROBS = "message.output_text.logprobs";
/** Data of hosted tools that other providers always give or do not have. */
const INCLUDES: ReadonlySet<string> = new Set([
  "reasoning.encrypted_content",
  LOGPROBS,
  "web_search_call.action.sources",
  "web_search_call.results",
  "file_search_call.results",
  "code_interpreter_call.outputs",
  "computer_call_output.output.image_url",
  "message.input_image.image_url",
]);

export function decodeRequest(body: JsonObject): DecodedRequest {
  checkDepth(body, "");
  refuseStored(body);
  const drops = new Drops();
  drops.addUnknown(body, READ_OR_PASSED, "");
  dropSettings(body, drops);
  const tools = new ToolList(drops, integerAt(body, "max_tool_calls", "", 1));
  tools.addAll(listAt(body, "tools", "") ?? [], "tools");
  const input = new InputDecoder(stringAt(body, "instructions", ""), tools, drops);
  if (body.input !== undefined && body.input !== null) input.read(body.input);
  if (input.messages.length === 0 && input.system.length === 0) {
    throw malformed(
      "input",
      isAbsent(body.input)
        ? "is missing; it must be a string or an array of items"
        : "must hold at least one message",
    );
  }
  const text = objectAt(body, "text", "");
  const found = tools.finish();
  const request = {
    model: nameAt(body, "model", ""),
    stream: booleanAt(body, "stream", "") ?? false,
    system: input.system,
    messages: input.messages,
    tools: found,
    toolChoice: decodeToolChoice(body.tool_choice, tools, drops),
    parallelToolCalls: booleanAt(body, "parallel_tool_calls", ""),
    maxOutputTokens: integerAt(body, "max_output_tokens", "", 1),
    stop: [],
    sampling: {
      temperature: numberAt(body, "temperature", ""),
      topP: numberAt(body, "top_p", ""),
      topK: null,
      seed: null,
      frequencyPenalty: null,
      presencePenalty: null,
      logitBias: null,
      ...decodeExtraSampling(body, MEMBERS, ""),
    },
    candidates: 1,
    logprobs: logprobsOf(body, drops),
    reasoning: reasoningOf(objectAt(body, "reasoning", ""), input.reasoning, drops),
    verbosity: text === null ? null : wordAt(text, "verbosity", "text", ["low", "medium", "high"]),
    output: outputOf(input.text ?? text),
    outputModalities: [],
    userId: stringAt(body, "safety_identifier", "") ?? stringAt(body, "user", ""),
    metadata: objectAt(body, "metadata", ""),
    serviceTier: stringAt(body, "service_tier", ""),
    cacheKey: stringAt(body, "prompt_cache_key", ""),
    cacheWhole: cacheOf(body, drops),
  } as const;
  return { request, dropped: drops.list, replyContext: makeReplyContext(body, tools.searchesTools) };
}

function refuseStored(body: JsonObject): void {
  for (const name of STORED_NAMES) {
    if (body[name] !== undefined && body[name] !== null) throw refusedPart(name, STORED[name]);
  }
  if (booleanAt(body, "background", "") === true) {
    throw refusedPart("background", "only OpenAI keeps responses to be fetched later; leave the field out");
  }
}

/** Drops settings that change the cost or the checks of an answer but not its content. */
function dropSettings(body: JsonObject, drops: Drops): void {
  if (stringAt(body, "truncation", "") === "auto") {
    drops.add("truncation", "other providers refuse a conversation that is too long");
  }
  const moderation = objectAt(body, "moderation", "");
  if (moderation === null) return;
  if (JSON.stringify(moderation).includes('"block"')) {
    throw refusedPart("moderation", 'only OpenAI blocks unsafe content on request; use the mode "score"');
  }
  drops.add("moderation", "other providers do not report moderation");
}

/** null: the client does not ask for log-probabilities. OpenAI ignores `top_logprobs` alone. */
function logprobsOf(body: JsonObject, drops: Drops): number | null {
  const include = stringsAt(body, "include", "") ?? [];
  for (let index = 0; index < include.length; index++) {
    const name = include[index] as string;
    if (!INCLUDES.has(name)) drops.add(`include[${index}]`, `the gateway does not know "${name}"`);
  }
  const count = integerAt(body, "top_logprobs", "", 0);
  return include.includes(LOGPROBS) ? (count ?? 0) : null;
}

/** `update`: the last configuration in the input, which holds only an effort. */
function reasoningOf(
  asked: JsonObject | null,
  update: JsonObject | null,
  drops: Drops,
): ReasoningRequest | null {
  if (asked === null && update === null) return null;
  const reasoning = asked ?? {};
  if (reasoning.context === "current_turn") {
    drops.add("reasoning.context", "only OpenAI lets a client say which earlier reasoning counts");
  }
  if (reasoning.mode === "pro") drops.add("reasoning.mode", "only OpenAI has the mode");
  const words = ["auto", "concise", "detailed"];
  const summary =
    wordAt(reasoning, "summary", "reasoning", words) ??
    wordAt(reasoning, "generate_summary", "reasoning", words);
  const effort =
    wordAt(update ?? {}, "effort", "reasoning", EFFORTS) ?? wordAt(reasoning, "effort", "reasoning", EFFORTS);
  if (effort === null && summary === null) return null;
  return { effort, budgetTokens: null, isDynamic: false, isShown: summary === null ? null : true };
}

function outputOf(text: JsonObject | null): OutputFormat | null {
  const format = text === null ? null : objectAt(text, "format", "text");
  if (format === null) return null;
  const at = "text.format";
  switch (nameAt(format, "type", at)) {
    case "text":
      return null;
    case "json_object":
      return { kind: "json" };
    case "json_schema": {
      return {
        kind: "json-schema",
        name: nameAt(format, "name", at),
        description: stringAt(format, "description", at),
        schema: requiredObjectAt(format, "schema", at),
        strict: booleanAt(format, "strict", at),
      };
    }
    default:
      throw notOneOf(`${at}.type`, ["text", "json_object", "json_schema"]);
  }
}

/** OpenAI caches by itself, so only settings beyond that are a hint. */
function cacheOf(body: JsonObject, drops: Drops): CacheHint | null {
  const options = objectAt(body, "prompt_cache_options", "");
  if (options === null) return body.prompt_cache_retention === "24h" ? { ttl: "24h" } : null;
  if (options.prewarm === true) {
    throw refusedPart(
      "prompt_cache_options.prewarm",
      "only OpenAI fills a cache without an answer; leave the field out",
    );
  }
  if (options.comparison_response_id !== undefined && options.comparison_response_id !== null) {
    drops.add("prompt_cache_options.comparison_response_id", "the response is stored at OpenAI");
  }
  return options.mode === "explicit" ? null : { ttl: ttlOf(options.ttl) };
}
