/** Reads a streamed reply of the Messages API. */
import type { JsonObject } from "../../core/json.ts";
import type { ModelEvent } from "../../neutral/event.ts";
import { asObject, asString, parseJson } from "../../wire/json.ts";
import { SseReader } from "../../wire/sse-reader.ts";
import type { DecodeReplyOptions, StreamDecoder } from "../codec.ts";
import { statedError } from "../shared/error-body.ts";
import { failEvent } from "../shared/failure-text.ts";
import { REPLY_FAULTS } from "../shared/reply-faults.ts";
import { BrokenReply, ContentReader } from "./reply-decode.ts";
import { decodeStop } from "./stop.ts";
import { UsageCounts } from "./usage.ts";

type Emit = (event: ModelEvent) => void;

const ignore: Emit = () => {};

export class MessagesStreamDecoder implements StreamDecoder {
  readonly #sse: SseReader;
  readonly #content: ContentReader;
  readonly #counts = new UsageCounts();
  readonly #onEvent = (event: string, data: string): void => this.#read(event, data, this.#emit);
  #emit: Emit = ignore;
  #hasBegun = false;
  /** Counts that wait for the end of the open block. */
  #isUsageNew = false;
  /** The end has been emitted. */
  #isDone = false;
  /** The `delta` with the stop reason. */
  #stop: JsonObject | null = null;

  constructor(options: DecodeReplyOptions) {
    this.#sse = new SseReader(options.maxFrameBytes);
    this.#content = new ContentReader(options);
  }

  get isFinished(): boolean {
    return this.#stop !== null && !this.#isDone;
  }

  get heldBytes(): number {
    return this.#sse.heldBytes;
  }

  push(bytes: Uint8Array, emit: Emit): void {
    if (this.#isDone) return;
    this.#emit = emit;
    if (!this.#sse.push(bytes, this.#onEvent)) this.#break(REPLY_FAULTS.longEvent, emit);
  }

  end(emit: Emit): void {
    if (this.#isDone) return;
    this.#emit = emit;
    this.#sse.end(this.#onEvent);
    if (this.isFinished) this.#finish(emit);
  }

  #read(name: string, data: string, emit: Emit): void {
    if (this.#isDone || data === "") return;
    const frame = asObject(parseJson(data));
    if (frame === null) {
      // Compatible servers send OpenAI's end mark.
      if (data.trim() === "[DONE]") return;
      this.#break(REPLY_FAULTS.notJson, emit);
      return;
    }
    try {
      this.#take(asString(frame.type) ?? name, frame, emit);
    } catch (error) {
      if (!(error instanceof BrokenReply)) throw error;
      this.#break(error.message, emit);
    }
  }

  #take(type: string, frame: JsonObject, emit: Emit): void {
    switch (type) {
      case "content_block_delta": {
        const delta = asObject(frame.delta);
        if (delta !== null) this.#content.delta(indexOf(frame), delta, emit);
        break;
      }
      case "content_block_start": {
        const block = asObject(frame.content_block);
        this.#begin(null, emit);
        if (block !== null) this.#content.start(indexOf(frame), block, emit);
        break;
      }
      case "content_block_stop":
        this.#content.stop(emit);
        break;
      case "message_start":
        this.#begin(asObject(frame.message), emit);
        break;
      case "message_delta":
        this.#begin(null, emit);
        this.#takeMessageDelta(frame, emit);
        break;
      case "message_stop":
        if (!this.#hasBegun) throw new BrokenReply(REPLY_FAULTS.endedEarly);
        this.#finish(emit);
        break;
      case "error":
        this.#isDone = true;
        emit(failEvent(frame.error));
        break;
      case "": {
        const stated = statedError(frame);
        this.#isDone = stated !== null;
        if (stated !== null) emit(failEvent(stated));
        break;
      }
    }
  }

  /** A second `message_start` follows a switch to another model and starts no new answer. */
  #begin(message: JsonObject | null, emit: Emit): void {
    if (!this.#hasBegun) {
      this.#hasBegun = true;
      emit({ type: "start", id: asString(message?.id), model: asString(message?.model) });
    }
    this.#takeUsage(asObject(message?.usage), emit);
  }

  #takeMessageDelta(frame: JsonObject, emit: Emit): void {
    const delta = asObject(frame.delta);
    if (asString(delta?.stop_reason) !== null) {
      this.#stop = delta;
      this.#content.end(emit);
    }
    this.#takeUsage(asObject(frame.usage), emit);
  }

  #takeUsage(usage: JsonObject | null, emit: Emit): void {
    if (usage === null) return;
    this.#counts.add(usage);
    this.#isUsageNew = true;
    if (!this.#content.isOpen) this.#tellUsage(emit);
  }

  #tellUsage(emit: Emit): void {
    if (!this.#isUsageNew || this.#counts.usage === null) return;
    this.#isUsageNew = false;
    emit({ type: "usage", usage: this.#counts.usage });
  }

  #finish(emit: Emit): void {
    this.#content.end(emit);
    this.#tellUsage(emit);
    this.#isDone = true;
    emit({ type: "end", stop: decodeStop(this.#stop ?? {}, this.#content.hasCalls) });
  }

  #break(message: string, emit: Emit): void {
    if (this.#isDone) return;
    this.#isDone = true;
    emit({ type: "fail", raw: null, message });
  }
}

/** Servers without an index send one block at a time. */
function indexOf(frame: JsonObject): number {
  return typeof frame.index === "number" ? frame.index : 0;
}
