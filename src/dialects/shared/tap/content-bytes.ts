/**
 * Counts the bytes that a model has written in frames that pass unread: the text of the string values below one key
 * (`delta`, `parts`). Names of members, quotes and the rest of a frame do not count, nor do words of the wire. For an
 * estimate of the usage of an answer whose provider reports none.
 */
import { Buffer } from "node:buffer";
import { isObject } from "../../../core/json.ts";
import { decodeUtf8, indexOfBytes } from "../../../wire/bytes.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACE = 0x7d;

/** Longer strings are media in base64, whose tokens have nothing to do with their length. */
const MAX_STRING_BYTES = 16 * 1024;
/** Members that no model wrote: words of the wire, ids, signatures. */
const WIRE_NAMES: ReadonlySet<string> = new Set([
  "type",
  "id",
  "role",
  "signature",
  "thoughtSignature",
  "thought_signature",
  "mimeType",
  "encrypted_content",
  "stop_reason",
  "stop_sequence",
  "stop_details",
]);
const MAX_WIRE_NAME = Math.max(...[...WIRE_NAMES].map((name) => name.length));
const NOWHERE = 0x7fffffff;

/** Searches a chunk for the values of a key. One for all readers of a dialect. */
export class ContentSearch {
  readonly #key: Buffer;
  #nextAt = -1;

  constructor(key: string) {
    this.#key = Buffer.from(`"${key}"`);
  }

  /** The following counts are about other bytes. */
  begin(): void {
    this.#nextAt = -1;
  }

  /** The bytes of content in whole frames between `from` and `to`. Ranges only go forward. */
  count(bytes: Uint8Array, from: number, to: number): number {
    // A piece within a long frame ends none: a search would go through all of the frame again.
    if (from >= to) return 0;
    let sum = 0;
    let at = this.#nextAt;
    if (at < from) at = this.#find(bytes, from);
    while (at < to) {
      const walk = new ValueWalk(bytes, at + this.#key.length, to);
      sum += walk.stringBytes();
      at = this.#find(bytes, walk.end);
    }
    this.#nextAt = at;
    return sum;
  }

  #find(bytes: Uint8Array, from: number): number {
    const at = indexOfBytes(bytes, this.#key, from);
    return at === -1 ? NOWHERE : at;
  }
}

/** The walk over one value behind its key. Broken JSON ends it early. */
class ValueWalk {
  readonly #bytes: Uint8Array;
  readonly #to: number;
  end: number;

  constructor(bytes: Uint8Array, from: number, to: number) {
    this.#bytes = bytes;
    this.#to = to;
    this.end = from;
  }

  /** The bytes of the value behind the next colon. */
  stringBytes(): number {
    const bytes = this.#bytes;
    this.#skipSpace();
    if (bytes[this.end] !== COLON) return 0;
    this.end++;
    this.#skipSpace();
    const first = bytes[this.end];
    if (first === QUOTE) return this.#string();
    return first === OPEN_BRACE || first === OPEN_BRACKET ? this.#nested() : 0;
  }

  /** An object or an array. */
  #nested(): number {
    const bytes = this.#bytes;
    let sum = 0;
    let depth = 0;
    while (this.end < this.#to) {
      const byte = bytes[this.end] as number;
      if (byte === QUOTE) {
        const from = this.end + 1;
        const size = this.#string();
        this.#skipSpace();
        if (bytes[this.end] !== COLON) sum += size;
        else if (isWireName(bytes, from, from + size)) this.stringBytes();
        continue;
      }
      this.end++;
      // Braces and brackets, opening and closing, differ in these bits from all else that stands outside of strings.
      if ((byte | 0x20) === OPEN_BRACE) depth++;
      else if ((byte | 0x20) === CLOSE_BRACE && --depth === 0) break;
    }
    return sum;
  }

  /** The bytes between the quotes, up to the bound; goes behind the closing one. */
  #string(): number {
    const bytes = this.#bytes;
    const from = this.end + 1;
    let at = from;
    while (at < this.#to && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
    this.end = at + 1;
    return Math.min(at - from, MAX_STRING_BYTES);
  }

  #skipSpace(): void {
    const bytes = this.#bytes;
    let byte = bytes[this.end];
    while (byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d) byte = bytes[++this.end];
  }
}

function isWireName(bytes: Uint8Array, from: number, to: number): boolean {
  const size = to - from;
  if (size > MAX_WIRE_NAME) return false;
  // `text` stands in each event of some dialects.
  if (size === 4 && bytes[from + 1] === 0x65) return false;
  return WIRE_NAMES.has(decodeUtf8(bytes, from, to));
}

/** The same count in a value that is parsed already. */
export function stringBytesIn(value: unknown): number {
  if (typeof value === "string") return Math.min(Buffer.byteLength(value), MAX_STRING_BYTES);
  let sum = 0;
  if (Array.isArray(value)) for (const entry of value) sum += stringBytesIn(entry);
  else if (isObject(value)) {
    for (const [name, member] of Object.entries(value)) {
      if (!WIRE_NAMES.has(name)) sum += stringBytesIn(member);
    }
  }
  return sum;
}
