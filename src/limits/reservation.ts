/** The room that one request holds in the limits of its key, until its facts are known. */
import type { RowModels } from "../core/model-pattern.ts";
import type { Charge } from "../store/budgets.ts";
import type { Budget } from "./budget.ts";
import type { BudgetShare } from "./budget-share.ts";
import type { Concurrency } from "./concurrency.ts";
import type { Applied } from "./entry-limits.ts";
import type { LimitedKey } from "./limited-key.ts";
import type { MinuteRate } from "./minute-rate.ts";
import type { Refusal } from "./refusal.ts";

/** The most that a request may need. */
export interface Needed {
  /** Of input and of all answers. */
  readonly tokens: number;
  /** null: unpriced, or no budget asks for it. It holds no room in a budget. */
  readonly costNanoUsd: number | null;
}

/** What a request asks of the limits of its key. */
export interface Demand extends Needed {
  /** As the client asks for it. */
  readonly model: string | null;
  /** Other models that may answer in its place, as `upstream/model`; absent: none. */
  readonly fallbacks?: readonly string[] | undefined;
  /** When the request was accepted, Unix milliseconds, as in its row: this time decides the day that it counts for. */
  readonly atMs: number;
}

/** The row of a request, as far as limits ask for it. */
export interface SettledRow extends RowModels {
  readonly id: string;
}

/** Whom a reservation is for, and who hears of its end. */
export interface ReservationOwner {
  monotonicMs(): number;
  ended(reservation: Reservation): void;
  /** The budgets that a row of the key counts for; null: those that the reservation holds. */
  chargedBudgets(key: LimitedKey, row: RowModels): readonly Budget[] | null;
}

/** Tokens that were taken in one second. */
interface TakenTokens {
  readonly tokens: number;
  readonly second: number;
}

const NO_CHARGES: readonly Charge[] = [];

/** Ended exactly once, by `settle` or `release`. */
export class Reservation {
  readonly #owner: ReservationOwner;
  readonly key: LimitedKey;
  readonly demand: Demand;
  /** Among the reservations of its owner, who sets it. */
  place = -1;
  readonly #requests: readonly MinuteRate[];
  readonly #rates: readonly MinuteRate[];
  #concurrency: readonly Concurrency[];
  #shares: readonly BudgetShare[];
  /** Budgets that a reload has brought while the store failed, or counted. */
  #missing: Budget[] | null = null;
  readonly #second: number;
  #nanoUsd = 0;
  #grown: TakenTokens[] | null = null;
  #isSpent = false;
  #isEnded = false;

