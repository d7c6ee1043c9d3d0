/**
 * What the rows of the ledger have cost a budget. Only a budget that is new, or whose days are others than before, asks.
 * The sums of usage tell most of it. The other rows are read in steps that take about a millisecond, so that no request
 * waits for long.
 */
import type { BudgetWindow } from "../store/budgets.ts";
import type { Sql, SqlValue } from "../store/sql.ts";
import { ENTRIES_AND_FACTS, ENTRY_SQL } from "./columns.ts";
import { firstKey } from "./request-ids.ts";
import { readSummedCost } from "./usage/summed-cost.ts";

const STEP_ROWS = 1_000;

/** How far the rows of a window are read. */
interface Progress {
  /** The key of the last row that was read. */
  key: number;
  nanoUsd: number;
}

export class SpentCounter {
  readonly #stepRows: number;
  /** By window, as JSON. */
  readonly #progress = new Map<string, Progress>();

  constructor(stepRows: number = STEP_ROWS) {
    this.#stepRows = stepRows;
  }

  /** Reads one step; null: there is more to read. Throws `StoreError`. */
  spentBefore(sql: Sql, window: BudgetWindow): number | null {
    const { scope, name, model, startMs, endMs } = window;
    const id = JSON.stringify([scope, name, model, startMs, endMs]);
    const progress = this.#progress.get(id) ?? begin(sql, window);
    const read = sql.prepare(stepSql(window)).get(...paramsOf(window), progress.key, this.#stepRows);
    progress.nanoUsd += Number(read?.cost ?? 0);
    if (Number(read?.rows ?? 0) < this.#stepRows) {
      this.#progress.delete(id);
      return progress.nanoUsd;
    }
    progress.key = Number(read?.last);
    this.#progress.set(id, progress);
    return null;
  }
}

/** The sums do not tell which names of models clients asked for. */
function begin(sql: Sql, window: BudgetWindow): Progress {
  const key = firstKey(window.startMs) - 1;
  const summed = window.model === "" ? readSummedCost(sql, window) : null;
  if (summed === null || summed.fromKey <= key) return { key, nanoUsd: 0 };
  return { key: summed.fromKey - 1, nanoUsd: summed.nanoUsd };
}

/** A key or a team is named in the row itself when its fact does not say it. */
function stepSql({ scope, model }: BudgetWindow): string {
  const names = [ENTRY_SQL.model_asked, `${ENTRY_SQL.upstream} || '/' || ${ENTRY_SQL.model_used}`];
  const isFor = names.map((name) => `'/' || ${name} LIKE ? ESCAPE '\\'`);
  const isForModel = model === "" ? "" : ` AND (${isFor.join(" OR ")})`;
  return `SELECT count(*) AS rows, max(seq) AS last, sum(cost) AS cost FROM (
    SELECT e.seq AS seq, CASE
      WHEN e.cost_nano_usd IS NOT NULL AND ${ENTRY_SQL[scope]} = ?
        AND ${ENTRY_SQL.at_ms} >= ? AND ${ENTRY_SQL.at_ms} < ?${isForModel}
      THEN e.cost_nano_usd END AS cost
    FROM ${ENTRIES_AND_FACTS} WHERE e.seq > ? ORDER BY e.seq LIMIT ?)`;
}

function paramsOf({ name, model, startMs, endMs }: BudgetWindow): SqlValue[] {
  // A pattern may leave out the upstream, or the maker that the upstream writes before the model.
  const pattern = `%/${likeOf(model)}`;
  return [name, startMs, endMs, ...(model === "" ? [] : [pattern, pattern])];
}

/** `LIKE` does not tell upper from lower case, as the limits of models do not. */
function likeOf(pattern: string): string {
  return pattern.replaceAll(/[\\%_]/g, "\\$&").replaceAll("*", "%");
}
