/** The limits of one entry: of a key, of a key for some models, or of a team; and those that one request has to keep. */
import type { LimitSet } from "../config/client-keys.ts";
import type { Budget } from "./budget.ts";
import type { BudgetBook } from "./budget-book.ts";
import type { BudgetShare } from "./budget-share.ts";
import { Concurrency } from "./concurrency.ts";
import { MinuteRate } from "./minute-rate.ts";
import type { LimitPlace } from "./refusal.ts";
import type { LimitUse } from "./use.ts";

const NO_SHARES: readonly BudgetShare[] = [];

/** Limits that a request has to keep, all of them. */
export class Applied {
  readonly concurrency: readonly Concurrency[];
  readonly requests: readonly MinuteRate[];
  readonly tokens: readonly MinuteRate[];
  readonly budgets: readonly Budget[];
  #shares = NO_SHARES;

  constructor(entries: readonly EntryLimits[]) {
    this.concurrency = entries.flatMap((entry) => entry.concurrency);
    this.requests = entries.flatMap((entry) => entry.requests);
    this.tokens = entries.flatMap((entry) => entry.tokens);
    this.budgets = entries.flatMap((entry) => entry.budgets);
  }

  /** The shares of the budgets' windows that hold a moment. Throws `GatewayError("ledger_unavailable")`. */
  sharesAt(atMs: number): readonly BudgetShare[] {
    const { budgets } = this;
    const last = this.#shares;
    // As long as no day ends, all requests have the same list.
    let isSame = last.length === budgets.length;
    for (let i = 0; isSame && i < budgets.length; i++) isSame = budgets[i]?.shareAt(atMs) === last[i];
    if (!isSame) this.#shares = budgets.map((budget) => budget.shareAt(atMs));
    return this.#shares;
  }
}

/** A changed limit keeps what it has counted. */
export class EntryLimits {
  readonly #place: LimitPlace;
  readonly #concurrency: Concurrency;
  readonly #requests: MinuteRate;
  readonly #tokens: MinuteRate;
  concurrency: readonly Concurrency[] = [];
  requests: readonly MinuteRate[] = [];
  tokens: readonly MinuteRate[] = [];
  budgets: readonly Budget[] = [];

  constructor(place: LimitPlace) {
    this.#place = place;
    this.#concurrency = new Concurrency(place);
    this.#requests = new MinuteRate("requests_per_minute", place);
    this.#tokens = new MinuteRate("tokens_per_minute", place);
  }

  configure(set: LimitSet, timeZone: string, book: BudgetBook): void {
    this.concurrency = withLimit(this.#concurrency, set.concurrency);
    this.requests = withLimit(this.#requests, set.requestsPerMinute);
    this.tokens = withLimit(this.#tokens, set.tokensPerMinute);
    this.budgets = book.budgetsOf(this.#place, set, timeZone);
  }

  /** `nowMs` is the time, `monotonicMs` the clock of the rates. */
  use(nowMs: number, monotonicMs: number): readonly LimitUse[] {
    return [
      ...this.concurrency.map((concurrency) => concurrency.use()),
      ...[...this.requests, ...this.tokens].map((rate) => rate.use(nowMs, monotonicMs)),
      ...this.budgets.map((budget) => budget.use(nowMs)),
    ];
  }
}

function withLimit<Counted extends { limit: number }>(
  counted: Counted,
  limit: number | null,
): readonly Counted[] {
  if (limit === null) return [];
  counted.limit = limit;
  return [counted];
}
