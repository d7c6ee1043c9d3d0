/**
 * Reads a JSON array out of bytes and gives each element as text. Any split of the bytes gives the same
 * elements.
 */
import { CollectedBytes, decodeUtf8 } from "./bytes.ts";
import { JsonScanner } from "./json-scan.ts";
import { compileShape, type ShapeNode } from "./json-shape.ts";
import type { JsonSink } from "./json-sink.ts";

const NONE = new Uint8Array(0);
const ELEMENTS = compileShape({ "*": true });

export class ArrayReader implements JsonSink {
  readonly #maxFrameBytes: number;
  readonly #onElement: (text: string) => void;
  readonly #scanner = new JsonScanner(ELEMENTS, this);
  /** Bytes of earlier chunks, from `#heldFrom` on. */
  readonly #held = new CollectedBytes();
  #heldFrom = 0;
  #chunk: Uint8Array = NONE;
  #chunkFrom = 0;

  constructor(maxFrameBytes: number, onElement: (text: string) => void) {
    this.#maxFrameBytes = maxFrameBytes;
    this.#onElement = onElement;
  }

  /** The array has ended, or the single value that some servers send in its place. */
  get isClosed(): boolean {
    return this.#scanner.status === "closed";
  }

  /** What an element that is not whole yet takes in memory. */
  get heldBytes(): number {
    return this.#held.heldBytes;
  }

  /** Returns the fault, or null. Nothing is to be pushed after a fault. */
  push(bytes: Uint8Array): "too long" | "no array" | null {
    if (this.isClosed) return null;
    this.#chunk = bytes;
    this.#chunkFrom = this.#scanner.size;
    this.#scanner.push(bytes);
    // A long silence may follow these bytes.
    this.#chunk = NONE;
    const from = Math.max(0, this.#heldFrom - this.#chunkFrom);
    if (from < bytes.length && !this.isClosed) this.#held.append(bytes, from, bytes.length);
    if (this.#held.size > this.#maxFrameBytes) return "too long";
    // The array is whole, so bytes behind its end change nothing.
    const isBroken = this.#scanner.status === "invalid" && this.#scanner.fault !== "trailing";
    return isBroken ? "no array" : null;
  }

  open(): void {}

  close(): void {}

  value(_node: ShapeNode, start: number, end: number): void {
    let text: string;
    if (start >= this.#chunkFrom) {
      text = decodeUtf8(this.#chunk, start - this.#chunkFrom, end - this.#chunkFrom);
    } else {
      this.#held.append(this.#chunk, 0, end - this.#chunkFrom);
      text = decodeUtf8(this.#held.take(), start - this.#heldFrom, end - this.#heldFrom);
    }
    this.#held.clear();
    this.#heldFrom = end;
    this.#onElement(text);
  }
}
