/** All budgets of this process, each once, also those that the configuration no longer has and running requests hold. */

import type { BudgetSet } from "../config/client-keys.ts";
import type { Period } from "../core/calendar.ts";
import type { Clock } from "../core/clock.ts";
import type { BudgetWindow } from "../store/budgets.ts";
import { Budget } from "./budget.ts";
import type { BudgetStore, BudgetsInForce } from "./budget-store.ts";
import type { LimitPlace } from "./refusal.ts";
import type { BudgetStanding } from "./use.ts";

const LIMIT_OF = {
  day: "budgetPerDayNanoUsd",
  week: "budgetPerWeekNanoUsd",
  month: "budgetPerMonthNanoUsd",
} as const satisfies Record<Period, keyof BudgetSet>;

export class BudgetBook implements BudgetsInForce {
  readonly #store: BudgetStore;
  readonly #clock: Clock;
  /** By place and period. */
  readonly #budgets = new Map<string, Budget>();
  /** No longer in use, and held by running requests. */
  readonly #retired = new Set<Budget>();
  #isStarted = false;
  /** Since the configuration was read last, a budget was added: a row that it has is of an earlier time. */
  #hasNew = false;

  constructor(store: BudgetStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    store.inForce = this;
  }

  /** The budgets of an entry, with the limits that it has now. */
  budgetsOf(place: LimitPlace, set: BudgetSet, timeZone: string): readonly Budget[] {
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

  /** The configuration is read: budgets that are no longer in use are retired. */
  retireOthers(used: ReadonlySet<Budget>): void {
    this.#isStarted = true;
    for (const [id, budget] of this.#budgets) {
      if (used.has(budget)) continue;
      this.#budgets.delete(id);
      this.#retired.add(budget);
    }
  }

  /** Gives back what no running request holds of them. */
  giveBackRetired(): void {
    this.#store.giveBack([...this.#retired].flatMap((budget) => budget.takeFree()));
    this.#disuse();
  }

  /** Gives all portions back but for what running requests hold. */
  close(): void {
    this.#store.beginEnd();
    this.#store.giveBack(this.#all().flatMap((budget) => budget.takeFree()));
    this.#disuse();
    this.#store.close();
  }

  usedWindows(): ReadonlySet<string> {
    const nowMs = this.#clock.nowMs();
    return new Set([...this.#budgets.values()].flatMap((budget) => budget.windowIds(nowMs)));
  }

  isInForce(window: BudgetWindow): boolean {
    const { scope, name, model, period } = window;
    return this.#budgets.get(JSON.stringify([scope, name, model, period]))?.hasWindow(window) === true;
  }

  #disuse(): void {
    if (this.#retired.size === 0 && !this.#hasNew) return;
    for (const budget of this.#retired) if (!budget.isHeld) this.#retired.delete(budget);
    this.#store.disuse();
    this.#hasNew = false;
  }

  #all(): readonly Budget[] {
    return [...this.#budgets.values(), ...this.#retired];
  }

  #budgetOf(place: LimitPlace, period: Period, timeZone: string): Budget {
    const id = JSON.stringify([place.scope, place.name, place.model ?? "", period]);
    const known = this.#budgets.get(id);
    if (known?.timeZone === timeZone) return known;
    if (known !== undefined) this.#retired.add(known);
    const budget = new Budget({
      place,
      period,
      timeZone,
      store: this.#store,
      clock: this.#clock,
      isNew: this.#isStarted,
    });
    this.#budgets.set(id, budget);
    this.#hasNew ||= this.#isStarted;
    return budget;
  }
}
