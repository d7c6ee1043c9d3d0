/** The room that one request holds in the limits of its key, until its facts are known. */
import type { Charge } from "../store/budgets.ts";
import type { BudgetShare } from "./budget.ts";
import type { Applied } from "./entry-limits.ts";
import type { Refusal } from "./refusal.ts";

/** The most that a request may need. */
export interface Demand {
  /** As the client asks for it. */
  readonly model: string | null;
  readonly tokens: number;
  /** null: unpriced. It holds no room in a budget. */
  readonly costNanoUsd: number | null;
  /** When the request was accepted, Unix milliseconds, as in its row: this time decides the day that it counts for. */
  readonly atMs: number;
}

/** What a reservation holds. `shares` are those of the budgets, in their order. */
export interface Held {
  readonly applied: Applied;
  readonly shares: readonly BudgetShare[];
  readonly monotonicMs: () => number;
}

/** Tokens that were taken in one second. */
interface TakenTokens {
  readonly tokens: number;
  readonly second: number;
}

const NO_CHARGES: readonly Charge[] = [];

/** Ended exactly once, by `settle` or `release`. */
export class Reservation {
  readonly #held: Held;
  readonly #second: number;
  readonly #tokens: number;
  #nanoUsd = 0;
  #grown: TakenTokens[] | null = null;
  #isEnded = false;

  /** Takes the room, which the caller has found at `nowMs` on the monotonic clock. */
  constructor(held: Held, demand: Demand, nowMs: number) {
    const { concurrency, requests, tokens } = held.applied;
    this.#held = held;
    this.#tokens = demand.tokens;
    this.#second = Math.floor(nowMs / 1_000);
    for (const limit of concurrency) limit.running++;
    for (const rate of requests) rate.take(1, nowMs);
    for (const rate of tokens) rate.take(demand.tokens, nowMs);
    this.#holdMoney(demand.costNanoUsd ?? 0);
  }

  /**
   * Room for a further attempt or continuation, which may be billed as well; null: it is taken. Throws
   * `GatewayError("ledger_unavailable")`.
   */
  grow(tokens: number, costNanoUsd: number | null): Refusal | null {
    this.#mustRun();
    const { applied, shares, monotonicMs } = this.#held;
    const nowMs = monotonicMs();
    for (const rate of applied.tokens) {
      const refusal = rate.check(tokens, nowMs);
      if (refusal !== null) return refusal;
    }
    for (const share of shares) {
      const refusal = share.check(costNanoUsd ?? 0);
      if (refusal !== null) return refusal;
    }
    for (const rate of applied.tokens) rate.take(tokens, nowMs);
    this.#grown ??= [];
    this.#grown.push({ tokens, second: Math.floor(nowMs / 1_000) });
    this.#holdMoney(costNanoUsd ?? 0);
    return null;
  }

  /** The facts, once. The charges belong to the commit of the request's row. */
  settle(tokens: number, costNanoUsd: number): readonly Charge[] {
    this.#end();
    const { applied, shares, monotonicMs } = this.#held;
    if (applied.tokens.length > 0) {
      const unused = this.#heldTokens() - tokens;
      if (unused > 0) this.#giveBackTokens(unused);
      else if (unused < 0) for (const rate of applied.tokens) rate.take(-unused, monotonicMs());
    }
    if (shares.length === 0) return NO_CHARGES;
    if (costNanoUsd > 0) return shares.map((share) => share.settle(this.#nanoUsd, costNanoUsd));
    this.#releaseMoney();
    return NO_CHARGES;
  }

  /** Nothing was used. */
  release(): void {
    this.#end();
    this.#giveBackTokens(this.#heldTokens());
    for (const rate of this.#held.applied.requests) rate.giveBack(1, this.#second);
    this.#releaseMoney();
  }

  #end(): void {
    this.#mustRun();
    this.#isEnded = true;
    for (const concurrency of this.#held.applied.concurrency) concurrency.running--;
  }

  #mustRun(): void {
    if (this.#isEnded) throw new TypeError("this reservation has ended already");
  }

  #holdMoney(nanoUsd: number): void {
    this.#nanoUsd += nanoUsd;
    for (const share of this.#held.shares) share.reserve(nanoUsd);
  }

  #releaseMoney(): void {
    for (const share of this.#held.shares) share.release(this.#nanoUsd);
  }

  #heldTokens(): number {
    if (this.#grown === null) return this.#tokens;
    return this.#grown.reduce((sum, { tokens }) => sum + tokens, this.#tokens);
  }

  /** The tokens that were taken last are the first to be given back: they would be counted for longest. */
  #giveBackTokens(unused: number): void {
    let left = unused;
    for (const { tokens, second } of this.#grown?.toReversed() ?? []) {
      const back = Math.min(left, tokens);
      for (const rate of this.#held.applied.tokens) rate.giveBack(back, second);
      left -= back;
    }
    for (const rate of this.#held.applied.tokens) rate.giveBack(left, this.#second);
  }
}
