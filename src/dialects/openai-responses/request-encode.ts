/**
 * Writes a request. Members that stay the same from turn to turn come first, so that the body of a grown
 * conversation begins with the bytes of the former body.
 */
import { sha256Hex } from "../../core/hash.ts";
import type { JsonObject } from "../../core/json.ts";
import { appendAll } from "../../core/lists.ts";
import { arrange } from "../../neutral/conversation/conversation.ts";
import type { Drop, ModelRequest, OutputFormat, Parameter, ReasoningRequest } from "../../neutral/request.ts";
import { effortOf, nearestEffort } from "../../neutral/thinking.ts";
import { makeToolNames } from "../../neutral/tools/tool-names.ts";
import type { Effort, ModelTraits } from "../../neutral/traits.ts";
import type { EncodedRequest, EncodeRequestOptions } from "../codec.ts";
import { dropExtraSampling } from "../shared/extra-sampling.ts";
import { withRunnableTools } from "../shared/provider-tools.ts";
import { refusedParameter } from "../shared/refusal.ts";
import {
  encodeToolChoice,
  encodeTools,
  isClosed,
  maxSearches,
  NAME_RULE,
  outputTool,
  strictOf,
  toolFault,
} from "./tool-encode.ts";
import { InputEncoder } from "./turn-encode.ts";

const MIN_OUTPUT_TOKENS = 16;
const MAX_ID_CHARS = 64;
const MAX_METADATA_PAIRS = 16;
const MAX_METADATA_KEY_CHARS = 64;
const MAX_METADATA_VALUE_CHARS = 512;

/** OpenAI's tiers by other providers' names. */
const TIERS: ReadonlyMap<string, string> = new Map([
  ...["auto", "default", "flex", "scale", "priority", "fast", "ultrafast"].map(
    (tier) => [tier, tier] as const,
  ),
  ["standard_only", "default"],
  ["standard", "default"],
]);

/** A body while members are added to it. */
type Body = Record<string, unknown>;

export function encodeRequest(asked: ModelRequest, options: EncodeRequestOptions): EncodedRequest {
  refuse(asked);
  const dropped: Drop[] = [];
  const { traits, purpose } = options;
  const request = withRunnableTools(asked, (tool) => toolFault(tool, traits), dropped);
  // The model can follow a schema only as a tool.
  const asTool = request.output?.kind === "json-schema" && !traits.structuredOutput ? request.output : null;
  const names = makeToolNames(request.tools, request.messages, NAME_RULE, asTool !== null);
  const tools = encodeTools(request.tools, names, dropped);
  if (asTool !== null) tools.push(outputTool(names, asTool.schema));
  const input = encodeInput(request, names, options, dropped);
  const choice =
    asTool === null
      ? encodeToolChoice(request, names, traits, dropped)
      : tools.length === 1
        ? forced(tools[0])
        : "required";
  const text = encodeText(request, asTool !== null, options, dropped);
  const reasoning = encodeReasoning(request, options, dropped);
  const body: Body = { model: options.model };
  if (tools.length > 0) body.tools = tools;
  body.input = input;
  if (choice !== null) body.tool_choice = choice;
  if (tools.length > 0 && request.parallelToolCalls !== null)
    body.parallel_tool_calls = request.parallelToolCalls;
  if (text !== null) body.text = text;
  if (reasoning !== null) body.reasoning = reasoning;
  if (purpose === "answer") addAnswerMembers(body, request, options, dropped);
  return {
    path: purpose === "count" ? "/v1/responses/input_tokens" : "/v1/responses",
    body,
    headers: [],
    dropped: distinct(dropped),
    names,
    // Responses has no stop sequences.
    watchedStops: request.stop,
  };
}

/** Names each drop once: a long conversation may lose the same thing many times. */
function distinct(dropped: readonly Drop[]): readonly Drop[] {
  if (dropped.length < 2) return dropped;
  const seen = new Set<string>();
  return dropped.filter(({ field, reason }) => seen.size !== seen.add(`${field}\0${reason}`).size);
}

/** Refuses a request for parts of an answer that Responses would not give. */
function refuse({ candidates, logprobs, outputModalities }: ModelRequest): void {
  if (candidates > 1)
    throw refusedParameter("candidates", "the Responses API gives one answer at a time; ask for 1");
  if (logprobs !== null)
    throw refusedParameter(
      "logprobs",
      "the translation carries no log-probabilities, as tokens differ; do not ask for them",
    );
  const modality = outputModalities.find((one) => one !== "text");
  if (modality !== undefined)
    throw refusedParameter("outputModalities", `the model does not answer in ${modality}; ask for text`);
}

