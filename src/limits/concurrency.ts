/** How many requests may run at once. */
import type { LimitPlace, Refusal } from "./refusal.ts";
import type { LimitUse } from "./use.ts";

/** Nobody knows when a running request ends. */
const RETRY_AFTER_MS = 1_000;

export class Concurrency {
  readonly #place: LimitPlace;
  /** Changes with the configuration; running requests keep running. */
  limit = 0;
  running = 0;

  constructor(place: LimitPlace) {
    this.#place = place;
  }

  /** null: there is room for one more. */
  check(): Refusal | null {
    if (this.running < this.limit) return null;
    return {
      ...this.#place,
      limit: "concurrency",
      period: null,
      limitValue: this.limit,
      remaining: 0,
      retryAfterMs: RETRY_AFTER_MS,
      isNeverPossible: this.limit < 1,
    };
  }

  use(): LimitUse {
    return {
      ...this.#place,
      limit: "concurrency",
      period: null,
      limitValue: this.limit,
      used: 0,
      reserved: this.running,
      remaining: Math.max(0, this.limit - this.running),
      resetsAtMs: null,
    };
  }
}
