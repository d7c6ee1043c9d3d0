/** The room that one request holds in the limits of its key, until its facts are known. */
import type { Charge } from "../store/budgets.ts";
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

/** Tokens that were taken in one second. */
interface TakenTokens {
  readonly tokens: number;
  readonly second: number;
}

const NO_CHARGES: readonly Charge[] = [];

/** Ended exactly once, by `settle` or `release`. */
export class Reservation {
  readonly #applied: Applied;
  readonly #nowMs: () => number;
  readonly #second: number;
  #tokens: number;
  #grown: TakenTokens[] | null = null;
  #isEnded = false;

  /** Takes the room, which the caller has found. `nowMs` is the monotonic clock. */
  constructor(applied: Applied, demand: Demand, nowMs: () => number) {
    this.#applied = applied;
    this.#nowMs = nowMs;
    this.#tokens = demand.tokens;
    const now = nowMs();
    this.#second = Math.floor(now / 1_000);
    for (const concurrency of applied.concurrency) concurrency.running++;
    for (const rate of applied.requests) rate.take(1, now);
    for (const rate of applied.tokens) rate.take(demand.tokens, now);
  }

  /** Room for a further attempt or continuation, which may be billed as well; null: it is taken. */
  grow(tokens: number, _costNanoUsd: number | null): Refusal | null {
    this.#mustRun();
    const now = this.#nowMs();
    for (const rate of this.#applied.tokens) {
      const refusal = rate.check(tokens, now);
      if (refusal !== null) return refusal;
    }
    for (const rate of this.#applied.tokens) rate.take(tokens, now);
    this.#grown ??= [];
    this.#grown.push({ tokens, second: Math.floor(now / 1_000) });
    return null;
  }

  /** The facts, once. The charges belong to the commit of the request's row. */
  settle(tokens: number, _costNanoUsd: number): readonly Charge[] {
    this.#end();
    const rates = this.#applied.tokens;
    if (rates.length > 0) {
      const unused = this.#reservedTokens() - tokens;
      if (unused > 0) this.#giveBackTokens(unused);
      else if (unused < 0) for (const rate of rates) rate.take(-unused, this.#nowMs());
    }
    return NO_CHARGES;
  }

  /** Nothing was used. */
  release(): void {
    this.#end();
    this.#giveBackTokens(this.#reservedTokens());
    for (const rate of this.#applied.requests) rate.giveBack(1, this.#second);
  }

  #end(): void {
    this.#mustRun();
    this.#isEnded = true;
    for (const concurrency of this.#applied.concurrency) concurrency.running--;
  }

  #mustRun(): void {
    if (this.#isEnded) throw new TypeError("this reservation has ended already");
  }

  #reservedTokens(): number {
    if (this.#grown === null) return this.#tokens;
    return this.#grown.reduce((sum, { tokens }) => sum + tokens, this.#tokens);
  }

  /** The tokens that were taken last are the first to be given back: they would be counted for longest. */
  #giveBackTokens(unused: number): void {
    let left = unused;
    for (const { tokens, second } of this.#grown?.toReversed() ?? []) {
      const back = Math.min(left, tokens);
      for (const rate of this.#applied.tokens) rate.giveBack(back, second);
      left -= back;
    }
    for (const rate of this.#applied.tokens) rate.giveBack(left, this.#second);
  }
}
