/**
 * Writes a request, for OpenAI or a compatible server. Members are ordered so that a grown conversation
 * begins with the same bytes.
 */
import type { JsonObject } from "../../core/json.ts";
import { callIdFor } from "../../neutral/conversation/call-ids.ts";
import type { TextPart } from "../../neutral/message.ts";
import type { Drop, ModelRequest, OutputFormat, Parameter, Tool } from "../../neutral/request.ts";
import { effortOf } from "../../neutral/thinking.ts";
import { schemasOf, withPropertyKeys } from "../../neutral/tools/keys-on-wire.ts";
import { lettersDigitsAnd } from "../../neutral/tools/legal-names.ts";
import { makeToolNames } from "../../neutral/tools/tool-names.ts";
import type { ModelTraits } from "../../neutral/traits.ts";
import type { EncodedRequest, EncodeRequestOptions } from "../codec.ts";
import { type ProviderTool, withRunnableTools } from "../shared/provider-tools.ts";
import { refusedParameter } from "../shared/refusal.ts";
import { limitParameterOf } from "./amend.ts";
import { MAKER } from "./seal.ts";
import { encodeThinking } from "./thinking-encode.ts";
import { encodeTools, strictOf, toolFault } from "./tool-encode.ts";
import { encodeMessages } from "./turn-encode.ts";

const NAME_CHARACTERS = lettersDigitsAnd("_-");
const NAME_RULE = { isAllowed: (character: string) => NAME_CHARACTERS.has(character), maxChars: 64 };
/** The number of stop sequences that OpenAI takes. */
const MAX_STOPS = 4;
/**
 * OpenAI takes 128; its older documents say 64. Ids with other characters than plain text are hashed as well.
 */
const USER_ID = { isAllowed: /^[ -~]+$/, maxChars: 64, prefix: "user_" };
/** OpenAI's tiers by other providers' names. */
const TIERS: ReadonlyMap<string, string> = new Map([
  ...["auto", "default", "flex", "scale", "priority", "fast"].map((tier) => [tier, tier] as const),
  ["standard_only", "default"],
  ["standard", "default"],
]);
const DEFAULT_FORMAT_NAME = "output";

/** A body while members are added to it. */
type Body = Record<string, unknown>;

/** Throws `not_translatable` for a part that must not be lost. */
export function encodeRequest(asked: ModelRequest, options: EncodeRequestOptions): EncodedRequest {
  refuse(asked);
  const { model, traits } = options;
  const dropped: Drop[] = [];
  const request = withRunnableTools(asked, (tool) => toolFault(tool, traits), dropped);
  const drop = (field: Parameter, reason: string): void => {
    dropped.push({ field, reason });
  };
  const plain = makeToolNames(request.tools, request.messages, NAME_RULE);
  const names = traits.plainKeys ? withPropertyKeys(plain, schemasOf(request.tools, null)) : plain;
  const { tools, rest } = encodeTools(request, names, options, dropped);
  const { format, instruction } = encodeOutput(request, options, dropped);
  const system: readonly TextPart[] =
    instruction === null ? request.system : [...request.system, { type: "text", text: instruction }];
  const stops = traits.stop ? request.stop.slice(0, MAX_STOPS) : [];
  const body: Body = { model };
  if (tools.length > 0) body.tools = tools;
  body.messages = encodeMessages(request, system, names, options, dropped);
  Object.assign(body, rest);
  if (format !== null) body.response_format = format;
  Object.assign(body, encodeThinking(request, options, tools.length > 0, drop));
  addVerbosity(body, request, options, drop);
  addLimit(body, request, options, drop);
  addSampling(body, request, options, drop);
  addExtraSampling(body, request, options, dropped);
  if (stops.length > 0) body.stop = stops;
  addAdmin(body, request, options, drop);
  addStream(body, request, options);
  return {
    path: "/v1/chat/completions",
    body,
    headers: [],
    dropped,
    names,
    watchedStops: request.stop.slice(stops.length),
  };
}

/**
 * Whether Chat loses what Responses would keep: a tool that the provider runs, thinking that goes on from call to
 * call, and thinking that the client wants to see.
 */
