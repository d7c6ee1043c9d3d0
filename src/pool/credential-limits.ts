/**
 * The operator's own limits of one credential. They are strict: what a request may need is taken before it is sent, and
 * what it did not use is given back when its facts are known. Pure but for what it counts: callers hand in the time.
 */
import { type Period, stretchAt } from "../core/calendar.ts";
import type { Clock } from "../core/clock.ts";
import { MinuteCount } from "../core/minute-count.ts";
import type { ModelPattern } from "../core/model-pattern.ts";
import type { Zone } from "../core/time-zone.ts";
import type { ActiveHours } from "./active-hours.ts";
import type { Need } from "./need.ts";

/** null, for each: no such limit. */
export interface CredentialLimits {
  readonly concurrency: number | null;
  readonly requestsPerMinute: number | null;
  readonly tokensPerMinute: number | null;
  readonly budgetNanoUsdPerDay: number | null;
  readonly budgetNanoUsdPerMonth: number | null;
  /** The zone of days, months and hours. */
  readonly zone: Zone;
  readonly models: readonly ModelPattern[] | null;
  readonly activeHours: ActiveHours | null;
  /** A budget keeps out models of which nobody knows the price. */
  readonly needsPrice: boolean;
}

/** A number for the present day and one for the present month. */
export interface Spent {
  readonly day: number;
  readonly month: number;
}

/** A limit of the operator as it stands now, for people. */
export interface LimitStanding {
  readonly limit: "concurrency" | "requests_per_minute" | "tokens_per_minute" | "budget_day" | "budget_month";
  readonly value: number;
  readonly remaining: number;
}

const SECOND_MS = 1_000;
const BUDGETS = ["day", "month"] as const satisfies readonly Period[];
type BudgetPeriod = (typeof BUDGETS)[number];

interface Window {
  startMs: number;
  endMs: number;
  spent: number;
  held: number;
}

export class LimitCounter {
  #limits: CredentialLimits;
  readonly #requests = new MinuteCount();
  readonly #tokens = new MinuteCount();
  /** The ledger has told what was spent before. */
  isRestored = false;
  readonly #windows: Record<BudgetPeriod, Window> = { day: emptyWindow(), month: emptyWindow() };

  constructor(limits: CredentialLimits) {
    this.#limits = limits;
  }

  /** After a reload. What was taken stays taken. */
  set limits(limits: CredentialLimits) {
    this.#limits = limits;
  }

