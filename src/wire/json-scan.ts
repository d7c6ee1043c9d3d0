/**
 * A push scanner over the bytes of one JSON value. The scanner never builds the value: it reports where the
 * members of a given shape begin and end, and skips all other bytes at the speed of a native search. Time is
 * linear in the bytes, memory is bounded.
 *
 * The scanner is strict about brackets and about the members of containers in the shape. It does not check
 * the inside of skipped values: the receiver of the bytes does.
 */
import {
  BACKSLASH,
  BYTE_KIND,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  OPEN_BRACKET,
  QUOTE,
} from "./json-bytes.ts";
import { MAX_KEY_BYTES, matchMember, type ShapeNode } from "./json-shape.ts";
import type { JsonSink } from "./json-sink.ts";
import type { WordSearch } from "./json-words.ts";

/** `open`: more bytes must come. `closed`: the root value ended. `invalid`: not a JSON object or array. */
export type ScanStatus = "open" | "closed" | "invalid";

/** The fault of invalid bytes. */
export type ScanFault = "unexpected" | "too deep" | "trailing";

/** Deeper nesting is refused: parsers behind the gateway would run out of stack. */
export const MAX_DEPTH = 1000;
/** A longer value is reported without its bytes. */
export const MAX_VALUE_BYTES = 64 * 1024;

/** So many bytes of a string are walked before a native search, whose call costs more than a short walk. */
const WALK_BYTES = 24;

const START = 0;
const VALUE = 1;
const VALUE_OR_END = 2;
const KEY = 3;
const KEY_OR_END = 4;
const IN_KEY = 5;
const AFTER_KEY = 6;
const NEXT = 7;
const SKIP = 8;
const IN_STRING = 9;
const IN_LITERAL = 10;
const CLOSED = 11;
const INVALID = 12;

/** Scans one value; a scanner cannot be reused. */
export class JsonScanner {
  readonly #sink: JsonSink;
  readonly #words: WordSearch | null;
  #state = START;
  #fault: ScanFault = "unexpected";
  /** Offset of the first byte of the current chunk. */
  #base = 0;
  #invalidAt = -1;
  /** The closing byte for each open bracket. */
  #closers = new Uint8Array(32);
  #depth = 0;
  /** The open containers of the shape. Deeper containers are skipped. */
  readonly #tracked: ShapeNode[] = [];
  /** The node for the next or current value; null: the shape does not name the value. */
  #child: ShapeNode | null;
  /** A chunk ended within a string, right after a backslash. */
  #isEscaped = false;
  #bomBytes = 0;
  #key: Uint8Array | null = null;
  #keySize = 0;
  #isCapturing = false;
  #captureStart = 0;
  #captureFrom = 0;
  /** The captured value's bytes from earlier chunks. */
  #captured: Uint8Array | null = null;
  #capturedSize = 0;

  /** `words`: is shown every string; null: nobody is. */
  constructor(shape: ShapeNode, sink: JsonSink, words: WordSearch | null = null) {
    this.#child = shape;
    this.#sink = sink;
    this.#words = words;
  }

  get status(): ScanStatus {
    return this.#state === CLOSED ? "closed" : this.#state === INVALID ? "invalid" : "open";
  }

  /** Offset of the byte that made the value invalid, else -1. */
  get invalidAt(): number {
    return this.#invalidAt;
  }

  get fault(): ScanFault {
    return this.#fault;
  }

  /** Number of bytes pushed so far. */
  get size(): number {
    return this.#base;
  }

