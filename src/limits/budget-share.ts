/** The part of a budget that a process works with: in memory, and backed by what is granted on disk. */
import type { Period } from "../core/calendar.ts";
import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { BudgetSums, BudgetWindow, Charge, ChargeHolder } from "../store/budgets.ts";
import type { BudgetStore } from "./budget-store.ts";
import type { LimitPlace, Refusal } from "./refusal.ts";
import type { BudgetStanding, LimitUse } from "./use.ts";

/** A portion is this part of the limit, or what a request needs. */
const PORTIONS = 100;
/** A window without room asks the database so often: others give back, and people correct. */
const ASK_AGAIN_MS = 1_000;

export interface ShareOptions {
  readonly place: LimitPlace;
  readonly period: Period;
  readonly store: BudgetStore;
  readonly clock: Clock;
}

/** What this process knows and holds of one window. */
export class BudgetShare implements BudgetWindow, ChargeHolder {
  readonly #options: ShareOptions;
  readonly #budget: { readonly limit: number };
  readonly scope: BudgetWindow["scope"];
  readonly name: string;
  readonly model: string;
  readonly period: Period;
  readonly startMs: number;
  readonly endMs: number;

  /** Granted to all processes, with what is spent. */
  #granted: number;
  /** Granted to this process and not spent; never less than `#reserved`. */
  #open = 0;
  /** Held by running requests. */
  #reserved = 0;
  /** Granted, or given back if negative, by facts whose rows are not committed. */
  #uncommitted = 0;
  /** On the monotonic clock: until then `#granted` counts as fresh. */
  #freshUntilMs = Number.NEGATIVE_INFINITY;
  /** The limit when `#granted` was read: below a lower one, others may have been granted more than is known here. */
  #limitThen: number;
  #hasRefused = false;

  /** `sums` are those of the window's row. */
  constructor(
    options: ShareOptions,
    budget: { readonly limit: number },
    window: BudgetWindow,
    sums: BudgetSums,
  ) {
    this.#options = options;
    this.#budget = budget;
    this.scope = window.scope;
    this.name = window.name;
    this.model = window.model;
    this.period = options.period;
    this.startMs = window.startMs;
    this.endMs = window.endMs;
    this.#granted = sums.grantedNanoUsd;
    this.#limitThen = budget.limit;
  }

  holds(atMs: number): boolean {
    return atMs >= this.startMs && atMs < this.endMs;
  }

  /** Running requests hold a part of it, or rows that are not committed. */
  get isHeld(): boolean {
    return this.#reserved > 0 || this.#uncommitted !== 0;
  }

