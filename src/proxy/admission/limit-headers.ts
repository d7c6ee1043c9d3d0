/** Tells a client with its reply how much its key may still ask. */
import type { DialectName } from "../../dialects/dialect.ts";
import { DIALECTS } from "../../dialects/index.ts";
import type { LimitName } from "../../limits/refusal.ts";
import type { KeyUse, LimitUse } from "../../limits/use.ts";

/** The upstream's own headers of rates are about the gateway's account, and would stand beside the key's. */
const ACCOUNT_RATES = ["x-ratelimit-", "anthropic-ratelimit-"];

/** `server.forward_upstream_headers` may have let them through. */
export function dropAccountRates(headers: Headers): void {
  for (const name of [...headers.keys()]) {
    if (ACCOUNT_RATES.some((prefix) => name.startsWith(prefix))) headers.delete(name);
  }
}

/** Sets the headers. `use`: the rates that hold for the request; `nowMs`: Unix milliseconds. */
export function setLimitHeaders(headers: Headers, dialect: DialectName, use: KeyUse, nowMs: number): void {
  const { rateHeaders } = DIALECTS[dialect];
  const set = (unit: "requests" | "tokens", limit: LimitName): void => {
    const tightest = tightestOf(use, limit);
    if (tightest === null) return;
    const { limitValue, remaining, resetsAtMs } = tightest;
    const room = { limit: limitValue, remaining, resetsAtMs: resetsAtMs ?? nowMs };
    for (const [name, value] of rateHeaders(unit, room, nowMs)) headers.set(name, value);
  };
  set("requests", "requests_per_minute");
  set("tokens", "tokens_per_minute");
}

/** A key may have a limit for some models beside the one for all: the client meets the tighter one first. */
function tightestOf(use: KeyUse, limit: LimitName): LimitUse | null {
  let tightest: LimitUse | null = null;
  for (const one of use) {
    if (one.limit === limit && (tightest === null || one.remaining < tightest.remaining)) tightest = one;
  }
  return tightest;
}
