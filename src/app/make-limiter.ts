/** Joins the limits of keys with the ledger: what ended processes left open, and what was spent before a budget began. */
import type { TeamConfig } from "../config/client-keys.ts";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import { writeLost } from "../ledger/added-rows.ts";
import { endSets } from "../ledger/charge-sets.ts";
import { readRows } from "../ledger/queries.ts";
import type { RequestIds } from "../ledger/request-ids.ts";
import { credentialIdOf } from "../ledger/row.ts";
import { SpentCounter } from "../ledger/spent-before.ts";
import { openStore } from "../ledger/store-file.ts";
import { BudgetStore, type BudgetStoreOptions } from "../limits/budget-store.ts";
import type { BudgetedCredential } from "../limits/budgeted-credential.ts";
import type { LimitedKey } from "../limits/limited-key.ts";
import { Limiter, type LimiterOptions } from "../limits/limiter.ts";
import { findLost, type KeptCost } from "../limits/lost.ts";
import { isPending, neededAgain } from "../proxy/background/pending.ts";
import { readBackgroundRows } from "../store/background.ts";
import { BudgetTable } from "../store/budgets.ts";
import { presenceIn } from "../store/presence.ts";
import type { Sql } from "../store/sql.ts";

export interface LimiterParts extends Pick<LimiterOptions, "namesOf"> {
  readonly dataDir: string;
  readonly keys: readonly LimitedKey[];
  readonly teams: readonly TeamConfig[];
  readonly credentials: readonly BudgetedCredential[];
  readonly requestIds: RequestIds;
  readonly clock: Clock;
  readonly log: Log;
}

export function makeLimiter(parts: LimiterParts): Limiter {
  const { namesOf, clock, keys, teams, credentials } = parts;
  return new Limiter({ namesOf, clock, store: makeBudgetStore(parts), keys, teams, credentials });
}

export function makeBudgetStore({
  dataDir,
  keys,
  requestIds,
  clock,
  log,
}: Omit<LimiterParts, "namesOf" | "credentials">): BudgetStore {
  const teamOf = new Map(keys.map(({ name, team }) => [name, team]));
  const counter = new SpentCounter();
  const bookLost: BudgetStoreOptions["bookLost"] = (sql, isInForce) => {
    // No other process lives, so nobody else adds them.
    endSets(sql, null);
    const kept = keptByResponses(sql);
    const { costs, back } = findLost(sql, { nowMs: clock.nowMs(), teamOf, isInForce, kept });
    if (back.length > 0) new BudgetTable(sql).giveBack(back);
    if (costs.length === 0) return;
    writeLost(sql, requestIds, clock, costs);
    log.warn(
      { rows: costs.length, nanoUsd: costs.reduce((sum, { nanoUsd }) => sum + nanoUsd, 0) },
      "an earlier process ended without settling its budgets: what it may have spent is booked as lost",
    );
  };
  return new BudgetStore({
    open: () => openStore(dataDir),
    presence: presenceIn(dataDir),
    bookLost,
    spentBefore: (sql, window) => counter.spentBefore(sql, window),
    addLate: (window, rowId, nanoUsd) => counter.addLate(window, rowId, nanoUsd),
    latestMs: () => requestIds.latestMs,
    clock,
    log,
  });
}

/** What background responses hold: this process goes on with them. One whose row is in the ledger holds nothing more. */
function keptByResponses(sql: Sql): KeptCost[] {
  return readBackgroundRows(sql).flatMap(({ detail }): KeptCost[] => {
    if (!isPending(detail) || readRows(sql, { id: detail.row.id }).next().done !== true) return [];
    const { row, credentialHeld } = detail;
    const { costNanoUsd } = neededAgain(detail);
    const credentialId = credentialIdOf(row);
    return [
      ...(costNanoUsd === null ? [] : [{ ...row, credentialId: null, nanoUsd: costNanoUsd }]),
      ...(credentialHeld === undefined
        ? []
        : [{ ...row, key: "", team: null, credentialId, nanoUsd: credentialHeld.costNanoUsd ?? 0 }]),
    ];
  });
}
