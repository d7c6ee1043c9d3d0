/** The announced limits of an account for one model, or for all models, and what its requests have taken since. */
import { MIN_WAIT_MS } from "../upstreams/reset-time.ts";
import type { AnnouncedRoom } from "../upstreams/room/room-facts.ts";
import type { Need } from "./need.ts";
import { Quota, type Taken } from "./quota.ts";

/** What one lease has taken: the sums of its book with it, so that a reply's announcement tells what came after it. */
export interface Mark extends Taken {
  readonly book: QuotaBook;
  /** What the lease itself has taken. */
  readonly own: Taken;
}

/** A mark that is no lease's. */
const NOTHING: Taken = Object.freeze({ requests: 0, input: 0, output: 0 });

/** A state of one quota, as commands and metrics show it. */
export interface QuotaStatus {
  readonly dimension: Quota["dimension"];
  readonly span: Quota["span"];
  readonly limit: number | null;
  /** Less what was taken since; never below 0. */
  readonly remaining: number;
  readonly resetsAtMs: number;
  /** As in `AnnouncedRoom`. */
  readonly isGradual: boolean;
  readonly isReserved: boolean;
}

/** Headroom where the need is above a whole limit: its provider would refuse it, so the credential is asked last. */
export const TOO_SMALL = Number.MIN_VALUE;

/** The tighter of two shares that are left, where what is too small has less than what is nearly used up. */
export function tighter(one: number, other: number): number {
  const least = Math.min(one, other);
  return least >= 0 && (one === TOO_SMALL || other === TOO_SMALL) ? TOO_SMALL : least;
}

/** From so many refusals in a row on, a limit is asked at most once in `MIN_WAIT_MS`. */
const MAX_PROMPT_REFUSALS = 3;

/** Replies overtake each other by no more. */
const LATE_MS = 60_000;

export class QuotaBook implements Taken {
  readonly #quotas: Quota[] = [];
  requests = 0;
  input = 0;
  output = 0;
  /** The number of the request whose reply was learned from last: an older one knows less. */
  #newest = 0;
  #learnedMs = 0;
  /** Refusals in a row that a limit explains, and the number of the last request that was under way at the last one. */
  #refusals = 0;
  #refusedAt = 0;
  /** Who announced the limits last, and which, as `signatureOf` has them. */
  #saidBy: object | null = null;
  #said = 0;

  /** What a cache is known to hold counts less. */
  get sparesCacheReads(): boolean {
    return this.#quotas.some((quota) => quota.sparesCacheReads);
  }

  get isEmpty(): boolean {
    return this.#quotas.length === 0;
  }

  /** `cachedTokens`: what of the input the provider's cache is known to hold. */
  take(need: Need, cachedTokens = 0, atMs?: number): Mark {
    const ownInput =
      this.#quotas[0]?.inputOf(need, cachedTokens) ?? need.likelyInputTokens ?? need.inputTokens;
    const own = { requests: 1, input: ownInput, output: need.outputTokens };
    this.requests += 1;
    this.input += own.input;
    this.output += own.output;
    const { requests, input, output } = this;
    if (atMs === undefined) return { book: this, requests, input, output, own };
    return { book: this, requests, input, output, own, atMs };
  }

  /** Takes nothing: the sums as they stand. */
  mark(): Mark {
    const { requests, input, output } = this;
    return { book: this, requests, input, output, own: NOTHING };
  }

