/**
 * The one place before the walk where the cache is asked: whether a request may get an answer that was made for another
 * one, and may give its own to others.
 */
import type { AnswerCache } from "../../cache/answer-cache.ts";
import { canonicalJson } from "../../cache/canonical.ts";
import { Flight } from "../../cache/flight.ts";
import { CACHE_HEADER, type CacheWish, cacheWish } from "../../cache/mode.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Route } from "../../dialects/endpoint.ts";
import { DIALECTS } from "../../dialects/index.ts";
import { withDetours } from "../../plan/plan.ts";
import { decidingHeaders } from "../../upstreams/repeat-headers.ts";
import { parseJsonObject } from "../../wire/json.ts";
import { admitUnpaid } from "../admission/admit.ts";
import { ownQuery } from "../attempt/query.ts";
import type { Exchange } from "../exchange.ts";
import type { PlannedRequest } from "../plan-request.ts";
import type { ServedRequest } from "../served-request.ts";
import { type SharedOwner, SharedPart, SharedReader } from "./joined.ts";
import { LeadAnswer, type LeadPlace } from "./lead.ts";

/** What follows for a request for which the cache is on. */
export type Shared =
  /** The reader takes another request's answer to the client. */
  | { readonly reader: SharedReader; readonly lead: null }
  /** The answer has to be made, and goes to `lead`. */
  | { readonly reader: SharedReader; readonly lead: LeadAnswer };

/**
 * null: the cache is off for the request, or its answer is none that repeats. Throws the client's error: of the header, or
 * of a limit.
 */
export function shareAnswer(
  request: ServedRequest,
  planned: PlannedRequest,
  owner: SharedOwner,
): Shared | null {
  const { gateway, exchange } = request;
  const { principal, client } = exchange;
  const header = client.headers.get(CACHE_HEADER);
  // The cache is for other keys and models.
  if (header === null && principal.cache === null && planned.cache === null) return null;
  if (mayShowLogin(request, planned)) return null;
  const { cache: ofKey, mayAskForCache: mayAsk } = principal;
  const wish = cacheWish({ ofKey, ofModel: planned.cache, mayAsk, header });
  if (wish === null) return null;
  const key = keyOf(gateway.cache, request, planned, wish);
  if (key === null) return null;
  return (wish.isRefresh ? null : findShared(key, request, planned, owner)) ?? begin(key, request, owner);
}

/** An answer to a caller's own login is the caller's: it is neither kept, nor shared with the same request of another one. */
function mayShowLogin({ gateway }: ServedRequest, { targets, detours }: PlannedRequest): boolean {
  const all = detours === null ? targets : withDetours(targets, detours);
  return all.some(({ upstream }) => gateway.snapshot.upstreams.get(upstream)?.callerCredentials === true);
}

function findShared(
  key: string,
  request: ServedRequest,
  planned: PlannedRequest,
  owner: SharedOwner,
): Shared | null {
  const { gateway, exchange } = request;
  const lent = gateway.cache.lend(key);
  const flight = lent === null ? gateway.cache.flightOf(key) : Flight.of(lent);
  if (flight === null) return null;
  const kept = lent?.answer ?? null;
  try {
    if (exchange.principal.limits !== null) admitUnpaid(request, planned, kept?.origin.usage ?? null);
  } catch (cause) {
    lent?.giveBack();
    throw cause;
  }
  const ageS = kept === null ? null : Math.max(0, Math.floor((exchange.atMs - kept.atMs) / 1_000));
  const part = new SharedPart(kept === null ? "joined" : "hit", ageS, null);
  exchange.sharing = part;
  const reader = new SharedReader(request, { key, flight }, part, owner);
  flight.join(reader);
  // A signal that has aborted before tells nobody.
  if (exchange.client.request.signal.aborted) reader.leave();
  else reader.wait();
  return { reader, lead: null };
}

function begin(key: string, request: ServedRequest, owner: SharedOwner): Shared {
  return lead({ key, flight: request.gateway.cache.begin(key), failures: 0 }, request, owner);
}

/** The answer is made for this request, and goes to all that want it. */
export function lead(place: LeadPlace, request: ServedRequest, owner: SharedOwner): Shared {
  const { gateway, exchange } = request;
  const { flight } = place;
  const answer = new LeadAnswer(gateway, place, exchange);
  const part = new SharedPart("miss", null, answer);
  exchange.sharing = part;
  const reader = new SharedReader(request, place, part, owner);
  flight.join(reader);
  flight.feedFrom(answer);
  if (exchange.client.request.signal.aborted) reader.leave();
  return { reader, lead: answer };
}

/** A longer conversation is asked once. To look at each entry of a body for its key takes half a microsecond. */
const MAX_ENTRIES = 100_000;

/** null: nobody else may get the answer. */
function keyOf(
  cache: AnswerCache,
  request: ServedRequest,
  planned: PlannedRequest,
  { mode }: CacheWish,
): string | null {
  const { exchange, body, peek } = request;
  if (body === null || peek === null || peek.stateId !== null || !canRepeat(exchange.route)) return null;
  const parsed = parseJsonObject(body, MAX_ENTRIES);
  if (parsed === null || !mayRepeat(exchange, parsed, mode)) return null;
  const canonical = canonicalJson(body);
  return canonical === null ? null : cache.keyOf(factsOf(request, planned), canonical);
}

/** Answers, and embeddings, which are none that a model writes. */
function canRepeat({ hasBody, isBilled, isGenerative, purpose, stateId }: Route): boolean {
  return hasBody && isBilled && stateId === null && (purpose === "answer" || !isGenerative);
}

function mayRepeat({ route, amendment }: Exchange, body: JsonObject, mode: CacheWish["mode"]): boolean {
  if (amendment?.search === true) return false;
  const { temperature, hasSeed, obstacle } = DIALECTS[route.dialect].repeatFacts(body);
  if (obstacle !== null) return false;
  if (mode === "all") return true;
  const { fixed, defaults } = amendment ?? { fixed: null, defaults: null };
  const isSeeded = hasSeed || (fixed?.seed ?? null) !== null || (defaults?.seed ?? null) !== null;
  return isSeeded || (fixed?.temperature ?? temperature ?? defaults?.temperature ?? null) === 0;
}

/** Everything beside the body that decides the answer. */
function factsOf({ gateway, exchange }: ServedRequest, planned: PlannedRequest): string[] {
  const { route, client, clientFraming, amendment, isStrict } = exchange;
  const { upstreams } = gateway.snapshot;
  const targets = planned.targets.map(({ upstream, model }) => {
    const view = upstreams.get(upstream);
    return [upstream, model, view?.family.name, view?.baseUrl, ...(view?.spokenTo(model).dialects ?? [])];
  });
  return [
    scopeOf(exchange),
    route.dialect,
    route.endpoint,
    route.pathModel ?? "",
    route.action ?? "",
    clientFraming,
    ownQuery(client.search),
    planned.modelName ?? "",
    JSON.stringify(targets),
    JSON.stringify(planned.detours),
    JSON.stringify(amendment),
    String(isStrict),
    JSON.stringify(decidingHeaders(client.headers)),
  ];
}

/** Whose answers the request may get. By the hash of the key: another key may get the name of one that is gone. */
function scopeOf({ principal: { cacheScope, team, keySha256 } }: Exchange): string {
  if (cacheScope === "gateway") return "gateway";
  return cacheScope === "team" && team !== null ? `team ${team}` : `key ${keySha256}`;
}
