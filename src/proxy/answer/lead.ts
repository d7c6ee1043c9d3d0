/** The answer that is made for one request and goes to all that have joined it; a good one is kept. */
import type { Flight, FlightSource, NoAnswer } from "../../cache/flight.ts";
import type { AnswerOrigin } from "../../cache/kept-answer.ts";
import type { ErrorKind } from "../../core/errors.ts";
import type { AnswerStream, ReplyStreamOwner } from "../../http/reply-stream.ts";
import type { LedgerRow } from "../../ledger/row.ts";
import { NO_USAGE } from "../../neutral/usage.ts";
import { rowCostOf } from "../../prices/answer-cost.ts";
import { lastingHeaders } from "../../upstreams/repeat-headers.ts";
import type { AnswerFacts } from "../attempt/answer-facts.ts";
import { passedAnswer } from "../attempt/passed-usage.ts";
import type { Exchange } from "../exchange.ts";
import type { Gateway } from "../gateway.ts";
import { reported } from "../settle.ts";
import type { Walk } from "../walk.ts";
import type { Lead, LeadFacts } from "./sharing.ts";

/** So many requests are sent one after another until the others get the failure of the last one. */
const MAX_FAILURES = 3;

/** Errors of a request that say nothing about the same request of another key. */
const OF_ONE_REQUEST: ReadonlySet<ErrorKind> = new Set([
  "unauthenticated",
  "key_forbidden",
  "rate_limited",
  "budget_exhausted",
  "request_over_limit",
  "model_unpriced",
  "memory_exhausted",
  "shutting_down",
]);

/** Whose answer it is: the key in the cache, who wants it, and how many requests have failed to get it before. */
export interface LeadPlace {
  readonly key: string;
  readonly flight: Flight;
  readonly failures: number;
}

export class LeadAnswer implements Lead, AnswerStream, FlightSource {
  readonly body = null;
  /** Each client has a stream of its own. */
  readonly isBlocked = false;
  readonly #gateway: Gateway;
  readonly #key: string;
  readonly #flight: Flight;
  readonly #exchange: Exchange;
  readonly #leaving = new AbortController();
  #walk: Walk | null = null;
  /** Who writes the stream; null: it has not begun. */
  #relay: ReplyStreamOwner | null = null;
  #facts: LeadFacts | null = null;
  /** Of a stream that goes on; null: it has not begun. */
  #passing: AnswerFacts | null = null;
  #failures: number;
  #hasGivenUp = false;

  constructor(gateway: Gateway, { key, flight, failures }: LeadPlace, exchange: Exchange) {
    this.#gateway = gateway;
    this.#key = key;
    this.#flight = flight;
    this.#failures = failures;
    this.#exchange = exchange;
  }

  get signal(): AbortSignal {
    return this.#leaving.signal;
  }

  get hasLeft(): boolean {
    return this.#flight.hasLeaderLeft;
  }

  /** The walk that makes the answer. It ends when the last client leaves. */
  madeBy(walk: Walk): void {
    this.#walk = walk;
    if (this.signal.aborted) walk.leave();
  }

  resume(): void {
    this.#relay?.drained();
  }

