/**
 * One limit of a provider in one dimension, as it was announced last, and what has been taken since. Pure: callers hand in
 * the time.
 */
import { MAX_WAIT_MS } from "../upstreams/reset-time.ts";
import type { AnnouncedRoom, Dimension, Span } from "../upstreams/room/room-facts.ts";
import type { Need } from "./need.ts";

/** What has been taken of each dimension since the book was opened. */
export interface Taken {
  readonly requests: number;
  readonly input: number;
  readonly output: number;
  /** When, in Unix milliseconds; absent: now. */
  readonly atMs?: number;
}

const MINUTE_MS = 60_000;
/** A reply that was so late may have waited before it was counted. */
const MAX_LAG_MS = 5_000;
const SPAN_MS: Readonly<Record<Exclude<Span, "other">, number>> = {
  minute: MINUTE_MS,
  day: 1_440 * MINUTE_MS,
  month: 31 * 1_440 * MINUTE_MS,
};
/** What was announced says nothing any more after so long, and then a request finds out. */
const FORGET_MS = 10 * MINUTE_MS;
/** Providers tell waits in whole seconds. */
const ROUNDED_UP_MS = 1_000;
/** A clock that was set back by less makes a wait longer by no more. */
const MAX_STEP_BACK_MS = MINUTE_MS;

export class Quota {
  readonly dimension: Dimension;
  readonly span: Span;
  limit: number | null = null;
  /** At `#atMs`. */
  #remaining = 0;
  /** What was announced, which may be half of `#inexact` more or less. */
  #said = 0;
  #inexact = 0;
  /** So much was refused, and is not asked for again until a time, whatever is believed to be left. */
  #ceiling = Number.POSITIVE_INFINITY;
  #ceilingEndMs = 0;
  /** Room that comes back in each millisecond; 0: all comes back at the reset. */
  #refillPerMs = 0;
  #atMs = 0;
  /** The end of the announcement: the reset, or the time after which nothing is known. */
  #endMs = 0;
  #announcedMs = 0;
  /** What had been taken when `#remaining` was left. */
  #base = 0;
  isReserved = true;
  isGradual = false;
  sparesCacheReads = false;

  constructor(dimension: Dimension, span: Span) {
    this.dimension = dimension;
    this.span = span;
  }