  /** Never throws. After `invalid` the bytes are ignored. */
  push(bytes: Uint8Array): void {
    const end = bytes.length;
    let pos = 0;
    while (pos < end && this.#state !== INVALID) {
      switch (this.#state) {
        case SKIP:
          pos = this.#hop(bytes, pos);
          break;
        case IN_STRING:
          pos = this.#resumeString(bytes, pos);
          break;
        case IN_KEY:
          pos = this.#resumeKey(bytes, pos);
          break;
        case IN_LITERAL:
          while (pos < end && BYTE_KIND[bytes[pos] as number] === 5) pos++;
          if (pos < end) this.#finishValue(bytes, pos);
          break;
        default:
          pos = this.#step(bytes, pos);
      }
    }
    if (this.#isCapturing) this.#keepCaptured(bytes, end);
    this.#base += end;
  }

  /** Reads one byte of structure in a container of the shape. */
  #step(bytes: Uint8Array, pos: number): number {
    const byte = bytes[pos] as number;
    if (BYTE_KIND[byte] === 4) return pos + 1;
    switch (this.#state) {
      case START:
        if (this.#isBom(byte, pos)) return pos + 1;
        if (BYTE_KIND[byte] !== 2) return this.#fail(pos, "unexpected");
        return this.#beginValue(bytes, pos, byte);
      case VALUE:
        return this.#beginValue(bytes, pos, byte);
      case VALUE_OR_END:
        return byte === CLOSE_BRACKET ? this.#closeTracked(pos, byte) : this.#beginValue(bytes, pos, byte);
      case KEY_OR_END:
        if (byte === CLOSE_BRACE) return this.#closeTracked(pos, byte);
        return byte === QUOTE ? this.#beginKey(bytes, pos + 1) : this.#fail(pos, "unexpected");
      case KEY:
        return byte === QUOTE ? this.#beginKey(bytes, pos + 1) : this.#fail(pos, "unexpected");
      case AFTER_KEY:
        if (byte !== COLON) return this.#fail(pos, "unexpected");
        this.#state = VALUE;
        return pos + 1;
      case NEXT:
        if (byte !== COMMA) return this.#closeTracked(pos, byte);
        if (this.#closers[this.#depth - 1] === CLOSE_BRACE) {
          this.#state = KEY;
        } else {
          this.#child = this.#top().element;
          this.#state = VALUE;
        }
        return pos + 1;
      default:
        return this.#fail(pos, "trailing");
    }
  }

  #isBom(byte: number, pos: number): boolean {
    const at = this.#base + pos;
    if (at !== this.#bomBytes || at > 2 || byte !== (at === 0 ? 0xef : at === 1 ? 0xbb : 0xbf)) return false;
    this.#bomBytes++;
    return true;
  }

  #top(): ShapeNode {
    return this.#tracked[this.#tracked.length - 1] as ShapeNode;
  }

