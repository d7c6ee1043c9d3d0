/**
 * The record of one request: the client's wishes, and the attempts made for it. `settle.ts` makes the ledger
 * row from it.
 */
import type { Principal } from "../auth/keys.ts";
import type { AnswerOrigin } from "../cache/kept-answer.ts";
import type { RunningCapture } from "../capture/running-capture.ts";
import type { GatewayError } from "../core/errors.ts";
import type { MemoryShare } from "../core/memory-budget.ts";
import type { DialectName, Framing } from "../dialects/dialect.ts";
import type { Route } from "../dialects/endpoint.ts";
import type { Prefix } from "../dialects/prefix.ts";
import type { ClientRequest } from "../http/client-request.ts";
import type { AnswerStream } from "../http/reply-stream.ts";
import type { LedgerRow } from "../ledger/row.ts";
import type { Reservation } from "../limits/reservation.ts";
import type { Amendment } from "../neutral/amendment.ts";
import type { Drop } from "../neutral/request.ts";
import { addUsage, tokensOf, type Usage } from "../neutral/usage.ts";
import type { DetourCause } from "../plan/plan.ts";
import type { LimitHold } from "../pool/credential-limits.ts";
import { type AnswerCost, addCosts, type BilledAnswer, costOfAnswer } from "../prices/answer-cost.ts";
import type { PriceBook, ProviderPlace } from "../prices/price-book.ts";
import type { Charge } from "../store/budgets.ts";
import { boundDrops } from "../translate/drops.ts";
import type { CredentialAccess } from "../upstreams/authorization.ts";
import type { Accepted } from "./accepted.ts";
import type { Sharing } from "./answer/sharing.ts";

const MAX_ATTEMPT_NOTES = 100;
/** As in the row itself. */
const MAX_MODEL_CHARS = 256;
const NO_CHARGES: readonly Charge[] = [];
const NO_IDS: readonly string[] = [];

/** The client's wishes, as far as they are known when the request is planned or has failed before. */
export interface Asked {
  readonly requestBytes: number;
  readonly modelAsked: string | null;
  /** The form in which the client wants its answer. */
  readonly clientFraming: Framing;
  /** Changes to the request from the model's name or its `[[models]]` entry; null: none. */
  readonly amendment: Amendment | null;
  /** Refuse the request rather than drop a part of it. */
  readonly isStrict: boolean;
  /** The client's name for its own user, as it may stand in the row. */
  readonly endUser: string | null;
  /** The most that the answer may be, in tokens; null: the request does not say. */
  readonly outputLimit: number | null;
  /** The provider is asked to go on with the answer behind its reply. */
  readonly isBackground: boolean;
}

/**
 * A client's stream that was opened before its answer. `headers` are those that the answer would have had.
 * Each of the three is called once, and no other after it.
 */
export interface OpenStream {
  /** An answer begins: the stream, for its new owner. */
  release(headers: Readonly<Record<string, string>>): AnswerStream;
  /** The answer is there as a whole, in the form of the stream. */
  endWith(body: Uint8Array | null, headers: Readonly<Record<string, string>>): void;
  /** There is no answer: ends the stream with an error in the client's dialect. */
  fail(error: GatewayError): void;
}

/** One attempt, as the ledger row shows it. The row shows the last one. */
export interface AttemptRecord {
  readonly upstream: string | null;
  /** The upstream's provider, whose prices hold; null: the price list has none there. */
  readonly place: ProviderPlace | null;
  readonly upstreamDialect: DialectName | null;
  readonly credential: string | null;
  /** null: the request names no model. */
  readonly modelUsed: string | null;
  /** As in `BilledTarget`. */
  readonly mayFallBack: boolean;
  /** The upstream got the request and has not refused it, so its provider may bill the request. */
  mayBeBilled: boolean;
  /** Knows what must not stand in the row; null: the request was not sent. */
  readonly access: CredentialAccess | null;
  /** The next three are known when a good reply begins. */
  isStream: boolean;
  dropped: readonly Drop[];
  upstreamRequestId: string | null;
}

/** A failed attempt, or each one of several, or a wait between them, in the row's `attempt_log`. */
export interface AttemptNote {
  /** null: the request waited for a credential. */
  readonly upstream: string | null;
  /** null: the request was not sent. */
  readonly credential: string | null;
  /** HTTP status of the upstream; null: no reply came. */
  readonly status: number | null;
  readonly signal: string;
  readonly ms: number;
  /** `upstream/model` of an attempt that has failed and may be billed all the same: the row counts for it. */
  readonly billed_model?: string;
}

