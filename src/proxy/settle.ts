/**
 * The end of every request: its one ledger row, then the last bytes of its answer. Nothing else calls the
 * ledger's `append`, so whatever has to happen once for each request happens here.
 */
import type { AnswerOrigin } from "../cache/kept-answer.ts";
import type { ErrorKind, GatewayError } from "../core/errors.ts";
import { withoutSecrets } from "../core/redact.ts";
import { requestLineOf } from "../ledger/lines/request-line.ts";
import { credentialIdOf, type LedgerRow, type Outcome } from "../ledger/row.ts";
import type { Needed } from "../limits/reservation.ts";
import { tagsLabel } from "../neutral/labels.ts";
import { addUsage, NO_USAGE, tokensOf } from "../neutral/usage.ts";
import type { LimitHold } from "../pool/credential-limits.ts";
import { rowCostOf } from "../prices/answer-cost.ts";
import type { Charge } from "../store/budgets.ts";
import type { StateId } from "../store/state.ts";
import type { AnswerFacts } from "./attempt/answer-facts.ts";
import { passedAnswer } from "./attempt/passed-usage.ts";
import { queryFor } from "./attempt/query.ts";
import { backgroundRow, type PendingResponse } from "./background/pending.ts";
import type { AttemptRecord, Exchange } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";
import { learnWarmth } from "./targets/warmth.ts";

const SANE_REQUEST_ID = /^[\x21-\x7e]{1,128}$/;
const MAX_USER_AGENT_CHARS = 200;
/** Clients and upstreams choose these texts, so a bound keeps the row small. */
const MAX_NAME_CHARS = 256;
const NO_CHARGES: readonly Charge[] = [];

type Money = Pick<LedgerRow, "usage" | "usageState" | "costNanoUsd" | "priceVersion" | "costGaps">;

/** How an exchange ended. */
export interface Ending {
  /** HTTP status that the client gets, unless its stream is open; 499: the client left before it got one. */
  readonly status: number;
  readonly outcome: Outcome;
  readonly errorKind: ErrorKind | null;
  /** For the line of the request: why there is no answer, as `reasonOf` has it. */
  readonly reason?: string | null;
  /** null: there was no answer, or the answer cannot be read. */
  readonly facts: AnswerFacts | null;
  readonly replyBytes: number;
  /** When the first byte of an answer went to the client, on the monotonic clock; null: none did. */
  readonly firstByteMs: number | null;
  /** The client already has the status line, so the row keeps it, also when the commit fails. */
  readonly isHeadSent: boolean;
}

/**
 * Ends an exchange whose client waits for the row. `settled` gets null when the row is committed and the last
 * bytes may go, or the error that the client must get instead. In that case the row is still queued, and says
 * that the client got this error.
 */
export function settle(
  gateway: Gateway,
  exchange: Exchange,
  ending: Ending,
  settled: (failure: GatewayError | null) => void,
): void {
  const row = endExchange(gateway, exchange, ending);
  exchange.sharing?.lead?.learn(ending.facts);
  append(gateway, exchange, ending, row, (failure) => {
    if (failure !== null) {
      if (!ending.isHeadSent && exchange.early === null) row.status = failure.status;
      row.outcome = "error";
      row.errorKind = failure.kind;
    }
    settled(failure);
  });
}

/**
 * Ends an exchange without a good answer. `settled` runs when the row is committed or has failed: the client
 * gets the same.
 */
export function settleFailure(
  gateway: Gateway,
  exchange: Exchange,
  ending: Ending,
  settled: () => void,
): void {
  const row = endExchange(gateway, exchange, ending);
  append(gateway, exchange, ending, row, settled);
}

function endExchange(gateway: Gateway, exchange: Exchange, ending: Ending): LedgerRow {
  exchange.markSettled();
  exchange.capture?.settled(ending.outcome === "client_left");
  exchange.memory.end();
  gateway.metrics.inFlight -= 1;
  const row = rowOf(gateway, exchange, ending);
  exchange.row = row;
  gateway.metrics.countRequest(row);
  const { requestLines } = gateway;
  if (requestLines.isTold(row.outcome)) requestLines.ended(requestLineOf(row, ending.reason ?? null));
  if (row.costNanoUsd === null) noteUnpriced(gateway, row);
  if (exchange.prefix !== undefined) learnWarmth(gateway, exchange, ending.facts);
  if (!gateway.repairs.contexts.isEmpty) noteCounted(gateway, exchange, ending.facts);
  return row;
}

