/**
 * The key in the forms of OpenRouter: `GET /api/v1/key` (formerly `/api/v1/auth/key`) and `GET /api/v1/credits`.
 * https://openrouter.ai/docs/api/api-reference/api-keys/get-current-key,
 * https://openrouter.ai/docs/api/api-reference/credits/get-credits (read 2026-11-29). Amounts are dollars as numbers, which
 * those clients compute with; the exact ones stand in `/v1/key`.
 */
import type { LimitUse } from "../../limits/use.ts";
import type { KeyFacts } from "./key-facts.ts";

const NANO_PER_USD = 1e9;
/** OpenRouter's words for the periods. */
const RESETS: Readonly<Record<string, string>> = { day: "daily", week: "weekly", month: "monthly" };

/** Dollars as a number, which is not exact. */
export function usdNumber(nanoUsd: number): number {
  return nanoUsd / NANO_PER_USD;
}

function usdOrNull(nanoUsd: number | null | undefined): number | null {
  return nanoUsd === null || nanoUsd === undefined ? null : usdNumber(nanoUsd);
}

/**
 * `limit`, `limit_remaining` and `limit_reset` are those of the tightest budget; null: there is none. `usage` counts in
 * the time of that budget, so that clients that take it off `limit` get what is left; without a budget it counts all.
 */
export function routerKey({ principal, limits, spending, tightest }: KeyFacts): object {
  const perMinute = limits.find(({ limit, model }) => limit === "requests_per_minute" && model === null);
  return {
    label: principal.name,
    limit: usdOrNull(tightest?.limitValue),
    limit_remaining: usdOrNull(tightest?.remaining),
    limit_reset: tightest?.period == null ? null : RESETS[tightest.period],
    usage: tightest === null ? usdOrNull(spending?.allNanoUsd) : usdNumber(takenOf(tightest)),
    usage_daily: usdOrNull(spending?.dayNanoUsd),
    usage_weekly: usdOrNull(spending?.weekNanoUsd),
    usage_monthly: usdOrNull(spending?.monthNanoUsd),
    // Clients of the gateway bring no keys of providers.
    byok_usage: 0,
    byok_usage_daily: 0,
    byok_usage_weekly: 0,
    byok_usage_monthly: 0,
    include_byok_in_limit: false,
    is_free_tier: false,
    is_provisioning_key: false,
    is_management_key: false,
    creator_user_id: null,
    expires_at: principal.expiresAtMs === null ? null : new Date(principal.expiresAtMs).toISOString(),
    // -1: no such limit.
    rate_limit: {
      requests: perMinute?.limitValue ?? -1,
      interval: "1m",
      note: "requests a minute; see /v1/key",
    },
  };
}

/** What the budget has given, with what running requests hold: the rest is `remaining`. */
export function takenOf({ limitValue, remaining }: LimitUse): number {
  return limitValue - remaining;
}

/** null where no budget holds for the key: nothing was bought, and nothing bounds what may be used. */
export function routerCredits({ tightest, spending }: KeyFacts): object {
  return {
    data: {
      total_credits: usdOrNull(tightest?.limitValue),
      total_usage: tightest === null ? usdOrNull(spending?.allNanoUsd) : usdNumber(takenOf(tightest)),
    },
  };
}