const NO_ATTEMPT: AttemptRecord = Object.freeze({
  upstream: null,
  place: null,
  upstreamDialect: null,
  credential: null,
  modelUsed: null,
  mayFallBack: false,
  mayBeBilled: false,
  access: null,
  isStream: false,
  dropped: [],
  upstreamRequestId: null,
});

/**
 * Readonly but for its attempts, its early stream, its admission, its prefix, its bytes without media, its sharing, the ids
 * that it names and its row. All fields are set in the constructor, so that every exchange has the same shape.
 */
export class Exchange implements Accepted, Asked {
  readonly id: string;
  readonly atMs: number;
  readonly startedMs: number;
  readonly route: Route;
  readonly client: ClientRequest;
  readonly principal: Principal;
  readonly capture: RunningCapture | null;
  readonly memory: MemoryShare;
  readonly requestBytes: number;
  readonly modelAsked: string | null;
  readonly clientFraming: Framing;
  readonly amendment: Amendment | null;
  readonly isStrict: boolean;
  readonly endUser: string | null;
  readonly outputLimit: number | null;
  readonly isBackground: boolean;
  readonly attemptNotes: AttemptNote[] = [];
  /** The client's stream opens before its answer, if the answer takes long. */
  opensEarly: boolean;
  /** The client's stream, if it was opened before its answer. */
  early: OpenStream | null = null;
  /** The room in the limits of the key; null: the key has none, or the request has not been admitted. */
  admission: Reservation | null = null;
  /** The stable prefix of the prompt; null: there is none; undefined: nobody has asked for it. */
  prefix: Prefix | null | undefined = undefined;
  /** The request's bytes without its media; null: nobody has asked for them. */
  likelyBytes: number | null = null;
  /** The request's part in an answer that several requests may get; null: the cache is off for it. */
  sharing: Sharing | null = null;
  /** The detour that was taken last; null: none was. */
  detour: DetourCause | null = null;
  /** The ledger row, once the exchange has ended. */
  row: LedgerRow | null = null;
  /** Objects at a provider that the request names: it has not made them. */
  namedIds: readonly string[] = NO_IDS;
  /** How long the request has waited for credentials. */
  waitedMs = 0;
  #attempts = 0;
  #attempt: AttemptRecord = NO_ATTEMPT;
  #earlierUsage: Usage | null = null;
  #earlierCost: AnswerCost | null = null;
  #isEarlierEstimated = false;
  /** The last attempt that has failed and may be billed; null: none has. */
  #billed: AttemptRecord | null = null;
  #isSettled = false;
  /** What the last attempt holds of the operator's limits of its credential; null: nothing. */
  #hold: LimitHold | null = null;
  /** What the attempts before it used, which is no matter of its credential. */
  #tokensBefore = 0;
  #nanoUsdBefore = 0;
  /** What failed attempts have cost their credentials. */
  #charges: readonly Charge[] = NO_CHARGES;

  constructor(accepted: Accepted, asked: Asked) {
    this.id = accepted.id;
    this.atMs = accepted.atMs;
    this.startedMs = accepted.startedMs;
    this.route = accepted.route;
    this.client = accepted.client;
    this.principal = accepted.principal;
    this.capture = accepted.capture;
    this.memory = accepted.memory;
    this.requestBytes = asked.requestBytes;
    this.modelAsked = asked.modelAsked;
    this.clientFraming = asked.clientFraming;
    this.amendment = asked.amendment;
    this.isStrict = asked.isStrict;
    this.endUser = asked.endUser;
    this.outputLimit = asked.outputLimit;
    this.isBackground = asked.isBackground;
    this.opensEarly = asked.clientFraming !== "json" && accepted.route.isGenerative;
  }

  /** The number of requests sent to upstreams for this one. */
  get attempts(): number {
    return this.#attempts;
  }

  /** The last attempt. */
  get attempt(): AttemptRecord {
    return this.#attempt;
  }

  /** Usage of failed attempts, as they reported it before they failed, or as an estimate; null: none has. */
  get earlierUsage(): Usage | null {
    return this.#earlierUsage;
  }

