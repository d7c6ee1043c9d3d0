/**
 * What ended processes left open: granted and not spent. Nobody knows how much of it their requests cost, so all that
 * they can have cost counts as spent.
 *
 * A running request held its most in every budget of its key, so the running requests of a key cost no more than what is
 * open in any one of them: the least counts, and the rest is given back.
 */

import { PERIODS, type Stretch } from "../core/calendar.ts";
import { countedNames, makeModelPattern, type RowModels } from "../core/model-pattern.ts";
import {
  type BudgetWindow,
  type Charge,
  type CostOwner,
  type LostCost,
  type OpenBudget,
  type Portion,
  readBudgetsOf,
  readOpenBudgets,
  windowId,
} from "../store/budgets.ts";
import type { Sql } from "../store/sql.ts";

type LostWithoutCharges = Omit<LostCost, "charges">;
type LostOfKey = Omit<LostWithoutCharges, "key" | "team" | "credentialId">;

export interface LostOptions {
  readonly nowMs: number;
  /** The teams of the configuration's keys, by the name of the key. */
  readonly teamOf: ReadonlyMap<string, string | null>;
  /** The window is one of a budget that the configuration has. */
  readonly isInForce: (window: BudgetWindow) => boolean;
  /** What others hold that go on with what a process left: it is no loss. */
  readonly kept: readonly KeptCost[];
}

/** What something that outlives its process holds in the budgets that its row will count for. */
export interface KeptCost extends CostOwner, RowModels {
  readonly nanoUsd: number;
}

export interface Lost {
  readonly costs: readonly LostCost[];
  /** Where there is no cost: what is open is given back. */
  readonly back: readonly Portion[];
}

/** The lost costs, with charges that leave nothing open. Throws `StoreError`. */
export function findLost(sql: Sql, options: LostOptions): Lost {
  const open = readOpenBudgets(sql);
  const costs = withCharges(sql, lostOf(open, options), open);
  const back = open.map((window) => ({ window, nanoUsd: window.openNanoUsd }));
  return { costs, back: costs.length === 0 ? back : [] };
}

function lostOf(
  all: readonly OpenBudget[],
  { nowMs, teamOf, isInForce, kept }: LostOptions,
): LostWithoutCharges[] {
  const open = all.map((window) => withoutKept(window, kept)).filter(({ openNanoUsd }) => openNanoUsd > 0);
  const lost: LostWithoutCharges[] = [];
  const ofTeam = groupBy(open, "team", isInForce);
  for (const [key, windows] of groupBy(open, "key", isInForce)) {
    const team = teamOf.get(key) ?? null;
    const shared = (team === null ? undefined : ofTeam.get(team)) ?? [];
    for (const part of lostOfKey(windows, shared, nowMs))
      lost.push({ key, team, credentialId: null, ...part });
  }
  for (const [name, windows] of ofTeam) {
    const known = lost.filter(({ team }) => team === name);
    for (const { atMs, nanoUsd } of remainders(partsOf(windows, [], nowMs), known)) {
      lost.push({ key: "", team: name, credentialId: null, model: null, atMs, nanoUsd });
    }
  }
  for (const [credentialId, windows] of groupBy(open, "credential", isInForce)) {
    for (const { atMs, nanoUsd } of partsOf(windows, [], nowMs))
      lost.push({ key: "", team: null, credentialId, model: null, atMs, nanoUsd });
  }
  return lost;
}

function withoutKept(window: OpenBudget, kept: readonly KeptCost[]): OpenBudget {
  const { scope, name, model, startMs, endMs } = window;
  const isFor = makeModelPattern(model);
  let { openNanoUsd } = window;
  for (const cost of kept) {
    const isIn = ownerOf(cost, scope) === name && cost.atMs >= startMs && cost.atMs < endMs;
    if (isIn && isFor(countedNames(cost))) openNanoUsd -= cost.nanoUsd;
  }
  return { ...window, openNanoUsd };
}

function ownerOf({ key, team, credentialId }: CostOwner, scope: OpenBudget["scope"]): string | null {
  return { key, team, credential: credentialId }[scope];
}

/** By name. What was held in budgets that are gone says little of requests that came later: others count, if there are some. */
function groupBy(
  open: readonly OpenBudget[],
  scope: OpenBudget["scope"],
  isInForce: LostOptions["isInForce"],
): Map<string, readonly OpenBudget[]> {
  const ofScope = open.filter((window) => window.scope === scope);
  const groups = new Map<string, readonly OpenBudget[]>();
  for (const [name, windows] of Map.groupBy(ofScope, (window) => window.name)) {
    const inForce = windows.filter(isInForce);
    groups.set(name, inForce.length > 0 ? inForce : windows);
  }
  return groups;
}

