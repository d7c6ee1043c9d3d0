/** The limits of a key and of a team, as they are configured. Money is whole nano-dollars. null: no such limit. */

export const PERIODS = ["day", "week", "month"] as const;
export type Period = (typeof PERIODS)[number];

export interface BudgetSet {
  readonly budgetPerDayNanoUsd: number | null;
  /** Weeks begin on Monday. */
  readonly budgetPerWeekNanoUsd: number | null;
  readonly budgetPerMonthNanoUsd: number | null;
}

export interface LimitSet extends BudgetSet {
  readonly requestsPerMinute: number | null;
  readonly tokensPerMinute: number | null;
  /** Requests that run at once. */
  readonly concurrency: number | null;
}

export interface ModelLimits extends LimitSet {
  /** A glob. It is compared with the name that the client asks for, with and without its `upstream/`. */
  readonly model: string;
}

export interface KeyLimits extends LimitSet {
  /** The time zone of the budgets' days, such as `Europe/Berlin`. */
  readonly timeZone: string;
  readonly perModel: readonly ModelLimits[];
}

/** `limits` is null when neither the key nor its team has any. */
export interface LimitedKey {
  readonly name: string;
  readonly team: string | null;
  readonly limits: KeyLimits | null;
}

export interface LimitedTeam extends BudgetSet {
  readonly name: string;
  readonly timeZone: string;
}