  #fail(pos: number, fault: ScanFault): number {
    this.#state = INVALID;
    this.#isCapturing = false;
    this.#invalidAt = this.#base + pos;
    this.#fault = fault;
    return pos;
  }

  /** Returns false, and makes the scan invalid, when the nesting is too deep. */
  #enter(pos: number, byte: number): boolean {
    if (this.#depth === MAX_DEPTH) {
      this.#fail(pos, "too deep");
      return false;
    }
    if (this.#depth === this.#closers.length) {
      const grown = new Uint8Array(this.#closers.length * 4);
      grown.set(this.#closers);
      this.#closers = grown;
    }
    this.#closers[this.#depth++] = byte + 2;
    return true;
  }

  #beginValue(bytes: Uint8Array, pos: number, byte: number): number {
    const child = this.#child;
    const kind = BYTE_KIND[byte];
    if (kind === 2) {
      const isArray = byte === OPEN_BRACKET;
      if (!this.#enter(pos, byte)) return pos;
      if (child !== null && (isArray ? child.element !== null : child.members.length > 0)) {
        this.#tracked.push(child);
        this.#sink.open(child, this.#base + pos, isArray);
        this.#child = child.element;
        this.#state = isArray ? VALUE_OR_END : KEY_OR_END;
        return pos + 1;
      }
      this.#beginCapture(pos);
      this.#state = SKIP;
      return this.#hop(bytes, pos + 1);
    }
    if (kind === 1) {
      this.#beginCapture(pos);
      const after = this.#skipString(bytes, pos + 1);
      if (after === -1) {
        this.#state = IN_STRING;
        return bytes.length;
      }
      this.#words?.look(bytes, pos + 1, after - 1);
      this.#finishValue(bytes, after);
      return after;
    }
    if (kind === 5) {
      this.#beginCapture(pos);
      this.#state = IN_LITERAL;
      return pos + 1;
    }
    return this.#fail(pos, "unexpected");
  }

  /** Ends a value of the shape's level, which ends before `pos`. */
  #finishValue(bytes: Uint8Array, pos: number): void {
    if (this.#isCapturing) this.#report(bytes, pos);
    this.#state = this.#tracked.length === 0 ? CLOSED : NEXT;
  }

  #closeTracked(pos: number, byte: number): number {
    if (this.#closers[this.#depth - 1] !== byte) return this.#fail(pos, "unexpected");
    this.#depth--;
    const node = this.#tracked.pop() as ShapeNode;
    this.#sink.close(node, this.#base + pos + 1);
    this.#state = this.#tracked.length === 0 ? CLOSED : NEXT;
    return pos + 1;
  }

  /** Skips the rest of a container that the shape does not go into. */
  #hop(bytes: Uint8Array, from: number): number {
    const end = bytes.length;
    const floor = this.#tracked.length;
    const words = this.#words;
    let pos = from;
    while (pos < end) {
      const byte = bytes[pos++] as number;
      const kind = BYTE_KIND[byte] as number;
      if (kind === 0 || kind > 3) continue;
      if (kind === 1) {
        const after = this.#skipString(bytes, pos);
        if (after === -1) {
          this.#state = IN_STRING;
          return end;
        }
        words?.look(bytes, pos, after - 1);
        pos = after;
      } else if (kind === 2) {
        if (!this.#enter(pos - 1, byte)) return pos;
      } else {
        if (this.#closers[this.#depth - 1] !== byte) return this.#fail(pos - 1, "unexpected");
        this.#depth--;
        if (this.#depth === floor) {
          this.#finishValue(bytes, pos);
          return pos;
        }
      }
    }
    return end;
  }

  #resumeString(bytes: Uint8Array, from: number): number {
    const after = this.#resumeQuoted(bytes, from);
    if (after === -1) return bytes.length;
    if (this.#depth > this.#tracked.length) this.#state = SKIP;
    else this.#finishValue(bytes, after);
    return after;
  }

  #resumeQuoted(bytes: Uint8Array, from: number): number {
    const start = this.#isEscaped ? from + 1 : from;
    this.#isEscaped = false;
    return this.#skipString(bytes, start);
  }

  /**
   * The index after the closing quote, or -1 when the chunk ends first. The byte at `from` is not escaped.
   */
  #skipString(bytes: Uint8Array, from: number): number {
    const end = bytes.length;
    const near = Math.min(from + WALK_BYTES, end);
    let pos = from;
    while (pos < near) {
      const byte = bytes[pos++];
      if (byte === QUOTE) return pos;
      if (byte === BACKSLASH) pos++;
    }
    if (pos > end) {
      this.#isEscaped = true;
      return -1;
    }
    while (pos < end) {
      const quote = bytes.indexOf(QUOTE, pos);
      const stop = quote === -1 ? end : quote;
      let slash = stop;
      while (slash > pos && bytes[slash - 1] === BACKSLASH) slash--;
      const isEscaped = ((stop - slash) & 1) === 1;
      if (quote === -1) {
        this.#isEscaped = isEscaped;
        return -1;
      }
      if (!isEscaped) return quote + 1;
      pos = quote + 1;
    }
    return -1;
  }

  #beginKey(bytes: Uint8Array, from: number): number {
    const after = this.#skipString(bytes, from);
    if (after === -1) {
      this.#keySize = 0;
      this.#keepKey(bytes, from, bytes.length);
      this.#state = IN_KEY;
      return bytes.length;
    }
    this.#words?.look(bytes, from, after - 1);
    this.#child = matchMember(this.#top(), bytes, from, after - 1);
    this.#state = AFTER_KEY;
    return after;
  }

  #resumeKey(bytes: Uint8Array, from: number): number {
    const after = this.#resumeQuoted(bytes, from);
    if (after === -1) {
      this.#keepKey(bytes, from, bytes.length);
      return bytes.length;
    }
    this.#keepKey(bytes, from, after - 1);
    const key = this.#key as Uint8Array;
    this.#child = this.#keySize > MAX_KEY_BYTES ? null : matchMember(this.#top(), key, 0, this.#keySize);
    this.#state = AFTER_KEY;
    return after;
  }

  #keepKey(bytes: Uint8Array, from: number, to: number): void {
    this.#key ??= new Uint8Array(MAX_KEY_BYTES);
    const size = this.#keySize + (to - from);
    if (size <= MAX_KEY_BYTES) this.#key.set(bytes.subarray(from, to), this.#keySize);
    this.#keySize = size;
  }

  #beginCapture(pos: number): void {
    if (this.#child === null) return;
    this.#isCapturing = true;
    this.#captureStart = this.#base + pos;
    this.#captureFrom = pos;
    this.#capturedSize = 0;
  }

  #keepCaptured(bytes: Uint8Array, end: number): void {
    const size = this.#capturedSize + (end - this.#captureFrom);
    if (size <= MAX_VALUE_BYTES) {
      if (this.#captured === null || size > this.#captured.length) {
        const grown = new Uint8Array(Math.min(MAX_VALUE_BYTES, Math.max(size * 2, 256)));
        if (this.#captured !== null) grown.set(this.#captured.subarray(0, this.#capturedSize));
        this.#captured = grown;
      }
      this.#captured.set(bytes.subarray(this.#captureFrom, end), this.#capturedSize);
    }
    this.#capturedSize = size;
    this.#captureFrom = 0;
  }

  #report(bytes: Uint8Array, to: number): void {
    const node = this.#child as ShapeNode;
    const end = this.#base + to;
    this.#isCapturing = false;
    if (end - this.#captureStart > MAX_VALUE_BYTES) {
      this.#sink.value(node, this.#captureStart, end, null, 0, 0);
    } else if (this.#capturedSize === 0) {
      this.#sink.value(node, this.#captureStart, end, bytes, this.#captureFrom, to);
    } else {
      this.#keepCaptured(bytes, to);
      this.#sink.value(node, this.#captureStart, end, this.#captured, 0, this.#capturedSize);
    }
  }
}