/** An exception here costs the row, but what the request held must not be held for ever. */
function rowOf(gateway: Gateway, exchange: Exchange, ending: Ending): LedgerRow {
  try {
    return makeRow(gateway, exchange, ending);
  } catch (cause) {
    exchange.admission?.release();
    exchange.endHolds(0, 0);
    throw cause;
  }
}

/** Compares what an answer has used with what is known of its model's context. */
function noteCounted(
  { snapshot, repairs }: Pick<Gateway, "snapshot" | "repairs">,
  { attempt, principal, likelyBytes }: Exchange,
  facts: AnswerFacts | null,
): void {
  const upstream = snapshot.upstreams.get(attempt.upstream ?? "");
  const usage = facts?.usage ?? null;
  if (upstream === undefined || usage === null || likelyBytes === null) return;
  const { inputTokens, outputTokens } = usage;
  const counted = { inputTokens, outputTokens, bytes: likelyBytes };
  repairs.contexts.counted(upstream, attempt.modelUsed ?? "", principal.name, counted);
}

/** A request that used something, and has no cost, has no price. */
function noteUnpriced(
  { metrics, unpriced }: Pick<Gateway, "metrics" | "unpriced">,
  { upstream, modelUsed, usage, atMs }: LedgerRow,
): void {
  if (upstream === null || (usage.inputTokens === null && usage.outputTokens === null)) return;
  metrics.unpriced.add(1, upstream);
  unpriced.note(upstream, modelUsed ?? "", atMs);
}

/** A client's own look at a background response may tell the end that the gateway waits for. */
function noteLookup({ background }: Gateway, { attempt, route }: Exchange, facts: AnswerFacts | null): void {
  if (facts === null || attempt.upstream === null || background.size === 0) return;
  if (route.isLookup && route.stateId !== null) background.seen(attempt.upstream, route.stateId, facts);
}

/**
 * False: the answer is at its end. Else its provider goes on: its usage is fetched later, and what the request holds is
 * held until then.
 */
function beginBackground(
  gateway: Gateway,
  exchange: Exchange,
  facts: AnswerFacts | null,
  row: LedgerRow,
): boolean {
  const { attempt, route } = exchange;
  const { upstream, credential } = attempt;
  const id = route.isBilled ? (facts?.pendingId ?? null) : null;
  if (facts === null || id === null || upstream === null || credential === null) return false;
  const pending: PendingResponse = {
    upstream,
    id,
    credential,
    query: queryFor(route.dialect, exchange.client.search),
    requestBytes: exchange.requestBytes,
    outputLimit: exchange.outputLimit,
    passedBytes: facts.uncountedBytes ?? 0,
    earlier: { tokens: tokensOf(row.usage), costNanoUsd: row.costNanoUsd ?? 0 },
    held: exchange.admission === null ? null : neededOf(exchange.admission.demand),
    row: backgroundRow(row, gateway.ids.ulid(exchange.atMs), id),
    hasEnded: false,
    polls: 0,
    misses: 0,
    nextMs: 0,
  };
  gateway.background.begin(pending, exchange.admission, exchange.handOverHold());
  return true;
}

/** As it is stored, without what the row has as well. */
function neededOf({ tokens, costNanoUsd }: Needed): Needed {
  return { tokens, costNanoUsd };
}

/** Ends the room that the request held in limits: an attempt counts as a request, also when it failed. */
function endAdmission(
  { limiter }: Gateway,
  { admission, attempts, atMs }: Exchange,
  row: LedgerRow,
): readonly Charge[] {
  if (admission === null) {
    if (atMs > limiter.limitedSinceMs) return NO_CHARGES;
    return limiter.chargeUnheld(row.key, atMs, row.costNanoUsd ?? 0, row);
  }
  // Another request's answer is no attempt, and counts once a byte of it is sent.
  if (attempts === 0 && row.outcome !== "ok" && row.ttfbMs === null) {
    admission.release();
    return NO_CHARGES;
  }
  return admission.settle(tokensOf(row.usage), row.costNanoUsd ?? 0, row);
}

/**
 * Ends a background response, whose request has ended before with a row of its own. `hold`: what it still holds of its
 * credential's limits; null: nothing, as after a restart.
 */