  /** Whether there is room for a cost, granted on disk; null: there is. Throws `GatewayError("ledger_unavailable")`. */
  check(nanoUsd: number): Refusal | null {
    if (nanoUsd <= 0) return null;
    const isLowered = this.#budget.limit < this.#limitThen;
    if (!isLowered && nanoUsd <= this.#free && nanoUsd <= this.#room) return null;
    const isFresh = !isLowered && this.#options.clock.monotonicMs() < this.#freshUntilMs;
    if (isFresh && nanoUsd > this.#room) return this.#refusal(nanoUsd);
    this.#grant(Math.max(0, nanoUsd - this.#free), this.#budget.limit);
    return nanoUsd <= this.#free && nanoUsd <= this.#room ? null : this.#refusal(nanoUsd);
  }

  /** The same as a yes or no; a store that fails has no room. */
  hasRoomFor(nanoUsd: number): boolean {
    try {
      return this.check(nanoUsd) === null;
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      return false;
    }
  }

  /** Holds what `check` found room for. */
  reserve(nanoUsd: number): void {
    this.#reserved += nanoUsd;
  }

  /** Holds what is spent already or will be, also beyond the limit. What cannot be granted on disk now is held in memory. */
  reserveAnyway(nanoUsd: number): void {
    const missing = nanoUsd - this.#free;
    try {
      if (missing > 0) this.#grant(missing, Number.MAX_SAFE_INTEGER);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.#open += missing;
      this.#granted += missing;
    }
    this.#reserved += nanoUsd;
  }

  /** Ends a hold without a cost. */
  release(heldNanoUsd: number): void {
    this.#reserved -= heldNanoUsd;
  }

  /** Turns a hold into a fact. */
  settle(heldNanoUsd: number, nanoUsd: number): Charge {
    this.#reserved -= heldNanoUsd;
    this.#open -= nanoUsd;
    const missing = Math.max(0, this.#reserved - this.#open);
    // After a crowd has left: one more such request, or a portion, is enough to go on without a grant.
    const unused = Math.max(0, this.#free - Math.max(heldNanoUsd, this.#portion));
    const grantNanoUsd = missing - unused;
    this.#open += grantNanoUsd;
    this.#granted += grantNanoUsd;
    this.#uncommitted += grantNanoUsd;
    return { window: this, nanoUsd, grantNanoUsd, holder: this };
  }

  charged({ grantNanoUsd }: Charge): void {
    this.#uncommitted -= grantNanoUsd;
  }

  /** Takes away what no running request holds, to be given back; returns how much it was. */
  takeFree(): number {
    const free = this.#free;
    this.#open -= free;
    this.#granted -= free;
    return free;
  }

  use(): LimitUse {
    const { place, store, clock } = this.#options;
    const { limit } = this.#budget;
    if (clock.monotonicMs() >= this.#freshUntilMs) {
      const found = store.find(this);
      if (found !== null) this.#granted = found.grantedNanoUsd + this.#uncommitted;
      this.#freshUntilMs = clock.monotonicMs() + ASK_AGAIN_MS;
    }
    return {
      ...place,
      limit: "budget",
      period: this.period,
      limitValue: limit,
      used: this.spentNanoUsd,
      reserved: this.#reserved,
      remaining: Math.max(0, this.#room),
      resetsAtMs: this.endMs,
    };
  }

  standing(): BudgetStanding {
    return {
      ...this.#options.place,
      period: this.period,
      startMs: this.startMs,
      resetsAtMs: this.endMs,
      limitNanoUsd: this.#budget.limit,
      spentNanoUsd: this.spentNanoUsd,
      hasRefused: this.#hasRefused,
    };
  }

  /** With what other processes have been granted. */
  get spentNanoUsd(): number {
    return this.#granted - this.#open;
  }

  /** What nothing is spent of and no running request holds, as far as this process knows. */
  get leftNanoUsd(): number {
    return this.#room;
  }

  /** Granted to this process and not held. */
  get #free(): number {
    return this.#open - this.#reserved;
  }

  /** What this process may still hold; what others have counts as spent. */
  get #room(): number {
    return this.#budget.limit - this.#granted + this.#free;
  }

  get #portion(): number {
    return Math.ceil(this.#budget.limit / PORTIONS);
  }

  #grant(leastNanoUsd: number, limit: number): void {
    const { store, clock } = this.#options;
    const grantedNanoUsd = this.#granted - this.#uncommitted;
    const known = { spentNanoUsd: grantedNanoUsd - this.#open, grantedNanoUsd };
    const found = store.grant(this, known, {
      leastNanoUsd,
      bestNanoUsd: this.#portion,
      limitNanoUsd: limit - this.#uncommitted,
    });
    this.#granted = found.grantedNanoUsd + this.#uncommitted;
    this.#open += found.portionNanoUsd;
    this.#limitThen = this.#budget.limit;
    this.#freshUntilMs = clock.monotonicMs() + ASK_AGAIN_MS;
  }

  #refusal(nanoUsd: number): Refusal {
    const { place, clock } = this.#options;
    const { limit } = this.#budget;
    if (nanoUsd <= limit && nanoUsd > limit - this.spentNanoUsd) this.#hasRefused = true;
    return {
      ...place,
      limit: "budget",
      period: this.period,
      limitValue: limit,
      remaining: Math.max(0, this.#room),
      retryAfterMs: Math.max(0, this.endMs - clock.nowMs()),
      isNeverPossible: nanoUsd > limit,
    };
  }
}
