/** Searches and joins bytes with the native routines of the runtime. */
import { Buffer } from "node:buffer";

const NONE = new Uint8Array(0);

/** Part of the runtime's and of Node's buffers, and not of their types. */
const { utf8Slice } = Buffer.prototype as unknown as {
  utf8Slice(this: Buffer, from: number, to: number): string;
};

/**
 * Index of `needle` in `bytes` from `from` on, or -1. Native: some 20 GB/s, 40 ns a call
 * (bench/micro/tap.ts).
 */
export function indexOfBytes(bytes: Uint8Array, needle: Buffer, from: number): number {
  // Wrapping the view in a Buffer first would cost more than the search.
  return Buffer.prototype.indexOf.call(bytes as Buffer, needle, from);
}

/** Decodes a range of UTF-8. Broken sequences become U+FFFD. */
export function decodeUtf8(bytes: Uint8Array, from: number, to: number): string {
  // `toString` looks up the encoding first, which takes a fifth of the time of a short text; it takes any range.
  if (from >= to || to > bytes.length)
    return Buffer.prototype.toString.call(bytes as Buffer, "utf8", from, to);
  return utf8Slice.call(bytes as Buffer, from, to);
}

/** The length of the byte order mark that the bytes begin with; 0 for none. */
export function markBytes(bytes: Uint8Array): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
}

/** Joins the parts. A single part is returned without a copy; no part gives null. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array | null {
  if (parts.length === 0) return null;
  if (parts.length === 1) return parts[0] as Uint8Array;
  let size = 0;
  for (const part of parts) size += part.length;
  const joined = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Without a view of the bytes, which costs five times a short copy. */
function copyInto(target: Uint8Array, at: number, bytes: Uint8Array, from: number, to: number): void {
  Buffer.prototype.copy.call(bytes as Buffer, target, at, from, to);
}

/** Bytes that grow at the end. The cost of appending is linear in the bytes appended. */
export class GrowingBytes {
  #bytes = NONE;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  append(bytes: Uint8Array, from: number, to: number): void {
    const size = this.#size + (to - from);
    if (size > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(size, this.#bytes.length * 2));
      copyInto(grown, 0, this.#bytes, 0, this.#size);
      this.#bytes = grown;
    }
    copyInto(this.#bytes, this.#size, bytes, from, to);
    this.#size = size;
  }

  /** Takes these bytes in place of its own, without a copy; an append copies them first. */
  adopt(bytes: Uint8Array<ArrayBuffer>): void {
    this.#bytes = bytes;
    this.#size = bytes.length;
  }

  /** A view of the bytes, valid until the next append. */
  view(): Uint8Array {
    return this.#size === this.#bytes.length ? this.#bytes : this.#bytes.subarray(0, this.#size);
  }

  /** Returns the bytes and starts empty again. */
  take(): Uint8Array {
    const taken = this.view();
    this.clear();
    return taken;
  }

  clear(): void {
    this.#bytes = NONE;
    this.#size = 0;
  }
}

const LEAST_BLOCK_BYTES = 1024;
const MOST_BLOCK_BYTES = 1024 * 1024;

/**
 * Bytes that are collected to their end and then taken in one piece. They grow by blocks that are never copied until then:
 * a buffer that doubles would take three times its bytes at the moment of each doubling.
 */
export class CollectedBytes {
  #blocks: Uint8Array[] = [];
  /** Of the last block, so many bytes are filled. */
  #filled = 0;
  #size = 0;
  #heldBytes = 0;

  get size(): number {
    return this.#size;
  }

  /** What the bytes take in memory, with the room for more. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** The first bytes: at least a kilobyte of them, unless there are fewer. */
  get beginning(): Uint8Array {
    const [first = NONE] = this.#blocks;
    return this.#size < first.length ? first.subarray(0, this.#size) : first;
  }

  append(bytes: Uint8Array, from: number, to: number): void {
    let at = from;
    while (at < to) {
      let block = this.#blocks.at(-1);
      if (block === undefined || this.#filled === block.length) {
        const wanted = Math.max(LEAST_BLOCK_BYTES, this.#size, to - at);
        block = new Uint8Array(Math.min(MOST_BLOCK_BYTES, wanted));
        this.#blocks.push(block);
        this.#heldBytes += block.length;
        this.#filled = 0;
      }
      const end = Math.min(to, at + block.length - this.#filled);
      copyInto(block, this.#filled, bytes, at, end);
      this.#filled += end - at;
      this.#size += end - at;
      at = end;
    }
  }

  /** Returns the bytes and starts empty again. */
  take(): Uint8Array {
    const last = this.#blocks.pop();
    if (last !== undefined) this.#blocks.push(last.subarray(0, this.#filled));
    const taken = joinBytes(this.#blocks) ?? NONE;
    this.clear();
    return taken;
  }

  clear(): void {
    this.#blocks = [];
    this.#filled = 0;
    this.#size = 0;
    this.#heldBytes = 0;
  }
}