  get isEarlierEstimated(): boolean {
    return this.#isEarlierEstimated;
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Aborts when nobody wants the answer any more. */
  get leaving(): AbortSignal {
    return this.sharing?.lead?.signal ?? this.client.request.signal;
  }

  beginAttempt(attempt: AttemptRecord): void {
    this.#attempts += 1;
    this.#attempt = attempt;
  }

  /** The attempt holds this of its credential's limits, until it has failed or the row is made. */
  keep(hold: LimitHold): void {
    hold.isKept = true;
    this.#hold = hold;
    this.#tokensBefore = tokensOf(this.#earlierUsage);
    this.#nanoUsdBefore = this.#earlierCost?.nanoUsd ?? 0;
  }

  /** None of its attempts was held in limits of its credential. */
  get hasNoHold(): boolean {
    return this.#hold === null && this.#charges.length === 0;
  }

  /** The attempt has failed: no repeat waits for more of its hold than it may be billed. */
  endFailedHold(): void {
    this.#charges = this.endHolds(tokensOf(this.#earlierUsage), this.#earlierCost?.nanoUsd ?? 0);
  }

  /**
   * Ends the hold of the last attempt, unless it has ended, with what all attempts used. Returns what all attempts have
   * cost their credentials: the charges belong to the commit of the row.
   */
  endHolds(tokens: number, nanoUsd: number): readonly Charge[] {
    const hold = this.#hold;
    if (hold === null) return this.#charges;
    this.#hold = null;
    const own = hold.end(
      Math.max(0, tokens - this.#tokensBefore),
      Math.max(0, nanoUsd - this.#nanoUsdBefore),
      this.id,
    );
    return this.#charges.length === 0 ? own : [...this.#charges, ...own];
  }

  /** Its answer goes on behind its reply, and the hold with it: whoever takes it ends it. null: nothing is held. */
  handOverHold(): LimitHold | null {
    const hold = this.#hold;
    this.#hold = null;
    return hold;
  }

  /** The row shows an earlier attempt, because the client gets its reply. */
  returnTo(attempt: AttemptRecord): void {
    this.#attempt = attempt;
  }

  /** The gateway answers for this upstream by itself: the row names the target, and counts no attempt. */
  answerFor(upstream: string, model: string): void {
    this.#attempt = { ...NO_ATTEMPT, upstream, modelUsed: model };
  }

  /** The answer was made for another request: the row names its target, and counts no attempt. */
  answerFrom({ upstream, upstreamDialect, modelUsed, dropped }: AnswerOrigin, isStream: boolean): void {
    const dialect = upstreamDialect as DialectName | null;
    this.#attempt = { ...NO_ATTEMPT, upstream, upstreamDialect: dialect, modelUsed, dropped, isStream };
  }

  /** The answer of the last attempt has a part that the client does not get. */
  loses(drop: Drop): void {
    this.#attempt.dropped = boundDrops([...this.#attempt.dropped, drop]);
  }

  noteAttempt(note: AttemptNote): void {
    if (this.attemptNotes.length >= MAX_ATTEMPT_NOTES) return;
    const { upstream, modelUsed } = this.#attempt;
    const isBilled = this.#billed === this.#attempt && note.credential !== null && modelUsed !== null;
    const billed = isBilled ? `${upstream}/${modelUsed.slice(0, MAX_MODEL_CHARS)}` : null;
    this.attemptNotes.push(billed === null ? note : { ...note, billed_model: billed });
  }

  /** The request has waited for a credential. */
  waited(ms: number): void {
    this.waitedMs += ms;
    this.noteAttempt({
      upstream: null,
      credential: null,
      status: null,
      signal: "waited",
      ms: Math.round(ms),
    });
  }

  /** Adds the usage of a failed attempt and its cost, because the provider may bill it. */
  keepUsage(answer: BilledAnswer, book: PriceBook, isEstimated: boolean): void {
    const { usage } = answer;
    if (usage === null) return;
    this.#billed = this.#attempt;
    this.#isEarlierEstimated ||= isEstimated;
    this.#earlierUsage = this.#earlierUsage === null ? usage : addUsage(this.#earlierUsage, usage);
    this.#earlierCost = this.costWith(answer, book);
  }

  /** The cost of all attempts, of which the last one got this answer; null: nothing that is billed was used. */
  costWith(answer: BilledAnswer | null, book: PriceBook): AnswerCost | null {
    if (answer === null || !this.route.isBilled) return this.#earlierCost;
    return addCosts(this.#earlierCost, costOfAnswer(book, this.#attempt, answer, this.atMs));
  }

  /** Throws when the exchange has ended before. Only `settle.ts` calls this. */
  markSettled(): void {
    if (this.#isSettled) throw new Error("an exchange is settled once");
    this.#isSettled = true;
  }
}