  /**
   * Takes the room, which the caller has found. `shares` are those of the budgets of `applied`; `nowMs` is of the monotonic
   * clock.
   */
  constructor(
    owner: ReservationOwner,
    key: LimitedKey,
    demand: Demand,
    applied: Applied,
    shares: readonly BudgetShare[],
    nowMs: number,
  ) {
    this.#owner = owner;
    this.key = key;
    this.demand = demand;
    this.#requests = applied.requests;
    this.#rates = applied.tokens;
    this.#concurrency = applied.concurrency;
    this.#shares = shares;
    this.#second = Math.floor(nowMs / 1_000);
    for (const limit of this.#concurrency) limit.running++;
    for (const rate of this.#requests) rate.take(1, nowMs);
    for (const rate of this.#rates) rate.take(demand.tokens, nowMs);
    this.#holdMoney(demand.costNanoUsd ?? 0);
  }

  /** After a reload: counts in the limits that are in force now, whether they have room or not. */
  adopt({ concurrency, budgets }: Applied): void {
    for (const limit of concurrency) {
      if (this.#concurrency.includes(limit)) continue;
      limit.running++;
      this.#concurrency = [...this.#concurrency, limit];
    }
    this.#holdIn(budgets);
  }

  /** The provider may charge for what was sent so far. */
  spent(): void {
    this.#isSpent = true;
  }

  /**
   * Before the request is sent once more: what was spent needs room beside it; null: it is taken. Throws
   * `GatewayError("ledger_unavailable")`.
   */
  renew(): Refusal | null {
    if (!this.#isSpent) return null;
    const { tokens, costNanoUsd } = this.demand;
    const refusal = this.grow(tokens, costNanoUsd);
    if (refusal === null) this.#isSpent = false;
    return refusal;
  }

  /**
   * Room for a further attempt or continuation, which may be billed as well; null: it is taken. Throws
   * `GatewayError("ledger_unavailable")`.
   */
  grow(tokens: number, costNanoUsd: number | null): Refusal | null {
    this.#mustRun();
    const nowMs = this.#owner.monotonicMs();
    for (const rate of this.#rates) {
      const refusal = rate.check(tokens, nowMs);
      if (refusal !== null) return refusal;
    }
    for (const share of this.#shares) {
      const refusal = share.check(costNanoUsd ?? 0);
      if (refusal !== null) return refusal;
    }
    for (const rate of this.#rates) rate.take(tokens, nowMs);
    this.#grown ??= [];
    this.#grown.push({ tokens, second: Math.floor(nowMs / 1_000) });
    this.#holdMoney(costNanoUsd ?? 0);
    return null;
  }

  /** The facts, once. The charges belong to the commit of the request's row, which names the models that it counts for. */
  settle(tokens: number, costNanoUsd: number, row: SettledRow): readonly Charge[] {
    this.#end();
    if (this.#rates.length > 0) {
      const unused = this.#heldTokens() - tokens;
      if (unused > 0) this.#giveBackTokens(unused);
      else if (unused < 0) for (const rate of this.#rates) rate.take(-unused, this.#owner.monotonicMs());
    }
    const budgets = this.#owner.chargedBudgets(this.key, row);
    if (budgets !== null) this.#holdIn(budgets);
    if (this.#missing !== null) {
      this.#holdMissing(this.#missing);
      this.#chargeLate(row.id, costNanoUsd);
    }
    if (this.#shares.length === 0) return NO_CHARGES;
    if (costNanoUsd > 0) return this.#charges(costNanoUsd);
    this.#releaseMoney();
    return NO_CHARGES;
  }

  #charges(costNanoUsd: number): readonly Charge[] {
    const charges: Charge[] = [];
    for (const share of this.#shares) charges.push(share.settle(this.#nanoUsd, costNanoUsd));
    return charges;
  }

  /** Nothing was used. */
  release(): void {
    this.#end();
    if (this.#rates.length > 0) this.#giveBackTokens(this.#heldTokens());
    for (const rate of this.#requests) rate.giveBack(1, this.#second);
    this.#releaseMoney();
  }

  #holdMissing(missing: readonly Budget[]): void {
    this.#missing = null;
    for (const budget of missing) this.#join(budget, []);
  }

  /** Budgets whose store still fails, or counts. */
  #chargeLate(rowId: string, costNanoUsd: number): void {
    for (const budget of this.#missing ?? []) budget.addLate(this.demand.atMs, rowId, costNanoUsd);
  }

  /** Holds its money in these budgets, and in no others. */
  #holdIn(budgets: readonly Budget[]): void {
    const before = this.#shares;
    this.#shares = [];
    this.#missing = null;
    for (const budget of budgets) this.#join(budget, before);
    for (const share of before) if (!this.#shares.includes(share)) share.release(this.#nanoUsd);
  }

  #join(budget: Budget, before: readonly BudgetShare[]): void {
    const share = budget.shareIfPossible(this.demand.atMs);
    if (share === null) {
      this.#missing ??= [];
      this.#missing.push(budget);
      return;
    }
    if (!before.includes(share)) share.reserveAnyway(this.#nanoUsd);
    this.#shares = [...this.#shares, share];
  }

  #end(): void {
    this.#mustRun();
    this.#isEnded = true;
    for (const limit of this.#concurrency) limit.running--;
    this.#owner.ended(this);
  }

  #mustRun(): void {
    if (this.#isEnded) throw new TypeError("this reservation has ended already");
  }

  #holdMoney(nanoUsd: number): void {
    this.#nanoUsd += nanoUsd;
    for (const share of this.#shares) share.reserve(nanoUsd);
  }

  #releaseMoney(): void {
    for (const share of this.#shares) share.release(this.#nanoUsd);
  }

  #heldTokens(): number {
    const { tokens: first } = this.demand;
    return this.#grown === null ? first : this.#grown.reduce((sum, { tokens }) => sum + tokens, first);
  }

  /** The tokens that were taken last are the first to be given back: they would be counted for longest. */
  #giveBackTokens(unused: number): void {
    let left = unused;
    if (this.#grown !== null) {
      for (const { tokens, second } of this.#grown.toReversed()) {
        const back = Math.min(left, tokens);
        for (const rate of this.#rates) rate.giveBack(back, second);
        left -= back;
      }
    }
    for (const rate of this.#rates) rate.giveBack(left, this.#second);
  }
}
