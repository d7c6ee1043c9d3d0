/** Reads a request of Chat Completions. */
import { isObject, type JsonObject } from "../../core/json.ts";
import type { CacheHint } from "../../neutral/message.ts";
import type { OutputFormat } from "../../neutral/request.ts";
import type { DecodedRequest } from "../codec.ts";
import { Drops } from "../shared/drops.ts";
import { decodeExtraSampling, withExtraSampling } from "../shared/extra-sampling.ts";
import {
  booleanAt,
  checkDepth,
  integerAt,
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
import { refusedPart } from "../shared/refusal.ts";
import type { ChatReplyContext } from "./reply-context.ts";
import { decodeThinking, THINKING_MEMBERS } from "./thinking-decode.ts";
import { decodeToolChoice, decodeTools } from "./tool-decode.ts";
import { decodeMessages } from "./turn-decode.ts";

/** Members that are read, and members without meaning elsewhere, such as whether OpenAI keeps the answer. */
const MEMBERS: ReadonlySet<string> = new Set([
  "model",
  "messages",
  "stream",
  "stream_options",
  "max_completion_tokens",
  "max_tokens",
  "stop",
  "temperature",
  "top_p",
  "top_k",
  "frequency_penalty",
  "presence_penalty",
  "logit_bias",
  "seed",
  "n",
  "logprobs",
  "top_logprobs",
  ...THINKING_MEMBERS,
  "extra_body",
  "verbosity",
  "tools",
  "functions",
  "tool_choice",
  "function_call",
  "parallel_tool_calls",
  "response_format",
  "modalities",
  "audio",
  "prediction",
  "moderation",
  "web_search_options",
  "prompt_cache_key",
  "prompt_cache_options",
  "prompt_cache_retention",
  "metadata",
  "store",
  "service_tier",
  "safety_identifier",
  "user",
]);

const READ_OR_PASSED = withExtraSampling(MEMBERS);

const VERBOSITIES = ["low", "medium", "high"] as const;

export function decodeRequest(body: JsonObject): DecodedRequest {
  checkDepth(body, "");
  const drops = new Drops();
  drops.addUnknown(body, READ_OR_PASSED, "");
  const { system, messages } = decodeMessages(body, drops);
  const tools = decodeTools(body, drops);
  const usesFunctions = (listAt(body, "functions", "") ?? []).length > 0;
  const options = objectAt(body, "stream_options", "");
  noteLost(body, drops);
  const replyContext: ChatReplyContext = {
    includeUsage: options !== null && booleanAt(options, "include_usage", "stream_options") === true,
    usesFunctions,
  };
  return {
    request: {
      model: nameAt(body, "model", ""),
      stream: booleanAt(body, "stream", "") ?? false,
      system,
      messages,
      tools,
      toolChoice: decodeToolChoice(body, tools, drops),
      // The older form has one call for each message.
      parallelToolCalls: usesFunctions ? false : booleanAt(body, "parallel_tool_calls", ""),
      maxOutputTokens: decodeLimit(body, drops),
      stop: decodeStops(body),
      sampling: {
        temperature: numberAt(body, "temperature", ""),
        topP: numberAt(body, "top_p", ""),
        topK: decodeTopK(body),
        seed: integerAt(body, "seed", "", Number.MIN_SAFE_INTEGER),
        frequencyPenalty: numberAt(body, "frequency_penalty", ""),
        presencePenalty: numberAt(body, "presence_penalty", ""),
        logitBias: decodeBias(body),
        ...decodeExtraSampling(body, MEMBERS, ""),
      },
      candidates: integerAt(body, "n", "", 1) ?? 1,
      logprobs: decodeLogprobs(body),
      reasoning: decodeThinking(body, drops),
      verbosity: wordAt(body, "verbosity", "", VERBOSITIES),
      output: decodeOutput(objectAt(body, "response_format", "")),
      outputModalities: decodeModalities(body),
      userId: stringAt(body, "safety_identifier", "") ?? stringAt(body, "user", ""),
      metadata: objectAt(body, "metadata", ""),
      serviceTier: stringAt(body, "service_tier", ""),
      cacheKey: stringAt(body, "prompt_cache_key", ""),
      cacheWhole: decodeCacheWhole(body),
    },
    dropped: drops.list,
    named: namedIn(body),
    replyContext,
  };
}

/** The older names of parameters, where the client uses them. */
function namedIn(body: JsonObject): NonNullable<DecodedRequest["named"]> {
  const named: { userId?: string; maxOutputTokens?: string } = {};
  if (body.safety_identifier == null) named.userId = "user";
  if (body.max_completion_tokens == null && body.max_tokens != null) named.maxOutputTokens = "max_tokens";
  return named;
}

/** Names the members that no other provider has. */
function noteLost(body: JsonObject, drops: Drops): void {
  const moderation = objectAt(body, "moderation", "");
  if (moderation !== null) {
    const policy = objectAt(moderation, "policy", "moderation");
    const modes = [moderation, ...Object.values(moderation), ...Object.values(policy ?? {})];
    if (modes.some((value) => isObject(value) && value.mode === "block"))
      throw refusedPart("moderation", 'only OpenAI blocks unsafe content on request; use the mode "score"');
    drops.add("moderation", "only OpenAI moderates on request");
  }
  if (objectAt(body, "prediction", "") !== null)
    drops.add("prediction", "only OpenAI uses the expected answer to answer faster");
  if (objectAt(body, "audio", "") !== null && !decodeModalities(body).includes("audio"))
    drops.add("audio", "the request asks for no sound");
  if (booleanAt(body, "store", "") === true) drops.add("store", "other providers do not store the reply");
}

/** Of two limits the newer member counts. */
function decodeLimit(body: JsonObject, drops: Drops): number | null {
  const newer = integerAt(body, "max_completion_tokens", "", 1);
  const older = integerAt(body, "max_tokens", "", 1);
  if (newer !== null && older !== null && newer !== older)
    drops.add("max_tokens", `max_completion_tokens (${newer}) takes precedence`);
  return newer ?? older;
}

function decodeStops(body: JsonObject): string[] {
  const { stop } = body;
  const list = typeof stop === "string" ? [stop] : (stringsAt(body, "stop", "") ?? []);
  return list.filter((text) => text !== "");
}

/** OpenAI has no `top_k`, but many clients of compatible servers send it; 0 and -1 switch it off. */
function decodeTopK(body: JsonObject): number | null {
  const topK = integerAt(body, "top_k", "", -1);
  return topK === null || topK < 1 ? null : topK;
}

function decodeBias(body: JsonObject): JsonObject | null {
  const bias = objectAt(body, "logit_bias", "");
  return bias === null || Object.keys(bias).length === 0 ? null : bias;
}

function decodeLogprobs(body: JsonObject): number | null {
  const isWanted = booleanAt(body, "logprobs", "");
  const alternatives = integerAt(body, "top_logprobs", "", 0);
  return isWanted === true ? (alternatives ?? 0) : isWanted === null ? alternatives : null;
}

function decodeOutput(format: JsonObject | null): OutputFormat | null {
  const at = "response_format";
  switch (format === null ? "text" : format.type) {
    case "text":
      return null;
    case "json_object":
      return { kind: "json" };
    case "json_schema": {
      const spec = requiredObjectAt(format as JsonObject, "json_schema", at);
      const specAt = `${at}.json_schema`;
      return {
        kind: "json-schema",
        name: stringAt(spec, "name", specAt),
        description: stringAt(spec, "description", specAt),
        schema: objectAt(spec, "schema", specAt) ?? {},
        strict: booleanAt(spec, "strict", specAt),
      };
    }
    default:
      throw notOneOf(`${at}.type`, ["text", "json_object", "json_schema"]);
  }
}

function decodeModalities(body: JsonObject): string[] {
  return (stringsAt(body, "modalities", "") ?? []).filter((modality) => modality !== "text");
}

function decodeCacheWhole(body: JsonObject): CacheHint | null {
  const options = objectAt(body, "prompt_cache_options", "");
  if (options !== null) {
    const at = "prompt_cache_options";
    const mode = wordAt(options, "mode", at, ["implicit", "explicit"] as const);
    const ttl = wordAt(options, "ttl", at, ["30m", "12h"] as const);
    return mode === "explicit" ? null : { ttl };
  }
  return stringAt(body, "prompt_cache_retention", "") === "24h" ? { ttl: "24h" } : null;
}
