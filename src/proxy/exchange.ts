/** The record of one request while it is served. Becomes its row in the ledger, exactly once. */

import type { Principal } from "../auth/keys.ts";
import type { ErrorKind, GatewayError } from "../core/errors.ts";
import type { DialectName, Tap, TapState } from "../dialects/dialect.ts";
import type { Route } from "../dialects/endpoint.ts";
import type { ClientRequest } from "../http/client-request.ts";
import type { LedgerRow, Outcome } from "../ledger/row.ts";
import type { Amendment } from "../neutral/amendment.ts";
import type { Drop } from "../neutral/request.ts";
import type { StateId } from "../store/state.ts";
import type { Gateway } from "./gateway.ts";

const SANE_REQUEST_ID = /^[\x21-\x7e]{1,128}$/;
const MAX_USER_AGENT_CHARS = 200;
/** Clients and upstreams write these: a row stays small whatever they write. */
const MAX_NAME_CHARS = 256;
const MAX_ATTEMPT_NOTES = 100;

interface AttemptNote {
  readonly upstream: string;
  readonly credential: string;
  readonly status: number | null;
  readonly signal: string;
  readonly ms: number;
}

/** What the row takes from an answer. */
export type AnswerFacts = Pick<TapState, "usage" | "model" | "stateIds" | "stopReason"> &
  Pick<Tap, "isCutShort">;

/** All fields are set in the constructor, so that every exchange has the same shape. */
export class Exchange {
  readonly id: string;
  readonly atMs: number;
  readonly startedMs: number;
  readonly route: Route;
  readonly client: ClientRequest;
  readonly principal: Principal;
  modelAsked: string | null = null;
  upstream: string | null = null;
  modelUsed: string | null = null;
  credential: string | null = null;
  isStream = false;
  /** The client waits for a stream; null: its request has not been read yet. */
  asksForStream: boolean | null = null;
  status = 0;
  outcome: Outcome = "error";
  errorKind: ErrorKind | null = null;
  attempts = 0;
  readonly attemptNotes: AttemptNote[] = [];
  firstByteMs: number | null = null;
  requestBytes = 0;
  replyBytes = 0;
  upstreamRequestId: string | null = null;
  tap: AnswerFacts | null = null;
  /** What the upstream was spoken to in. */
  upstreamDialect: DialectName | null = null;
  /** What a translation left out or changed, in the client's terms. */
  dropped: readonly Drop[] = [];
  /** Whatever would be dropped is refused instead. */
  isStrict: boolean;
  /** What the model's name or entry adds to the request. */
  amendment: Amendment | null = null;
  #isSettled = false;

  constructor(gateway: Gateway, route: Route, client: ClientRequest, principal: Principal) {
    this.atMs = gateway.clock.nowMs();
    this.startedMs = gateway.clock.monotonicMs();
    this.id = gateway.ids.ulid(this.atMs);
    this.route = route;
    this.client = client;
    this.principal = principal;
    this.isStrict = principal.strict;
    gateway.metrics.inFlight += 1;
  }

  /** Another try begins: what an earlier one said of its reply is forgotten. `model` is null where the request names none. */
  beginAttempt(upstream: string, dialect: DialectName, credential: string, model: string | null): void {
    this.attempts += 1;
    this.upstream = upstream;
    this.upstreamDialect = dialect;
    this.dropped = [];
    this.credential = credential;
    this.modelUsed = model;
    this.isStream = false;
    this.upstreamRequestId = null;
    this.tap = null;
  }

  noteAttempt(upstream: string, credential: string, status: number | null, signal: string, ms: number): void {
    if (this.attemptNotes.length >= MAX_ATTEMPT_NOTES) return;
    this.attemptNotes.push({ upstream, credential, status, signal, ms: Math.round(ms) });
  }

  /**
   * Writes the row and counts the request. Resolves when the row is committed; rejects with `ledger_unavailable` when it cannot be.
   * The row is returned too, for the caller that then has to tell the client otherwise.
   */
  settle(gateway: Gateway): { row: LedgerRow; committed: Promise<void> } {
    if (this.#isSettled) throw new Error("an exchange is settled once");
    this.#isSettled = true;
    gateway.metrics.inFlight -= 1;
    const row = this.#row(gateway.clock.monotonicMs());
    gateway.metrics.countRequest(row);
    return { row, committed: gateway.ledger.append(row, this.#stateIds()) };
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  #row(nowMs: number): LedgerRow {
    const { request } = this.client;
    const { tap } = this;
    const usage = this.route.isBilled && tap !== null ? tap.usage : null;
    const clientRequestId = request.headers.get("x-request-id");
    const userAgent = request.headers.get("user-agent");
    return {
      id: this.id,
      atMs: this.atMs,
      key: this.principal.name,
      dialect: this.route.dialect,
      endpoint: this.route.endpoint,
      clientRequestId:
        clientRequestId !== null && SANE_REQUEST_ID.test(clientRequestId) ? clientRequestId : null,
      modelAsked: bounded(this.modelAsked),
      upstream: this.upstream,
      upstreamDialect: this.upstreamDialect,
      modelUsed: bounded(this.modelUsed),
      modelReported: bounded(tap?.model ?? null),
      credential: this.credential,
      isStream: this.isStream,
      status: this.status,
      outcome: this.outcome,
      errorKind: this.errorKind,
      stopReason: bounded(tap?.stopReason ?? null),
      attempts: this.attempts,
      attemptLog: this.attemptNotes.length === 0 ? null : JSON.stringify(this.attemptNotes),
      ttfbMs: this.firstByteMs === null ? null : this.firstByteMs - this.startedMs,
      durationMs: nowMs - this.startedMs,
      requestBytes: this.requestBytes,
      replyBytes: this.replyBytes,
      inputTokens: usage?.inputTokens ?? null,
      cacheReadTokens: usage?.cacheReadTokens ?? null,
      cacheWriteTokens: usage?.cacheWriteTokens ?? null,
      cacheWrite1hTokens: usage?.cacheWrite1hTokens ?? null,
      outputTokens: usage?.outputTokens ?? null,
      reasoningTokens: usage?.reasoningTokens ?? null,
      usageState:
        usage === null ? "unknown" : this.outcome === "ok" && tap?.isCutShort !== true ? "final" : "partial",
      costNanoUsd: null,
      drops: this.dropped.length === 0 ? null : JSON.stringify(this.dropped),
      cache: null,
      upstreamRequestId: bounded(this.upstreamRequestId),
      clientAddress: this.client.address(),
      userAgent: userAgent === null ? null : userAgent.slice(0, MAX_USER_AGENT_CHARS),
    };
  }

  #stateIds(): readonly StateId[] | undefined {
    const { tap, upstream, credential } = this;
    if (tap === null || tap.stateIds.length === 0 || upstream === null || credential === null)
      return undefined;
    return tap.stateIds.map((id) => ({ id, upstream, credential, atMs: this.atMs }));
  }
}

/** A row that is still queued has to say what the client was told instead of the answer. */
export function correctRow(row: LedgerRow, error: GatewayError): void {
  row.status = error.status;
  row.outcome = "error";
  row.errorKind = error.kind;
}

function bounded(text: string | null): string | null {
  return text === null || text.length <= MAX_NAME_CHARS ? text : text.slice(0, MAX_NAME_CHARS);
}
