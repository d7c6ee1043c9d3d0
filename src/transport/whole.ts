/** Reads a reply's body whole, up to a size. Another sink can take over the rest of a longer body. */
import type { GatewayError } from "../core/errors.ts";
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
interface Watcher {
  push(chunk: Uint8Array): unknown;
}

/** Gets what was read. */
export interface WholeReader {
  wholeRead(read: WholeRead): void;
}

/** The whole body; or its first `limitBytes` and a little more; or the bytes before the body broke off. */
export function readWhole(call: Call, limitBytes: number): Promise<WholeRead> {
  return new Promise((resolve) => call.pipe(new WholeSink(limitBytes, null, { wholeRead: resolve })));
}

/**
 * Collects a body. Calls its reader once: at the body's end, at the limit, or at `end`, which the caller of
 * `abort` calls itself.
 */
export class WholeSink implements BodySink, WholeRead {
  readonly #limitBytes: number;
  readonly #watcher: Watcher | null;
  readonly #reader: WholeReader;
  #isDone = false;
  #chunks: Uint8Array[] = [];
  #sizeBytes = 0;
  #next: BodySink | null = null;
  isWhole = false;
  error: GatewayError | null = null;

  constructor(limitBytes: number, watcher: Watcher | null, reader: WholeReader) {
    this.#limitBytes = limitBytes;
    this.#watcher = watcher;
    this.#reader = reader;
  }

  get bytes(): Uint8Array {
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks, this.#sizeBytes)];
    return this.#chunks[0] as Uint8Array;
  }

  chunk(bytes: Uint8Array): boolean {
    if (this.#next !== null) return this.#next.chunk(bytes);
    this.#watcher?.push(bytes);
    this.#chunks.push(bytes);
    this.#sizeBytes += bytes.byteLength;
    if (this.#sizeBytes <= this.#limitBytes) return true;
    this.#done();
    return false;
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
  }
}
