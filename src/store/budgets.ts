/** Budgets that survive a restart: what is spent of each, and what a process may spend. */

/** A budget in one stretch of time. */
export interface BudgetWindow {
  readonly scope: "key" | "team";
  readonly name: string;
  /** The glob of the models that it is for; "": for all. */
  readonly model: string;
  readonly period: string;
  readonly startMs: number;
  /** The first millisecond after it. */
  readonly endMs: number;
}

/** What a request has cost one window. It is written with the row of the request, or not at all. */
export interface Charge {
  readonly window: BudgetWindow;
  readonly nanoUsd: number;
  /** What of it goes beyond all that was granted. */
  readonly overNanoUsd: number;
}
