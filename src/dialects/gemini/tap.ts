/** Reads the state of an answer from generateContent replies. */
import type { GatewayError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { asArray, asObject, asString } from "../../wire/json.ts";
import { compileShape } from "../../wire/json-shape.ts";
import type { FailurePlace } from "../dialect.ts";
import { STATED_ERROR_MEMBERS } from "../shared/error-body.ts";
import { type AnswerReader, AnswerReading } from "../shared/tap/answer-reader.ts";
import { ContentSearch } from "../shared/tap/content-bytes.ts";
import { keyNeedle, NeedleSearch, textNeedle } from "../shared/tap/needle.ts";
import { errorIn } from "./error-decode.ts";
import { renderStreamError } from "./error-encode.ts";
import { RunningUsage } from "./running-usage.ts";
import { decodeStop, finishReasonIn } from "./stop.ts";
import { laterUsage, Searches, usageOfPredictions } from "./usage.ts";

const CHUNK = {
  candidates: {
    "*": {
      finishReason: true,
      content: { parts: { "*": true } },
      groundingMetadata: { webSearchQueries: true },
    },
  },
  promptFeedback: true,
  usageMetadata: true,
  modelVersion: true,
  ...STATED_ERROR_MEMBERS,
} as const;
const FRAME = compileShape(CHUNK);
const SEARCH = new NeedleSearch([
  keyNeedle("finishReason"),
  keyNeedle("promptFeedback"),
  keyNeedle("webSearchQueries"),
  keyNeedle("error"),
  textNeedle("[DONE]"),
]);
/** A body is one object, or an array of chunks. */
const BODY = compileShape({
  ...CHUNK,
  "*": CHUNK,
  // Embeddings of older models, each with its own count.
  predictions: { "*": { embeddings: { statistics: { token_count: true } } } },
});

const CONTENT = new ContentSearch("parts");

export class GeminiReader implements AnswerReader {
  readonly answer = new AnswerReading();
  readonly search = SEARCH;
  readonly content = CONTENT;
  readonly frameShape = FRAME;
  readonly bodyShape = BODY;
  readonly #running = new RunningUsage();
  readonly #searches = new Searches();

  defers(bytes: Uint8Array, from: number, to: number): boolean {
    return this.#running.keep(bytes, from, to);
  }

  catchUp(): void {
    const members = this.#running.take();
    if (members !== null) this.#readTotals(members);
  }

  readFrame(_event: string, data: unknown): boolean {
    this.catchUp();
    const chunk = asObject(data);
    if (chunk === null) return false;
    const error = errorIn(chunk);
    if (error !== null) {
      this.answer.fail(error);
      return false;
    }
    this.#readTotals(chunk);
    const blockReason = asString(asObject(chunk.promptFeedback)?.blockReason);
    let finishReason = blockReason;
    let hasContent = false;
    for (const entry of asArray(chunk.candidates)) {
      const candidate = asObject(entry);
      if (candidate === null) continue;
      this.#searches.add(candidate);
      finishReason = finishReasonIn(candidate) ?? finishReason;
      hasContent ||= asArray(asObject(candidate.content)?.parts).some(isContent);
    }
    this.#readSearches();
    if (hasContent) {
      this.answer.hasContent = true;
      this.answer.isRefusal = false;
    }
    if (finishReason !== null) {
      this.answer.stopReason = finishReason;
      this.answer.isRefusal ||= !this.answer.hasContent && isRefusal(finishReason, blockReason !== null);
      this.answer.hasContent = true;
      this.answer.finish();
    } else if (hasContent) {
      // Of several candidates, the first to finish does not end the answer.
      this.answer.reopen();
    }
    return false;
  }

  /** This dialect has no end mark; compatible servers add one. */
  readDone(): void {
    this.answer.complete();
  }

  readBody(body: unknown): void {
    if (!Array.isArray(body)) {
      this.readFrame("", body);
      this.answer.usage ??= usageOfPredictions(asObject(body)?.predictions);
    }
    for (const chunk of asArray(body)) this.readFrame("", chunk);
  }

  contentOf(body: JsonObject): unknown {
    return asArray(body.candidates).map((candidate) => asObject(asObject(candidate)?.content)?.parts);
  }

  renderFailure(error: GatewayError, requestId: string, place: FailurePlace): string {
    return renderStreamError(error, requestId, place);
  }

  #readTotals(chunk: JsonObject): void {
    this.answer.model = asString(chunk.modelVersion) ?? this.answer.model;
    const metadata = asObject(chunk.usageMetadata);
    if (metadata === null) return;
    this.answer.usage = laterUsage(this.answer.usage, metadata, this.#searches.count);
  }

  /** The searches may stand in another chunk than the counts. */
  #readSearches(): void {
    const { usage } = this.answer;
    const webSearches = this.#searches.count;
    if (usage !== null && usage.webSearches !== webSearches) this.answer.usage = { ...usage, webSearches };
  }
}

/** A part with anything in it; an empty text may be there only to carry a signature. */
function isContent(part: unknown): boolean {
  if (part === true) return true;
  for (const [key, value] of Object.entries(asObject(part) ?? {})) {
    if (key === "thought" || key === "thoughtSignature" || (key === "text" && value === "")) continue;
    return true;
  }
  return false;
}

function isRefusal(reason: string, isBlocked: boolean): boolean {
  return decodeStop({ reason, isBlocked, message: null, token: null }, false).kind === "refusal";
}
