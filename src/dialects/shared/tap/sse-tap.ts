/** The tap of a stream of server-sent events, for every dialect. Its reader knows the meaning of frames. */
import { decodeUtf8, GrowingBytes, joinBytes } from "../../../wire/bytes.ts";
import { JsonPicker, pickJson } from "../../../wire/json-pick.ts";
import {
  CR,
  endsFrame,
  hasBareCr,
  lastFrameEnd,
  readSseFrame,
  SseFrameFollower,
  SseSplitter,
} from "../../../wire/sse.ts";
import type { Framing } from "../../dialect.ts";
import type { AnswerReader } from "./answer-reader.ts";
import { AnswerTap } from "./answer-tap.ts";
import type { ContentSearch } from "./content-bytes.ts";
import type { NeedleSearch } from "./needle.ts";

/** Longer data is not parsed: a picker reads the members that matter. */
const MAX_PARSED_BYTES = 64 * 1024;

/** A frame that is too long to be held, and passes as it comes. */
interface PassingFrame {
  readonly follower: SseFrameFollower;
  readonly picker: JsonPicker;
}

export class SseTap extends AnswerTap {
  /**
   * Between whole frames inside the answer: a chunk of whole frames passes if the reader's search finds
   * nothing in it.
   */
  #isPlain = false;
  /**
   * As `#isPlain`, but the beginning of a frame may be pending. The splitter stands in front of the pending
   * bytes.
   */
  #isInside = false;
  readonly #search: NeedleSearch;
  readonly #content: ContentSearch;
  readonly #notesPassed: boolean;
  readonly #defers: boolean;
  readonly #maxHeldBytes: number;
  readonly #splitter = new SseSplitter();
  /** The bytes of the unfinished frame. */
  readonly #pending = new GrowingBytes();
  /** Whole frames that wait for the ledger, or for the rest of the chunk. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  /** Once the answer is whole: the number of held bytes beyond which the tap takes no more. */
  #heldLimit = 0;
  #passing: PassingFrame | null = null;
  #isFirstFrame = true;

  constructor(reader: AnswerReader, maxHeldBytes: number) {
    super(reader);
    this.#maxHeldBytes = maxHeldBytes;
    this.#search = reader.search;
    this.#content = reader.content;
    this.#notesPassed = reader.notePassed !== undefined;
    this.#defers = reader.defers !== undefined;
  }

