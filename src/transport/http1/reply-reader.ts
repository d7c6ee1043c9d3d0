/** Reads one reply from a connection's bytes, in any split. Pure: knows neither sockets nor time. */
import { GatewayError } from "../../core/errors.ts";
import { ChunkedReader } from "./chunked.ts";
import { garbage, type ParsedHead, parseHead } from "./reply-head.ts";

const MAX_HEAD_BYTES = 64 * 1_024;
const MAX_INFORMATIONAL = 32;
const BEGINNING = Buffer.from("HTTP/1.");
const LF = 10;
const CR = 13;

/**
 * A piece up to this size is copied: 0.06 us in place of 0.19 us for a view, and several times more after a
 * wait. JavaScriptCore keeps an array of this size within its object, and a view would first move it out.
 */
const MAX_COPIED_BYTES = 1_000;
/** So is a piece that is a smaller part of its read: a view keeps the whole read in memory. */
const LEAST_VIEWED_PART = 1 / 4;

/** The fields hold the result of the last `feed`. */
export class ReplyReader {
  /** The final head; null until it has come. */
  head: ParsedHead | null = null;
  /** Payload of the last `feed`, as a view or a copy of its bytes; null when it held none. */
  body: Uint8Array | null = null;
  isWhole = false;
  /** Bytes followed the whole reply. */
  hasSurplus = false;
  /** The fault. `body` holds the payload before it; nothing is read after it. */
  error: GatewayError | null = null;
  readonly #method: string;
  /** Holds the first `#heldBytes` of a head that is not whole yet. */
  #held: Buffer | null = null;
  #heldBytes = 0;
  #informational = 0;
  #leftBytes = 0;
  #chunked: ChunkedReader | null = null;

  constructor(method: string) {
    this.#method = method;
  }

  /** No byte has been fed. */
  get isUntouched(): boolean {
    return this.head === null && this.#heldBytes === 0 && this.#informational === 0 && this.error === null;
  }

  /** Takes the next bytes. They belong to the reader, which may move bytes within them. */
  feed(bytes: Buffer): void {
    this.body = null;
    try {
      let at = 0;
      while (this.head === null && at >= 0) at = this.#readHead(bytes, at);
      if (at >= 0) this.#readBody(bytes, at);
    } catch (cause) {
      if (!(cause instanceof GatewayError)) throw cause;
      this.error = cause;
    }
  }

  /** The upstream closed the connection in order, after its last byte. Returns whether the reply is whole. */
  finish(): boolean {
    if (this.head?.framing === "close" && this.error === null) this.isWhole = true;
    return this.isWhole;
  }

  /** Reads a head from `at`. Returns the place behind it; -1 when the head is not whole. */
  #readHead(bytes: Buffer, at: number): number {
    const held = this.#held !== null ? this.#hold(bytes, at) : at === 0 ? bytes : bytes.subarray(at);
    const beforeBytes = this.#heldBytes;
    const end = held.indexOf("\r\n\r\n", Math.max(beforeBytes - 3, 0), "latin1");
    if (end < 0 || end + 4 > MAX_HEAD_BYTES) {
      if (end >= 0 || held.length > MAX_HEAD_BYTES) throw garbage(`head over ${MAX_HEAD_BYTES} bytes`);
      checkUnfinished(held, beforeBytes);
      if (this.#held === null) this.#hold(bytes, at);
      this.#heldBytes = held.length;
      return -1;
    }
    const head = parseHead(held.toString("latin1", 0, end), this.#method);
    this.#held = null;
    this.#heldBytes = 0;
    const next = at + end + 4 - beforeBytes;
    if (head.status < 200) this.#skipInformational(head);
    else this.#begin(head);
    return next;
  }

  /** Adds `bytes` to the held ones, doubling the room, and returns all held bytes. */
  #hold(bytes: Buffer, at: number): Buffer {
    // One byte above the limit is enough to see that the head is too large.
    const size = Math.min(this.#heldBytes + bytes.length - at, MAX_HEAD_BYTES + 1);
    if (this.#held === null || this.#held.length < size) {
      const grown = Buffer.allocUnsafe(Math.max(size, 2 * this.#heldBytes, 1_024));
      this.#held?.copy(grown, 0, 0, this.#heldBytes);
      this.#held = grown;
    }
    bytes.copy(this.#held, this.#heldBytes, at, at + size - this.#heldBytes);
    return this.#held.subarray(0, size);
  }

  #skipInformational(head: ParsedHead): void {
    // No request asks to change the protocol.
    if (head.status === 101) throw garbage("101 without an upgrade");
    this.#informational++;
    if (this.#informational > MAX_INFORMATIONAL) throw garbage(`more than ${MAX_INFORMATIONAL} 1xx heads`);
  }

  #begin(head: ParsedHead): void {
    this.head = head;
    if (head.framing === "none") this.isWhole = true;
    else if (head.framing === "chunked") this.#chunked = new ChunkedReader();
    else this.#leftBytes = head.framing === "length" ? head.lengthBytes : Number.POSITIVE_INFINITY;
  }

  #readBody(bytes: Buffer, at: number): void {
    let next = at;
    if (this.isWhole || this.error !== null) {
      // Nothing may follow.
    } else if (this.#chunked !== null) {
      next = this.#chunked.feed(bytes, at);
      const { bodyStart, bodyEnd, fault } = this.#chunked;
      if (bodyEnd > bodyStart) this.body = pieceOf(bytes, bodyStart, bodyEnd);
      this.isWhole = this.#chunked.isWhole;
      if (fault !== null) throw garbage(fault);
    } else if (at < bytes.length) {
      next = Math.min(bytes.length, at + this.#leftBytes);
      this.body = pieceOf(bytes, at, next);
      this.#leftBytes -= next - at;
      this.isWhole = this.#leftBytes === 0;
    }
    this.hasSurplus ||= this.isWhole && next < bytes.length;
  }
}

function pieceOf(bytes: Buffer, from: number, to: number): Uint8Array {
  const size = to - from;
  if (size === bytes.length) return bytes;
  if (size > MAX_COPIED_BYTES && size >= bytes.length * LEAST_VIEWED_PART) return bytes.subarray(from, to);
  const piece = new Uint8Array(size);
  bytes.copy(piece, 0, from, to);
  return piece;
}

/** Refuses early what is not HTTP: such a sender may wait for us, and never end its head. */
function checkUnfinished(held: Buffer, fromByte: number): void {
  const known = Math.min(held.length, BEGINNING.length);
  if (held.compare(BEGINNING, 0, known, 0, known) !== 0) throw garbage("no HTTP/1 status line");
  for (let i = held.indexOf(LF, fromByte); i >= 0; i = held.indexOf(LF, i + 1)) {
    if (held[i - 1] !== CR) throw garbage("bare line feed in the head");
  }
}