  /** `taken`: what had been taken, with the request whose reply announces this. */
  learn(room: AnnouncedRoom, taken: Taken, nowMs: number): void {
    const sentMs = taken.atMs ?? nowMs;
    this.limit = room.limit;
    this.isReserved = room.isReserved;
    this.isGradual = room.isGradual;
    this.sparesCacheReads = room.sparesCacheReads === true;
    this.#remaining = room.remaining;
    this.#said = room.remaining;
    this.#inexact = room.roundedTo ?? 0;
    if (room.limit !== null && room.limit >= this.#ceiling) this.#ceiling = Number.POSITIVE_INFINITY;
    this.#refillPerMs = refillOf(room, nowMs);
    // The provider counted when the request came to it. What has come back since is much at a large limit.
    this.#atMs = nowMs - sentMs < MAX_LAG_MS ? Math.min(sentMs, nowMs) : nowMs;
    this.#announcedMs = nowMs;
    this.#base = this.#sum(taken);
    this.#endMs = Math.min(room.resetAtMs ?? nowMs + MINUTE_MS, nowMs + MAX_WAIT_MS);
  }

  /** What is left, less what was taken since; infinite: nothing is known. */
  roomAt(taken: Taken, nowMs: number): number {
    const sinceMs = nowMs - this.#atMs;
    // When the clock was set back, nobody knows how much of the time is over.
    if (sinceMs < -MAX_STEP_BACK_MS) return Number.POSITIVE_INFINITY;
    if (nowMs >= this.#endMs && !this.#renew(taken, nowMs)) return Number.POSITIVE_INFINITY;
    // Each lease looks before it takes: what was taken since the last look was taken right after it, and has come back in
    // part. Nothing comes back to a limit that is whole.
    const sum = this.#sum(taken);
    this.#remaining -= sum - this.#base;
    this.#base = sum;
    if (nowMs > this.#atMs && this.#refillPerMs > 0) {
      this.#remaining += this.#refillPerMs * (nowMs - this.#atMs);
      this.#atMs = nowMs;
      if (this.limit !== null) this.#remaining = Math.min(this.#remaining, this.limit);
    }
    // Parts of a millisecond add up to a little more or less than a whole.
    return Math.round(this.#remaining * 1_000) / 1_000;
  }

  /** What a request takes of this limit; more than the limit would never fit, so its provider decides. */
  needOf(need: Need, cachedTokens: number): number {
    const all = this.#allOf(need, cachedTokens);
    return this.#isBelow(all) ? 0 : all;
  }

  /** When a request may be asked for again of which no more was refused, Unix milliseconds; 0: now. */
  refusesUntilMs(need: Need, cachedTokens: number, nowMs: number): number {
    if (this.#ceiling === Number.POSITIVE_INFINITY || this.#ceilingEndMs <= nowMs) return 0;
    return this.#allOf(need, cachedTokens) >= this.#ceiling ? this.#ceilingEndMs : 0;
  }

  /** The request would not fit if all of the limit were left. */
  isTooSmallFor(need: Need, cachedTokens: number): boolean {
    return this.#isBelow(this.#allOf(need, cachedTokens));
  }

  #allOf(need: Need, cachedTokens: number): number {
    const inputTokens = this.inputOf(need, cachedTokens);
    return (this.isReserved ? longest : written)(this.dimension, inputTokens, need);
  }

  #isBelow(all: number): boolean {
    return this.limit !== null && all > this.limit;
  }

  /** The input that counts, where the provider's cache is known to hold so much of the prompt. */
  inputOf({ inputTokens, likelyInputTokens }: Need, cachedTokens: number): number {
    const tokens = likelyInputTokens ?? inputTokens;
    return this.sparesCacheReads ? Math.max(0, tokens - cachedTokens) : tokens;
  }

  /**
   * The request of `own`, which was refused until a time, does not fit into what was left as its reply said, or would never fit.
   * What is left below nothing follows from that time. False: it fits, or the time is none of this limit, or the limit
   * counts answers as they are written: those under way take what comes back until then.
   */
  explains(own: Taken, taken: Taken, untilMs: number, nowMs: number): boolean {
    if (this.#refillPerMs === 0 || !this.isReserved) return false;
    const needed = this.#sum(own);
    const least = this.#said - this.#inexact / 2;
    const isAbove = this.#isBelow(needed);
    if (!isAbove && needed <= least) return false;
    // All of it is there sooner, so the reason is another limit, which was not announced.
    if (untilMs - nowMs > (this.limit ?? 0) / this.#refillPerMs + ROUNDED_UP_MS) return false;
    if (needed <= this.#ceiling || this.#ceilingEndMs <= nowMs) {
      this.#ceiling = needed;
      this.#ceilingEndMs = isAbove ? nowMs + FORGET_MS : untilMs;
    }
    if (isAbove) return true;
    const room = this.roomAt(taken, nowMs);
    const left = needed - this.#refillPerMs * (untilMs - nowMs);
    this.#remaining = Math.min(room, this.#said > 0 ? Math.max(least, left) : left);
    return true;
  }

  /** When so much room is expected, Unix milliseconds. */
  readyAtMs(needed: number, taken: Taken, nowMs: number): number {
    const missing = needed - this.roomAt(taken, nowMs);
    if (missing <= 0) return nowMs;
    if (this.#refillPerMs === 0) return this.#endMs;
    return Math.min(nowMs + Math.ceil(missing / this.#refillPerMs), Math.max(this.#endMs, nowMs + 1));
  }

  /** When all of the limit is there again, if nothing more is taken. */
  wholeAtMs(taken: Taken, nowMs: number): number {
    const limit = this.limit ?? Number.POSITIVE_INFINITY;
    return Math.min(this.readyAtMs(limit, taken, nowMs), Math.max(this.#endMs, nowMs));
  }

  /** The announcement is over: the limit is whole again, and counts on without one. False: nothing is known any more. */
  #renew(taken: Taken, nowMs: number): boolean {
    if (this.limit === null || this.span === "other") return false;
    const spanMs = SPAN_MS[this.span];
    if (nowMs - this.#announcedMs >= Math.max(FORGET_MS, spanMs)) return false;
    this.#remaining = this.limit;
    this.#base = this.#sum(taken);
    this.#atMs = nowMs;
    this.#endMs = nowMs + spanMs;
    return true;
  }

  #sum({ requests, input, output }: Taken): number {
    switch (this.dimension) {
      case "requests":
        return requests;
      case "input":
        return input;
      case "output":
        return this.isReserved ? output : 0;
      case "tokens":
        return this.isReserved ? input + output : input;
    }
  }
}

function longest(dimension: Dimension, inputTokens: number, { outputTokens }: Need): number {
  switch (dimension) {
    case "requests":
      return 1;
    case "input":
      return inputTokens;
    case "output":
      return outputTokens;
    case "tokens":
      return inputTokens + outputTokens;
  }
}

/** An answer counts as it is written, so a request needs room for its first word. */
function written(dimension: Dimension, inputTokens: number, { outputTokens }: Need): number {
  switch (dimension) {
    case "requests":
      return 1;
    case "input":
    case "tokens":
      return inputTokens;
    case "output":
      return Math.min(outputTokens, 1);
  }
}

function refillOf({ isGradual, limit, span, remaining, resetAtMs }: AnnouncedRoom, nowMs: number): number {
  if (!isGradual || limit === null) return 0;
  if (span !== "other") return limit / SPAN_MS[span];
  const leftMs = resetAtMs === null ? 0 : resetAtMs - nowMs;
  return leftMs > 0 && limit > remaining ? (limit - remaining) / leftMs : 0;
}
