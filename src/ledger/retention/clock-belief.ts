/** Whether the clock may be right. Rows that go for their age do not come back when it is set right again. */
import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";

const DAY_MS = 86_400_000;
/** A clock that seems to have jumped forward by more is not believed at once. */
const MAX_JUMP_MS = DAY_MS;
/** Somebody, or the time of the network, has set it right by then. */
const DISBELIEF_MS = DAY_MS;

export class ClockBelief {
  readonly #clock: Clock;
  readonly #log: Log;
  /** How far the clock was ahead of the monotonic clock before it jumped; null: it was not looked at. */
  #offsetMs: number | null = null;
  /** When the jump was seen, on the monotonic clock; null: there was none. */
  #jumpedAtMs: number | null = null;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** `newestMs`: the time of the newest row, which the clock is compared with at first; null: there is none. */
  isSane(newestMs: () => number | null): boolean {
    const [nowMs, steadyMs] = [this.#clock.nowMs(), this.#clock.monotonicMs()];
    const isFirst = this.#offsetMs === null;
    this.#offsetMs ??= (newestMs() ?? nowMs) - steadyMs;
    const aheadMs = nowMs - steadyMs - this.#offsetMs;
    const isOver = this.#jumpedAtMs !== null && steadyMs - this.#jumpedAtMs >= DISBELIEF_MS;
    if (aheadMs <= MAX_JUMP_MS || isOver) {
      this.#offsetMs = nowMs - steadyMs;
      this.#jumpedAtMs = null;
      return true;
    }
    if (this.#jumpedAtMs === null && !isFirst) {
      const hours = Math.round(aheadMs / 3_600_000);
      const message = "the clock has jumped forward, so for a day no rows of the ledger go for their age";
      this.#log.warn({ hours }, message);
    }
    this.#jumpedAtMs ??= steadyMs;
    return false;
  }
}
