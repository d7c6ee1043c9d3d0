/** Why a limit has no room for a request. */
import type { Period } from "../core/calendar.ts";
import type { BudgetScope } from "../store/budgets.ts";

/** The kinds of limits, by their names in the configuration; `budget` stands for all three periods. */
export type LimitName = "requests_per_minute" | "tokens_per_minute" | "concurrency" | "budget";

/** Whose limit it is. `model`: the glob of the models that it is for; null: it is for all. */
export interface LimitPlace {
  readonly scope: BudgetScope;
  readonly name: string;
  readonly model: string | null;
}

export interface Refusal extends LimitPlace {
  readonly limit: LimitName;
  /** Of a budget; null for other limits. */
  readonly period: Period | null;
  /** The limit itself, and the room that is left: requests, tokens or nano-dollars. */
  readonly limitValue: number;
  readonly remaining: number;
  /** Milliseconds from now after which there is room, as far as it is known. Always finite. */
  readonly retryAfterMs: number;
  /** The request needs more than the whole limit: no wait helps. */
  readonly isNeverPossible: boolean;
}