function encodeInput(
  request: ModelRequest,
  names: EncodedRequest["names"],
  options: EncodeRequestOptions,
  dropped: Drop[],
): readonly JsonObject[] {
  const inPlace = options.traits.midSystem && !options.repairs.systemFirst;
  const arranged = arrange(request.messages, {
    midSystem: inPlace ? "in-place" : "fold",
    mergesTurns: false,
    needsUserFirst: false,
  });
  appendAll(dropped, arranged.dropped);
  if (!options.traits.prefill && arranged.messages.at(-1)?.role === "assistant") {
    const reason = "the model answers anew, it does not go on from the assistant's last message";
    dropped.push({ field: "messages", reason });
  }
  const input = new InputEncoder(names, options, dropped);
  input.system(request.system);
  if (request.output?.kind === "json" && !speaksOfJson(request)) {
    // OpenAI refuses this format unless the conversation holds the word JSON.
    input.system([{ type: "text", text: "Answer in JSON." }]);
    dropped.push({
      field: "output",
      reason: "an instruction to answer in JSON was added, without which it is refused",
    });
  }
  input.conversation(arranged);
  return input.finish();
}

/** Looks only at the beginning, so that a later turn does not change the result. */
function speaksOfJson({ system, messages }: ModelRequest): boolean {
  const isJson = (part: { readonly type: string; readonly text?: unknown }): boolean =>
    part.type === "text" && typeof part.text === "string" && /json/i.test(part.text);
  return system.some(isJson) || messages[0]?.parts.some(isJson) === true;
}

function forced(tool: JsonObject | undefined): JsonObject {
  return { type: "function", name: tool?.name };
}

function encodeText(
  request: ModelRequest,
  isTool: boolean,
  { traits }: EncodeRequestOptions,
  dropped: Drop[],
): JsonObject | null {
  const format = request.output === null || isTool ? null : encodeFormat(request.output, dropped);
  const { verbosity } = request;
  const isVerbose = verbosity !== null && traits.verbosity;
  if (!isVerbose && verbosity !== null && verbosity !== "medium") {
    dropped.push({ field: "verbosity", reason: "the model cannot be told how much to say" });
  }
  if (format === null && !isVerbose) return null;
  return { ...(format === null ? null : { format }), ...(isVerbose ? { verbosity } : null) };
}

function encodeFormat(output: OutputFormat, dropped: Drop[]): JsonObject {
  if (output.kind === "json") return { type: "json_object" };
  const { schema, description } = output;
  // Without a word from the client: strict if OpenAI can be, as other providers know no loose form.
  const strict =
    output.strict === null ? isClosed(schema) : strictOf(output.strict, schema, "output", dropped);
  return {
    type: "json_schema",
    name: (output.name ?? "output").replaceAll(/[^A-Za-z0-9_-]/g, "_").slice(0, 64) || "output",
    ...(description === null ? null : { description }),
    schema,
    strict,
  };
}

function encodeReasoning(
  request: ModelRequest,
  { traits }: EncodeRequestOptions,
  dropped: Drop[],
): JsonObject | null {
  const { reasoning } = request;
  if (reasoning === null) return null;
  const wanted = wantedEffort(reasoning, traits);
  if (traits.thinking.kind === "none") {
    if (wanted !== null && wanted !== "none")
      dropped.push({ field: "reasoning", reason: "the model does not think" });
    return null;
  }
  const effort = wanted === null ? null : nearestEffort(wanted, traits.thinking.efforts);
  if (wanted !== null && effort !== wanted) {
    const reason =
      effort === null
        ? "the model cannot be told how much to think"
        : `the model takes ${effort} instead of ${wanted}`;
    dropped.push({ field: "reasoning", reason });
  }
  const isShown = reasoning.isShown === true && effort !== "none";
  if (effort === null && !isShown) return null;
  return { ...(effort === null ? null : { effort }), ...(isShown ? { summary: "auto" } : null) };
}

/** A model that thinks only on request gets `medium` when the client leaves the amount to it. */
export function wantedEffort(reasoning: ReasoningRequest, { thinking }: ModelTraits): Effort | null {
  const isLeftToModel = reasoning.isDynamic && !thinking.isOnByDefault && thinking.kind === "effort";
  return effortOf(reasoning) ?? (isLeftToModel ? "medium" : null);
}

