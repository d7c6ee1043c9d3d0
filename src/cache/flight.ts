/**
 * One answer for several clients: an answer on its way, or a kept one. Its pieces are held once, and each reader goes
 * through them at the pace of its client. As long as the answer is small enough to be kept, all of it is held, so that a
 * late reader gets it from its beginning. From then on nobody joins, and only what some reader still has to get is held.
 */
import type { ErrorKind, GatewayError } from "../core/errors.ts";
import { GrowingBytes } from "../wire/bytes.ts";
import type { LentAnswer } from "./answer-memory.ts";
import type { AnswerHead, AnswerOrigin, KeptAnswer } from "./kept-answer.ts";

/** How far a slow client may stay behind, once the answer is too large to be held whole. */
const WINDOW_BYTES = 1024 * 1024;
/** What is held grows by so much at a time, and so seldom asks for room. */
const STEP_BYTES = 16 * 1024;
/** Buffers grow by doubling. */
const BYTES_A_BYTE = 2;

export type FlightEnd =
  /** The answer is whole. `tail`: its last piece, which waits for the row of its reader; null: it has none. */
  | { readonly kind: "whole"; readonly tail: Uint8Array | null; readonly origin: AnswerOrigin }
  /** It broke off. `held`: whole frames that come before the `words`; without words the connection has to break. */
  | {
      readonly kind: "failed";
      readonly held: Uint8Array | null;
      readonly words: string;
      readonly cause: FlightFailure;
    };

/** How the row of the request that the answer was made for says that it ended. */
export interface FlightFailure {
  /** It may stand in the words. */
  readonly requestId: string;
  readonly outcome: "error" | "upstream_cut";
  readonly errorKind: ErrorKind | null;
  readonly origin: AnswerOrigin;
}

/** Why there is no answer, for each of its clients. */
export interface NoAnswer {
  /** As the row of the request says that the answer was to be made for. */
  readonly outcome: "refused" | "error";
  readonly errorKind: ErrorKind;
  /** For the client itself, or for its stream that is open already. */
  readonly error: GatewayError;
  /** What a client without an open stream gets in place of `error`; null: nothing else. */
  readonly reply: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: Uint8Array<ArrayBuffer>;
  } | null;
}

/** Where the pieces of an answer on its way come from. */
export interface FlightSource {
  /** After an `append` that returned false: readers can take more. */
  resume(): void;
  /** No reader is left. */
  abandoned(): void;
  /** What has been made by now; null: nothing. */
  originSoFar(): AnswerOrigin | null;
}

/** Room for the pieces of answers on their way. */
export interface FlightRoom {
  readonly largestBytes: number;
  hold(bytes: number): boolean;
  release(bytes: number): void;
}

/** One client of the answer. */
export abstract class FlightReader {
  /** The number of the next piece. */
  position = 0;
  /** It takes nothing now: its client reads slowly, or its stream has not begun. */
  isBlocked = true;
  /** The answer is made for its request: the others depend on it, and it never has to leave because it is slow. */
  readonly isLeader: boolean;

  constructor(isLeader: boolean) {
    this.isLeader = isLeader;
  }

  /** The answer begins. */
  abstract begun(head: AnswerHead): void;
  /** There is more of it, or its end. */
  abstract more(): void;
  /** The request that the answer was to be made for has failed before anything was there: this one takes its place. */
  abstract lead(failures: number): void;
  /** There will be no answer. null: the reader's own request has failed, for a reason that is no matter of the others. */
  abstract none(why: NoAnswer | null): void;
  /** The client is so slow that what it still has to get cannot be held any longer. */
  abstract tooSlow(): void;
  /** A sign that the stream is alive. The reader has taken all there is. */
  abstract ping(bytes: Uint8Array): void;
}

export class Flight {
  readonly #readers = new Set<FlightReader>();
  readonly #room: FlightRoom | null;
  #source: FlightSource | null = null;
  #head: AnswerHead | null = null;
  #end: FlightEnd | null = null;
  #isOver = false;
  /** Pieces that no reader needs any more, and their bytes. */
  #dropped = 0;
  #droppedBytes = 0;
  readonly #held = new GrowingBytes();
  /** Where in all bytes of the answer each held piece ends. */
  #ends: number[] = [];
  #roomBytes = 0;
  #isWindow = false;
  #isPaused = false;
  #hasLeaderLeft = false;
  /** null: the answer is no lent one, or it has been given back. */
  #giveBack: (() => void) | null = null;

