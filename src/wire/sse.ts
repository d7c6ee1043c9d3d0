/**
 * Server-sent events as bytes: the ends of frames, and the fields of a frame. Only LF, CR and CRLF end a line
 * (WHATWG HTML, 9.2.5). A frame ends with a blank line, which belongs to it.
 */
import { decodeUtf8, GrowingBytes } from "./bytes.ts";

const LF = 0x0a;
export const CR = 0x0d;
const COLON = 0x3a;
const SPACE = 0x20;
const NONE = new Uint8Array(0);
const LINE_FEED = new Uint8Array([LF]);
const NOWHERE = 0x7fffffff;

/** Whether a blank line of LF or CRLF ends at `end`. A frame then ends there, whatever precedes. */
export function endsFrame(bytes: Uint8Array, end = bytes.length): boolean {
  if (bytes[end - 1] !== LF) return false;
  return bytes[end - 2] === LF || (bytes[end - 2] === CR && bytes[end - 3] === LF && bytes[end - 4] === CR);
}

/** Index after the last blank line of LF or CRLF that ends between the two; `from` when there is none. */
export function lastFrameEnd(bytes: Uint8Array, from: number, to: number): number {
  let end = to;
  while (end > from && !endsFrame(bytes, end)) end = lastLf(bytes, from, end - 1) + 1;
  return Math.max(end, from);
}

/** So many bytes are walked before a native search, for which a view has to be made. */
const WALK_BYTES = 64;

/**
 * Index of the last LF between the two; `from - 1` when there is none. A search without a beginning would go through all of a
 * long frame again with each of its pieces.
 */
function lastLf(bytes: Uint8Array, from: number, to: number): number {
  const near = Math.max(from, to - WALK_BYTES);
  for (let at = to - 1; at >= near; at--) if (bytes[at] === LF) return at;
  if (near === from) return from - 1;
  const at = bytes.subarray(from, near).lastIndexOf(LF);
  return from + at;
}

/** Whether a CR without LF follows from `from` on; also when the LF may still come. */
export function hasBareCr(bytes: Uint8Array, from: number): boolean {
  for (let at = bytes.indexOf(CR, from); at !== -1; at = bytes.indexOf(CR, at + 1)) {
    if (bytes[at + 1] !== LF) return true;
  }
  return false;
}

/** Finds the ends of frames in chunks of any split. Reads each byte once. */
export class SseSplitter {
  #bytes: Uint8Array = NONE;
  #pos = 0;
  #nextLf = -1;
  #nextCr = -1;
  #isLineEmpty = true;
  /** The last byte was a CR, so a following LF belongs to the same line end. */
  #isAfterCr = false;

  /** Whether the next byte begins a frame; false also while the LF of a CRLF may follow. */
  get isAtFrameStart(): boolean {
    return this.#isLineEmpty && !this.#isAfterCr;
  }

  /** Forgets what was read: the next byte begins a frame. */
  restart(): void {
    this.#isLineEmpty = true;
    this.#isAfterCr = false;
  }

  /** Continues with `bytes` from `from` on; the bytes before `from` have been read. */
  begin(bytes: Uint8Array, from: number): void {
    this.#bytes = bytes;
    this.#pos = from;
    this.#nextLf = -1;
    this.#nextCr = -1;
  }

  /** Index after the end of the next frame, or -1 when the bytes end first. */
  next(): number {
    const bytes = this.#bytes;
    const end = bytes.length;
    let pos = this.#pos;
    if (this.#isAfterCr && pos < end) {
      this.#isAfterCr = false;
      if (bytes[pos] === LF) pos++;
    }
    while (pos < end) {
      const stop = this.#lineEnd(bytes, pos);
      if (stop === NOWHERE) {
        this.#isLineEmpty = false;
        break;
      }
      const isBlank = this.#isLineEmpty && stop === pos;
      this.#isLineEmpty = true;
      pos = stop + 1;
      if (bytes[stop] === CR) {
        if (pos === end) this.#isAfterCr = true;
        else if (bytes[pos] === LF) pos++;
      }
      if (isBlank) {
        this.#pos = pos;
        return pos;
      }
    }
    this.#pos = end;
    // A long silence may follow these bytes.
    this.#bytes = NONE;
    return -1;
  }

  /**
   * Index of the first LF or CR from `pos` on. Remembers both, so that a rare byte is not searched for twice.
   */
  #lineEnd(bytes: Uint8Array, pos: number): number {
    if (this.#nextLf < pos) {
      const at = bytes.indexOf(LF, pos);
      this.#nextLf = at === -1 ? NOWHERE : at;
    }
    if (this.#nextCr < pos) {
      const at = bytes.indexOf(CR, pos);
      this.#nextCr = at === -1 ? NOWHERE : at;
    }
    return Math.min(this.#nextLf, this.#nextCr);
  }
}

