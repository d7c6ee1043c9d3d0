/**
 * Writes a request of the Messages API, version 2023-06-01. Members that stay the same from turn to turn come
 * first: the body of a grown conversation begins with the bytes of the former body, up to the end of its
 * messages.
 */
import type { JsonObject } from "../../core/json.ts";
import { appendAll } from "../../core/lists.ts";
import { callIdFor } from "../../neutral/conversation/call-ids.ts";
import { arrange } from "../../neutral/conversation/conversation.ts";
import type { Message } from "../../neutral/message.ts";
import type { Drop, ModelRequest, OutputFormat, Parameter } from "../../neutral/request.ts";
import { objectRoot, strictSubset } from "../../neutral/tools/schema.ts";
import type { Effort } from "../../neutral/traits.ts";
import type { EncodedRequest, EncodeRequestOptions } from "../codec.ts";
import { withRunnableTools } from "../shared/provider-tools.ts";
import { refusedBegunAnswer, refusedParameter } from "../shared/refusal.ts";
import { CacheMarks, cacheControlOf } from "./cache-marks.ts";
import { encodeSampling, encodeThinking, maxTokensOf } from "./thinking-encode.ts";
import { encodeToolChoice, encodeTools, movedConstraints, toolFault, toolNames } from "./tool-encode.ts";
import { addText, encodeMessages, isBlank, withoutUnsendable } from "./turn-encode.ts";
import { isUnthinkable } from "./unseal.ts";
import type { WireBlock, WireMessage } from "./wire.ts";

/** Asks for JSON without a schema: the API has no switch for it. */
const JSON_INSTRUCTION = "Answer with one JSON object and nothing else: no other text, no code fence.";

export function encodeRequest(asked: ModelRequest, options: EncodeRequestOptions): EncodedRequest {
  const { traits, repairs, profile } = options;
  refuseWhatThereIsNot(asked);
  const dropped: Drop[] = [];
  const request = withRunnableTools(asked, (tool) => toolFault(tool, traits), dropped);
  const marks = new CacheMarks();
  // A model without structured output gets the schema as the arguments of a call.
  const toolOutput =
    request.output?.kind === "json-schema" && !traits.structuredOutput ? request.output : null;
  const names = toolNames(request, toolOutput, traits);
  const { withoutSeals } = repairs;
  const encoding = { names, traits, marks, dropped, withoutSeals, takesUrls: profile.messagesUrls };
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
  const { stops, watchedStops } = splitStops(request.stop, traits.stop);
  const cacheWhole = request.cacheWhole ?? (marks.isEmpty ? { ttl: null } : null);
  marks.settle(cacheWhole === null ? 0 : 1);
  const isCount = options.purpose === "count";
  const body: Record<string, unknown> = { model: options.model };
  if (tools.length > 0) body.tools = tools;
  if (system.length > 0) body.system = system;
  body.messages = messages;
  if (!isCount) body.max_tokens = maxTokens;
  if (!isCount && request.stream) body.stream = true;
  if (choice !== null) body.tool_choice = choice;
  if (thinking !== null) body.thinking = thinking;
  if (effort !== null || format !== null) body.output_config = outputConfig(effort, format);
  if (!isCount) {
    Object.assign(body, sampling);
    if (stops.length > 0) body.stop_sequences = stops;
    addIdentity(body, request, dropped);
    if (cacheWhole !== null) body.cache_control = cacheControlOf(cacheWhole);
  }
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
  const blocks: WireBlock[] = [];
  for (const part of request.system) addText(blocks, part, marks);
  if (request.output?.kind === "json") addText(blocks, { type: "text", text: JSON_INSTRUCTION }, marks);
  return blocks;
}

/** The stop sequences that the model takes, and those that the gateway has to watch for. */
function splitStops(
  all: readonly string[],
  isTaken: boolean,
): { readonly stops: readonly string[]; readonly watchedStops: readonly string[] } {
  const stops: string[] = [];
  const watchedStops: string[] = [];
  for (const stop of all) (isTaken && !isBlank(stop) ? stops : watchedStops).push(stop);
  return { stops, watchedStops };
}

function outputConfig(effort: Effort | null, format: JsonObject | null): JsonObject {
  if (format === null) return { effort };
  return effort === null ? { format } : { effort, format };
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

function addIdentity(
  body: Record<string, unknown>,
  { userId, serviceTier }: ModelRequest,
  dropped: Drop[],
): void {
  const tier = serviceTier !== null && Object.hasOwn(TIERS, serviceTier) ? TIERS[serviceTier] : null;
  if (serviceTier !== null && tier === null) {
    dropped.push({ field: "serviceTier", reason: `this provider has no tier "${serviceTier}"` });
  }
  if (userId !== null && userId !== "") body.metadata = { user_id: callIdFor(userId, USER_ID) };
  if (tier !== null) body.service_tier = tier;
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

function dropWhatThereIsNot({ sampling, verbosity, metadata }: ModelRequest, dropped: Drop[]): void {
  const drop = (field: Parameter): void => {
    dropped.push({ field, reason: "this provider has no such parameter" });
  };
  if (sampling.seed !== null) drop("seed");
  // Many clients send the default value with every request: leaving it out loses nothing.
  if (sampling.frequencyPenalty !== null && sampling.frequencyPenalty !== 0) drop("frequencyPenalty");
  if (sampling.presencePenalty !== null && sampling.presencePenalty !== 0) drop("presencePenalty");
  if (sampling.logitBias !== null) drop("logitBias");
  if (verbosity !== null) drop("verbosity");
  if (metadata !== null && Object.keys(metadata).length > 0) drop("metadata");
}
