/**
 * Reads streamed replies: server-sent events, or a growing array. Neither has a reliable end mark, so the end
 * of the body ends the answer.
 */
import type { ModelEvent } from "../../neutral/event.ts";
import { ArrayReader } from "../../wire/array-reader.ts";
import { parseJson } from "../../wire/json.ts";
import { SseReader } from "../../wire/sse-reader.ts";
import type { DecodeReplyOptions, StreamDecoder } from "../codec.ts";
import type { Framing } from "../dialect.ts";
import { REPLY_FAULTS } from "../shared/reply-faults.ts";
import { ContentDecoder } from "./reply-decode.ts";

type Emit = (event: ModelEvent) => void;

/** The common part of both framings: frames of JSON that are chunks. */
abstract class GeminiStreamDecoder implements StreamDecoder {
  #emit: Emit = () => {};
  protected readonly content: ContentDecoder;

  constructor({ idSeed }: DecodeReplyOptions) {
    this.content = new ContentDecoder(idSeed, (event) => this.#emit(event), false);
  }

  get isFinished(): boolean {
    return this.content.isFinished;
  }

  push(bytes: Uint8Array, emit: Emit): void {
    if (this.content.isOver || bytes.length === 0) return;
    this.#emit = emit;
    const fault = this.read(bytes);
    if (fault !== null) this.content.garbage(fault);
  }

  end(emit: Emit): void {
    if (this.content.isOver) return;
    this.#emit = emit;
    this.readRest();
    if (this.content.isFinished) this.content.end();
  }

  abstract get heldBytes(): number;

  /** Returns the fault, or null. */
  protected abstract read(bytes: Uint8Array): string | null;

  protected abstract readRest(): void;

  protected readonly readFrame = (text: string): void => {
    if (this.content.isOver) return;
    const value = parseJson(text);
    // Some servers put even a single chunk or an error into an array.
    if (Array.isArray(value)) for (const chunk of value) this.content.readChunk(chunk);
    else this.content.readChunk(value);
  };
}

class SseDecoder extends GeminiStreamDecoder {
  readonly #reader: SseReader;

  constructor(options: DecodeReplyOptions) {
    super(options);
    this.#reader = new SseReader(options.maxFrameBytes);
  }

  get heldBytes(): number {
    return this.#reader.heldBytes;
  }

  protected read(bytes: Uint8Array): string | null {
    return this.#reader.push(bytes, this.#onEvent) ? null : REPLY_FAULTS.longEvent;
  }

  protected readRest(): void {
    this.#reader.end(this.#onEvent);
  }

  readonly #onEvent = (_event: string, data: string): void => {
    if (data === "[DONE]") {
      // Google sends no end mark; for a compatible server that sends it, it is the end.
      this.content.end();
    } else if (data !== "") {
      this.readFrame(data);
    }
  };
}

class ArrayDecoder extends GeminiStreamDecoder {
  readonly #reader: ArrayReader;

  constructor(options: DecodeReplyOptions) {
    super(options);
    this.#reader = new ArrayReader(options.maxFrameBytes, this.readFrame);
  }

  get heldBytes(): number {
    return this.#reader.heldBytes;
  }

  protected read(bytes: Uint8Array): string | null {
    const fault = this.#reader.push(bytes);
    if (this.#reader.isClosed && this.content.isFinished) this.content.end();
    if (fault === null) return null;
    return fault === "too long" ? REPLY_FAULTS.longEvent : "the upstream's stream is not a JSON array";
  }

  protected readRest(): void {}
}

export function makeStreamDecoder(framing: Framing, options: DecodeReplyOptions): StreamDecoder {
  return framing === "sse" ? new SseDecoder(options) : new ArrayDecoder(options);
}
