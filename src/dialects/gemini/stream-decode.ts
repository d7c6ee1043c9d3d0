/** Streamed replies: server-sent events, or an array that grows. Neither has an end mark that can be counted on, so ends are told at the body's. */
import type { ModelEvent } from "../../neutral/event.ts";
import { ArrayReader } from "../../wire/array-reader.ts";
import { SseReader } from "../../wire/sse-reader.ts";
import type { DecodeReplyOptions, StreamDecoder } from "../codec.ts";
import type { Framing } from "../dialect.ts";
import { ContentDecoder } from "./reply-decode.ts";

type Emit = (event: ModelEvent) => void;

/** What both framings share: frames of JSON that are chunks. */
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

  /** Returns what is wrong, null for nothing. */
  protected abstract read(bytes: Uint8Array): string | null;

  protected abstract readRest(): void;

  protected readonly readFrame = (text: string): void => {
    if (this.content.isOver) return;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      this.content.garbage("a frame is not JSON");
      return;
    }
    // Some servers put even a single chunk, or an error, into an array.
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

  protected read(bytes: Uint8Array): string | null {
    return this.#reader.push(bytes, this.#onEvent) ? null : "a frame is longer than it may be";
  }

  protected readRest(): void {
    this.#reader.end(this.#onEvent);
  }

  readonly #onEvent = (_event: string, data: string): void => {
    if (data === "[DONE]") {
      // Google sends none; of a compatible server that does, it is the end.
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

  protected read(bytes: Uint8Array): string | null {
    const fault = this.#reader.push(bytes);
    if (this.#reader.isClosed && this.content.isFinished) this.content.end();
    return fault;
  }

  protected readRest(): void {}
}

/** Reads a stream in either framing. */
export function makeStreamDecoder(framing: Framing, options: DecodeReplyOptions): StreamDecoder {
  return framing === "sse" ? new SseDecoder(options) : new ArrayDecoder(options);
}
