/**
 * Writes a request of the Messages API, version 2023-06-01. Members that stay the same from turn to turn come
 * first: the body of a grown conversation begins with the bytes of the former body, up to the end of its
 * messages.
 */
import type { JsonObject } from "../../core/json.ts";
import { appendAll } from "../../core/lists.ts";
import { callIdFor } from "../../neutral/conversation/call-ids.ts";
import { arrange } from "../../neutral/conversation/conversation.ts";
import type { Message, TextPart } from "../../neutral/message.ts";
import type { Drop, ModelRequest, OutputFormat, Parameter } from "../../neutral/request.ts";
import { objectRoot, strictSubset } from "../../neutral/tools/schema.ts";
import type { EncodedRequest, EncodeRequestOptions } from "../codec.ts";
import { refusedBegunAnswer, refusedParameter } from "../shared/refusal.ts";
import { isUnthinkable } from "./amend.ts";
import { CacheMarks, cacheControlOf } from "./cache-marks.ts";
import { encodeSampling, encodeThinking, maxTokensOf } from "./thinking-encode.ts";
import { encodeToolChoice, encodeTools, movedConstraints, toolNames } from "./tool-encode.ts";
import { encodeMessages, encodeText, isBlank, withoutUnsendable } from "./turn-encode.ts";
import type { WireBlock, WireMessage } from "./wire.ts";

/** Asks for JSON without a schema: the API has no switch for it. */
const JSON_INSTRUCTION = "Answer with one JSON object and nothing else: no other text, no code fence.";

export function encodeRequest(request: ModelRequest, options: EncodeRequestOptions): EncodedRequest {
  const { traits, repairs } = options;
  refuseWhatThereIsNot(request);
  const dropped: Drop[] = [];
  const marks = new CacheMarks();
  // A model without structured output gets the schema as the arguments of a call.
  const toolOutput =
    request.output?.kind === "json-schema" && !traits.structuredOutput ? request.output : null;
  const names = toolNames(request, toolOutput !== null);
  const encoding = { names, traits, marks, dropped, withoutSeals: repairs.withoutSeals };
  const tools = encodeTools(request, toolOutput, encoding);
  const system = encodeSystem(request, marks);
  const messages = encodeConversation(request, options, encoding);
  const { choice, isForced } = encodeToolChoice(request, tools, toolOutput, encoding);
  const maxTokens = maxTokensOf(request, traits, dropped);
  const { thinking, effort } = encodeThinking(
    request.reasoning,
    { traits, maxTokens, isForced, isUnthinkable: isUnthinkable(messages) },
    dropped,
  );
  const format = toolOutput === null ? encodeFormat(request.output, dropped) : null;
  const isThinking = thinking !== null && thinking.type !== "disabled";
  const sampling = encodeSampling(request.sampling, traits, isThinking, dropped);
  const watchedStops = request.stop.filter((stop) => !traits.stop || isBlank(stop));
  const stops = request.stop.filter((stop) => traits.stop && !isBlank(stop));
  const cacheWhole = request.cacheWhole ?? (marks.isEmpty ? { ttl: null } : null);
  marks.settle(cacheWhole === null ? 0 : 1);
  const isCount = options.purpose === "count";
  const body: JsonObject = {
    model: options.model,
    ...(tools.length === 0 ? null : { tools }),
    ...(system.length === 0 ? null : { system }),
    messages,
    ...(isCount ? null : { max_tokens: maxTokens }),
    ...(isCount || !request.stream ? null : { stream: true }),
    ...(choice === null ? null : { tool_choice: choice }),
    ...(thinking === null ? null : { thinking }),
    ...(effort === null && format === null
      ? null
      : {
          output_config: {
            ...(effort === null ? null : { effort }),
            ...(format === null ? null : { format }),
          },
        }),
    ...(isCount ? null : sampling),
    ...(isCount || stops.length === 0 ? null : { stop_sequences: stops }),
    ...(isCount ? null : encodeIdentity(request, dropped)),
    ...(isCount || cacheWhole === null ? null : { cache_control: cacheControlOf(cacheWhole) }),
  };
  dropWhatThereIsNot(request, dropped);
  return {
    path: isCount ? "/v1/messages/count_tokens" : "/v1/messages",
    body,
    headers: [],
    dropped,
    names,
    watchedStops,
  };
}

function encodeSystem(request: ModelRequest, marks: CacheMarks): readonly WireBlock[] {
  const parts: readonly TextPart[] =
    request.output?.kind === "json"
      ? [...request.system, { type: "text", text: JSON_INSTRUCTION }]
      : request.system;
  return parts.flatMap((part) => encodeText(part, { marks }));
}