  /** `room`: where the pieces are counted; null: they are counted already, as a kept answer. */
  constructor(room: FlightRoom | null) {
    this.#room = room;
  }

  /** A kept answer, as if it had just come. */
  static of({ answer: { head, bytes, ends, origin }, giveBack }: LentAnswer): Flight {
    const flight = new Flight(null);
    flight.#giveBack = giveBack;
    flight.#head = head;
    const before = ends.slice(0, -1);
    const from = before.at(-1) ?? 0;
    const tail = ends.length === 0 ? null : bytes.subarray(from);
    flight.#held.adopt(bytes.subarray(0, from) as Uint8Array<ArrayBuffer>);
    flight.#ends = before;
    flight.#isOver = true;
    flight.#end = { kind: "whole", tail, origin };
    return flight;
  }

  get end(): FlightEnd | null {
    return this.#end;
  }

  /** Where the answer is from and what it has used, up to its end or to now; null: nothing is there. */
  get originSoFar(): AnswerOrigin | null {
    if (this.#end !== null) return this.#end.kind === "whole" ? this.#end.origin : this.#end.cause.origin;
    return this.#source?.originSoFar() ?? null;
  }

  /** Whether a further reader gets all of the answer. */
  get canBeJoined(): boolean {
    return !this.#isOver && !this.#isWindow;
  }

  /** Something of the answer has been there. */
  get hasBegun(): boolean {
    return this.#head !== null;
  }

  get hasLeaderLeft(): boolean {
    return this.#hasLeaderLeft;
  }

  /** From here on the source hears of the readers. */
  feedFrom(source: FlightSource): void {
    this.#source = source;
    if (this.#readers.size === 0) source.abandoned();
  }

  join(reader: FlightReader): void {
    this.#readers.add(reader);
    if (this.#head !== null) reader.begun(this.#head);
    if (this.#end !== null) reader.more();
  }

  /** The reader's client has left, or has all it gets. */
  leave(reader: FlightReader): void {
    if (!this.#readers.delete(reader)) return;
    if (reader.isLeader) this.#hasLeaderLeft = true;
    if (this.#readers.size > 0) {
      this.moved();
      return;
    }
    // Nothing of it is held from here on, so it cannot be kept.
    if (!this.#isOver) this.#isWindow = true;
    this.#letGo();
    if (!this.#isOver) this.#source?.abandoned();
  }

  /** A reader has gone on, or can take something again. */
  moved(): void {
    if (!this.#isPaused || this.#isOver || !this.#canTake()) return;
    this.#isPaused = false;
    this.#source?.resume();
  }

  begin(head: AnswerHead): void {
    this.#head = head;
    for (const reader of [...this.#readers]) reader.begun(head);
  }

  /** Takes a piece, of which it keeps a copy. False: no reader can take more at the moment; `resume` follows. */
  append(bytes: Uint8Array): boolean {
    this.#hold(bytes);
    for (const reader of [...this.#readers]) if (!reader.isBlocked) reader.more();
    if (this.#isWindow) this.#slide();
    if (this.#canTake()) return true;
    this.#isPaused = true;
    return false;
  }

  ping(bytes: Uint8Array): void {
    const all = this.#count;
    for (const reader of this.#readers) if (!reader.isBlocked && reader.position === all) reader.ping(bytes);
  }

  /** The next piece for the reader; null: there is none yet, or any more. */
  take(reader: FlightReader): Uint8Array | null {
    const at = reader.position - this.#dropped;
    const end = this.#ends[at];
    if (end === undefined) return null;
    reader.position += 1;
    const from = at === 0 ? this.#droppedBytes : (this.#ends[at - 1] as number);
    return this.#held.view().subarray(from - this.#droppedBytes, end - this.#droppedBytes);
  }

  /** The answer, once it is whole and if all of it is held. */
  keep(atMs: number): KeptAnswer | null {
    if (this.#head === null || this.#end?.kind !== "whole" || this.#isWindow) return null;
    const { tail, origin } = this.#end;
    const held = this.#held.view();
    const bytes = new Uint8Array(held.byteLength + (tail?.byteLength ?? 0));
    bytes.set(held);
    const ends = [...this.#ends];
    if (tail !== null) {
      bytes.set(tail, held.byteLength);
      ends.push(bytes.byteLength);
    }
    return { head: this.#head, origin, bytes, ends, atMs };
  }

  /** `ended` runs before the readers hear of it, which may be gone behind it, and the pieces with them. */
  finish(end: FlightEnd, ended: () => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#end = end;
    ended();
    for (const reader of [...this.#readers]) reader.more();
    if (this.#readers.size === 0) this.#letGo();
  }

  /** The request that the answer was to be made for has failed before anything was there. The others wait on. */
  loseLeader(why: NoAnswer | null): void {
    this.#source = null;
    this.#hasLeaderLeft = false;
    for (const reader of [...this.#readers])
      if (reader.isLeader) {
        this.#readers.delete(reader);
        reader.none(why);
      }
  }

  /** Takes the reader out that came first; null: there is none. */
  takeFirst(): FlightReader | null {
    const [first = null] = this.#readers;
    if (first !== null) this.#readers.delete(first);
    return first;
  }

  /** There is no answer. */
  giveUp(why: NoAnswer | null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const readers = [...this.#readers];
    this.#readers.clear();
    this.#letGo();
    for (const reader of readers) reader.none(why);
  }

  get #count(): number {
    return this.#dropped + this.#ends.length;
  }

  /** Bytes that the reader still has to get. */
  #behind(reader: FlightReader): number {
    const all = this.#ends.at(-1) ?? this.#droppedBytes;
    const at = reader.position - this.#dropped;
    return all - (at === 0 ? this.#droppedBytes : (this.#ends[at - 1] ?? all));
  }

  #canTake(): boolean {
    let canSome = false;
    for (const reader of this.#readers) {
      if (!reader.isBlocked) canSome = true;
      else if (this.#isWindow && reader.isLeader && this.#behind(reader) >= WINDOW_BYTES) return false;
    }
    return canSome;
  }

  #hold(bytes: Uint8Array): void {
    const all = (this.#ends.at(-1) ?? this.#droppedBytes) + bytes.byteLength;
    this.#held.append(bytes, 0, bytes.byteLength);
    this.#ends.push(all);
    if (this.#isWindow) return;
    const needed = BYTES_A_BYTE * this.#held.size + 8 * this.#ends.length;
    if (needed > this.#roomBytes && !this.#grow(needed + STEP_BYTES)) this.#isWindow = true;
  }

  #grow(toBytes: number): boolean {
    const room = this.#room;
    if (room === null || this.#held.size > room.largestBytes || !room.hold(toBytes - this.#roomBytes)) {
      return false;
    }
    this.#roomBytes = toBytes;
    return true;
  }

  /** Lets go of what all readers have, and of readers that hold too much. */
  #slide(): void {
    for (const reader of [...this.#readers])
      if (!reader.isLeader && reader.isBlocked && this.#behind(reader) > WINDOW_BYTES) {
        reader.tooSlow();
        this.leave(reader);
      }
    let first = this.#count;
    for (const reader of this.#readers) first = Math.min(first, reader.position);
    const count = first - this.#dropped;
    const bytes = count === 0 ? 0 : (this.#ends[count - 1] as number) - this.#droppedBytes;
    // Moved when it is worth it.
    if (bytes === 0 || bytes < this.#held.size / 2) return;
    const rest = this.#held.view().slice(bytes);
    this.#held.clear();
    this.#held.append(rest, 0, rest.byteLength);
    this.#ends = this.#ends.slice(count);
    this.#dropped = first;
    this.#droppedBytes += bytes;
  }

  #letGo(): void {
    this.#giveBack?.();
    this.#giveBack = null;
    this.#room?.release(this.#roomBytes);
    this.#roomBytes = 0;
    this.#held.clear();
    this.#ends = [];
  }
}