  /** Why the credential may never serve the need, whatever the hour; null: it may. */
  barrierFor(need: Need): string | null {
    const { models, tokensPerMinute } = this.#limits;
    const { model } = need;
    if (models !== null && model !== "" && !models.some((isFor) => isFor([model])))
      return "the model is none of its models";
    if (tokensPerMinute !== null && tokensOf(need) > tokensPerMinute)
      return "the request may need more than its tokens_per_minute";
    const { costNanoUsd } = need;
    if (costNanoUsd === null && this.#limits.needsPrice && this.hasBudget)
      return "its budget cannot count a model without a price";
    const cost = costNanoUsd ?? 0;
    const isTooDear = BUDGETS.some((period) => cost > (this.#budget(period) ?? cost));
    return isTooDear ? "the request may cost more than its whole budget" : null;
  }

  /** Whether a budget counts what the credential spends. */
  get hasBudget(): boolean {
    return BUDGETS.some((period) => this.#budget(period) !== null);
  }

  /** When the credential may be used again by its hours, Unix milliseconds; null: now. */
  closedUntilMs(nowMs: number): number | null {
    const { activeHours, zone } = this.#limits;
    return activeHours === null ? null : activeHours.closedUntilMs(zone, nowMs);
  }

  /** The least share that is left of a limit once the need is served, 0 to 1; below 0: there is no room. */
  shareFor(need: Need, inFlight: number, nowMs: number, monotonicMs: number): number {
    const { concurrency, requestsPerMinute, tokensPerMinute } = this.#limits;
    let share = concurrency === null ? 1 : (concurrency - inFlight - 1) / concurrency;
    if (requestsPerMinute !== null) {
      const left = requestsPerMinute - this.#requests.takenAt(monotonicMs) - 1;
      share = Math.min(share, left / requestsPerMinute);
    }
    if (tokensPerMinute !== null) {
      const left = tokensPerMinute - this.#tokens.takenAt(monotonicMs) - tokensOf(need);
      share = Math.min(share, left / tokensPerMinute);
    }
    return share < 0 ? share : Math.min(share, this.#moneyShare(need, nowMs));
  }

  #moneyShare(need: Need, nowMs: number): number {
    let share = 1;
    for (const period of BUDGETS) {
      const limit = this.#budget(period);
      if (limit === null) continue;
      const { spent, held } = this.#windowAt(period, nowMs);
      share = Math.min(share, (limit - spent - held - (need.costNanoUsd ?? 0)) / limit);
      // A model without a price needs nothing, and an empty budget has nothing for it either.
      if (spent + held >= limit) return -1;
    }
    return share;
  }

  /**
   * When room for a need without a barrier is expected, Unix milliseconds; null: only the end of a running request gives
   * it.
   */
  readyAtMs(need: Need, inFlight: number, nowMs: number, monotonicMs: number): number | null {
    const { concurrency, requestsPerMinute, tokensPerMinute } = this.#limits;
    if (concurrency !== null && inFlight >= concurrency) return null;
    let afterMs = freeAfterMs(this.#requests, requestsPerMinute, 1, monotonicMs);
    afterMs = Math.max(afterMs, freeAfterMs(this.#tokens, tokensPerMinute, tokensOf(need), monotonicMs));
    let atMs = nowMs + afterMs;
    for (const period of BUDGETS) {
      const limit = this.#budget(period);
      if (limit === null) continue;
      const { spent, held, endMs } = this.#windowAt(period, nowMs);
      const cost = need.costNanoUsd ?? 0;
      if (limit - spent - held >= cost && spent + held < limit) continue;
      // What running requests hold may come back, and a budget that is spent waits for its end.
      if (limit - spent >= cost && spent < limit) return null;
      atMs = Math.max(atMs, endMs);
    }
    return atMs;
  }

  /** As many requests run as may. */
  isCrowded(inFlight: number): boolean {
    const { concurrency } = this.#limits;
    return concurrency !== null && inFlight >= concurrency;
  }

  /** Takes what the need may use. Ended by `settle` or `release` of what it returns, once. */
  take(need: Need, clock: Clock): LimitHold {
    const nowMs = clock.nowMs();
    const monotonicMs = clock.monotonicMs();
    const tokens = this.#limits.tokensPerMinute === null ? 0 : tokensOf(need);
    const nanoUsd = this.hasBudget ? (need.costNanoUsd ?? 0) : 0;
    this.#requests.take(1, monotonicMs);
    this.#tokens.take(tokens, monotonicMs);
    for (const period of BUDGETS) this.#windowAt(period, nowMs).held += nanoUsd;
    return new LimitHold(this, clock, tokens, nanoUsd, Math.floor(monotonicMs / SECOND_MS));
  }

  /** Ends a hold with what was used. */
  settle(hold: LimitHold, tokens: number, nanoUsd: number, nowMs: number, monotonicMs: number): void {
    if (tokens <= hold.tokens) this.#tokens.giveBack(hold.tokens - tokens, hold.second);
    else this.#tokens.take(tokens - hold.tokens, monotonicMs);
    for (const period of BUDGETS) {
      const window = this.#windowAt(period, nowMs);
      window.held = Math.max(0, window.held - hold.nanoUsd);
      window.spent += nanoUsd;
    }
  }

  /** What the ledger has of the present day and month, when the counting begins. */
  restore(spent: Spent, nowMs: number): void {
    this.isRestored = true;
    for (const period of BUDGETS) {
      const window = this.#windowAt(period, nowMs);
      window.spent = Math.max(window.spent, spent[period]);
    }
  }

  /** The beginning of the present day and month, Unix milliseconds. */
  begins(nowMs: number): Spent {
    return { day: this.#windowAt("day", nowMs).startMs, month: this.#windowAt("month", nowMs).startMs };
  }

  /** Something was spent that no hold knew of. */
  spend(nanoUsd: number, nowMs: number): void {
    for (const period of BUDGETS) this.#windowAt(period, nowMs).spent += nanoUsd;
  }

  list(inFlight: number, nowMs: number, monotonicMs: number): readonly LimitStanding[] {
    const { concurrency, requestsPerMinute, tokensPerMinute } = this.#limits;
    const windows = BUDGETS.map((period) => {
      const { spent, held } = this.#windowAt(period, nowMs);
      return [`budget_${period}`, this.#budget(period), spent + held] as const;
    });
    return [
      ["concurrency", concurrency, inFlight] as const,
      ["requests_per_minute", requestsPerMinute, this.#requests.takenAt(monotonicMs)] as const,
      ["tokens_per_minute", tokensPerMinute, this.#tokens.takenAt(monotonicMs)] as const,
      ...windows,
    ].flatMap(([limit, value, used]) =>
      value === null ? [] : [{ limit, value, remaining: Math.max(0, value - used) }],
    );
  }

  #budget(period: BudgetPeriod): number | null {
    return period === "day" ? this.#limits.budgetNanoUsdPerDay : this.#limits.budgetNanoUsdPerMonth;
  }

  #windowAt(period: BudgetPeriod, nowMs: number): Window {
    const window = this.#windows[period];
    if (nowMs >= window.startMs && nowMs < window.endMs) return window;
    const { startMs, endMs } = stretchAt(period, this.#limits.zone, nowMs);
    // A clock that was set back a little must not empty the window that it comes back to.
    if (startMs < window.startMs && window.startMs - nowMs < STEP_BACK_MS) return window;
    window.startMs = startMs;
    window.endMs = endMs;
    window.spent = 0;
    return window;
  }
}

const STEP_BACK_MS = 3_600_000;

function emptyWindow(): Window {
  return { startMs: 0, endMs: 0, spent: 0, held: 0 };
}

function tokensOf({ inputTokens, outputTokens }: Need): number {
  return inputTokens + outputTokens;
}

function freeAfterMs(count: MinuteCount, limit: number | null, needed: number, monotonicMs: number): number {
  if (limit === null) return 0;
  return count.freeAfterMs(count.takenAt(monotonicMs) + needed - limit, monotonicMs);
}

/** What one request holds of the operator's limits. */
export class LimitHold {
  readonly #counter: LimitCounter;
  readonly #clock: Clock;
  readonly tokens: number;
  readonly nanoUsd: number;
  readonly second: number;
  /** Its request has an answer, and settles the hold with its row. Otherwise the end of the lease gives all back. */
  isKept = false;
  #isEnded = false;

  constructor(counter: LimitCounter, clock: Clock, tokens: number, nanoUsd: number, second: number) {
    this.#counter = counter;
    this.#clock = clock;
    this.tokens = tokens;
    this.nanoUsd = nanoUsd;
    this.second = second;
  }

  /** With what was used in fact. Only the first call counts. */
  end(tokens: number, nanoUsd: number): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#counter.settle(this, tokens, nanoUsd, this.#clock.nowMs(), this.#clock.monotonicMs());
  }
}
