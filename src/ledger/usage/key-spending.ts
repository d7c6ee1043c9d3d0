/** What the requests of a key have cost, for the key itself. The ledger is asked seldom, however often a client asks. */
import { type Period, stretchAt } from "../../core/calendar.ts";
import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import { UTC } from "../../core/time-zone.ts";
import { ALL_USAGE, type UsageGroup, type UsagePage, type UsageQuery } from "./usage-query.ts";

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
    const nowMs = clock.nowMs();
    const startOf = (period: Period): number => stretchAt(period, UTC, nowMs).startMs;
    const [dayMs, weekMs, monthMs] = [startOf("day"), startOf("week"), startOf("month")];
    const asked = { ...ALL_USAGE, where: { key: [key] } };
    try {
      const days = await ask({ ...asked, period: "day", sinceMs: Math.min(weekMs, monthMs) });
      const all = await ask(asked);
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

function sumOf(groups: readonly UsageGroup[]): number {
  return Number(groups.reduce((sum, { costNanoUsd }) => sum + (costNanoUsd ?? 0n), 0n));
}