  /** A reply to the request of `mark` has announced these rooms. */
  learn(rooms: readonly AnnouncedRoom[], mark: Taken, nowMs: number): void {
    if (mark.requests < this.#newest && nowMs - this.#learnedMs < LATE_MS) return;
    this.#newest = mark.requests;
    this.#learnedMs = nowMs;
    for (const room of rooms) this.#quotaOf(room).learn(room, mark, nowMs);
  }

  /**
   * A reply that has announced its rooms has refused the request of `mark` until a time. True: a limit that fills up is why,
   * so it is known when there is room for this request, and for a smaller one before it.
   */
  explains(mark: Mark, untilMs: number, nowMs: number): boolean {
    const isAgain = mark.requests > this.#refusedAt;
    const times = isAgain ? this.#refusals + 1 : Math.max(1, this.#refusals);
    const isPrompt = times < MAX_PROMPT_REFUSALS;
    // Something else uses the limit as well, or its times do not hold.
    const endMs = isPrompt ? untilMs : Math.max(untilMs, nowMs + MIN_WAIT_MS);
    let isExplained = false;
    for (const quota of this.#quotas)
      isExplained = quota.explains(mark.own, this, endMs, nowMs) || isExplained;
    if (!isExplained) return false;
    this.#refusals = times;
    // What is on its way is refused for the same reason.
    if (isAgain) this.#refusedAt = this.requests;
    return true;
  }

  /** The request of `mark` has been accepted. */
  accepted(mark: Mark): void {
    if (mark.requests > this.#refusedAt) this.#refusals = 0;
  }

  /**
   * Whether a credential announces other limits than the one before it did, and the same as itself before: then the two
   * share none. A limit that the provider has changed for both is no contradiction.
   */
  isContradictedBy(credential: object, said: number, before: number | undefined): boolean {
    const isOther = this.#saidBy !== null && this.#saidBy !== credential && this.#said !== said;
    if (isOther && said === before) return true;
    this.#saidBy = credential;
    this.#said = said;
    return false;
  }

  /**
   * The part of each limit that is left once the need is served, of the limit that has the least; below 0: the need does
   * not fit. 1: nothing is known. `TOO_SMALL`: it would never fit.
   */
  headroom(need: Need, nowMs: number, cachedTokens = 0): number {
    let least = 1;
    for (const quota of this.#quotas) {
      if (quota.refusesUntilMs(need, cachedTokens, nowMs) > 0) return -1;
      const room = quota.roomAt(this, nowMs);
      if (room === Number.POSITIVE_INFINITY) continue;
      const left = room - quota.needOf(need, cachedTokens);
      // A need of 0 fits where nothing is left, but an empty limit of requests has no room for anybody.
      if (left < 0) return -1;
      const share = quota.limit === null ? left / (left + 1) : left / quota.limit;
      least = tighter(least, quota.isTooSmallFor(need, cachedTokens) ? TOO_SMALL : share);
    }
    return least;
  }

  /** When the need is expected to fit, Unix milliseconds. */
  readyAtMs(need: Need, nowMs: number, cachedTokens = 0): number {
    let atMs = nowMs;
    for (const quota of this.#quotas) {
      const roomMs = quota.readyAtMs(quota.needOf(need, cachedTokens), this, nowMs);
      atMs = Math.max(atMs, roomMs, quota.refusesUntilMs(need, cachedTokens, nowMs));
    }
    return atMs;
  }

  list(nowMs: number): readonly QuotaStatus[] {
    return this.#quotas.flatMap((quota) => {
      const room = quota.roomAt(this, nowMs);
      if (room === Number.POSITIVE_INFINITY) return [];
      const { dimension, span, limit, isGradual, isReserved } = quota;
      const remaining = Math.max(0, Math.floor(room));
      const resetsAtMs = quota.wholeAtMs(this, nowMs);
      return [{ dimension, span, limit, remaining, resetsAtMs, isGradual, isReserved }];
    });
  }

  #quotaOf({ dimension, span }: AnnouncedRoom): Quota {
    for (const quota of this.#quotas) {
      if (quota.dimension === dimension && quota.span === span) return quota;
    }
    const quota = new Quota(dimension, span);
    this.#quotas.push(quota);
    return quota;
  }
}

const DIMENSIONS: Readonly<Record<Quota["dimension"], number>> = {
  requests: 3,
  input: 5,
  output: 7,
  tokens: 11,
};
const SPANS: Readonly<Record<Quota["span"], number>> = { minute: 1, day: 13, month: 17, other: 19 };

/** A number that stands for the limits of an announcement, without what is left of them. */
export function signatureOf(rooms: readonly AnnouncedRoom[]): number {
  let sum = 0;
  for (const { limit, dimension, span } of rooms) sum += (limit ?? 0) * DIMENSIONS[dimension] * SPANS[span];
  return sum;
}
