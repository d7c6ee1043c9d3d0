// Gemini generateContent: the answer as one response, as a stream of them, and as one growing JSON array.

import { REFUSAL, type SimulatedAnswer } from "../answer/answer.ts";
import { type Billed, billedOf } from "../answer/billed.ts";
import { countPrompt } from "../answer/prompt-cache.ts";
import type { SimRequest } from "../answer/request.ts";
import { asNumber, asRecord, type JsonRecord } from "../base/json.ts";
import type { Reply, StreamEvent } from "../base/reply.ts";
import { continuationToken } from "./continuation.ts";
import { answerParts, groundingOf, inPieces, joined } from "./part.ts";
import { promptOf, questionOf } from "./question.ts";

/** `request.body` has camel-case names. */
export function replyGenerate(request: SimRequest): Reply {
  const { body, query, script } = request;
  const question = questionOf(request);
  const answer = request.answer(question);
  const common = { modelVersion: request.model, responseId: request.hex(11) };
  const parts = answerParts(answer, request);
  const candidateCount = asNumber(asRecord(body.generationConfig).candidateCount) ?? 1;
  const frame: Frame = {
    parts,
    finish: finishOf(answer, request, question.hops ?? 0),
    usage: usageOf(answer, candidateCount),
    common,
    candidateCount,
  };
  return {
    isStream: request.path.endsWith(":streamGenerateContent"),
    billed: script.has("blocks") ? promptOnly(billedOf(answer)) : billedOf(answer, candidateCount),
    whole: () =>
      script.has("blocks") ? blocked(frame) : whole(frame, groundingOf(answer, joined(parts)), request),
    stream: () => ({
      framing: query.get("alt") === "sse" ? "sse" : "json-array",
      events: script.has("blocks")
        ? [{ ...chunk(blocked(frame)), isLast: true }]
        : events(frame, groundingOf(answer, []), request),
    }),
    errorEvent: (error) => ({ data: JSON.stringify(error) }),
  };
}

interface Frame {
  readonly parts: readonly JsonRecord[];
  /** `finishReason` and its companions. */
  readonly finish: JsonRecord;
  readonly usage: JsonRecord;
  readonly common: JsonRecord;
  readonly candidateCount: number;
}

const FINISH_REASONS = {
  end: "STOP",
  length: "MAX_TOKENS",
  stop: "STOP",
  tool: "STOP",
  refusal: "SAFETY",
  pause: "STOP",
  continue: "CONTINUATION",
} as const;

function finishOf(answer: SimulatedAnswer, { script }: SimRequest, hop: number): JsonRecord {
  const isOdd = script.compat("gemini");
  if (isOdd("no-finish")) {
    return {};
  }
  if (isOdd("malformed")) {
    const finishMessage = "Malformed function call: simulated(";
    return { finishReason: "MALFORMED_FUNCTION_CALL", finishMessage };
  }
  const finishReason = script.text("finish") ?? FINISH_REASONS[answer.ending];
  switch (answer.ending) {
    case "refusal":
      return { finishReason, finishMessage: REFUSAL, safetyRatings: [RATING] };
    case "continue":
      return { finishReason, continuationToken: continuationToken(hop + 1) };
    default:
      return { finishReason };
  }
}

const RATING = { category: "HARM_CATEGORY_DANGEROUS_CONTENT", probability: "HIGH", blocked: true };

function promptOnly(billed: Billed): Billed {
  return { ...billed, output: 0 };
}

/** The answer to a blocked prompt: no candidate, and only the prompt's tokens are counted. */
function blocked({ usage, common }: Frame): JsonRecord {
  const { promptTokenCount, promptTokensDetails } = usage;
  return {
    promptFeedback: { blockReason: "PROHIBITED_CONTENT", safetyRatings: [RATING] },
    usageMetadata: { promptTokenCount, totalTokenCount: promptTokenCount, promptTokensDetails },
    ...common,
  };
}

function whole(
  { parts, finish, usage, common, candidateCount }: Frame,
  grounding: JsonRecord,
  request: SimRequest,
): JsonRecord {
  const isOdd = request.script.compat("gemini");
  const content =
    isOdd("no-content") || parts.length === 0 ? {} : { content: { role: "model", parts: joined(parts) } };
  return {
    candidates: Array.from({ length: candidateCount }, (_, index) => ({
      ...content,
      ...finish,
      index,
      ...grounding,
    })),
    usageMetadata: usage,
    ...common,
  };
}

function* events(frame: Frame, grounding: JsonRecord, request: SimRequest): Iterable<StreamEvent> {
  const { usage, common, candidateCount, finish } = frame;
  const isOdd = request.script.compat("gemini");
  const soFar = { promptTokenCount: usage.promptTokenCount, totalTokenCount: usage.promptTokenCount };
  const running = (candidates: readonly JsonRecord[]) =>
    chunk({ candidates, usageMetadata: soFar, ...common });
  if (isOdd("no-candidates")) {
    yield running([]);
  }
  if (isOdd("no-content")) {
    yield running([{ index: 0 }]);
  }
  if (isOdd("no-parts")) {
    yield running([{ content: { role: "model" }, index: 0 }]);
  }
  const parts = isOdd("partial-args")
    ? frame.parts.flatMap((part) => (part.functionCall === undefined ? [part] : inPieces(part)))
    : frame.parts;
  const indexes = Array.from({ length: candidateCount }, (_, index) => index);
  for (const part of parts) {
    for (const index of indexes) {
      yield { ...running([{ content: { role: "model", parts: [part] }, index }]), hasOutput: true };
    }
  }
  const last = indexes.map((index) => ({
    ...(isOdd("no-content") ? {} : { content: { role: "model", parts: [{ text: "" }] } }),
    ...finish,
    index,
    ...grounding,
  }));
  const isUsageAlone = isOdd("usage-chunk");
  yield isUsageAlone ? running(last) : lastOf({ candidates: last, usageMetadata: usage, ...common });
  if (isUsageAlone) {
    yield lastOf({ usageMetadata: usage, ...common });
  }
}

function lastOf(response: JsonRecord): StreamEvent {
  return { ...chunk(response), isLast: true };
}

function chunk(response: JsonRecord): StreamEvent {
  return { data: JSON.stringify(response) };
}

/** The counts of output are sums over all candidates. */
function usageOf({ usage }: SimulatedAnswer, candidateCount: number): JsonRecord {
  const { prompt } = usage;
  const output = usage.output * candidateCount;
  const reasoning = usage.reasoning * candidateCount;
  const details = (tokenCount: number) => [{ modality: "TEXT", tokenCount }];
  return {
    promptTokenCount: prompt.total,
    candidatesTokenCount: output - reasoning,
    totalTokenCount: prompt.total + output,
    promptTokensDetails: details(prompt.total),
    ...(prompt.cached > 0
      ? { cachedContentTokenCount: prompt.cached, cacheTokensDetails: details(prompt.cached) }
      : {}),
    ...(reasoning > 0 ? { thoughtsTokenCount: reasoning } : {}),
  };
}

export function countContentTokens(body: JsonRecord): unknown {
  const inner = body.generateContentRequest === undefined ? body : asRecord(body.generateContentRequest);
  const totalTokens = countPrompt(promptOf(inner));
  return { totalTokens, promptTokensDetails: [{ modality: "TEXT", tokenCount: totalTokens }] };
}