/** `event` and `id` are empty when the frame does not name them. */
export interface SseEvent {
  readonly event: string;
  readonly id: string;
  /** The lines of `data` joined by LF, undecoded; null without such a line. */
  readonly data: Uint8Array | null;
}

/**
 * Reads the frame between `from` and `to`. `isFirst`: the frame begins the stream, so a byte order mark is
 * skipped.
 */
export function readSseFrame(bytes: Uint8Array, from: number, to: number, isFirst: boolean): SseEvent {
  let event = "";
  let id = "";
  let data: Uint8Array | null = null;
  /** Of several lines: a view of each would take more memory than the lines. */
  let lines: GrowingBytes | null = null;
  let pos = from;
  if (isFirst && bytes[pos] === 0xef && bytes[pos + 1] === 0xbb && bytes[pos + 2] === 0xbf) pos += 3;
  while (pos < to) {
    let stop = pos;
    let colon = -1;
    while (stop < to && bytes[stop] !== LF && bytes[stop] !== CR) {
      if (colon === -1 && bytes[stop] === COLON) {
        colon = stop;
        stop = endOfLine(bytes, stop + 1, to);
        break;
      }
      stop++;
    }
    const nameEnd = colon === -1 ? stop : colon;
    let valueFrom = colon === -1 ? stop : colon + 1;
    if (valueFrom < stop && bytes[valueFrom] === SPACE) valueFrom++;
    const name = nameEnd - pos > 5 ? "" : decodeUtf8(bytes, pos, nameEnd);
    if (name === "data") {
      if (data === null) data = bytes.subarray(valueFrom, stop);
      else {
        lines ??= grownOf(data);
        lines.append(LINE_FEED, 0, 1);
        lines.append(bytes, valueFrom, stop);
      }
    } else if (name === "event") {
      event = decodeUtf8(bytes, valueFrom, stop);
    } else if (name === "id") {
      id = decodeUtf8(bytes, valueFrom, stop);
    }
    pos = bytes[stop] === CR && bytes[stop + 1] === LF ? stop + 2 : stop + 1;
  }
  return { event, id, data: lines?.view() ?? data };
}

function grownOf(bytes: Uint8Array): GrowingBytes {
  const grown = new GrowingBytes();
  grown.append(bytes, 0, bytes.length);
  return grown;
}

/** A search for one of the two bytes would go on behind `to`, once for each line. */
function endOfLine(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && bytes[at] !== LF && bytes[at] !== CR) at++;
  return at;
}

const IN_NAME = 0;
const IN_DATA = 1;
const IN_EVENT = 2;
const IN_OTHER = 3;
const MAX_EVENT_NAME = 64;

/** Follows one frame that is too long to be kept: passes its data on and remembers the event's name. */
export class SseFrameFollower {
  readonly #onData: (bytes: Uint8Array) => void;
  #part = IN_NAME;
  #name = "";
  #event = "";
  #isValueStart = false;

  constructor(onData: (bytes: Uint8Array) => void) {
    this.#onData = onData;
  }

  get event(): string {
    return this.#event;
  }

  push(bytes: Uint8Array, from: number, to: number): void {
    let pos = from;
    while (pos < to) {
      const byte = bytes[pos] as number;
      if (byte === LF || byte === CR) {
        this.#part = IN_NAME;
        this.#name = "";
        pos++;
      } else if (this.#part === IN_NAME) {
        this.#takeName(byte);
        pos++;
      } else if (this.#isValueStart && byte === SPACE) {
        this.#isValueStart = false;
        pos++;
      } else {
        this.#isValueStart = false;
        const stop = endOfLine(bytes, pos, to);
        this.#takeValue(bytes, pos, stop);
        pos = stop;
      }
    }
  }

  #takeName(byte: number): void {
    if (byte !== COLON) {
      if (this.#name.length < 8) this.#name += String.fromCharCode(byte);
      return;
    }
    this.#isValueStart = true;
    this.#part = this.#name === "data" ? IN_DATA : this.#name === "event" ? IN_EVENT : IN_OTHER;
    if (this.#part === IN_EVENT) this.#event = "";
  }

  #takeValue(bytes: Uint8Array, from: number, to: number): void {
    if (this.#part === IN_DATA) this.#onData(bytes.subarray(from, to));
    else if (this.#part === IN_EVENT && this.#event.length < MAX_EVENT_NAME) {
      this.#event += decodeUtf8(bytes, from, to);
    }
  }
}
