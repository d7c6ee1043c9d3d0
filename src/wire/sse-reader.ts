/**
 * Reads a stream of server-sent events and gives each event as text. Any split of the bytes gives the same
 * events.
 */
import { CollectedBytes, decodeUtf8 } from "./bytes.ts";
import { parseJson } from "./json.ts";
import { lastFrameEnd, readSseFrame, SseSplitter } from "./sse.ts";

/**
 * Receives the name of an event ("" when it has none) and its data. Frames without data, such as comments,
 * are left out.
 */
export type OnSseEvent = (event: string, data: string) => void;

const COLON = 0x3a;
const SPACE = 0x20;
const LETTER_D = 0x64;
const LETTER_E = 0x65;
/** Whole frames are decoded together up to this size, so that a long body is never in memory as one text. */
const MAX_TEXT_BYTES = 64 * 1024;

export class SseReader {
  readonly #maxFrameBytes: number;
  readonly #splitter = new SseSplitter();
  readonly #held = new CollectedBytes();
  #isFirst = true;

  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** What a frame that is not whole yet takes in memory. */
  get heldBytes(): number {
    return this.#held.heldBytes;
  }

  /** Returns false when a frame is longer than allowed. Nothing is to be pushed after that. */
  push(bytes: Uint8Array, onEvent: OnSseEvent): boolean {
    const splitter = this.#splitter;
    let from = 0;
    /** No frame ends between `from` and here with a blank line that `lastFrameEnd` knows. */
    let searched = 0;
    let isSplitting = false;
    let hasSplit = false;
    while (from < bytes.length) {
      if (from >= searched && this.#held.size === 0 && splitter.isAtFrameStart) {
        const to = Math.min(from + MAX_TEXT_BYTES, bytes.length);
        const end = lastFrameEnd(bytes, from, to);
        searched = end > from ? end : to;
        if (end > from) {
          // One decoding of all whole frames costs a third of one for each line.
          this.#readAll(bytes, from, end, onEvent);
          from = end;
          isSplitting = false;
          continue;
        }
      }
      if (!isSplitting) splitter.begin(bytes, from);
      isSplitting = true;
      hasSplit = true;
      const end = splitter.next();
      if (end === -1) break;
      this.#readOne(bytes, from, end, onEvent);
      from = end;
    }
    if (hasSplit && from === bytes.length) {
      // At the end of the bytes the splitter lets them go.
      splitter.begin(bytes, from);
      splitter.next();
    }
    if (from < bytes.length) this.#held.append(bytes, from, bytes.length);
    return this.#held.size <= this.#maxFrameBytes;
  }

  /**
   * Ends the body. A last frame without its blank line counts when its data is whole, since many servers leave
   * the line out. Data that is neither JSON nor an end mark was cut off with the body, and says nothing.
   */
  end(onEvent: OnSseEvent): void {
    if (this.#held.size === 0) return;
    const frame = this.#held.take();
    this.#read(frame, 0, frame.length, (event, data) => {
      if (data.trim() === "[DONE]" || parseJson(data) !== undefined) onEvent(event, data);
    });
  }

  /** Reads whole frames of which the last ends with LF. */
  #readAll(bytes: Uint8Array, from: number, to: number, onEvent: OnSseEvent): void {
    const isMarked =
      this.#isFirst && bytes[from] === 0xef && bytes[from + 1] === 0xbb && bytes[from + 2] === 0xbf;
    this.#isFirst = false;
    const text = decodeUtf8(bytes, isMarked ? from + 3 : from, to);
    readFrames(text.includes("\r") ? text.replaceAll(/\r\n?/g, "\n") : text, onEvent);
  }

  /** Reads one frame, of which a part may be held. */
  #readOne(bytes: Uint8Array, from: number, end: number, onEvent: OnSseEvent): void {
    if (this.#held.size === 0) {
      this.#read(bytes, from, end, onEvent);
      return;
    }
    this.#held.append(bytes, from, end);
    const frame = this.#held.take();
    this.#read(frame, 0, frame.length, onEvent);
  }

  #read(bytes: Uint8Array, from: number, to: number, onEvent: OnSseEvent): void {
    const { event, data } = readSseFrame(bytes, from, to, this.#isFirst);
    this.#isFirst = false;
    if (data !== null) onEvent(event, decodeUtf8(data, 0, data.length));
  }
}

/** Reads frames whose lines all end with LF. */
function readFrames(text: string, onEvent: OnSseEvent): void {
  let event = "";
  let data: string | null = null;
  let pos = 0;
  while (pos < text.length) {
    const stop = text.indexOf("\n", pos);
    if (stop === pos) {
      if (data !== null) onEvent(event, data);
      event = "";
      data = null;
    } else if (isField(text, pos, stop, LETTER_D, "data")) {
      const value = fieldValue(text, pos + 5, stop);
      data = data === null ? value : `${data}\n${value}`;
    } else if (isField(text, pos, stop, LETTER_E, "event")) {
      event = fieldValue(text, pos + 6, stop);
    }
    pos = stop + 1;
  }
}

/** Whether the line has this name, which begins with this letter. A line without a colon is a name alone. */
function isField(text: string, from: number, stop: number, letter: number, name: string): boolean {
  if (text.charCodeAt(from) !== letter) return false;
  const end = from + name.length;
  return (end === stop || text.charCodeAt(end) === COLON) && text.startsWith(name, from);
}

/** The value from `from` on, without the space in front. */
function fieldValue(text: string, from: number, stop: number): string {
  if (from >= stop) return "";
  return text.slice(text.charCodeAt(from) === SPACE ? from + 1 : from, stop);
}
