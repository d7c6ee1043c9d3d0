/** Reads the state of an answer from Messages replies. */
import type { GatewayError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { asArray, asObject, asString } from "../../wire/json.ts";
import { compileShape } from "../../wire/json-shape.ts";
import type { FailurePlace } from "../dialect.ts";
import { STATED_ERROR_MEMBERS, statedError } from "../shared/error-body.ts";
import { type AnswerReader, AnswerReading } from "../shared/tap/answer-reader.ts";
import { ContentSearch } from "../shared/tap/content-bytes.ts";
import { NeedleSearch, textNeedle } from "../shared/tap/needle.ts";
import { renderStreamError } from "./error-encode.ts";
import { UsageCounts } from "./usage.ts";

const MESSAGE = {
  type: true,
  id: true,
  model: true,
  stop_reason: true,
  usage: true,
  container: { id: true },
} as const;
const BODY = compileShape({ ...MESSAGE, content: { "*": { type: true } }, ...STATED_ERROR_MEMBERS });
const FRAME = compileShape({
  type: true,
  error: true,
  usage: true,
  message: MESSAGE,
  delta: { stop_reason: true, container: { id: true } },
});
/**
 * `message_start`, `message_delta`, `message_stop` and errors; the events of content blocks hold none of
 * these.
 */
const SEARCH = new NeedleSearch([textNeedle("message_"), textNeedle('"error"')]);

const CONTENT = new ContentSearch("delta");
const REFUSAL = "refusal";

export class MessagesReader implements AnswerReader {
  readonly answer = new AnswerReading();
  readonly search = SEARCH;
  readonly content = CONTENT;
  readonly frameShape = FRAME;
  readonly bodyShape = BODY;
  readonly #keepsReplyId: boolean;
  readonly #counts = new UsageCounts();

  constructor(keepsReplyId: boolean) {
    this.#keepsReplyId = keepsReplyId;
  }

  readFrame(event: string, data: unknown): boolean {
    const frame = asObject(data);
    if (frame === null) return false;
    const type = asString(frame.type) ?? event;
    switch (type) {
      case "message_start":
        this.#readMessage(asObject(frame.message));
        break;
      case "message_delta":
        this.#readDelta(frame);
        break;
      case "message_stop":
        this.answer.hasContent = true;
        this.answer.complete();
        break;
      case "error":
        this.answer.fail(frame.error);
        break;
      case "":
        this.#readNameless(frame);
        break;
      default:
        if (type.startsWith("content_block_")) this.answer.hasContent = true;
    }
    return false;
  }

  /** This dialect has no end mark; compatible servers add one behind `message_stop`. */
  readDone(): void {}

  readBody(body: unknown): void {
    const message = asObject(body);
    if (message === null) return;
    if (message.type === "error") {
      this.answer.fail(message.error);
      return;
    }
    const stated = message.type === "message" || message.content !== undefined ? null : statedError(message);
    if (stated !== null) {
      this.answer.fail(stated);
      return;
    }
    this.#readMessage(message);
    this.answer.isRefusal = this.answer.stopReason === REFUSAL && !asArray(message.content).some(isSaid);
  }

  contentOf(body: JsonObject): unknown {
    return body.content;
  }

  renderFailure(error: GatewayError, requestId: string, place: FailurePlace): string {
    return renderStreamError(error, requestId, place);
  }

  /** A frame that is none of the dialect's events may state a failure. */
  #readNameless(frame: JsonObject): void {
    const stated = statedError(frame);
    if (stated !== null) this.answer.fail(stated);
  }

  #readMessage(message: JsonObject | null): void {
    if (message === null) return;
    this.answer.model = asString(message.model) ?? this.answer.model;
    this.answer.stopReason = asString(message.stop_reason);
    this.answer.addStateId(asObject(message.container)?.id);
    if (this.#keepsReplyId) this.answer.addStateId(message.id);
    this.#readUsage(asObject(message.usage));
  }

  #readDelta(frame: JsonObject): void {
    const delta = asObject(frame.delta);
    this.answer.addStateId(asObject(delta?.container)?.id);
    this.#readUsage(asObject(frame.usage));
    const stopReason = asString(delta?.stop_reason);
    if (stopReason === null) return;
    this.answer.stopReason = stopReason;
    this.answer.isRefusal = stopReason === REFUSAL && !this.answer.hasContent;
    this.answer.hasContent = true;
    this.answer.finish();
  }

  #readUsage(usage: JsonObject | null): void {
    if (usage === null) return;
    this.#counts.add(usage);
    this.answer.usage = this.#counts.usage;
  }
}

/** Of a whole answer, in which thinking alone says nothing. */
function isSaid(block: unknown): boolean {
  const type = asString(asObject(block)?.type);
  return type !== "thinking" && type !== "redacted_thinking";
}
