/** Tells a client with its reply how much its key may still ask. */
import type { DialectName, RateHeaders } from "../../dialects/dialect.ts";
import { DIALECTS } from "../../dialects/index.ts";
import type { MinuteRate } from "../../limits/minute-rate.ts";
import type { Accepted } from "../accepted.ts";
import type { Gateway } from "../gateway.ts";

/** The upstream's own headers of rates are about the gateway's account, and would stand beside the key's. */
const ACCOUNT_RATES = ["x-ratelimit-", "anthropic-ratelimit-"];

/** Of a reply, or of one that is still data: to add to that takes a fraction of the time. */
export type ReplyHeaders = Headers | Record<string, string>;

/** Adds the headers to the reply of a request with a key that has limits. `model`: as the client named it. */
export function tellLimits(
  headers: ReplyHeaders,
  { limiter, clock, snapshot }: Pick<Gateway, "limiter" | "clock" | "snapshot">,
  { principal, route }: Pick<Accepted, "principal" | "route">,
  model: string | null,
): void {
  if (snapshot.config.server.forwardUpstreamHeaders) dropAccountRates(headers);
  const limits = limiter.limitsFor(principal, model);
  if (limits.requests.length === 0 && limits.tokens.length === 0) return;
  const time = { nowMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
  addLimitHeaders(headers, route.dialect, limits, time);
}

/** `server.forward_upstream_headers` may have let them through. */
function dropAccountRates(headers: ReplyHeaders): void {
  const isPlain = !(headers instanceof Headers);
  for (const name of isPlain ? Object.keys(headers) : [...headers.keys()]) {
    if (!ACCOUNT_RATES.some((prefix) => name.startsWith(prefix))) continue;
    if (isPlain) delete headers[name];
    else headers.delete(name);
  }
}

/** The rates that hold for a request. */
export interface Rates {
  readonly requests: readonly MinuteRate[];
  readonly tokens: readonly MinuteRate[];
}

/** The time, and the clock of the rates. */
export interface RateTime {
  /** Unix milliseconds. */
  readonly nowMs: number;
  readonly monotonicMs: number;
}

/**
 * Adds the headers, where the dialect's provider has some. None of them may be there: to append takes half the time of to
 * set.
 */
export function addLimitHeaders(
  headers: ReplyHeaders,
  dialect: DialectName,
  { requests, tokens }: Rates,
  time: RateTime,
): void {
  const { rateHeaders } = DIALECTS[dialect];
  if (rateHeaders === null) return;
  if (requests.length > 0) addRate(headers, rateHeaders, "requests", requests, time);
  if (tokens.length > 0) addRate(headers, rateHeaders, "tokens", tokens, time);
}

function addRate(
  headers: ReplyHeaders,
  { names, resetText }: RateHeaders,
  unit: "requests" | "tokens",
  rates: readonly MinuteRate[],
  { nowMs, monotonicMs }: RateTime,
): void {
  const { limit, remaining, reset } = names[unit];
  const tightest = tightestOf(rates, monotonicMs);
  add(headers, limit, tightest.limitText);
  add(headers, remaining, String(tightest.remaining(monotonicMs)));
  add(headers, reset, resetText(nowMs + tightest.freeAfterMs(monotonicMs), nowMs));
}

function add(headers: ReplyHeaders, name: string, value: string): void {
  if (headers instanceof Headers) headers.append(name, value);
  else headers[name] = value;
}

/** A key may have a limit for some models beside the one for all: the client meets the tighter one first. */
function tightestOf(rates: readonly MinuteRate[], monotonicMs: number): MinuteRate {
  const [first] = rates;
  if (rates.length === 1 && first !== undefined) return first;
  return rates.reduce((tightest, rate) =>
    rate.remaining(monotonicMs) < tightest.remaining(monotonicMs) ? rate : tightest,
  );
}
