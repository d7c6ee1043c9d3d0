/**
 * What ended processes left open: granted and not spent. Nobody knows how much of it their requests cost, so all that
 * they can have cost counts as spent.
 *
 * A running request held its most in every budget of its key, so all running requests of a key cost no more than what is
 * open in any one of them: the least counts, and the rest is given back.
 */

import { PERIODS } from "../core/calendar.ts";
import {
  type BudgetWindow,
  type Charge,
  type LostCost,
  type OpenBudget,
  readBudgetsOf,
  readOpenBudgets,
} from "../store/budgets.ts";
import type { Sql } from "../store/sql.ts";

type LostWithoutCharges = Omit<LostCost, "charges">;

export interface LostOptions {
  readonly nowMs: number;
  /** The teams of the configuration's keys, by the name of the key. */
  readonly teamOf: ReadonlyMap<string, string | null>;
}

/** The lost costs, with charges that leave nothing open. Throws `StoreError`. */
export function findLost(sql: Sql, { nowMs, teamOf }: LostOptions): LostCost[] {
  const open = readOpenBudgets(sql);
  const lost: LostWithoutCharges[] = [];
  const ofTeam = groupBy(open, "team");
  for (const [key, windows] of groupBy(open, "key")) {
    const team = teamOf.get(key) ?? null;
    const shared = (team === null ? undefined : ofTeam.get(team)) ?? [];
    for (const part of lostOfKey(windows, shared, nowMs)) lost.push({ key, team, ...part });
  }
  for (const [name, windows] of ofTeam) {
    const known = lost.filter(({ team }) => team === name);
    for (const part of remainders(partsOf(windows, [], nowMs), known)) {
      lost.push({ key: "", team: name, model: null, ...part });
    }
  }
  return withCharges(sql, lost, open);
}

function groupBy(open: readonly OpenBudget[], scope: OpenBudget["scope"]): Map<string, OpenBudget[]> {
  return Map.groupBy(
    open.filter((window) => window.scope === scope),
    ({ name }) => name,
  );
}

/** `shared` are the windows of the key's team. */
function lostOfKey(
  windows: readonly OpenBudget[],
  shared: readonly OpenBudget[],
  nowMs: number,
): Omit<LostWithoutCharges, "key" | "team">[] {
  const ofModel = Map.groupBy(windows, ({ model }) => model);
  const ofAll = ofModel.get("") ?? [];
  const lost: Omit<LostWithoutCharges, "key" | "team">[] = [];
  for (const [model, own] of ofModel) {
    if (model === "") continue;
    // These requests were held in the budgets for all models and of the team as well.
    for (const part of partsOf(own, [ofAll, shared], nowMs)) lost.push({ ...part, model });
  }
  for (const part of remainders(partsOf(ofAll, [shared], nowMs), lost)) lost.push({ ...part, model: null });
  return lost;
}

interface Part {
  readonly window: BudgetWindow;
  readonly atMs: number;
  readonly nanoUsd: number;
}

/** One part for each window of the shortest period. The same requests were held in each list of `wider` as well. */
function partsOf(
  windows: readonly OpenBudget[],
  wider: readonly (readonly OpenBudget[])[],
  nowMs: number,
): Part[] {
  const shortest = PERIODS.find((period) => windows.some((window) => window.period === period));
  return windows
    .filter(({ period }) => period === shortest)
    .map((window) => ({
      window,
      atMs: Math.max(window.startMs, Math.min(nowMs, window.endMs - 1)),
      nanoUsd: Math.min(...[windows, ...wider].map((some) => leastOver(some, window))),
    }));
}

/** The parts without what is known to be lost of them already. */
function remainders(parts: readonly Part[], known: readonly Omit<Part, "window">[]): Part[] {
  return parts
    .map((part) => {
      const before = known.filter(({ atMs }) => isIn(part.window, atMs));
      return { ...part, nanoUsd: before.reduce((rest, { nanoUsd }) => rest - nanoUsd, part.nanoUsd) };
    })
    .filter(({ nanoUsd }) => nanoUsd > 0);
}

/** The most that windows leave open during one of them: for each period the sum, and of the periods the least. */
function leastOver(windows: readonly OpenBudget[], during: BudgetWindow): number {
  const over = windows.filter(({ startMs, endMs }) => startMs < during.endMs && endMs > during.startMs);
  const sums = PERIODS.map((period) =>
    over.filter((window) => window.period === period).reduce((sum, { openNanoUsd }) => sum + openNanoUsd, 0),
  );
  return Math.min(...sums.filter((sum) => sum > 0));
}

function isIn({ startMs, endMs }: BudgetWindow, atMs: number): boolean {
  return atMs >= startMs && atMs < endMs;
}

/** A lost cost counts for every window that holds its time, as the cost of a request does. */
function withCharges(sql: Sql, lost: readonly LostWithoutCharges[], open: readonly OpenBudget[]): LostCost[] {
  const left = new Map(open.map((window) => [idOf(window), window]));
  const result = lost.map((cost): LostCost & { readonly charges: Charge[] } => {
    const { model, nanoUsd } = cost;
    const windows = readBudgetsOf(sql, cost).filter(
      (window) => window.model === "" || window.model === model,
    );
    const charges = windows.map((window): Charge => {
      const openNanoUsd = left.delete(idOf(window)) ? window.openNanoUsd : 0;
      return { window, nanoUsd, grantNanoUsd: nanoUsd - openNanoUsd, holder: null };
    });
    return { ...cost, charges };
  });
  // What no cost counts for is given back along with the last one.
  const last = result.at(-1);
  for (const window of left.values()) {
    last?.charges.push({ window, nanoUsd: 0, grantNanoUsd: -window.openNanoUsd, holder: null });
  }
  return result;
}

function idOf({ scope, name, model, period, startMs }: BudgetWindow): string {
  return JSON.stringify([scope, name, model, period, startMs]);
}