function addAnswerMembers(
  body: Body,
  request: ModelRequest,
  options: EncodeRequestOptions,
  dropped: Drop[],
): void {
  const { traits, profile } = options;
  const { userId } = request;
  if (traits.thinking.kind !== "none") body.include = ["reasoning.encrypted_content"];
  add(body, "max_output_tokens", outputLimit(request.maxOutputTokens, traits, dropped));
  add(body, "max_tool_calls", maxSearches(request.tools));
  addSampling(body, request, traits, dropped);
  add(body, "metadata", encodeMetadata(request.metadata, dropped));
  add(body, "service_tier", encodeTier(request.serviceTier, dropped));
  add(body, profile.userParameter, userId === null ? null : shortId(userId));
  add(body, "prompt_cache_key", cacheKeyOf(request));
  body.store = false;
  if (request.stream) body.stream = true;
}

function add(body: Body, member: string, value: unknown): void {
  if (value !== null) body[member] = value;
}

function outputLimit(asked: number | null, traits: ModelTraits, dropped: Drop[]): number | null {
  if (asked === null) return null;
  const limit = Math.max(MIN_OUTPUT_TOKENS, Math.min(asked, traits.maxOutputTokens ?? asked));
  if (limit !== asked) {
    const reason = `${limit} instead of ${asked}: the ${limit > asked ? "least" : "most"} that the model takes`;
    dropped.push({ field: "maxOutputTokens", reason });
  }
  return limit;
}

const NOT_TAKEN = ["topK", "seed", "frequencyPenalty", "presencePenalty", "logitBias"] as const;

/** Both parameters have no effect at 1. */
function addSampling(
  body: Body,
  { sampling: asked }: ModelRequest,
  traits: ModelTraits,
  dropped: Drop[],
): void {
  const drop = (field: Parameter, reason: string): void => void dropped.push({ field, reason });
  dropExtraSampling(asked, dropped);
  for (const field of NOT_TAKEN) {
    const value = asked[field];
    const isNeutral =
      value === null || ((field === "frequencyPenalty" || field === "presencePenalty") && value === 0);
    if (!isNeutral) drop(field, "the Responses API has no such parameter");
  }
  const isTemperature = asked.temperature !== null && asked.temperature !== 1;
  const isTopP = asked.topP !== null && asked.topP !== 1;
  if (traits.sampling === "none") {
    if (isTemperature) drop("temperature", "the model refuses it");
    if (isTopP) drop("topP", "the model refuses it");
    return;
  }
  const hasBoth = asked.temperature !== null && asked.topP !== null && traits.sampling === "one";
  const withoutTemperature = hasBoth && !isTemperature;
  if (hasBoth && isTemperature && isTopP) drop("topP", "the model takes it or the temperature, not both");
  if (!withoutTemperature) add(body, "temperature", asked.temperature);
  if (!hasBoth || withoutTemperature) add(body, "top_p", asked.topP);
}

function encodeMetadata(metadata: JsonObject | null, dropped: Drop[]): JsonObject | null {
  if (metadata === null) return null;
  const pairs = Object.entries(metadata);
  const isTaken =
    pairs.length <= MAX_METADATA_PAIRS &&
    pairs.every(
      ([key, value]) =>
        key.length <= MAX_METADATA_KEY_CHARS &&
        typeof value === "string" &&
        value.length <= MAX_METADATA_VALUE_CHARS,
    );
  if (isTaken) return pairs.length === 0 ? null : metadata;
  dropped.push({ field: "metadata", reason: "OpenAI takes 16 short pairs of text at most" });
  return null;
}

function encodeTier(asked: string | null, dropped: Drop[]): string | null {
  if (asked === null) return null;
  const tier = TIERS.get(asked) ?? null;
  if (tier === null) dropped.push({ field: "serviceTier", reason: `OpenAI has no tier ${asked}` });
  return tier;
}

/** OpenAI takes 64 characters: a longer id becomes its digest. */
function shortId(id: string): string {
  return id.length <= MAX_ID_CHARS ? id : hashOf(id);
}

/** The client's key, else one that keeps a user's conversation at one cache. */
function cacheKeyOf({ cacheKey, userId }: ModelRequest): string | null {
  if (cacheKey !== null) return shortId(cacheKey);
  return userId === null ? null : hashOf(userId);
}

function hashOf(text: string): string {
  return sha256Hex(text);
}
