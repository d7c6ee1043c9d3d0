/**
 * The key in the forms of one-api and new-api: OpenAI's former billing pages, and new-api's own.
 * https://github.com/QuantumNous/new-api/blob/main/controller/billing.go (`GetSubscription`, `GetUsage`),
 * controller/token.go (`GetTokenUsage`), router/dashboard.go and https://github.com/songquanpeng/one-api (read
 * 2026-11-29). Their clients take `total_usage` off `hard_limit_usd`, so both are of the same budget: the tightest one.
 */
import type { KeyFacts } from "./key-facts.ts";
import { takenOf, usdNumber } from "./router-form.ts";

/** These gateways' number for a key without a limit, which their clients show as such. */
const UNLIMITED_USD = 100_000_000;
/** new-api counts in units of which a dollar has so many, unless its operator has changed that (`QuotaPerUnit`). */
const NANO_USD_PER_UNIT = 1e9 / 500_000;

/** `access_until`: Unix seconds; 0: for ever. */
export function billingSubscription({ principal, tightest }: KeyFacts): object {
  const limitUsd = tightest === null ? UNLIMITED_USD : usdNumber(tightest.limitValue);
  return {
    object: "billing_subscription",
    has_payment_method: true,
    soft_limit_usd: limitUsd,
    hard_limit_usd: limitUsd,
    system_hard_limit_usd: limitUsd,
    access_until: unixSeconds(principal.expiresAtMs),
  };
}

/** `total_usage`: cents. The dates that clients send are passed over, as those gateways do. */
export function billingUsage({ tightest, spending }: KeyFacts): object {
  const nanoUsd = tightest === null ? (spending?.allNanoUsd ?? null) : takenOf(tightest);
  return { object: "list", total_usage: nanoUsd === null ? null : usdNumber(nanoUsd * 100) };
}

export function tokenUsage({ principal, tightest, spending }: KeyFacts): object {
  const { name, models, expiresAtMs } = principal;
  const used = tightest === null ? (spending?.allNanoUsd ?? null) : takenOf(tightest);
  return {
    code: true,
    message: "ok",
    data: {
      object: "token_usage",
      name,
      total_granted: tightest === null ? 0 : unitsOf(tightest.limitValue),
      total_used: used === null ? null : unitsOf(used),
      total_available: tightest === null ? 0 : unitsOf(tightest.remaining),
      unlimited_quota: tightest === null,
      model_limits: Object.fromEntries((models ?? []).map((model) => [model, true])),
      model_limits_enabled: models !== null,
      expires_at: unixSeconds(expiresAtMs),
    },
  };
}

function unitsOf(nanoUsd: number): number {
  return Math.floor(nanoUsd / NANO_USD_PER_UNIT);
}

function unixSeconds(ms: number | null): number {
  return ms === null ? 0 : Math.ceil(ms / 1_000);
}
