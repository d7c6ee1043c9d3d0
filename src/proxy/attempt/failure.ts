/** The meaning of a failed reply: for the credential, for a repair of the request, and for the client. */
import { GatewayError } from "../../core/errors.ts";
import type { HeaderView } from "../../core/header-view.ts";
import { bytesWithoutSecrets, withoutSecrets } from "../../core/redact.ts";
import type { DialectName } from "../../dialects/dialect.ts";
import { DIALECTS } from "../../dialects/index.ts";
import { NO_REPAIRS, type Repairs } from "../../dialects/repair.ts";
import { outputLimitIn } from "../../dialects/shared/output-limit.ts";
import type { CredentialView, UpstreamView } from "../../snapshot.ts";
import type { TranslatedRequest } from "../../translate/translated-request.ts";
import type { ReplyHead } from "../../transport/call.ts";
import type { AccessRefused } from "../../upstreams/authorization.ts";
import { mayHoldAnything, RequestWords } from "../../upstreams/evidence/request-words.ts";
import { readFailure } from "../../upstreams/failure.ts";
import { comeBackAt } from "../../upstreams/limit-time.ts";
import { refusedFor } from "../../upstreams/refusals/refused-for.ts";
import { repairsFor } from "../../upstreams/refusals/repair.ts";
import { isOfCredential, type ReplyFacts, type Signal } from "../../upstreams/signal.ts";
import { parseJsonObject } from "../../wire/json.ts";
import type { ServedRequest } from "../served-request.ts";
import { headersForClient, loginRefused, speaksOfLogin } from "./caller-login.ts";
import { allChanges, nameChanges } from "./changes.ts";
import type { AttemptFailure, UpstreamReply } from "./outcome.ts";
import type { PreparedRequest } from "./prepare.ts";
import {
  comingBackAfter,
  errorFor,
  type ForeignFailure,
  foreignError,
  redirectError,
  wordsOfUpstream,
} from "./upstream-error.ts";

const NO_HEADERS: HeaderView = { get: () => null, forEach: () => undefined };

const REPAIRABLE: Signal = { class: "bad", reason: "the upstream wants the request in another wording" };

/** The language that an upstream was spoken to in, and the request's body as long as it is kept. */
type SpokenTo = Pick<TranslatedRequest, "dialect"> & { readonly body?: Uint8Array };

/** An attempt whose reply is a failure. */
interface FailedAttempt {
  readonly served: ServedRequest;
  readonly prepared: PreparedRequest;
  readonly upstream: UpstreamView;
  readonly credential: CredentialView;
}

/**
 * The failure in a reply with an HTTP status of 300 or more. `bytes` is its body, up to a bound when it is
 * not whole.
 */
export function refusedFailure(
  attempt: FailedAttempt,
  head: ReplyHead,
  received: Uint8Array,
  isWhole: boolean,
): AttemptFailure {
  if (head.status < 400) return redirectFailure(attempt, head);
  const bytes = bytesWithoutSecrets(received, attempt.credential.access.secrets);
  const text = new TextDecoder().decode(bytes);
  const facts = factsOf(attempt, head.status, head.headers, text);
  const failure = withTimeToComeBack(classifiedFailure(attempt, facts, bytes, isWhole), facts);
  return withDetour(attempt, { ...failure, room: attempt.upstream.family.roomOfFailure(facts) }, facts);
}

/** The reply as the tables of the families read it. */
function factsOf(attempt: FailedAttempt, status: number, headers: HeaderView, body: string): ReplyFacts {
  const { served, prepared } = attempt;
  return {
    status,
    headers,
    body,
    nowMs: served.gateway.clock.nowMs(),
    model: prepared.target.model,
    isOfRequest: wordsOf(attempt),
  };
}

/**
 * The detour that the failure calls for, where the request may take one. Then the request alone is the reason for the
 * failure, whatever its status is.
 */
function withDetour(attempt: FailedAttempt, failure: AttemptFailure, facts: ReplyFacts): AttemptFailure {
  const { detours } = attempt.served;
  const { signal, repairs } = failure;
  if (detours === null || isOfCredential(signal) || speaksOfLogin(attempt.upstream, facts.status))
    return failure;
  const { translated, body } = attempt.prepared;
  const cause = refusedFor(facts, translated?.body ?? body);
  if (cause === null || !detours.concerns(cause)) return failure;
  if (repairs.length > 0) return { ...failure, detour: cause };
  return { ...failure, signal: { class: "bad", reason: signal.reason }, detour: cause };
}

