/** The limits of one entry: of a key, of a key for some models, or of a team; and those that one request has to keep. */
import { Concurrency } from "./concurrency.ts";
import type { LimitSet } from "./key-limits.ts";
import { MinuteRate } from "./minute-rate.ts";
import type { LimitPlace } from "./refusal.ts";
import type { LimitUse } from "./use.ts";

/** Limits that a request has to keep, all of them. */
export interface Applied {
  readonly concurrency: readonly Concurrency[];
  readonly requests: readonly MinuteRate[];
  readonly tokens: readonly MinuteRate[];
}

/** A changed limit keeps what it has counted. */
export class EntryLimits {
  readonly #concurrency: Concurrency;
  readonly #requests: MinuteRate;
  readonly #tokens: MinuteRate;
  concurrency: readonly Concurrency[] = [];
  requests: readonly MinuteRate[] = [];
  tokens: readonly MinuteRate[] = [];

  constructor(place: LimitPlace) {
    this.#concurrency = new Concurrency(place);
    this.#requests = new MinuteRate("requests_per_minute", place);
    this.#tokens = new MinuteRate("tokens_per_minute", place);
  }

  configure(set: LimitSet): void {
    this.concurrency = withLimit(this.#concurrency, set.concurrency);
    this.requests = withLimit(this.#requests, set.requestsPerMinute);
    this.tokens = withLimit(this.#tokens, set.tokensPerMinute);
  }

  /** `nowMs` is the time, `monotonicMs` the clock of the rates. */
  use(nowMs: number, monotonicMs: number): readonly LimitUse[] {
    return [
      ...this.concurrency.map((concurrency) => concurrency.use()),
      ...[...this.requests, ...this.tokens].map((rate) => rate.use(nowMs, monotonicMs)),
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

export function joinLimits(entries: readonly EntryLimits[]): Applied {
  return {
    concurrency: entries.flatMap((entry) => entry.concurrency),
    requests: entries.flatMap((entry) => entry.requests),
    tokens: entries.flatMap((entry) => entry.tokens),
  };
}