export function settleBackground(
  gateway: Pick<Gateway, "ledger" | "metrics" | "unpriced" | "pool" | "clock">,
  row: LedgerRow,
  charges: readonly Charge[],
  hold: LimitHold | null,
  settled: (failure: GatewayError | null) => void,
): void {
  gateway.metrics.countUsage(row);
  if (row.costNanoUsd === null) noteUnpriced(gateway, row);
  const nanoUsd = row.costNanoUsd ?? 0;
  const ofCredential =
    hold?.end(tokensOf(row.usage), nanoUsd, row.id) ??
    gateway.pool.counterOf(credentialIdOf(row) ?? "")?.charge(nanoUsd, row.id, gateway.clock.nowMs()) ??
    NO_CHARGES;
  commit(gateway, row, undefined, [...charges, ...ofCredential], settled);
}

function append(
  gateway: Gateway,
  exchange: Exchange,
  { facts }: Ending,
  row: LedgerRow,
  settled: (failure: GatewayError | null) => void,
): void {
  noteLookup(gateway, exchange, facts);
  const isPending = beginBackground(gateway, exchange, facts, row);
  // A background response goes on, and has taken over what is held.
  const ofCredentials = endHolds(gateway, exchange, row);
  const ofKey = isPending ? NO_CHARGES : endAdmission(gateway, exchange, row);
  const charges = ofCredentials.length === 0 ? ofKey : [...ofKey, ...ofCredentials];
  commit(gateway, row, stateIdsOf(gateway, exchange, facts), charges, settled);
}

/** Ends what the request holds of the limits of credentials: those of all its attempts. */
function endHolds(
  { pool, clock }: Pick<Gateway, "pool" | "clock">,
  exchange: Exchange,
  row: LedgerRow,
): readonly Charge[] {
  const nanoUsd = row.costNanoUsd ?? 0;
  const id = nanoUsd > 0 && exchange.hasNoHold ? credentialIdOf(row) : null;
  if (id !== null && exchange.atMs <= pool.limitedSinceMs)
    return pool.counterOf(id)?.charge(nanoUsd, row.id, clock.nowMs()) ?? NO_CHARGES;
  return exchange.endHolds(tokensOf(row.usage), nanoUsd);
}

/** The one call of the ledger's `append`. */
function commit(
  { ledger }: Pick<Gateway, "ledger">,
  row: LedgerRow,
  stateIds: readonly StateId[] | undefined,
  charges: readonly Charge[],
  settled: (failure: GatewayError | null) => void,
): void {
  ledger.append(row, stateIds, settled, charges);
}

function makeRow(gateway: Gateway, exchange: Exchange, ending: Ending): LedgerRow {
  const { attempt, attempts, early, route, startedMs, sharing } = exchange;
  const { facts, firstByteMs } = ending;
  // Others got the answer; the request's own client did not wait for it.
  const hasLeft = ending.outcome === "ok" && sharing?.lead?.hasLeft === true;
  const outcome = hasLeft ? "client_left" : ending.outcome;
  const { headers } = exchange.client;
  const isRefused = attempts === 0 && outcome === "refused";
  const money = moneyOf(gateway, exchange, ending);
  const clientRequestId = headers.get("x-request-id");
  const userAgent = headers.get("user-agent");
  return {
    id: exchange.id,
    atMs: exchange.atMs,
    key: exchange.principal.name,
    team: exchange.principal.team,
    dialect: route.dialect,
    endpoint: route.endpoint,
    clientRequestId:
      clientRequestId !== null && SANE_REQUEST_ID.test(clientRequestId) ? clientRequestId : null,
    modelAsked: bounded(exchange.modelAsked),
    upstream: attempt.upstream,
    upstreamDialect: attempt.upstreamDialect,
    modelUsed: bounded(attempt.modelUsed),
    modelReported: reported(facts?.model ?? sharing?.origin?.modelReported ?? null, attempt),
    credential: attempt.credential,
    isStream: early !== null || (isRefused ? exchange.clientFraming !== "json" : attempt.isStream),
    // The status line of a stream that was opened early has gone out.
    status: early === null ? ending.status : 200,
    outcome,
    errorKind: ending.errorKind,
    stopReason: reported(facts?.stopReason ?? sharing?.origin?.stopReason ?? null, attempt),
    attempts,
    attemptLog: exchange.attemptNotes.length === 0 ? null : JSON.stringify(exchange.attemptNotes),
    ttfbMs: firstByteMs === null ? null : firstByteMs - startedMs,
    durationMs: gateway.clock.monotonicMs() - startedMs,
    requestBytes: exchange.requestBytes,
    replyBytes: ending.replyBytes,
    usage: money.usage,
    usageState: money.usageState,
    costNanoUsd: money.costNanoUsd,
    priceVersion: money.priceVersion,
    costGaps: money.costGaps,
    drops: attempt.dropped.length === 0 ? null : JSON.stringify(attempt.dropped),
    cache: sharing?.use ?? null,
    savedNanoUsd: sharing?.origin?.costNanoUsd ?? null,
    upstreamRequestId: bounded(attempt.upstreamRequestId),
    clientAddress: exchange.client.address(),
    userAgent: userAgent === null ? null : userAgent.slice(0, MAX_USER_AGENT_CHARS),
    endUser: exchange.endUser,
    tags: tagsLabel(headers.get("x-clewline-tags")),
  };
}

