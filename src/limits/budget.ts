/**
 * A budget of money: never spent and reserved above its limit. What running requests may spend lies within a portion that
 * is granted on disk before.
 */
import { type Period, type Stretch, stretchAt } from "../core/calendar.ts";
import type { Clock } from "../core/clock.ts";
import { UTC, zoneOfPlace } from "../core/time-zone.ts";
import type { BudgetWindow, Charge, ChargeHolder, Portion } from "../store/budgets.ts";
import type { BudgetStore } from "./budget-store.ts";
import type { LimitPlace, Refusal } from "./refusal.ts";
import type { BudgetStanding, LimitUse } from "./use.ts";

/** A portion is this part of the limit, or what a request needs. */
const PORTIONS = 100;
/** A window without room asks the database so often: others give back, and people correct. */
const ASK_AGAIN_MS = 1_000;

export interface BudgetOptions {
  readonly place: LimitPlace;
  readonly period: Period;
  readonly timeZone: string;
  readonly store: BudgetStore;
  readonly clock: Clock;
}

export class Budget {
  readonly options: BudgetOptions;
  /** From then on every request of the key was charged: what begins later needs no count. */
  readonly sinceMs: number;
  /** Nano-dollars. Changes with the configuration; what is spent stays spent. */
  limit = 0;
  /** The one that was used last is the first. */
  #shares: BudgetShare[] = [];

  constructor(options: BudgetOptions) {
    this.options = options;
    this.sinceMs = options.clock.nowMs();
  }

  /** The stretch of time that a moment is in. Throws `GatewayError("ledger_unavailable")`. */
  shareAt(atMs: number): BudgetShare {
    const last = this.#shares[0];
    if (last?.holds(atMs)) return last;
    return this.#otherShareAt(atMs);
  }

  use(nowMs: number): LimitUse {
    return this.shareAt(nowMs).use();
  }

  /** As this process knows it, without a question to the store; null: not used in this stretch of time. */
  standing(nowMs: number): BudgetStanding | null {
    const last = this.#shares[0];
    return last?.holds(nowMs) === true ? last.standing() : null;
  }

  /** Portions that no running request holds, taken away from this process. */
  takeFree(): readonly Portion[] {
    return this.#shares.map((share) => ({ window: share, nanoUsd: share.takeFree() }));
  }

  /** Running requests hold a part of it. */
  get isHeld(): boolean {
    return this.#shares.some((share) => share.isHeld);
  }

  #otherShareAt(atMs: number): BudgetShare {
    const { period, timeZone, store } = this.options;
    // The configuration has only zones that are known.
    const zone = zoneOfPlace(timeZone) ?? UTC;
    const known = this.#shares.find((share) => share.holds(atMs));
    const share = known ?? new BudgetShare(this, stretchAt(period, zone, atMs));
    const others = this.#shares.filter((other) => other !== share);
    if (known !== undefined) {
      this.#shares = [share, ...others];
      return share;
    }
    // A new day: the portions of the old one are of no more use.
    this.#shares = [share, ...others.filter((other) => other.isHeld)];
    store.giveBack(others.map((other) => ({ window: other, nanoUsd: other.takeFree() })));
    return share;
  }
}

/** What this process knows and holds of a budget in one stretch of time. */
export class BudgetShare implements BudgetWindow, ChargeHolder {
  readonly #budget: Budget;
  readonly scope: "key" | "team";
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
  /** Granted by facts whose rows are not committed. */
  #uncommitted = 0;
  /** On the monotonic clock: until then `#granted` counts as fresh. */
  #freshUntilMs = Number.NEGATIVE_INFINITY;
  #hasRefused = false;

  /** Throws `GatewayError("ledger_unavailable")`. */
  constructor(budget: Budget, { startMs, endMs }: Stretch) {
    const { place, period, store } = budget.options;
    this.#budget = budget;
    this.scope = place.scope;
    this.name = place.name;
    this.model = place.model ?? "";
    this.period = period;
    this.startMs = startMs;
    this.endMs = endMs;
    this.#granted = store.begin(this, startMs >= budget.sinceMs).grantedNanoUsd;
  }

  holds(atMs: number): boolean {
    return atMs >= this.startMs && atMs < this.endMs;
  }

  /** Running requests hold a part of it, or rows that are not committed. */
  get isHeld(): boolean {
    return this.#reserved > 0 || this.#uncommitted > 0;
  }

  /** Whether there is room for a cost, granted on disk; null: there is. Throws `GatewayError("ledger_unavailable")`. */
  check(nanoUsd: number): Refusal | null {
    if (nanoUsd <= 0) return null;
    if (nanoUsd <= this.#free && nanoUsd <= this.#room) return null;
    const { clock } = this.#budget.options;
    if (nanoUsd > this.#room && clock.monotonicMs() < this.#freshUntilMs) return this.#refusal(nanoUsd);
    this.#grant(nanoUsd);
    return nanoUsd <= this.#free && nanoUsd <= this.#room ? null : this.#refusal(nanoUsd);
  }

  /** Holds what `check` found room for. */
  reserve(nanoUsd: number): void {
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
    const grantNanoUsd = Math.max(0, this.#reserved - this.#open);
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
    const { place, store, clock } = this.#budget.options;
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
      used: this.#spent,
      reserved: this.#reserved,
      remaining: Math.max(0, this.#room),
      resetsAtMs: this.endMs,
    };
  }

  standing(): BudgetStanding {
    return {
      ...this.#budget.options.place,
      period: this.period,
      startMs: this.startMs,
      resetsAtMs: this.endMs,
      limitNanoUsd: this.#budget.limit,
      spentNanoUsd: this.#spent,
      hasRefused: this.#hasRefused,
    };
  }

  /** With what other processes have been granted. */
  get #spent(): number {
    return this.#granted - this.#open;
  }

  /** Granted to this process and not held. */
  get #free(): number {
    return this.#open - this.#reserved;
  }

  /** What this process may still hold; what others have counts as spent. */
  get #room(): number {
    return this.#budget.limit - this.#granted + this.#free;
  }

  #grant(nanoUsd: number): void {
    const { store, clock } = this.#budget.options;
    const { limit } = this.#budget;
    const grantedNanoUsd = this.#granted - this.#uncommitted;
    const known = { spentNanoUsd: grantedNanoUsd - this.#open, grantedNanoUsd };
    const found = store.grant(this, known, {
      leastNanoUsd: Math.max(0, nanoUsd - this.#free),
      bestNanoUsd: Math.ceil(limit / PORTIONS),
      limitNanoUsd: limit - this.#uncommitted,
    });
    this.#granted = found.grantedNanoUsd + this.#uncommitted;
    this.#open += found.portionNanoUsd;
    this.#freshUntilMs = clock.monotonicMs() + ASK_AGAIN_MS;
  }

  #refusal(nanoUsd: number): Refusal {
    const { place, clock } = this.#budget.options;
    const { limit } = this.#budget;
    if (nanoUsd <= limit && nanoUsd > limit - this.#spent) this.#hasRefused = true;
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