/** `shared` are the windows of the key's team. */
function lostOfKey(
  windows: readonly OpenBudget[],
  shared: readonly OpenBudget[],
  nowMs: number,
): LostOfKey[] {
  const ofModel = Map.groupBy(windows, ({ model }) => model);
  const ofAll = ofModel.get("") ?? [];
  const lost: LostOfKey[] = [];
  for (const [model, own] of ofModel) {
    if (model === "") continue;
    // These requests were held in the budgets for all models and of the team as well.
    const parts = partsOf(own, [ofAll, shared], nowMs);
    const isFor = makeModelPattern(model);
    const known = lost.filter((cost) => isFor(lostNames(cost)));
    for (const { atMs, nanoUsd } of remainders(parts, known)) lost.push({ atMs, nanoUsd, model });
  }
  for (const { atMs, nanoUsd } of remainders(partsOf(ofAll, [shared], nowMs), lost)) {
    lost.push({ atMs, nanoUsd, model: null });
  }
  return lost;
}

/** A stretch of time, and the most that can be lost in it. */
interface Part extends Stretch {
  readonly atMs: number;
  readonly nanoUsd: number;
}

/**
 * What can be lost of `windows`, by stretches of time. The same requests were held in each list of `wider` as well, and in
 * each list in a window of each of its periods: where one of these is missing, nothing was held.
 */
function partsOf(
  windows: readonly OpenBudget[],
  wider: readonly (readonly OpenBudget[])[],
  nowMs: number,
): Part[] {
  const shortest = PERIODS.find((period) => windows.some((window) => window.period === period));
  return windows
    .filter(({ period }) => period === shortest)
    .flatMap((window) => {
      const budgets = [windows, ...wider].flatMap((list) => budgetsOver(list, window));
      const parts = cut(window, budgets.flat()).map((stretch): Part => {
        const least = budgets.map((budget) => budget.find((one) => covers(one, stretch))?.openNanoUsd ?? 0);
        return { ...stretch, atMs: timeIn(stretch, nowMs), nanoUsd: Math.min(...least) };
      });
      const lost = parts.filter(({ nanoUsd }) => nanoUsd > 0);
      // The budgets changed while the process ran, so its requests were not held in all of them.
      if (lost.length > 0) return lost;
      return [{ ...window, atMs: timeIn(window, nowMs), nanoUsd: window.openNanoUsd }];
    });
}

/** The windows of each period that overlap with one, the periods without any left out. */
function budgetsOver(windows: readonly OpenBudget[], { startMs, endMs }: Stretch): OpenBudget[][] {
  const over = windows.filter((window) => window.startMs < endMs && window.endMs > startMs);
  return PERIODS.map((period) => over.filter((window) => window.period === period)).filter(
    ({ length }) => length > 0,
  );
}

/** Cuts a stretch where a window begins or ends in it. */
function cut({ startMs, endMs }: Stretch, windows: readonly Stretch[]): Stretch[] {
  const times = windows.flatMap((window) => [window.startMs, window.endMs]);
  const inner = times.filter((atMs) => atMs > startMs && atMs < endMs);
  const cuts = [...new Set([startMs, ...inner, endMs])].toSorted((a, b) => a - b);
  return cuts.slice(1).map((end, i) => ({ startMs: cuts[i] as number, endMs: end }));
}

function covers(window: Stretch, { startMs, endMs }: Stretch): boolean {
  return window.startMs <= startMs && window.endMs >= endMs;
}

function timeIn({ startMs, endMs }: Stretch, nowMs: number): number {
  return Math.max(startMs, Math.min(nowMs, endMs - 1));
}

/** The parts without what is known to be lost of them already. */
function remainders(parts: readonly Part[], known: readonly { atMs: number; nanoUsd: number }[]): Part[] {
  return parts
    .map((part) => {
      const before = known.filter(({ atMs }) => atMs >= part.startMs && atMs < part.endMs);
      return { ...part, nanoUsd: before.reduce((rest, { nanoUsd }) => rest - nanoUsd, part.nanoUsd) };
    })
    .filter(({ nanoUsd }) => nanoUsd > 0);
}

/** As the row of the lost cost will have them. */
function lostNames({ model }: Pick<LostCost, "model">): string[] {
  return countedNames({ modelAsked: model, upstream: null, modelUsed: null, modelReported: null });
}

/** A lost cost counts for every window that holds its time, as the cost of a request does. */
function withCharges(sql: Sql, lost: readonly LostWithoutCharges[], open: readonly OpenBudget[]): LostCost[] {
  const left = new Map(open.map((window) => [windowId(window), window]));
  const result = lost.map((cost): LostCost & { readonly charges: Charge[] } => {
    const { nanoUsd } = cost;
    const windows = readBudgetsOf(sql, cost).filter(({ model }) => makeModelPattern(model)(lostNames(cost)));
    const charges = windows.map((window): Charge => {
      const openNanoUsd = left.delete(windowId(window)) ? window.openNanoUsd : 0;
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