function encodeConversation(
  request: ModelRequest,
  { traits, repairs }: EncodeRequestOptions,
  encoding: Parameters<typeof encodeMessages>[1],
): readonly WireMessage[] {
  const said = request.messages.map((message) => withoutUnsendable(message, encoding));
  const { messages, dropped } = arrange(said, {
    midSystem: traits.midSystem && !repairs.systemFirst ? "where-allowed" : "fold",
    mergesTurns: true,
    needsUserFirst: true,
  });
  appendAll(encoding.dropped, dropped);
  const last = messages.at(-1);
  if (last?.role === "assistant" && !traits.prefill && !endsPaused(last)) {
    const begun = said.findLast((message) => message.role === "assistant");
    throw refusedBegunAnswer(begun?.at);
  }
  for (const message of request.messages) {
    if (message.role === "system" || !message.name) continue;
    encoding.dropped.push({
      field: "messages[].name",
      reason: "the provider takes no names of speakers",
    });
    break;
  }
  const encoded = encodeMessages(messages, encoding);
  if (encoded.length === 0)
    throw refusedParameter("messages", "the conversation is empty; send a message of the user");
  return withoutTrailingSpace(encoded);
}

/** The provider paused during its own tools, and continues from there. */
function endsPaused(message: Message): boolean {
  const last = message.parts.at(-1);
  return last?.type === "search" || (last?.type === "opaque" && /_use$|_result$/.test(last.name));
}

/** Anthropic refuses a begun answer that ends with white space. */
function withoutTrailingSpace(messages: readonly WireMessage[]): readonly WireMessage[] {
  const last = messages.at(-1);
  const block = last?.content.at(-1);
  if (last?.role !== "assistant" || block?.type !== "text" || typeof block.text !== "string") return messages;
  const text = block.text.trimEnd();
  if (text === block.text) return messages;
  return [...messages.slice(0, -1), { ...last, content: [...last.content.slice(0, -1), { ...block, text }] }];
}

function encodeFormat(output: OutputFormat | null, dropped: Drop[]): JsonObject | null {
  if (output === null) return null;
  if (output.kind === "json") {
    dropped.push({
      field: "output",
      reason: "JSON without a schema is asked for in the instructions; the model is not held to it",
    });
    return null;
  }
  const { schema, moved } = strictSubset(objectRoot(output.schema));
  if (moved.length > 0) dropped.push(movedConstraints("output", moved));
  return { type: "json_schema", schema };
}

/** OpenAI's names of the ordinary tier. */
const TIERS: Readonly<Record<string, string>> = {
  auto: "auto",
  standard_only: "standard_only",
  default: "standard_only",
  standard: "standard_only",
};

/** Longer ids are refused. */
const USER_ID = { isAllowed: /^.+$/s, maxChars: 256, prefix: "user_" };

function encodeIdentity({ userId, serviceTier }: ModelRequest, dropped: Drop[]): JsonObject {
  const tier = serviceTier !== null && Object.hasOwn(TIERS, serviceTier) ? TIERS[serviceTier] : null;
  if (serviceTier !== null && tier === null) {
    dropped.push({ field: "serviceTier", reason: `this provider has no tier "${serviceTier}"` });
  }
  return {
    ...(userId === null || userId === "" ? null : { metadata: { user_id: callIdFor(userId, USER_ID) } }),
    ...(tier === null ? null : { service_tier: tier }),
  };
}

function refuseWhatThereIsNot(request: ModelRequest): void {
  if (request.candidates > 1)
    throw refusedParameter("candidates", "the provider gives one answer at a time; ask for 1");
  if (request.logprobs !== null)
    throw refusedParameter("logprobs", "the provider gives no log-probabilities; do not ask for them");
  if (request.outputModalities.some((modality) => modality !== "text")) {
    throw refusedParameter("outputModalities", "the model answers in text alone; ask for text");
  }
}

function dropWhatThereIsNot(request: ModelRequest, dropped: Drop[]): void {
  const { seed, frequencyPenalty, presencePenalty, logitBias } = request.sampling;
  // Many clients send the default value with every request: leaving it out loses nothing.
  const given: readonly (readonly [Parameter, unknown])[] = [
    ["seed", seed],
    ["frequencyPenalty", frequencyPenalty === 0 ? null : frequencyPenalty],
    ["presencePenalty", presencePenalty === 0 ? null : presencePenalty],
    ["logitBias", logitBias],
    ["verbosity", request.verbosity],
    ["metadata", Object.keys(request.metadata ?? {}).length === 0 ? null : request.metadata],
  ];
  for (const [field, value] of given) {
    if (value !== null) dropped.push({ field, reason: "this provider has no such parameter" });
  }
}
