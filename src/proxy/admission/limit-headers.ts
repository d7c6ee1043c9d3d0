/** Tells a client with its reply how much its key may still ask. */
import type { DialectName, RateHeaders } from "../../dialects/dialect.ts";
import { DIALECTS } from "../../dialects/index.ts";
import type { MinuteRate } from "../../limits/minute-rate.ts";
import type { Accepted } from "../accepted.ts";
import type { Gateway } from "../gateway.ts";

/** The upstream's own headers of rates are about the gateway's account, and would stand beside the key's. */
const ACCOUNT_RATES = ["x-ratelimit-", "anthropic-ratelimit-"];

/** Adds the headers to the reply of a request with a key that has limits. `model`: as the client named it. */
export function tellLimits(
  headers: Headers,
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
function dropAccountRates(headers: Headers): void {
  for (const name of [...headers.keys()]) {
    if (ACCOUNT_RATES.some((prefix) => name.startsWith(prefix))) headers.delete(name);
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
  headers: Headers,
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
  headers: Headers,
  { names, resetText }: RateHeaders,
  unit: "requests" | "tokens",
  rates: readonly MinuteRate[],
  { nowMs, monotonicMs }: RateTime,
): void {
  const { limit, remaining, reset } = names[unit];
  const tightest = tightestOf(rates, monotonicMs);
  headers.append(limit, String(tightest.limit));
  headers.append(remaining, String(tightest.remaining(monotonicMs)));
  headers.append(reset, resetText(nowMs + tightest.freeAfterMs(monotonicMs), nowMs));
}

/** A key may have a limit for some models beside the one for all: the client meets the tighter one first. */
function tightestOf(rates: readonly MinuteRate[], monotonicMs: number): MinuteRate {
  return rates.reduce((tightest, rate) =>
    rate.remaining(monotonicMs) < tightest.remaining(monotonicMs) ? rate : tightest,
  );
}
