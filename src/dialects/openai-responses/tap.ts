/** Reads the state of an answer from Responses replies. */
import { Buffer } from "node:buffer";
import type { GatewayError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { asArray, asObject, asString } from "../../wire/json.ts";
import { compileShape } from "../../wire/json-shape.ts";
import type { FailurePlace } from "../dialect.ts";
import { STATED_ERROR_MEMBERS, statedError } from "../shared/error-body.ts";
import { type AnswerReader, AnswerReading } from "../shared/tap/answer-reader.ts";
import { ContentSearch } from "../shared/tap/content-bytes.ts";
import { keyNeedle, NeedleSearch, textNeedle } from "../shared/tap/needle.ts";
import { renderStreamError } from "./error-encode.ts";
import { decodeUsage } from "./usage.ts";

const RESPONSE = {
  object: true,
  id: true,
  model: true,
  created_at: true,
  store: true,
  status: true,
  background: true,
  error: true,
  incomplete_details: true,
  usage: true,
  tool_usage: { web_search: true },
  output: { "*": { type: true, id: true, container_id: true, action: { type: true } } },
  service_tier: true,
  conversation: { id: true },
} as const;
const BODY = compileShape({ ...RESPONSE, ...STATED_ERROR_MEMBERS });
const FRAME = compileShape({
  type: true,
  code: true,
  message: true,
  param: true,
  error: true,
  response: RESPONSE,
});
/** Events with the whole response, and errors. */
const SEARCH = new NeedleSearch([keyNeedle("response"), textNeedle('"error"')]);
const SEQUENCE_KEY = Buffer.from('"sequence_number":');
/** Events in front of the answer. */
const PRELUDE: ReadonlySet<string> = new Set(["response.created", "response.in_progress", "response.queued"]);
/** The last one is a word of other servers. */
const ENDS: ReadonlySet<string> = new Set(["response.completed", "response.incomplete", "response.done"]);
/** Ids have about 60 characters; they are kept for as long as the response is made. */
const MAX_PENDING_ID_CHARS = 256;

const CONTENT = new ContentSearch("delta");
/** Of an incomplete response. */
const FILTERED = "content_filter";

export class ResponsesReader implements AnswerReader {
  readonly answer = new AnswerReading();
  readonly search = SEARCH;
  readonly content = CONTENT;
  readonly frameShape = FRAME;
  readonly bodyShape = BODY;
  #responseId: string | null = null;
  /** Unix seconds, 0 when unknown. */
  #createdAtS = 0;
  #nextSequenceNumber = 0;

  readFrame(event: string, data: unknown): boolean {
    const frame = asObject(data);
    if (frame === null) return false;
    const type = asString(frame.type) ?? event;
    const response = asObject(frame.response);
    if (response !== null) this.#readResponse(response);
    // Compatible servers also send an error without a type.
    const stated = type === "" && response === null ? statedError(frame) : null;
    if (stated !== null && event !== "error") this.answer.fail(stated);
    else if (type === "error" || event === "error") {
      this.answer.fail(frame.error ?? { code: frame.code, message: frame.message, param: frame.param });
    } else if (type === "response.failed" || type === "response.cancelled") {
      this.answer.fail(response?.error);
    } else if (ENDS.has(type)) {
      const saidNothing = !this.answer.hasContent;
      this.answer.hasContent = true;
      this.answer.stopReason = stopReasonOf(response);
      this.answer.isRefusal = saidNothing && this.answer.stopReason === FILTERED;
      this.answer.complete();
    } else if (type.startsWith("response.") && !PRELUDE.has(type)) {
      this.answer.hasContent = true;
    }
    return false;
  }

  /** This dialect has no end mark; compatible servers add one behind the terminal event. */
  readDone(): void {}

  readBody(body: unknown): void {
    const response = asObject(body);
    if (response === null) return;
    this.#readResponse(response);
    this.answer.stopReason = stopReasonOf(response);
    this.answer.isRefusal =
      this.answer.stopReason === FILTERED && asArray(response.output).every(isReasoning);
    const stated = failureIn(response);
    if (stated !== null) this.answer.fail(stated);
  }

  notePassed(bytes: Uint8Array, to: number): void {
    const key = Buffer.prototype.lastIndexOf.call(bytes as Buffer, SEQUENCE_KEY, to);
    if (key === -1) return;
    let at = key + SEQUENCE_KEY.length;
    while (bytes[at] === 0x20) at++;
    let number = 0;
    for (let byte = bytes[at] as number; byte >= 0x30 && byte <= 0x39; byte = bytes[++at] as number) {
      number = number * 10 + (byte - 0x30);
    }
    if (number < Number.MAX_SAFE_INTEGER) this.#nextSequenceNumber = number + 1;
  }

  contentOf(body: JsonObject): unknown {
    return body.output;
  }

  renderFailure(error: GatewayError, requestId: string, place: FailurePlace): string {
    return renderStreamError(error, requestId, place, {
      id: this.#responseId,
      model: this.answer.model,
      createdAtS: this.#createdAtS,
      nextSequenceNumber: this.#nextSequenceNumber,
    });
  }

  #readResponse(response: JsonObject): void {
    const answer = this.answer;
    answer.model ??= asString(response.model);
    this.#responseId ??= asString(response.id);
    if (typeof response.created_at === "number") this.#createdAtS = response.created_at;
    answer.pendingId = pendingIdOf(response);
    if (response.store !== false && response.object !== "response.compaction") {
      answer.addStateId(response.id);
      for (const item of asArray(response.output)) answer.addItemId(asObject(item)?.id);
    }
    answer.addStateId(asObject(response.conversation)?.id);
    for (const item of asArray(response.output)) answer.addStateId(asObject(item)?.container_id);
    answer.usage = decodeUsage(response) ?? answer.usage;
  }
}

/** A background response is made behind the reply that names it. */
function pendingIdOf({ background, status, id }: JsonObject): string | null {
  if (background !== true || (status !== "queued" && status !== "in_progress")) return null;
  const name = asString(id);
  return name === null || name === "" || name.length > MAX_PENDING_ID_CHARS ? null : name;
}

function stopReasonOf(response: JsonObject | null): string | null {
  return asString(asObject(response?.incomplete_details)?.reason) ?? asString(response?.status);
}

/** The failure of a whole response, or of a body that is none; null: it is an answer, or another object. */
function failureIn(body: JsonObject): unknown {
  if (body.status === "failed") return body.error ?? { message: "the response failed" };
  return body.object === "response" || body.output !== undefined ? null : statedError(body);
}

/** In a whole answer, reasoning alone says nothing. */
function isReasoning(item: unknown): boolean {
  return asObject(item)?.type === "reasoning";
}
