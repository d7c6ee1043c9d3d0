/** The client's errors when a limit of its key, or of the key's team, has no room for a request. */
import { GatewayError } from "../../core/errors.ts";
import { usdText } from "../../core/money.ts";
import { retryAfterS } from "../../dialects/shared/retry-header.ts";
import type { Refusal } from "../../limits/refusal.ts";
import type { Needed } from "../../limits/reservation.ts";

const MINUTE_MS = 60_000;

/** `nowMs`: Unix milliseconds. */
export function limitReached(refusal: Refusal, needed: Needed, nowMs: number): GatewayError {
  const { limit, isNeverPossible, retryAfterMs } = refusal;
  if (limit === "budget") {
    // Days begin with a minute in every zone, and the clock has gone on since the refusal.
    const beginsMs = Math.floor((nowMs + retryAfterMs) / MINUTE_MS) * MINUTE_MS;
    const when = `it begins anew at ${new Date(beginsMs).toISOString()}`;
    const message = `${budgetOf(refusal)} ${moneyLeft(refusal, needed)}; ${isNeverPossible ? LESS : when}`;
    return isNeverPossible
      ? new GatewayError("request_over_limit", message)
      : new GatewayError("budget_exhausted", message, { retryAfterMs });
  }
  const limited = `${ownerOf(refusal)} is limited to ${amountOf(refusal)}${forModels(refusal)}`;
  if (isNeverPossible) {
    return new GatewayError(
      "request_over_limit",
      `${limited}, and this request alone may take ${needed.tokens}; ${LESS}`,
    );
  }
  // Codex reads the time out of these words.
  const again = `try again in ${retryAfterS(retryAfterMs)}s`;
  return new GatewayError("rate_limited", `${limited}; ${roomLeft(refusal, needed)}; ${again}`, {
    retryAfterMs,
  });
}

const LESS = "send a shorter request or a lower output limit, or have the limit raised";

function ownerOf({ scope, name }: Refusal): string {
  return scope === "team" ? `the team "${name}" of this key` : "this key";
}

function forModels({ model }: Refusal): string {
  return model === null ? "" : ` for models "${model}"`;
}

function amountOf({ limit, limitValue }: Refusal): string {
  const unit = limit === "tokens_per_minute" ? "token" : "request";
  const amount = `${limitValue} ${unit}${limitValue === 1 ? "" : "s"}`;
  return limit === "concurrency" ? `${amount} at once` : `${amount} a minute`;
}

function roomLeft({ limit, remaining }: Refusal, { tokens }: Needed): string {
  if (limit === "concurrency") return "so many are running";
  return limit === "tokens_per_minute"
    ? `${remaining} are left, and this request may take ${tokens}`
    : `${remaining} are left`;
}

function budgetOf(refusal: Refusal): string {
  const { limitValue, period } = refusal;
  return `the budget of ${ownerOf(refusal)}, ${usdText(limitValue)} dollars a ${period}${forModels(refusal)},`;
}

/** What is left of a team's budget would tell what its other keys have spent. */
function moneyLeft({ scope, remaining, isNeverPossible }: Refusal, { costNanoUsd }: Needed): string {
  const most = usdText(costNanoUsd ?? 0);
  if (isNeverPossible) return `is smaller than the ${most} dollars that this request may cost`;
  if (scope === "team") return `has not enough left for this request, which may cost ${most} dollars`;
  return `has ${usdText(remaining)} dollars left, and this request may cost ${most}`;
}

/** No target of the model has a price, so a budget cannot say how much is left. */
export function modelUnpriced(model: string | null): GatewayError {
  const named = model === null ? "a request without a model" : `the model "${model.slice(0, 200)}"`;
  return new GatewayError(
    "model_unpriced",
    `this key has a budget, and the gateway knows no price of ${named}; add a [[prices]] entry for the model, or set [limits] unpriced = "allow"`,
    { param: "model" },
  );
}
