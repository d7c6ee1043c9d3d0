/**
 * `GET /v1/key`: what a client's key may know of itself. Beside the gateway's own members stands `data`, the form of
 * OpenRouter's `GET /api/v1/key`, so that one path answers the clients of both.
 */
import { usdText } from "../../core/money.ts";
import type { KeySpending } from "../../ledger/usage/key-spending.ts";
import type { LimitUse } from "../../limits/use.ts";
import type { KeyFacts } from "./key-facts.ts";
import { routerKey } from "./router-form.ts";

export function ownKey(facts: KeyFacts): object {
  const { principal, limits, spending } = facts;
  const { name, team, expiresAtMs, models, upstreams, addresses, strict, mayReport } = principal;
  const { cache, mayAskForCache, cacheScope, isCaptured } = principal;
  return {
    object: "key",
    name,
    team,
    ...timeMembers("expires_at", expiresAtMs),
    models,
    upstreams,
    addresses: addresses === null ? "any" : "restricted",
    strict,
    report: mayReport,
    cache,
    cache_header: mayAskForCache,
    cache_scope: cacheScope,
    capture: isCaptured,
    is_limited: limits.length > 0,
    limits: limits.map(limitMembers),
    spent: spending === null ? null : spentMembers(spending),
    data: routerKey(facts),
  };
}

/** The same moment as text and as Unix seconds. */
function timeMembers(name: string, ms: number | null): Record<string, string | number | null> {
  return {
    [name]: ms === null ? null : new Date(ms).toISOString(),
    [`${name}_unix`]: ms === null ? null : Math.ceil(ms / 1_000),
  };
}

function limitMembers(use: LimitUse): object {
  const { limit, scope, name, model, period, limitValue, used, reserved, remaining, resetsAtMs } = use;
  const amounts = { limit: limitValue, used, reserved, remaining };
  return {
    kind: limit,
    scope,
    ...(scope === "team" ? { team: name } : null),
    model,
    period,
    ...(limit === "budget" ? moneyMembers(amounts) : amounts),
    ...timeMembers("resets_at", resetsAtMs),
  };
}

/** Each amount as dollars in exact decimal text, and as a whole number of nano-dollars. */
function moneyMembers(amounts: Readonly<Record<string, number>>): Record<string, string | number> {
  const members: Record<string, string | number> = {};
  for (const [name, nanoUsd] of Object.entries(amounts)) {
    members[`${name}_usd`] = usdText(nanoUsd);
    members[`${name}_nano_usd`] = nanoUsd;
  }
  return members;
}

function spentMembers({ dayNanoUsd, weekNanoUsd, monthNanoUsd, allNanoUsd }: KeySpending): object {
  return moneyMembers({ day: dayNanoUsd, week: weekNanoUsd, month: monthNanoUsd, all: allNanoUsd });
}