  push(chunk: Uint8Array): Uint8Array | null {
    if (this.#isPlain && endsFrame(chunk) && !this.#search.finds(chunk) && this.#isDeferred(chunk, 0)) {
      if (this.#notesPassed) this.reader.notePassed?.(chunk, chunk.length);
      this.#content.begin();
      this.#count(chunk, 0, chunk.length);
      return chunk;
    }
    if (chunk.length === 0 || this.#isOverfull()) return null;
    const out = this.#take(chunk);
    const { hasContent, progress } = this.answer;
    this.#isInside =
      hasContent && progress === "open" && this.#passing === null && chunk[chunk.length - 1] !== CR;
    if (this.#isInside) this.#splitter.restart();
    this.#isPlain = this.#isInside && this.#pending.size === 0;
    return out;
  }

  end(): Uint8Array | null {
    if (this.#pending.size > 0) this.#held.push(this.#pending.take());
    return this.#release();
  }

  cut(): Uint8Array | null {
    this.#pending.clear();
    return this.#release();
  }

  protected override get framing(): Framing {
    return "sse";
  }

  override get isBetweenFrames(): boolean {
    return this.#passing === null;
  }

  #take(chunk: Uint8Array): Uint8Array | null {
    const pendingBytes = this.#pending.size;
    let bytes = chunk;
    if (pendingBytes > 0) {
      this.#pending.append(chunk, 0, chunk.length);
      bytes = this.#pending.view();
    }
    if (!this.#isInside) return this.#split(bytes, pendingBytes, pendingBytes > 0);
    const end = this.#endOfUnread(bytes, pendingBytes);
    if (end === -1) return this.#split(bytes, 0, pendingBytes > 0);
    const out: Uint8Array[] = [];
    this.#hold(bytes, 0, end);
    this.#releaseInto(out);
    if (end > 0) this.reader.notePassed?.(bytes, end);
    this.#content.begin();
    this.#count(bytes, 0, end);
    this.#keepRest(bytes, end, pendingBytes > 0, out);
    return joinBytes(out);
  }

  /**
   * Index after the last whole frame, if all whole frames can pass unread; 0 when no frame is whole. -1: they
   * have to be looked at one by one.
   */
  #endOfUnread(bytes: Uint8Array, pendingBytes: number): number {
    // The pending bytes hold no end of a frame, but perhaps a part of one.
    const from = Math.max(0, pendingBytes - 3);
    const lastEnd = lastFrameEnd(bytes, from, bytes.length);
    const end = lastEnd === from ? 0 : lastEnd;
    // A CR alone may end frames too.
    if (hasBareCr(bytes, Math.max(0, end, pendingBytes - 1))) return -1;
    if (end > 0 && (this.#search.finds(bytes) || !this.#isDeferred(bytes, 0, end))) return -1;
    return end;
  }

  /** `seen` bytes have been split before; `isPending`: the bytes are the pending ones. */
  #split(bytes: Uint8Array, seen: number, isPending: boolean): Uint8Array | null {
    const out: Uint8Array[] = [];
    let runFrom = 0;
    let from = 0;
    const wasOpenBefore = this.answer.progress === "open";
    this.#splitter.begin(bytes, seen);
    this.#search.begin();
    this.#content.begin();
    for (let to = this.#splitter.next(); to !== -1; to = this.#splitter.next()) {
      const wasOpen = this.answer.progress === "open";
      const isTakenOut = this.#read(bytes, from, to);
      const isTurn = wasOpen !== (this.answer.progress === "open");
      if (isTakenOut || isTurn) {
        this.#hold(bytes, runFrom, from);
        runFrom = isTakenOut ? to : from;
        // Either the frames before this one are free, or this frame shows that the answer continues after
        // all.
        if (isTurn) this.#releaseInto(out);
      }
      from = to;
    }
    this.#hold(bytes, runFrom, from);
    if (from > 0) this.reader.notePassed?.(bytes, from);
    if (this.answer.progress === "open") this.#releaseInto(out);
    else if (wasOpenBefore) this.#heldLimit = this.#heldBytes + this.#maxHeldBytes;
    this.#keepRest(bytes, from, isPending, out);
    return joinBytes(out);
  }

  /** Reads the whole frame between `from` and `to`. Returns whether to take it out. */
  #read(bytes: Uint8Array, from: number, to: number): boolean {
    const isFirst = this.#isFirstFrame;
    this.#isFirstFrame = false;
    // Usage in this frame counts what is written in it.
    this.#count(bytes, from, to);
    if (this.#passing !== null) {
      const { follower, picker } = this.#passing;
      follower.push(bytes, from, to);
      this.#passing = null;
      this.answer.hasContent = true;
      // The client has its beginning, so it cannot be taken out.
      if (picker.status === "closed") this.reader.readFrame(follower.event, picker.root);
      return false;
    }
    if (this.answer.hasContent && this.answer.progress === "open") {
      if (!this.#search.hits(bytes, from, to) && this.#isDeferred(bytes, from, to)) return false;
    }
    const { event, data } = readSseFrame(bytes, from, to, isFirst);
    return data !== null && this.#readData(event, data);
  }

  #count(bytes: Uint8Array, from: number, to: number): void {
    this.answer.uncountedBytes += this.#content.count(bytes, from, to);
  }

  #isDeferred(bytes: Uint8Array, from: number, to = bytes.length): boolean {
    return !this.#defers || this.reader.defers?.(bytes, from, to) === true;
  }

  #readData(event: string, data: Uint8Array): boolean {
    if (data.length > MAX_PARSED_BYTES) {
      return this.reader.readFrame(event, pickJson(this.reader.frameShape, data));
    }
    const text = decodeUtf8(data, 0, data.length);
    if (text.trim() === "[DONE]") {
      this.reader.readDone();
      return false;
    }
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      // The client judges the bytes; an answer that never becomes whole counts as cut.
      return false;
    }
    return this.reader.readFrame(event, value);
  }

  /** Keeps the unfinished frame behind `from`, or lets a frame that is too long pass. */
  #keepRest(bytes: Uint8Array, from: number, isPending: boolean, out: Uint8Array[]): void {
    const size = bytes.length - from;
    const isOpen = this.answer.progress === "open";
    if (this.#passing === null && isOpen && size > this.#maxHeldBytes) {
      const picker = new JsonPicker(this.reader.frameShape);
      this.#passing = { follower: new SseFrameFollower((data) => picker.push(data)), picker };
    }
    if (this.#passing !== null) {
      // Of a frame that is too long to be held, so much as is there in one piece.
      this.#content.begin();
      this.#count(bytes, from, bytes.length);
      this.#passing.follower.push(bytes, from, bytes.length);
      this.#pending.clear();
      if (size > 0) out.push(bytes.subarray(from));
    } else if (!isPending || from > 0) {
      this.#pending.clear();
      if (size > 0) this.#pending.append(bytes, from, bytes.length);
    }
    // The tap does not wait for an upstream that sends so much behind a whole answer.
    if (this.#isOverfull()) this.answer.complete();
  }

  #hold(bytes: Uint8Array, from: number, to: number): void {
    if (from === to) return;
    this.#held.push(from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to));
    this.#heldBytes += to - from;
  }

  #releaseInto(out: Uint8Array[]): void {
    out.push(...this.#held);
    this.#held = [];
    this.#heldBytes = 0;
  }

  #release(): Uint8Array | null {
    const out: Uint8Array[] = [];
    this.#releaseInto(out);
    return joinBytes(out);
  }

  /** Bounds the memory when an upstream sends on and on behind a whole answer: the tap takes no more. */
  #isOverfull(): boolean {
    return this.answer.progress !== "open" && this.#heldBytes + this.#pending.size > this.#heldLimit;
  }
}
