/** The tap of a stream of server-sent events, for every dialect; what the frames mean is its reader's. */
import { decodeUtf8, GrowingBytes, joinBytes } from "../../wire/bytes.ts";
import { JsonPicker, pickJson } from "../../wire/json-pick.ts";
import { endsFrame, readSseFrame, SseFrameFollower, SseSplitter } from "../../wire/sse.ts";
import type { Framing } from "../dialect.ts";
import type { AnswerReader } from "./answer-reader.ts";
import { AnswerTap } from "./answer-tap.ts";
import { NeedleSearch } from "./needle.ts";

/** Data longer than this is picked from, not built. */
const MAX_PARSED_BYTES = 64 * 1024;

/** A frame that was too long to be held and passes as it comes. */
interface PassingFrame {
  readonly follower: SseFrameFollower;
  readonly picker: JsonPicker;
}

export class SseTap extends AnswerTap {
  readonly #maxHeldBytes: number;
  readonly #splitter = new SseSplitter();
  readonly #search: NeedleSearch | null;
  /** The frame that has begun, as far as it has come. */
  readonly #pending = new GrowingBytes();
  /** Whole frames that wait for the ledger. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  /** From the answer's end on: what may still come. */
  #heldLimit = 0;
  #passing: PassingFrame | null = null;
  #isFirstFrame = true;

  constructor(reader: AnswerReader, maxHeldBytes: number) {
    super(reader);
    this.#maxHeldBytes = maxHeldBytes;
    this.#search = reader.needles === null ? null : new NeedleSearch(reader.needles);
  }

  push(chunk: Uint8Array): Uint8Array | null {
    if (this.#passes(chunk)) {
      this.reader.notePassed(chunk, chunk.length);
      return chunk;
    }
    if (chunk.length === 0 || this.#isOverfull()) return null;
    return this.#split(chunk);
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

  /** The common case: whole frames in the midst of the answer, of which none can matter. */
  #passes(chunk: Uint8Array): boolean {
    const search = this.#search;
    if (search === null || !this.answer.hasContent || this.answer.progress !== "open") return false;
    if (this.#pending.size > 0 || this.#passing !== null || !this.#splitter.isAtFrameStart) return false;
    if (!endsFrame(chunk)) return false;
    search.begin(chunk);
    return !search.hits(0, chunk.length);
  }

  #split(chunk: Uint8Array): Uint8Array | null {
    let bytes = chunk;
    let seen = 0;
    if (this.#pending.size > 0) {
      seen = this.#pending.size;
      this.#pending.append(chunk, 0, chunk.length);
      bytes = this.#pending.view();
    }
    const out: Uint8Array[] = [];
    let runFrom = 0;
    let from = 0;
    const wasOpenBefore = this.answer.progress === "open";
    this.#splitter.begin(bytes, seen);
    this.#search?.begin(bytes);
    for (let to = this.#splitter.next(); to !== -1; to = this.#splitter.next()) {
      const wasOpen = this.answer.progress === "open";
      const isTakenOut = this.#read(bytes, from, to);
      const isTurn = wasOpen !== (this.answer.progress === "open");
      if (isTakenOut || isTurn) {
        this.#hold(bytes, runFrom, from);
        runFrom = isTakenOut ? to : from;
        // Either what came before this frame is free, or this frame shows that the answer goes on after all.
        if (isTurn) this.#releaseInto(out);
      }
      from = to;
    }
    this.#hold(bytes, runFrom, from);
    if (from > 0) this.reader.notePassed(bytes, from);
    if (this.answer.progress === "open") this.#releaseInto(out);
    else if (wasOpenBefore) this.#heldLimit = this.#heldBytes + this.#maxHeldBytes;
    this.#keepRest(bytes, from, bytes !== chunk, out);
    return joinBytes(out);
  }

  /** Reads the whole frame between `from` and `to`. True: it is to be taken out. */
  #read(bytes: Uint8Array, from: number, to: number): boolean {
    const isFirst = this.#isFirstFrame;
    this.#isFirstFrame = false;
    if (this.#passing !== null) {
      const { follower, picker } = this.#passing;
      follower.push(bytes, from, to);
      this.#passing = null;
      this.answer.hasContent = true;
      // Its beginning is with the client: it cannot be taken out any more.
      if (picker.status === "closed") this.reader.readFrame(follower.event, picker.root);
      return false;
    }
    if (this.#search !== null && this.answer.hasContent && this.answer.progress === "open") {
      if (!this.#search.hits(from, to)) return false;
    }
    const { event, data } = readSseFrame(bytes, from, to, isFirst);
    return data !== null && this.#readData(event, data);
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
      // Not ours to judge: the bytes go on as they are, and an answer that is never whole is known as cut.
      return false;
    }
    return this.reader.readFrame(event, value);
  }

  /** Keeps the unfinished frame behind `from`, or lets it pass when it is too long. */
  #keepRest(bytes: Uint8Array, from: number, isPending: boolean, out: Uint8Array[]): void {
    const size = bytes.length - from;
    const isOpen = this.answer.progress === "open";
    if (this.#passing === null && isOpen && size > this.#maxHeldBytes) {
      const picker = new JsonPicker(this.reader.frameShape);
      this.#passing = { follower: new SseFrameFollower((data) => picker.push(data)), picker };
    }
    if (this.#passing !== null) {
      this.#passing.follower.push(bytes, from, bytes.length);
      this.#pending.clear();
      if (size > 0) out.push(bytes.subarray(from));
    } else if (!isPending || from > 0) {
      this.#pending.clear();
      if (size > 0) this.#pending.append(bytes, from, bytes.length);
    }
    // An answer that was whole and still goes on for so long is not waited for.
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

  /** Memory stays bounded also when an upstream goes on and on after its answer was whole: the rest is not taken. */
  #isOverfull(): boolean {
    return this.answer.progress !== "open" && this.#heldBytes + this.#pending.size > this.#heldLimit;
  }
}
