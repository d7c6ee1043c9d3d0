/** What a key may know of itself, before it is written in one of several forms. */
import type { Principal } from "../../auth/keys.ts";
import type { KeySpending } from "../../ledger/usage/key-spending.ts";
import type { Limiter } from "../../limits/limiter.ts";
import type { KeyUse, LimitUse } from "../../limits/use.ts";

export interface KeyFacts {
  readonly principal: Principal;
  /** Empty: the key has no limit. */
  readonly limits: KeyUse;
  /** null: it cannot be read now. */
  readonly spending: KeySpending | null;
  /**
   * Of the budgets for all models the one with the least room, for forms that have a place for one; null: no budget
   * holds for all models.
   */
  readonly tightest: LimitUse | null;
}

/** Facts of keys are read from these. */
export interface KeyFactsSource {
  readonly limiter: Pick<Limiter, "use">;
  /** Resolves with null when the ledger cannot be read now. Never rejects. */
  readonly spending: (key: string) => Promise<KeySpending | null>;
}

/** Resolves with the facts of the moment. Throws `GatewayError("ledger_unavailable")`. */
export async function factsOf(
  { limiter, spending }: KeyFactsSource,
  principal: Principal,
): Promise<KeyFacts> {
  const spent = await spending(principal.name);
  // Read last: all of it is of one moment then.
  const limits = principal.limits === null ? [] : limiter.use(principal);
  const budgets = limits.filter(({ limit, model }) => limit === "budget" && model === null);
  const tightest = budgets.toSorted((a, b) => a.remaining - b.remaining)[0] ?? null;
  return { principal, limits, spending: spent, tightest };
}
