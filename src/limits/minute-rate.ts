/** A strict rate: in any 60 seconds never more than the limit. */
import { MinuteCount } from "../core/minute-count.ts";
import type { LimitName, LimitPlace, Refusal } from "./refusal.ts";
import type { LimitUse } from "./use.ts";

export class MinuteRate {
  readonly #name: LimitName;
  readonly #place: LimitPlace;
  readonly #count = new MinuteCount();
  #limit = 0;
  /** For the headers of each reply. */
  #limitText = "0";

  constructor(name: LimitName, place: LimitPlace) {
    this.#name = name;
    this.#place = place;
  }

  get limit(): number {
    return this.#limit;
  }

  /** After a reload. What was taken stays taken. */
  set limit(limit: number) {
    this.#limit = limit;
    this.#limitText = String(limit);
  }

  /** The limit in digits. */
  get limitText(): string {
    return this.#limitText;
  }

  /** null: there is room for `count`. Times are of a monotonic clock. */
  check(count: number, nowMs: number): Refusal | null {
    return this.#count.takenAt(nowMs) + count <= this.limit ? null : this.#refusal(count, nowMs);
  }

  /** Takes what `check` found room for, or what was used in fact. */
  take(count: number, nowMs: number): void {
    this.#count.take(count, nowMs);
  }

  /** Gives back what was taken in that second, unless it has expired already. */
  giveBack(count: number, second: number): void {
    this.#count.giveBack(count, second);
  }

  /** `nowMs` is the time, `monotonicMs` the clock of the rate. What running requests hold is in `used`. */
  use(nowMs: number, monotonicMs: number): LimitUse {
    const taken = this.#count.takenAt(monotonicMs);
    return {
      ...this.#place,
      limit: this.#name,
      period: null,
      limitValue: this.limit,
      used: taken,
      reserved: 0,
      remaining: Math.max(0, this.limit - taken),
      resetsAtMs: nowMs + this.#count.allFreeAfterMs(monotonicMs),
    };
  }

  /** How much may still be taken now. */
  remaining(monotonicMs: number): number {
    return Math.max(0, this.limit - this.#count.takenAt(monotonicMs));
  }

  /** Milliseconds until all that is taken has expired. */
  freeAfterMs(monotonicMs: number): number {
    return this.#count.allFreeAfterMs(monotonicMs);
  }

  #refusal(count: number, nowMs: number): Refusal {
    const isNeverPossible = count > this.limit;
    const taken = this.#count.takenAt(nowMs);
    return {
      ...this.#place,
      limit: this.#name,
      period: null,
      limitValue: this.limit,
      remaining: Math.max(0, this.limit - taken),
      retryAfterMs: this.#count.freeAfterMs(isNeverPossible ? taken : taken + count - this.limit, nowMs),
      isNeverPossible,
    };
  }
}
