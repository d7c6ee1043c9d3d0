/**
 * A strict rate: in any 60 seconds never more than the limit. Counts are kept by the second of a monotonic clock; the
 * 61 cells that count touch every window of 60 seconds that ends now, so room comes back after 60 to 61 seconds.
 */
import type { LimitName, LimitPlace, Refusal } from "./refusal.ts";
import type { LimitUse } from "./use.ts";

const CELLS = 64;
const COUNTED_CELLS = 61;
const SECOND_MS = 1_000;

export class MinuteRate {
  readonly #name: LimitName;
  readonly #place: LimitPlace;
  /** Changes with the configuration; what was taken stays taken. */
  limit = 0;
  /** Made when it is first needed: most keys rest. */
  #cells: Float64Array | null = null;
  #second = 0;
  #taken = 0;

  constructor(name: LimitName, place: LimitPlace) {
    this.#name = name;
    this.#place = place;
  }

  /** null: there is room for `count`. */
  check(count: number, nowMs: number): Refusal | null {
    this.#moveTo(Math.floor(nowMs / SECOND_MS));
    return this.#taken + count <= this.limit ? null : this.#refusal(count, nowMs);
  }

  /** Takes what `check` found room for, or what was used in fact. */
  take(count: number, nowMs: number): void {
    this.#moveTo(Math.floor(nowMs / SECOND_MS));
    this.#cells ??= new Float64Array(CELLS);
    const cells = this.#cells;
    const cell = this.#second % CELLS;
    cells[cell] = (cells[cell] as number) + count;
    this.#taken += count;
  }

  /** Gives back what was taken in that second, unless it has expired already. */
  giveBack(count: number, second: number): void {
    if (this.#cells === null || this.#second - second >= COUNTED_CELLS) return;
    const cell = second % CELLS;
    this.#cells[cell] = (this.#cells[cell] as number) - count;
    this.#taken -= count;
  }

  /** `nowMs` is the time, `monotonicMs` the clock of the rate. What running requests hold is in `used`. */
  use(nowMs: number, monotonicMs: number): LimitUse {
    const remaining = this.remaining(monotonicMs);
    return {
      ...this.#place,
      limit: this.#name,
      period: null,
      limitValue: this.limit,
      used: this.#taken,
      reserved: 0,
      remaining,
      resetsAtMs: nowMs + this.freeAfterMs(monotonicMs),
    };
  }

  /** How much may still be taken now. */
  remaining(monotonicMs: number): number {
    this.#moveTo(Math.floor(monotonicMs / SECOND_MS));
    return Math.max(0, this.limit - this.#taken);
  }

  /** Milliseconds until all that is taken has expired. */
  freeAfterMs(monotonicMs: number): number {
    this.#moveTo(Math.floor(monotonicMs / SECOND_MS));
    if (this.#cells === null || this.#taken <= 0) return 0;
    // Of a rate in use the newest cell is seldom empty.
    let second = this.#second;
    while (second > this.#second - COUNTED_CELLS && this.#cells[(second + CELLS) % CELLS] === 0) second--;
    return Math.ceil((second + COUNTED_CELLS) * SECOND_MS - monotonicMs);
  }

  #moveTo(second: number): void {
    if (this.#cells === null || second <= this.#second) {
      if (this.#cells === null) this.#second = second;
      return;
    }
    if (second - this.#second >= COUNTED_CELLS) {
      this.#cells.fill(0);
      this.#taken = 0;
      this.#second = second;
      return;
    }
    while (this.#second < second) {
      this.#second++;
      const cell = (this.#second + CELLS - COUNTED_CELLS) % CELLS;
      this.#taken -= this.#cells[cell] as number;
      this.#cells[cell] = 0;
    }
  }

  #refusal(count: number, nowMs: number): Refusal {
    const isNeverPossible = count > this.limit;
    return {
      ...this.#place,
      limit: this.#name,
      period: null,
      limitValue: this.limit,
      remaining: Math.max(0, this.limit - this.#taken),
      retryAfterMs: this.#roomAfterMs(
        isNeverPossible ? this.#taken : this.#taken + count - this.limit,
        nowMs,
      ),
      isNeverPossible,
    };
  }

  /** Milliseconds until so much of what is taken has expired. */
  #roomAfterMs(count: number, nowMs: number): number {
    if (this.#cells === null || count <= 0) return 0;
    let left = count;
    let second = this.#second - COUNTED_CELLS;
    while (left > 0 && second < this.#second) {
      second++;
      left -= this.#cells[(second + CELLS) % CELLS] as number;
    }
    return Math.ceil((second + COUNTED_CELLS) * SECOND_MS - nowMs);
  }
}