const NOT_BILLED = {
  usage: NO_USAGE,
  usageState: "unknown",
  ...rowCostOf(null),
} as const;

/** The usage of all attempts with its cost, and where the counts are from. */
function moneyOf(gateway: Gateway, exchange: Exchange, { facts, outcome }: Ending): Money {
  const { earlierUsage, isEarlierEstimated, sharing } = exchange;
  if (!exchange.route.isBilled) return NOT_BILLED;
  // The request that the answer was made for has its cost.
  if (sharing !== null && sharing.lead === null) return givenAgain(sharing.origin);
  const answer = passedAnswer(gateway, exchange, facts);
  const last = answer.usage;
  if (last === null && earlierUsage === null) return NOT_BILLED;
  const isEstimated = isEarlierEstimated || last !== (facts?.usage ?? null);
  const isFinal = outcome === "ok" && last !== null && earlierUsage === null && facts?.isCutShort !== true;
  const { costNanoUsd, priceVersion, costGaps } = rowCostOf(
    exchange.costWith(answer, gateway.snapshot.prices),
  );
  return {
    usage:
      earlierUsage === null || last === null
        ? (last ?? earlierUsage ?? NO_USAGE)
        : addUsage(earlierUsage, last),
    usageState: isEstimated ? "estimated" : isFinal ? "final" : "partial",
    costNanoUsd,
    priceVersion,
    costGaps,
  };
}

/** Absent is not 0: a client that left before the answer knows of no usage. It costs nothing all the same. */
function givenAgain(origin: AnswerOrigin | null): Money {
  const usage = origin?.usage ?? NO_USAGE;
  const usageState = origin?.usageState ?? "unknown";
  return { usage, usageState, costNanoUsd: 0, priceVersion: null, costGaps: null };
}

/**
 * Stored objects that the answer made at the provider, with the credential and the key that made them. One that the request
 * has named was there before, so it stays its maker's.
 */
function stateIdsOf(
  { snapshot }: Pick<Gateway, "snapshot">,
  exchange: Exchange,
  facts: AnswerFacts | null,
): readonly StateId[] | undefined {
  const { attempt, route } = exchange;
  const { upstream, credential } = attempt;
  if (facts === null || facts.stateIds.length === 0 || upstream === null || credential === null) {
    return undefined;
  }
  // Only another key's reference to an item has to be found out.
  const { stateIds, itemIds = [] } = facts;
  const ids = snapshot.keepsKeysApart && !route.isLookup ? [...stateIds, ...itemIds] : stateIds;
  return made(ids, exchange, upstream, credential);
}

function made(
  ids: readonly string[],
  { atMs, principal, namedIds, route }: Exchange,
  upstream: string,
  credential: string,
): readonly StateId[] {
  return ids.map((id) => {
    const isMade = !route.isLookup && !namedIds.includes(id);
    const owner = isMade ? (principal.id ?? null) : null;
    return { id, upstream, credential, owner, atMs };
  });
}

/** A text of the upstream as the row may have it. */
export function reported(text: string | null, { access }: AttemptRecord): string | null {
  return bounded(text === null || access === null ? text : withoutSecrets(text, access.secrets));
}

function bounded(text: string | null): string | null {
  return text === null || text.length <= MAX_NAME_CHARS ? text : text.slice(0, MAX_NAME_CHARS);
}