export function outgrows({ reasoning, tools }: ModelRequest, traits: ModelTraits): boolean {
  const { thinking, reasonsOnResponses } = traits;
  if (tools.some((tool) => isOpenais(tool) && toolFault(tool, traits) !== null)) return true;
  if (!reasonsOnResponses) return false;
  const effort = effortOf(reasoning);
  const isThinking =
    effort === null ? thinking.isOnByDefault || reasoning?.isDynamic === true : effort !== "none";
  return isThinking && (tools.length > 0 || reasoning?.isShown === true);
}

/** Whether it is a tool that OpenAI runs on Responses. */
function isOpenais(tool: Tool): tool is ProviderTool {
  return tool.kind === "web-search" || (tool.kind === "hosted" && tool.maker === MAKER);
}

/** Refuses a request for parts of an answer that Chat has no room for. */
function refuse({ candidates, logprobs, outputModalities }: ModelRequest): void {
  if (candidates > 1)
    throw refusedParameter("candidates", "the translation carries one answer at a time; ask for 1");
  if (logprobs !== null)
    throw refusedParameter(
      "logprobs",
      "the translation carries no log-probabilities, as tokens differ; do not ask for them",
    );
  if (outputModalities.length > 0)
    throw refusedParameter(
      "outputModalities",
      `The model answers in text only, not in ${outputModalities.join(", ")}.`,
    );
}

interface EncodedOutput {
  readonly format: JsonObject | null;
  /** Text to add to the instructions. */
  readonly instruction: string | null;
}

function encodeOutput(
  { output, system, messages }: ModelRequest,
  { traits }: EncodeRequestOptions,
  dropped: Drop[],
): EncodedOutput {
  if (output === null) return { format: null, instruction: null };
  if (output.kind === "json") {
    // OpenAI and compatible servers refuse this format unless the conversation holds the word JSON. Only its
    // beginning is searched: a later turn must not change the beginning, which the provider caches.
    const first = messages[0]?.parts ?? [];
    const isSaid = [...system, ...first].some((part) => part.type === "text" && /json/i.test(part.text));
    if (!isSaid) {
      const reason = "an instruction to answer in JSON was added, without which it is refused";
      dropped.push({ field: "output", reason });
    }
    return { format: { type: "json_object" }, instruction: isSaid ? null : "Answer in JSON." };
  }
  const { schema } = output;
  if (!traits.structuredOutput) {
    dropped.push({ field: "output", reason: "the schema is told to the model, which is not held to it" });
    return {
      format: { type: "json_object" },
      instruction: `Answer in JSON, with one value that matches this JSON Schema and nothing else:\n${JSON.stringify(schema)}`,
    };
  }
  const strict = strictOf(output.strict, schema, traits, "output", dropped);
  return { format: { type: "json_schema", json_schema: formatOf(output, strict) }, instruction: null };
}

function formatOf(
  output: Extract<OutputFormat, { kind: "json-schema" }>,
  strict: boolean | null,
): JsonObject {
  const name = (output.name ?? DEFAULT_FORMAT_NAME).replace(/[^A-Za-z0-9_-]/g, "_").slice(0, 64);
  return {
    name: name === "" ? DEFAULT_FORMAT_NAME : name,
    ...(output.description === null ? {} : { description: output.description }),
    schema: output.schema,
    ...(strict === null ? {} : { strict }),
  };
}

type AddDrop = (field: Parameter, reason: string) => void;

function addVerbosity(
  body: Body,
  { verbosity }: ModelRequest,
  { traits }: EncodeRequestOptions,
  drop: AddDrop,
): void {
  if (verbosity === null) return;
  if (traits.verbosity) body.verbosity = verbosity;
  else drop("verbosity", "this model has no such setting");
}

function addLimit(
  body: Body,
  { maxOutputTokens }: ModelRequest,
  { profile, traits }: EncodeRequestOptions,
  drop: AddDrop,
): void {
  if (maxOutputTokens === null) return;
  const most = traits.maxOutputTokens ?? maxOutputTokens;
  if (maxOutputTokens > most) drop("maxOutputTokens", `lowered to ${most}, the most that this model writes`);
  body[limitParameterOf(profile, traits)] = Math.min(maxOutputTokens, most);
}

