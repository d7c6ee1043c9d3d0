/**
 * Which credentials hold which prefixes in their provider's prompt cache, as far as replies tell. Bounded, in memory
 * alone: what is lost by a restart would be cold some minutes later.
 */

import { mixNumbers } from "../../core/byte-hash.ts";
import type { Prefix } from "../../dialects/prefix.ts";

/** A credential that holds a prefix. */
export interface Holder {
  readonly seat: number;
  /** On the monotonic clock. */
  expiresMs: number;
  /** What the provider has said that it keeps, or has read; 0: it has not said. */
  tokens: number;
  /** What this prefix alone was taken for, as `Need.likelyInputTokens` counts; 0 with `tokens`. */
  bookedTokens: number;
}

/** What a reply said of the prompt cache; null: nothing. */
export interface CacheReport {
  readonly inputTokens: number | null;
  readonly cacheReadTokens: number | null;
  readonly cacheWriteTokens: number | null;
  /** What the request was taken for, as `Need.likelyInputTokens` counts. */
  readonly bookedTokens: number;
}

/** As providers keep a prefix after it was read last: https://docs.claude.com/en/docs/build-with-claude/prompt-caching */
const SHORT_LIFE_MS = 300_000;
const LONG_LIFE_MS = 3_600_000;
/** Some 200 bytes each. Half of them are the newest. */
const MAX_PREFIXES = 65_536;
const MAX_YOUNG = MAX_PREFIXES / 2;
/** Of one prefix. */
const MAX_HOLDERS = 64;

const NONE: readonly Holder[] = Object.freeze([]);

export class WarmTable {
  readonly #salt: number;
  /**
   * Two generations: the young one becomes the old one after a short life, or when it is full, and the old one goes. A
   * queue in one map would have to step over all that has gone before it finds the oldest.
   */
  #young = new Map<number, Holder[]>();
  #old = new Map<number, Holder[]>();
  #turnedMs = 0;
  /** Until when prefixes with a long life may be there. */
  #longUntilMs = 0;

  /** `salt`: a random number, so that no client can choose the keys of the table. */
  constructor(salt: number) {
    this.#salt = salt;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** Who holds the prefix of this model. An entry may have expired. */
  holdersOf(point: number, model: number): readonly Holder[] {
    const key = this.#keyOf(point, model);
    return this.#young.get(key) ?? this.#old.get(key) ?? NONE;
  }

  /** The longest prefix that the credential holds; -1: none. */
  depthOf({ points }: Prefix, model: number, seat: number, nowMs: number): number {
    for (let depth = 0; depth < points.length; depth++) {
      const holder = this.#holderOf(points[depth] as number, model, seat);
      if (holder !== null && holder.expiresMs > nowMs) return depth;
    }
    return -1;
  }

  /** Who holds the longest part of the prompt that anybody is known to hold. */
  longest({ points }: Prefix, model: number, nowMs: number): readonly Holder[] {
    for (let depth = 0; depth < points.length; depth++) {
      const holders = this.holdersOf(points[depth] as number, model);
      for (let i = 0; i < holders.length; i++) if ((holders[i] as Holder).expiresMs > nowMs) return holders;
    }
    return NONE;
  }

  /**
   * Takes what the reply to a request with this prefix said. `readMs`: when the provider read the prompt, on the monotonic
   * clock.
   */
  learn(prefix: Prefix, model: number, seat: number, report: CacheReport, readMs: number): void {
    const { points, end, isLong } = prefix;
    const expected = this.depthOf(prefix, model, seat, readMs);
    const read = report.cacheReadTokens ?? 0;
    const written = report.cacheWriteTokens ?? 0;
    const isRefuted = report.cacheReadTokens === 0 && expected !== -1;
    if (isRefuted) this.#forget(points[expected] as number, model, seat);
    // Many providers say nothing of what they write. The next turn finds out, and is not believed twice in a row.
    if (read + written === 0 && (isRefuted || report.inputTokens === null)) return;
    const expiresMs = readMs + (isLong ? LONG_LIFE_MS : SHORT_LIFE_MS);
    // Only a provider that never speaks of writes keeps what it does not mention.
    const isSilent = report.cacheWriteTokens === null && read > 0;
    const kept = isSilent ? (report.inputTokens ?? read) : read + written;
    if (isLong) this.#longUntilMs = Math.max(this.#longUntilMs, expiresMs);
    if (this.#young.size >= MAX_YOUNG || readMs - this.#turnedMs >= SHORT_LIFE_MS) this.#turn(readMs);
    this.#renew(points[points.length - 1] as number, model, { seat, expiresMs, tokens: 0, bookedTokens: 0 });
    if (expected > end && !isRefuted) {
      this.#renew(points[expected] as number, model, { seat, expiresMs, tokens: 0, bookedTokens: 0 });
    }
    // Behind the prefix may stand a turn that is many times as long.
    const whole = Math.max(kept, report.inputTokens ?? kept);
    const bookedTokens = kept === 0 ? 0 : Math.floor((report.bookedTokens * kept) / whole);
    this.#renew(points[end] as number, model, { seat, expiresMs, tokens: kept, bookedTokens });
  }

  #keyOf(point: number, model: number): number {
    return mixNumbers(mixNumbers(this.#salt, model), point);
  }

  #holderOf(point: number, model: number, seat: number): Holder | null {
    const holders = this.holdersOf(point, model);
    for (let i = 0; i < holders.length; i++) {
      const holder = holders[i] as Holder;
      if (holder.seat === seat) return holder;
    }
    return null;
  }

  #renew(point: number, model: number, newer: Holder): void {
    const key = this.#keyOf(point, model);
    let holders = this.#young.get(key);
    if (holders === undefined) {
      holders = this.#old.get(key) ?? [];
      this.#old.delete(key);
      this.#young.set(key, holders);
    }
    const holder = holders.find(({ seat }) => seat === newer.seat);
    if (holder === undefined) {
      if (holders.length >= MAX_HOLDERS) holders.shift();
      holders.push(newer);
      return;
    }
    holder.expiresMs = Math.max(holder.expiresMs, newer.expiresMs);
    if (newer.tokens === 0) return;
    holder.tokens = newer.tokens;
    holder.bookedTokens = newer.bookedTokens;
  }

  /** Only long lives are looked through, as far as they leave room for what comes. */
  #turn(nowMs: number): void {
    const kept = new Map<number, Holder[]>();
    if (this.#longUntilMs > nowMs) {
      for (const [key, holders] of this.#old) {
        if (kept.size >= MAX_YOUNG / 2) break;
        if (holders.some(({ expiresMs }) => expiresMs > nowMs)) kept.set(key, holders);
      }
    }
    this.#old = this.#young;
    this.#young = kept;
    this.#turnedMs = nowMs;
  }

  #forget(point: number, model: number, seat: number): void {
    const holders = this.holdersOf(point, model);
    const index = holders.findIndex((each) => each.seat === seat);
    if (index !== -1) (holders as Holder[]).splice(index, 1);
  }
}
