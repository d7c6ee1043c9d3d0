/** A client's request. */

import type { CacheHint } from "../../neutral/message.ts";
import type { JsonObject, OutputFormat } from "../../neutral/request.ts";
import { isDeeperThan, MAX_DEPTH } from "../../neutral/tools/depth.ts";
import { EFFORTS } from "../../neutral/traits.ts";
import type { DecodedRequest } from "../codec.ts";
import {
  arrayIn,
  bad,
  booleanIn,
  Drops,
  integerIn,
  isObject,
  numberIn,
  objectIn,
  requiredObject,
  requiredString,
  stringIn,
  untranslatable,
  wordIn,
} from "./member.ts";
import type { ChatReplyContext } from "./reply-context.ts";
import { decodeToolChoice, decodeTools } from "./tool-decode.ts";
import { decodeMessages } from "./turn-decode.ts";

/** Members that are read, or that mean nothing elsewhere: whether the provider keeps the answer, which it never does for others. */
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
  "reasoning_effort",
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

export function decodeRequest(body: JsonObject): DecodedRequest {
  if (isDeeperThan(body, MAX_DEPTH))
    throw bad("body", `is nested more than ${MAX_DEPTH} levels deep; flatten it`);
  const drops = new Drops();
  drops.addUnknown(body, MEMBERS, "", "body");
  const { system, messages } = decodeMessages(body, drops);
  const tools = decodeTools(body, drops);
  const usesFunctions = (arrayIn(body, "functions", "") ?? []).length > 0;
  const effort = wordIn(body, "reasoning_effort", "", EFFORTS);
  const options = objectIn(body, "stream_options", "");
  noteLost(body, drops);
  const replyContext: ChatReplyContext = {
    includeUsage: options !== null && booleanIn(options, "include_usage", "stream_options") === true,
    usesFunctions,
  };
  return {
    request: {
      model: requiredString(body, "model", ""),
      stream: booleanIn(body, "stream", "") ?? false,
      system,
      messages,
      tools,
      toolChoice: decodeToolChoice(body, tools, drops),
      // A message of the deprecated form has room for one call.
      parallelToolCalls: usesFunctions ? false : booleanIn(body, "parallel_tool_calls", ""),
      maxOutputTokens: decodeLimit(body, drops),
      stop: decodeStops(body),
      sampling: {
        temperature: numberIn(body, "temperature", ""),
        topP: numberIn(body, "top_p", ""),
        topK: decodeTopK(body),
        seed: integerIn(body, "seed", "", Number.MIN_SAFE_INTEGER),
        frequencyPenalty: numberIn(body, "frequency_penalty", ""),
        presencePenalty: numberIn(body, "presence_penalty", ""),
        logitBias: decodeBias(body),
      },
      candidates: integerIn(body, "n", "", 1) ?? 1,
      logprobs: decodeLogprobs(body),
      // Chat has no way to ask for the text; who sets an effort is shown what there is, as compatible servers do.
      reasoning:
        effort === null
          ? null
          : { effort, budgetTokens: null, isDynamic: false, isShown: effort === "none" ? null : true },
      verbosity: wordIn(body, "verbosity", "", ["low", "medium", "high"] as const),
      output: decodeOutput(objectIn(body, "response_format", "")),
      outputModalities: decodeModalities(body),
      userId: stringIn(body, "safety_identifier", "") ?? stringIn(body, "user", ""),
      metadata: objectIn(body, "metadata", ""),
      serviceTier: stringIn(body, "service_tier", ""),
      cacheKey: stringIn(body, "prompt_cache_key", ""),
      cacheWhole: decodeCacheWhole(body),
    },
    dropped: drops.list,
    named: {
      ...(stringIn(body, "safety_identifier", "") === null ? { userId: "user" } : null),
      ...(body.max_completion_tokens == null && body.max_tokens != null
        ? { maxOutputTokens: "max_tokens" }
        : null),
    },
    replyContext,
  };
}

/** Members that no other provider has a word for. */
function noteLost(body: JsonObject, drops: Drops): void {
  const moderation = objectIn(body, "moderation", "");
  if (moderation !== null) {
    const policy = objectIn(moderation, "policy", "moderation");
    const modes = [moderation, ...Object.values(moderation), ...Object.values(policy ?? {})];
    if (modes.some((value) => isObject(value) && value.mode === "block"))
      throw untranslatable(
        "moderation",
        'blocks what OpenAI finds unsafe, which no other provider does; use mode "score"',
      );
    drops.add("moderation", "only OpenAI moderates on request");
  }
  if (objectIn(body, "prediction", "") !== null)
    drops.add("prediction", "only OpenAI takes the expected answer to be faster");
  if (objectIn(body, "audio", "") !== null && !decodeModalities(body).includes("audio"))
    drops.add("audio", "says how sound is to be made, but none is asked for");
  if (booleanIn(body, "store", "") === true) drops.add("store", "answers are not kept at other providers");
}

/** 2 of them, and the newer one counts. */
function decodeLimit(body: JsonObject, drops: Drops): number | null {
  const newer = integerIn(body, "max_completion_tokens", "", 1);
  const older = integerIn(body, "max_tokens", "", 1);
  if (newer !== null && older !== null && newer !== older)
    drops.add("max_tokens", `max_completion_tokens (${newer}) counts in its place`);
  return newer ?? older;
}

function decodeStops(body: JsonObject): string[] {
  const { stop } = body;
  if (stop === undefined || stop === null) return [];
  const list = typeof stop === "string" ? [stop] : arrayIn(body, "stop", "");
  return (list ?? []).flatMap((text, n) => {
    if (typeof text !== "string") throw bad(`stop[${n}]`, "must be a string");
    return text === "" ? [] : [text];
  });
}

/** Not OpenAI's, but many clients of compatible servers send it; 0 and -1 switch it off. */
function decodeTopK(body: JsonObject): number | null {
  const topK = integerIn(body, "top_k", "", -1);
  return topK === null || topK < 1 ? null : topK;
}

function decodeBias(body: JsonObject): JsonObject | null {
  const bias = objectIn(body, "logit_bias", "");
  return bias === null || Object.keys(bias).length === 0 ? null : bias;
}

function decodeLogprobs(body: JsonObject): number | null {
  const isWanted = booleanIn(body, "logprobs", "");
  const alternatives = integerIn(body, "top_logprobs", "", 0);
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
      const spec = requiredObject(format as JsonObject, "json_schema", at);
      const specAt = `${at}.json_schema`;
      return {
        kind: "json-schema",
        name: stringIn(spec, "name", specAt),
        description: stringIn(spec, "description", specAt),
        schema: objectIn(spec, "schema", specAt) ?? {},
        strict: booleanIn(spec, "strict", specAt),
      };
    }
    default:
      throw bad(`${at}.type`, "must be one of text, json_object, json_schema");
  }
}

function decodeModalities(body: JsonObject): string[] {
  return (arrayIn(body, "modalities", "") ?? []).flatMap((modality, n) => {
    if (typeof modality !== "string") throw bad(`modalities[${n}]`, "must be a string");
    return modality === "text" ? [] : [modality];
  });
}

function decodeCacheWhole(body: JsonObject): CacheHint | null {
  const options = objectIn(body, "prompt_cache_options", "");
  if (options !== null) {
    const at = "prompt_cache_options";
    const mode = wordIn(options, "mode", at, ["implicit", "explicit"] as const);
    const ttl = wordIn(options, "ttl", at, ["30m", "12h"] as const);
    return mode === "explicit" ? null : { ttl };
  }
  return stringIn(body, "prompt_cache_retention", "") === "24h" ? { ttl: "24h" } : null;
}