/** An overloaded upstream may say when to ask it again. */
function withTimeToComeBack(failure: AttemptFailure, facts: ReplyFacts): AttemptFailure {
  if (failure.signal.class !== "overload") return failure;
  const atMs = comeBackAt(readFailure(facts));
  return atMs === null ? failure : { ...failure, error: comingBackAfter(failure.error, atMs - facts.nowMs) };
}

function redirectFailure({ upstream }: FailedAttempt, { status, headers }: ReplyHead): AttemptFailure {
  const error = redirectError(upstream.baseUrl, status, headers.get("location"));
  const signal = { class: "overload", reason: error.message } as const;
  return { kind: "failed", signal, error, upstreamReply: null, repairs: NO_REPAIRS, isRedirect: true };
}

function classifiedFailure(
  attempt: FailedAttempt,
  facts: ReplyFacts,
  bytes: Uint8Array,
  isWhole: boolean,
): AttemptFailure {
  const { served, prepared } = attempt;
  const { status, headers, body: text } = facts;
  const classified = classify(attempt, facts);
  const repairs = mayRepair(attempt, classified, status) ? repairsOf(prepared, status, text) : NO_REPAIRS;
  // A repairable refusal must not forbid the model to the credential, nor count against the upstream.
  const signal: Signal = repairs.length === 0 ? classified : REPAIRABLE;
  const { translated } = prepared;
  const { route } = served.exchange;
  const isRepaired = prepared.repaired.length > 0;
  // The refusal is that of the changed request.
  if (isRepaired) served.exchange.attempt.dropped = allChanges(prepared);
  const wordedIn = attempt.upstream.family.envelopeOf?.(facts) ?? prepared.dialect;
  // A client in the form of Vertex AI knows both of its envelopes.
  if (translated === null && (wordedIn === route.dialect || route.isVertexForm)) {
    // A page of a proxy or CDN is not the provider's own error, so the client gets its dialect's error
    // instead.
    const isForClient = isWhole && /^\s*[[{]/.test(text);
    const upstreamReply: UpstreamReply | null = isForClient
      ? {
          status,
          headers: headersForClient(served, attempt.upstream, headers),
          body: bytes as Uint8Array<ArrayBuffer>,
        }
      : null;
    if (isRepaired && upstreamReply !== null) nameChanges(upstreamReply.headers, prepared);
    return {
      kind: "failed",
      signal,
      error: relayedError(attempt, signal, facts),
      upstreamReply,
      repairs,
    };
  }
  const words = { dialect: wordedIn, body: text };
  const error = wordedError(
    attempt,
    translated ?? { dialect: prepared.dialect },
    signal,
    status,
    words,
    facts,
  );
  return { kind: "failed", signal, error, upstreamReply: null, repairs };
}

/** What is said against a caller's own login concerns its request alone: no other credential can mend that. */
function classify({ upstream }: Pick<FailedAttempt, "upstream">, facts: ReplyFacts): Signal {
  const signal = upstream.family.classify(facts, upstream.profile);
  if (!upstream.callerCredentials || signal.class === "ok") return signal;
  return isOfCredential(signal) || speaksOfLogin(upstream, facts.status)
    ? { class: "bad", reason: signal.reason }
    : signal;
}

/** The error in general terms, for a client that mostly gets the upstream's own reply in its place. */
function relayedError({ upstream }: FailedAttempt, signal: Signal, facts: ReplyFacts): GatewayError {
  const { status } = facts;
  return speaksOfLogin(upstream, status)
    ? loginRefused(status, null, retryAfterMsOf(facts))
    : errorFor(signal, status);
}

/** null: the reply does not say. */
function retryAfterMsOf(facts: ReplyFacts): number | null {
  const atMs = comeBackAt(readFailure(facts));
  return atMs === null ? null : Math.max(0, atMs - facts.nowMs);
}

/** Template engines and servers in Python report what is wrong with a request as 500. */
function mayRepair({ upstream }: FailedAttempt, signal: Signal, status: number): boolean {
  if (speaksOfLogin(upstream, status)) return false;
  return (
    signal.class === "bad" || signal.class === "forbid" || (signal.class === "overload" && status === 500)
  );
}

/** The repairs that a refusal of this request asks for. */
function repairsOf(
  { dialect, translated, body, repairs }: PreparedRequest,
  status: number,
  refusal: string,
): Repairs {
  return repairsFor({ dialect, status, body: refusal, sent: translated?.body ?? body, repairs });
}

/**
 * The failure that an upstream reports inside a good reply, as the error object `raw`, before content.
 * `request` is not null when the client's dialect is another one.
 */
export function inBandFailure(
  attempt: FailedAttempt,
  head: ReplyHead,
  received: string,
  request: TranslatedRequest | null,
): AttemptFailure {
  const raw = withoutSecrets(received, attempt.credential.access.secrets);
  const status = attempt.upstream.family.inBandStatus(raw);
  const facts = factsOf(attempt, status, head.headers, raw);
  const classified = classify(attempt, facts);
  const dialect = request?.dialect ?? attempt.served.exchange.route.dialect;
  // 500 stands for an error without a known code, whose words may still be those of a refusal.
  const refusedAs = status === 500 ? 400 : status;
  const repairs = mayRepair(attempt, classified, status)
    ? repairsOf(attempt.prepared, refusedAs, raw)
    : NO_REPAIRS;
  const signal = repairs.length === 0 ? classified : REPAIRABLE;
  if (request !== null) {
    const error = inBandError(attempt, request, raw, "");
    const failure = { kind: "failed", signal, error, upstreamReply: null, repairs } as const;
    return withDetour(attempt, withTimeToComeBack(failure, facts), facts);
  }
  const upstreamReply: UpstreamReply = {
    status,
    headers: { "content-type": "application/json" },
    body: new TextEncoder().encode(DIALECTS[dialect].wrapFailure(raw)) as Uint8Array<ArrayBuffer>,
  };
  const error = relayedError(attempt, signal, facts);
  const failure = { kind: "failed", signal, error, upstreamReply, repairs } as const;
  return withDetour(attempt, withTimeToComeBack(failure, facts), facts);
}

/** The provider gave the gateway no access in exchange for the credential, so the request was not sent. */
export function accessFailure({ signal }: AccessRefused): AttemptFailure {
  const kind = signal.class === "overload" ? "upstream_overloaded" : "upstream_error";
  const error = new GatewayError(kind, `the upstream gave the gateway no access (${signal.reason})`);
  return { kind: "failed", signal, error, upstreamReply: null, repairs: NO_REPAIRS };
}

/** The meaning, for the credential, of a failure inside a good reply. */
export function inBandSignal(attempt: FailedAttempt, headers: HeaderView, raw: string): Signal {
  return classify(attempt, factsOf(attempt, attempt.upstream.family.inBandStatus(raw), headers, raw));
}

/** Whether a text stands in the request that the upstream got. */
function wordsOf({ served, prepared }: FailedAttempt): (text: string) => boolean {
  const { client, route } = served.exchange;
  const body = prepared.translated?.body ?? prepared.body;
  // A stream has begun, and its request is not kept.
  if (body === null && client.method === "POST") return mayHoldAnything;
  const values = client.headers.lines.map(([, value]) => value);
  // Of a path of Vertex AI's, which may name the very resource that the upstream names, nothing but the model goes on.
  const path = route.isVertexForm ? [] : [new URL(client.request.url).pathname];
  return new RequestWords(body, [...path, client.search, ...values]).has;
}

/**
 * The error for a client of another dialect. `raw` is the upstream's error object; null: the reply made no
 * sense.
 */
export function inBandError(
  attempt: FailedAttempt,
  request: SpokenTo,
  raw: string | null,
  message: string,
): GatewayError {
  if (raw === null) {
    return new GatewayError("upstream_garbage", withoutSecrets(message, attempt.credential.access.secrets));
  }
  const signal = inBandSignal(attempt, NO_HEADERS, raw);
  const status = attempt.upstream.family.inBandStatus(raw);
  const { dialect } = request;
  return wordedError(attempt, request, signal, status, {
    dialect,
    body: DIALECTS[dialect].wrapFailure(raw),
  });
}

/** The error for a client of another dialect, without the credential, which some upstreams repeat. */
function wordedError(
  { served, credential, upstream }: FailedAttempt,
  request: SpokenTo,
  signal: Signal,
  status: number,
  words: Pick<ForeignFailure, "dialect" | "body">,
  facts: ReplyFacts | null = null,
): GatewayError {
  const { secrets } = credential.access;
  const nowMs = served.gateway.clock.nowMs();
  const sentLimit = limitIn(request.dialect, request.body);
  const failure = { ...words, signal, status, secrets, sentLimit, nowMs };
  return speaksOfLogin(upstream, status)
    ? loginRefused(status, wordsOfUpstream(failure), facts === null ? null : retryAfterMsOf(facts))
    : foreignError(failure);
}

/** null: the request limits its answer nowhere, or is gone. */
function limitIn(dialect: DialectName, body: Uint8Array | undefined): number | null {
  const parsed = body === undefined ? null : parseJsonObject(body);
  return parsed === null ? null : outputLimitIn(parsed, DIALECTS[dialect].repairs.limits).tokens;
}
