/** All budgets of this process, each once, also those that the configuration no longer has and running requests hold. */

import type { LimitSet } from "../config/client-keys.ts";
import type { Period } from "../core/calendar.ts";
import type { Clock } from "../core/clock.ts";
import { Budget } from "./budget.ts";
import type { BudgetStore } from "./budget-store.ts";
import type { LimitPlace } from "./refusal.ts";
import type { BudgetStanding } from "./use.ts";

const LIMIT_OF = {
  day: "budgetPerDayNanoUsd",
  week: "budgetPerWeekNanoUsd",
  month: "budgetPerMonthNanoUsd",
} as const satisfies Record<Period, keyof LimitSet>;

export class BudgetBook {
  readonly #store: BudgetStore;
  readonly #clock: Clock;
  /** By place, period and time zone. */
  readonly #budgets = new Map<string, Budget>();

  constructor(store: BudgetStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** The budgets of an entry, with the limits that it has now. */
  budgetsOf(place: LimitPlace, set: LimitSet, timeZone: string): readonly Budget[] {
    const found: Budget[] = [];
    for (const [period, member] of Object.entries(LIMIT_OF) as [Period, (typeof LIMIT_OF)[Period]][]) {
      const limit = set[member];
      if (limit === null) continue;
      const budget = this.#budgetOf(place, period, timeZone);
      budget.limit = limit;
      found.push(budget);
    }
    return found;
  }

  /** The budgets that were used in their present day, week or month. */
  standings(): readonly BudgetStanding[] {
    const nowMs = this.#clock.nowMs();
    return [...this.#budgets.values()].flatMap((budget) => budget.standing(nowMs) ?? []);
  }

  /** Gives back what the budgets hold that are no longer in use. */
  keepOnly(used: ReadonlySet<Budget>): void {
    const unused = [...this.#budgets].filter(([, budget]) => !used.has(budget));
    this.#store.giveBack(unused.flatMap(([, budget]) => budget.takeFree()));
    for (const [id, budget] of unused) if (!budget.isHeld) this.#budgets.delete(id);
  }

  /** Gives all portions back but for what running requests hold. */
  close(): void {
    this.#store.giveBack([...this.#budgets.values()].flatMap((budget) => budget.takeFree()));
    this.#store.close();
  }

  #budgetOf(place: LimitPlace, period: Period, timeZone: string): Budget {
    const id = JSON.stringify([place.scope, place.name, place.model, period, timeZone]);
    const known = this.#budgets.get(id);
    if (known !== undefined) return known;
    const budget = new Budget({ place, period, timeZone, store: this.#store, clock: this.#clock });
    this.#budgets.set(id, budget);
    return budget;
  }
}