/** Each parameter with its member, and with the value that has no effect. */
const SAMPLING = [
  ["temperature", "temperature", 1],
  ["topP", "top_p", 1],
  ["frequencyPenalty", "frequency_penalty", 0],
  ["presencePenalty", "presence_penalty", 0],
  ["logitBias", "logit_bias", 0],
] as const;

/** OpenAI's own, which clients of dialects without them may send all the same. */
const OWN_SAMPLING: ReadonlySet<string> = new Set(["seed", "frequency_penalty", "presence_penalty"]);

/** Sampling beyond OpenAI's, for the servers that have it. */
function addExtraSampling(
  body: Body,
  { sampling: { topK, extra } }: ModelRequest,
  { profile: { extraSampling }, traits }: EncodeRequestOptions,
  dropped: Drop[],
): void {
  if (topK === null && extra === undefined) return;
  const all = [...(topK === null ? [] : [{ name: "top_k", value: topK, at: "topK" }]), ...(extra ?? [])];
  for (const { name, value, at } of all) {
    const isTaken = OWN_SAMPLING.has(name) || extraSampling === null || extraSampling.has(name);
    if (traits.sampling === "none" && name !== "seed")
      dropped.push({ field: at, reason: "this model does not take it" });
    else if (isTaken) body[name] = value;
    else dropped.push({ field: at, reason: "this server has no such parameter" });
  }
}

function addSampling(
  body: Body,
  { sampling }: ModelRequest,
  { profile, traits }: EncodeRequestOptions,
  drop: AddDrop,
): void {
  const { temperature, seed } = sampling;
  const maxTemperature = profile.maxTemperature ?? Number.POSITIVE_INFINITY;
  for (const [parameter, member, neutral] of SAMPLING) {
    const value = sampling[parameter];
    if (value === null) continue;
    if (traits.sampling === "none") {
      // The default value is no loss.
      if (value !== neutral) drop(parameter, "this model does not take it");
    } else if (parameter === "topP" && traits.sampling === "one" && temperature !== null) {
      if (value !== neutral) drop(parameter, "this model takes a temperature or this, not both");
    } else if (parameter === "temperature" && (value as number) > maxTemperature) {
      body[member] = maxTemperature;
      drop(parameter, `lowered to ${maxTemperature}, the most that is allowed`);
    } else body[member] = value;
  }
  if (seed !== null) body.seed = seed;
}

function addAdmin(
  body: Body,
  { userId, metadata, serviceTier, cacheKey, cacheWhole }: ModelRequest,
  { profile, traits }: EncodeRequestOptions,
  drop: AddDrop,
): void {
  if (metadata !== null && Object.keys(metadata).length > 0)
    drop("metadata", "it is kept with stored answers only, and this one is not stored");
  const tier = serviceTier === null ? null : (TIERS.get(serviceTier) ?? null);
  const isOrdinary = tier === "auto" || tier === "default";
  if (serviceTier !== null && (tier === null || !(profile.serviceTiers || isOrdinary)))
    drop("serviceTier", "this provider has no such tier");
  const user = userId === null || userId === "" ? null : callIdFor(userId, USER_ID);
  // For clients that send no key: a key made of the user's id brings the requests of one user to one cache.
  const key = profile.cacheKeys ? (cacheKey ?? user) : null;
  const keepsLong = profile.cacheKeys && cacheWhole?.ttl === "24h" && !traits.cacheBreakpoints;
  if (user !== null) body[profile.userParameter] = user;
  if (tier !== null && profile.serviceTiers) body.service_tier = tier;
  if (key !== null) body.prompt_cache_key = key;
  if (keepsLong) body.prompt_cache_retention = "24h";
  if (profile.storesAnswers) body.store = false;
}

function addStream(body: Body, { stream }: ModelRequest, { profile }: EncodeRequestOptions): void {
  if (!stream) return;
  body.stream = true;
  if (profile.usageOption) body.stream_options = { include_usage: true };
}
