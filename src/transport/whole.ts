/** Reads a reply's body whole, up to a size. Another sink can take over the rest of a longer body. */
import type { GatewayError } from "../core/errors.ts";
import { type ByteRoom, memoryExhausted } from "../core/memory-budget.ts";
import type { BodySink, Call } from "./call.ts";

export interface WholeRead {
  readonly bytes: Uint8Array;
  /** False: the body has more bytes, and the call is paused until `handOver`. */
  readonly isWhole: boolean;
  /** The body broke off. */
  readonly error: GatewayError | null;
  /** Gives the rest of the body to `sink`, which resumes the call. */
  handOver(sink: BodySink): void;
}

/** Reads the bytes while they come, as a tap does. */
export interface Watcher {
  push(chunk: Uint8Array): unknown;
  /** The bytes so far are enough: the rest need not be read with them. */
  readonly isEnough?: boolean;
}

/** A server that sends a byte at a time would have each of them take a hundred: pieces up to this size share a block. */
const SMALL_BYTES = 1_024;
const BLOCK_BYTES = 16 * 1_024;

/** Gets what was read. */
export interface WholeReader {
  wholeRead(read: WholeRead): void;
}

/** The whole body; or its first `limitBytes` and a little more; or the bytes before the body broke off. */
export function readWhole(call: Call, limitBytes: number): Promise<WholeRead> {
  return new Promise((resolve) => call.pipe(new WholeSink(limitBytes, null, { wholeRead: resolve })));
}

/**
 * Collects a body. Calls its reader once: at the body's end, at the limit, when its watcher has enough, or at `end`,
 * which the caller of `abort` calls itself.
 */
export class WholeSink implements BodySink, WholeRead {
  readonly #limitBytes: number;
  readonly #watcher: Watcher | null;
  readonly #reader: WholeReader;
  readonly #room: ByteRoom | null;
  #isDone = false;
  #chunks: Uint8Array[] = [];
  /** Small pieces behind the last chunk, in the first `#blockBytes`. */
  #block: Uint8Array | null = null;
  #blockBytes = 0;
  #sizeBytes = 0;
  #next: BodySink | null = null;
  isWhole = false;
  error: GatewayError | null = null;

  /** `room`: where the bytes are counted; a body that it has no room for ends with `memory_exhausted`. */
  constructor(
    limitBytes: number,
    watcher: Watcher | null,
    reader: WholeReader,
    room: ByteRoom | null = null,
  ) {
    this.#limitBytes = limitBytes;
    this.#watcher = watcher;
    this.#reader = reader;
    this.#room = room;
  }

  get bytes(): Uint8Array {
    this.#closeBlock();
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks, this.#sizeBytes)];
    return this.#chunks[0] as Uint8Array;
  }

  chunk(bytes: Uint8Array): boolean {
    if (this.#next !== null) return this.#next.chunk(bytes);
    if (this.#room?.take(bytes.byteLength) === false) {
      this.error = memoryExhausted();
      this.#done();
      return false;
    }
    this.#watcher?.push(bytes);
    this.#keep(bytes);
    this.#sizeBytes += bytes.byteLength;
    if (this.#sizeBytes <= this.#limitBytes && this.#watcher?.isEnough !== true) return true;
    this.#done();
    return false;
  }

  #keep(bytes: Uint8Array): void {
    if (bytes.length > SMALL_BYTES || this.#chunks.length === 0) {
      this.#closeBlock();
      this.#chunks.push(bytes);
      return;
    }
    if (this.#block !== null && this.#blockBytes + bytes.length > BLOCK_BYTES) this.#closeBlock();
    this.#block ??= new Uint8Array(BLOCK_BYTES);
    this.#block.set(bytes, this.#blockBytes);
    this.#blockBytes += bytes.length;
  }

  #closeBlock(): void {
    if (this.#block === null || this.#blockBytes === 0) return;
    if (this.#blockBytes < BLOCK_BYTES / 4) this.#chunks.push(this.#block.slice(0, this.#blockBytes));
    else {
      this.#chunks.push(this.#block.subarray(0, this.#blockBytes));
      this.#block = null;
    }
    this.#blockBytes = 0;
  }

  end(error: GatewayError | null): void {
    if (this.#next !== null) {
      this.#next.end(error);
      return;
    }
    if (this.#isDone) return;
    this.error = error;
    this.isWhole = error === null;
    this.#done();
  }

  #done(): void {
    this.#isDone = true;
    this.#reader.wholeRead(this);
  }

  handOver(sink: BodySink): void {
    this.#next = sink;
    this.#chunks = [];
    this.#block = null;
  }
}
