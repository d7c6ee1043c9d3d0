/** What the requests of a key have cost, for the key itself. The ledger is asked seldom, however often a client asks. */
import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import type { UsageGroup, UsagePage, UsageQuery } from "./usage-query.ts";

/** In nano-dollars. Days, weeks (from Monday) and months are those of UTC. */
export interface KeySpending {
  readonly dayNanoUsd: number;
  readonly weekNanoUsd: number;
  readonly monthNanoUsd: number;
  readonly allNanoUsd: number;
}

export interface KeySpendingsOptions {
  /** Answers a question about usage; may reject, and take long. */
  readonly ask: (query: UsageQuery) => Promise<UsagePage>;
  readonly clock: Clock;
  readonly log: Log;
}

/** An answer is good for so long: a question takes a process of its own. */
const FRESH_MS = 60_000;
const DAY_MS = 86_400_000;

interface Known {
  readonly untilMs: number;
  readonly spending: Promise<KeySpending | null>;
}

export class KeySpendings {
  readonly #options: KeySpendingsOptions;
  /** By key. The configuration bounds their number. */
  readonly #known = new Map<string, Known>();

  constructor(options: KeySpendingsOptions) {
    this.#options = options;
  }

  /** Resolves with null when the ledger cannot be read now. Never rejects. */
  of(key: string): Promise<KeySpending | null> {
    const nowMs = this.#options.clock.monotonicMs();
    const known = this.#known.get(key);
    if (known !== undefined && nowMs < known.untilMs) return known.spending;
    const spending = this.#read(key);
    this.#known.set(key, { untilMs: nowMs + FRESH_MS, spending });
    return spending;
  }

  async #read(key: string): Promise<KeySpending | null> {
    const { ask, clock, log } = this.#options;
    const { dayMs, weekMs, monthMs } = startsAt(clock.nowMs());
    const where = { key: [key] };
    try {
      const days = await ask({ ...WHOLE, where, period: "day", sinceMs: Math.min(weekMs, monthMs) });
      const all = await ask({ ...WHOLE, where });
      const since = (startMs: number): number =>
        sumOf(days.groups.filter(({ period }) => period !== null && Date.parse(period) >= startMs));
      return {
        dayNanoUsd: since(dayMs),
        weekNanoUsd: since(weekMs),
        monthNanoUsd: since(monthMs),
        allNanoUsd: sumOf(all.groups),
      };
    } catch (cause) {
      const error = cause instanceof Error ? cause.message : String(cause);
      log.warn({ key, error }, "what a key has spent cannot be read now");
      return null;
    }
  }
}

const WHOLE: Omit<UsageQuery, "where"> = {
  by: [],
  period: null,
  timeZone: "UTC",
  sinceMs: null,
  untilMs: null,
  limit: null,
  cursor: null,
};

/** The starts of the day, the week and the month that hold a moment. */
function startsAt(nowMs: number): { dayMs: number; weekMs: number; monthMs: number } {
  const now = new Date(nowMs);
  const dayMs = Math.floor(nowMs / DAY_MS) * DAY_MS;
  return {
    dayMs,
    weekMs: dayMs - ((now.getUTCDay() + 6) % 7) * DAY_MS,
    monthMs: Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1),
  };
}

function sumOf(groups: readonly UsageGroup[]): number {
  return Number(groups.reduce((sum, { costNanoUsd }) => sum + (costNanoUsd ?? 0n), 0n));
}