  originSoFar(): AnswerOrigin | null {
    const facts = this.#passing;
    if (facts === null) return null;
    const { attempt } = this.#exchange;
    const answer = passedAnswer(this.#gateway, this.#exchange, facts);
    const { usage } = answer;
    return {
      upstream: attempt.upstream,
      upstreamDialect: attempt.upstreamDialect,
      modelUsed: attempt.modelUsed,
      modelReported: reported(facts.model, attempt),
      stopReason: reported(facts.stopReason, attempt),
      dropped: attempt.dropped,
      usage: usage ?? NO_USAGE,
      usageState: usage === null ? "unknown" : usage === facts.usage ? "partial" : "estimated",
      costNanoUsd: rowCostOf(this.#exchange.costWith(answer, this.#gateway.snapshot.prices)).costNanoUsd,
    };
  }

  abandoned(): void {
    this.#leaving.abort();
    if (this.#relay !== null) this.#relay.left();
    else this.#walk?.leave();
  }

  begin(status: number, headers: Readonly<Record<string, string>>, facts: AnswerFacts): AnswerStream {
    this.#passing = facts;
    this.#flight.begin({ status, headers: lastingHeaders(headers), isStreamed: true });
    return this;
  }

  handOver(relay: ReplyStreamOwner): void {
    this.#relay = relay;
    if (this.signal.aborted) relay.left();
    relay.started();
  }

  write(bytes: Uint8Array): boolean {
    return this.#flight.append(bytes);
  }

  ping(bytes: Uint8Array): void {
    this.#flight.ping(bytes);
  }

  finish(bytes: Uint8Array | null): void {
    const tail = bytes === null ? null : bytes.slice();
    const row = this.#exchange.row as LedgerRow;
    const end = { kind: "whole", tail, origin: this.#originOf(row) } as const;
    this.#flight.finish(end, () => this.#gateway.cache.ended(this.#key, this.#flight, this.#mayKeep(row)));
  }

  fail(bytes: Uint8Array | null, words: string): void {
    const row = this.#exchange.row as LedgerRow;
    const { outcome, errorKind } = row;
    const cause = {
      requestId: this.#exchange.id,
      outcome: outcome === "upstream_cut" ? outcome : ("error" as const),
      errorKind: errorKind as ErrorKind | null,
      origin: this.#originOf(row),
    };
    const held = bytes === null ? null : bytes.slice();
    this.#flight.finish({ kind: "failed", held, words, cause }, () => this.#forget());
  }

  deliver(status: number, headers: Readonly<Record<string, string>>, body: Uint8Array | null): void {
    this.#flight.begin({ status, headers: lastingHeaders(headers), isStreamed: false });
    this.finish(body);
  }

  learn(facts: LeadFacts | null): void {
    this.#facts = facts;
  }

  giveUp(why: NoAnswer | null): void {
    if (this.#hasGivenUp || this.#flight.end !== null) return;
    this.#hasGivenUp = true;
    if (this.#flight.hasBegun) {
      this.#end(why);
      return;
    }
    const isOfOne = why === null || (why.reply === null && OF_ONE_REQUEST.has(why.errorKind));
    if (!isOfOne) this.#failures += 1;
    this.#flight.loseLeader(why);
    // A turn for each: thousands may fail one after another, each for its own limits, and their rows need a writer.
    setImmediate(() => this.#passOn(why));
  }

  /** One call at a time: a provider that fails must not get those of all who wait at once. */
  #passOn(why: NoAnswer | null): void {
    const next = this.#failures < MAX_FAILURES ? this.#flight.takeFirst() : null;
    if (next === null) this.#end(why);
    else next.lead(this.#failures);
  }

  #end(why: NoAnswer | null): void {
    this.#forget();
    this.#flight.giveUp(why);
  }

  #forget(): void {
    this.#gateway.cache.ended(this.#key, this.#flight, false);
  }

  /**
   * A good answer, counted to its end, that has left nothing at its provider and has used nothing but the request. A mere
   * refusal is none: filters err for a moment.
   */
  #mayKeep({ outcome, status, usageState, usage }: LedgerRow): boolean {
    const facts = this.#facts;
    const isWhole = outcome === "ok" || (outcome === "client_left" && this.hasLeft);
    return (
      isWhole &&
      status === 200 &&
      usageState === "final" &&
      facts !== null &&
      !facts.isRefusal &&
      facts.stateIds.length === 0 &&
      facts.pendingId === null &&
      (usage.webSearches ?? 0) === 0
    );
  }

  #originOf(row: LedgerRow): AnswerOrigin {
    const { upstream, upstreamDialect, modelUsed, modelReported, stopReason, usage, usageState } = row;
    const { dropped } = this.#exchange.attempt;
    const { costNanoUsd } = row;
    return {
      upstream,
      upstreamDialect,
      modelUsed,
      modelReported,
      stopReason,
      dropped,
      usage,
      usageState,
      costNanoUsd,
    };
  }
}
