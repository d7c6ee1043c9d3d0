/** Reads a streamed response. */
import { GatewayError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type { FailEvent } from "../../neutral/event.ts";
import { asArray, asObject, asString, parseJson } from "../../wire/json.ts";
import { SseReader } from "../../wire/sse-reader.ts";
import type { DecodeReplyOptions, StreamDecoder } from "../codec.ts";
import { statedError } from "../shared/error-body.ts";
import { failEvent } from "../shared/failure-text.ts";
import { REPLY_FAULTS } from "../shared/reply-faults.ts";
import type { PieceKind } from "./item-decode.ts";
import { type Emit, type ItemPlace, OutputDecoder, startOf } from "./reply-decode.ts";
import { decodeStop } from "./stop.ts";
import { decodeUsage } from "./usage.ts";

/**
 * The meaning of an event with text of an item: the kind of the text, its member, and whether it is a piece
 * or the whole.
 */
interface Piece {
  readonly item: string;
  readonly kind: PieceKind;
  readonly index: "content_index" | "summary_index" | null;
  readonly member: string;
  readonly isWhole: boolean;
}

const PIECES: ReadonlyMap<string, Piece> = new Map(
  (
    [
      ["output_text", "message", "text", "content_index", "text"],
      ["refusal", "message", "refusal", "content_index", "refusal"],
      ["reasoning_summary_text", "reasoning", "summary", "summary_index", "text"],
      ["reasoning_text", "reasoning", "reasoning", "content_index", "text"],
      ["function_call_arguments", "function_call", "input", null, "arguments"],
      ["custom_tool_call_input", "custom_tool_call", "input", null, "input"],
    ] as const
  ).flatMap(([name, item, kind, index, member]): [string, Piece][] => [
    [`response.${name}.delta`, { item, kind, index, member: "delta", isWhole: false }],
    [`response.${name}.done`, { item, kind, index, member, isWhole: true }],
  ]),
);

const ignore: Emit = () => {};

export class ResponsesStreamDecoder implements StreamDecoder {
  /** The terminal event completes the answer; no end mark follows. */
  readonly isFinished = false;
  readonly #sse: SseReader;
  readonly #output: OutputDecoder;
  readonly #onEvent = (event: string, data: string): void => this.#read(event, data, this.#emit);
  #emit: Emit = ignore;
  #hasStarted = false;
  #isOver = false;

  constructor(options: DecodeReplyOptions) {
    this.#sse = new SseReader(options.maxFrameBytes);
    this.#output = new OutputDecoder(options.idSeed);
  }

  get heldBytes(): number {
    return this.#sse.heldBytes;
  }

  push(bytes: Uint8Array, emit: Emit): void {
    if (this.#isOver) return;
    this.#emit = emit;
    if (!this.#sse.push(bytes, this.#onEvent)) this.#garbage(REPLY_FAULTS.longEvent, emit);
  }

  end(emit: Emit): void {
    if (this.#isOver) return;
    this.#emit = emit;
    this.#sse.end(this.#onEvent);
  }

  #read(event: string, data: string, emit: Emit): void {
    if (this.#isOver || data === "" || data === "[DONE]") return;
    const frame = asObject(parseJson(data));
    if (frame === null) {
      if (data.trim() !== "" && data.trim() !== "[DONE]") {
        this.#garbage(REPLY_FAULTS.notJson, emit);
      }
      return;
    }
    try {
      this.#readFrame(asString(frame.type) ?? event, event, frame, emit);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.#garbage(error.message, emit);
    }
  }

  #readFrame(type: string, event: string, frame: JsonObject, emit: Emit): void {
    const piece = PIECES.get(type);
    if (piece !== undefined) {
      this.#piece(piece, frame, emit);
      return;
    }
    switch (type) {
      case "response.output_text.annotation.added":
        this.#annotation(frame, emit);
        break;
      case "response.output_item.added":
      case "response.output_item.done":
        this.#item(type === "response.output_item.done", frame, emit);
        break;
      case "response.created":
      case "response.in_progress":
      case "response.queued":
        this.#start(asObject(frame.response), emit);
        break;
      case "response.completed":
      case "response.incomplete":
      case "response.done":
        this.#finish(type, asObject(frame.response) ?? {}, emit);
        break;
      case "response.failed":
      case "response.cancelled":
        this.#failed(asObject(frame.response), emit);
        break;
      default:
        this.#readOther(type, event, frame, emit);
    }
  }

  /** Reads errors in all forms of servers; other events are skipped. */
  #readOther(type: string, event: string, frame: JsonObject, emit: Emit): void {
    if (type === "error" || event === "error") {
      const error = frame.error ?? { code: frame.code, message: frame.message, param: frame.param };
      this.#fail(failEvent(error), emit);
      return;
    }
    const stated = type === "" && frame.response === undefined ? statedError(frame) : null;
    if (stated !== null) this.#fail(failEvent(stated), emit);
  }

  #start(response: JsonObject | null, emit: Emit): void {
    if (this.#hasStarted) return;
    this.#hasStarted = true;
    emit(startOf(response));
  }

  #piece(piece: Piece, frame: JsonObject, emit: Emit): void {
    const text = frame[piece.member];
    if (typeof text !== "string" || text === "") return;
    this.#start(null, emit);
    const index = piece.index === null ? 0 : numberOf(frame[piece.index]);
    const reader = this.#output.readerOf(placeOf(frame), piece.item);
    if (piece.isWhole) reader?.whole(piece.kind, index, text);
    else reader?.piece(piece.kind, index, text);
    this.#output.drain(emit);
  }

  #annotation(frame: JsonObject, emit: Emit): void {
    const reader = this.#output.readerOf(placeOf(frame), "message");
    reader?.annotation(numberOf(frame.content_index), numberOf(frame.annotation_index), frame.annotation);
    this.#output.drain(emit);
  }

  #item(isWhole: boolean, frame: JsonObject, emit: Emit): void {
    const item = asObject(frame.item);
    if (item === null) return;
    this.#start(null, emit);
    const place = placeOf(frame, asString(item.id));
    if (isWhole) this.#output.done(place, item);
    else this.#output.begin(place, item);
    this.#output.drain(emit);
  }

  #finish(type: string, response: JsonObject, emit: Emit): void {
    this.#start(response, emit);
    this.#output.finish(asArray(response.output));
    this.#output.drain(emit);
    this.#usage(response, emit);
    this.#isOver = true;
    const isIncomplete =
      type === "response.incomplete" || (type !== "response.completed" && response.status === "incomplete");
    const stop = decodeStop(response, isIncomplete ? "incomplete" : "completed", this.#output);
    emit({ type: "end", stop });
  }

  #failed(response: JsonObject | null, emit: Emit): void {
    // The grammar has no usage within a block.
    if (response !== null && this.#hasStarted && !this.#output.isInBlock) this.#usage(response, emit);
    const error = response?.error ?? null;
    this.#fail(failEvent(error), emit);
  }

  #usage(response: JsonObject, emit: Emit): void {
    const usage = decodeUsage(response);
    if (usage !== null) emit({ type: "usage", usage });
  }

  #garbage(message: string, emit: Emit): void {
    this.#fail({ type: "fail", raw: null, message }, emit);
  }

  #fail(event: FailEvent, emit: Emit): void {
    if (this.#isOver) return;
    this.#isOver = true;
    emit(event);
  }
}

function placeOf(frame: JsonObject, id: string | null = asString(frame.item_id)): ItemPlace {
  const index = frame.output_index;
  return { index: typeof index === "number" ? index : null, id };
}

function numberOf(value: unknown): number {
  return typeof value === "number" ? value : 0;
}
