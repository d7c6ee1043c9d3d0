/**
 * What the rows of the ledger have cost a budget. Only a budget that is new, or whose days are others than before, asks.
 * The sums of usage tell most of it. The other rows are read in steps that take about a millisecond, so that no request
 * waits for long.
 */
import { BILLED_MODEL, countedNames, makeModelPattern, type RowModels } from "../core/model-pattern.ts";
import type { BudgetWindow } from "../store/budgets.ts";
import type { Sql, SqlRow, SqlValue } from "../store/sql.ts";
import { readUnadded } from "./charge-sets.ts";
import { COLUMNS, ENTRIES_AND_FACTS, ENTRY_SQL, SUM_COST_SQL } from "./columns.ts";
import { firstKey, keyOfId } from "./request-ids.ts";
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

  /** A row that is committed next: what was read already does not have it. */
  addLate(window: BudgetWindow, rowId: string, nanoUsd: number): void {
    const progress = this.#progress.get(idOf(window));
    const key = keyOfId(rowId);
    if (progress !== undefined && key !== null && key <= progress.key) progress.nanoUsd += nanoUsd;
  }

  /** Reads one step; null: there is more to read. Throws `StoreError`. */
  spentBefore(sql: Sql, window: BudgetWindow): number | null {
    const id = idOf(window);
    const progress = this.#progress.get(id) ?? begin(sql, window);
    const step = sql.prepare(STEP_SQL).get(progress.key, this.#stepRows);
    const last = Number(step?.last ?? progress.key);
    progress.nanoUsd += costOf(sql, window, progress.key, last);
    progress.key = last;
    if (Number(step?.rows ?? 0) < this.#stepRows) {
      this.#progress.delete(id);
      // Whoever wrote them adds these to the window, as if they came later.
      return progress.nanoUsd - readUnadded(sql, window);
    }
    this.#progress.set(id, progress);
    return null;
  }
}

function idOf({ scope, name, model, startMs, endMs }: BudgetWindow): string {
  return JSON.stringify([scope, name, model, startMs, endMs]);
}

/** The sums do not tell which names of models clients asked for. */
function begin(sql: Sql, window: BudgetWindow): Progress {
  const key = firstKey(window.startMs) - 1;
  const summed = window.model === "" ? readSummedCost(sql, window) : null;
  if (summed === null || summed.fromKey <= key) return { key, nanoUsd: 0 };
  return { key: summed.fromKey - 1, nanoUsd: summed.nanoUsd };
}

const STEP_SQL = `SELECT count(*) AS rows, max(seq) AS last
  FROM (SELECT seq FROM entries WHERE seq > ? ORDER BY seq LIMIT ?)`;

/** What rows with keys behind `after`, up to `last`, have cost a window. */
function costOf(sql: Sql, window: BudgetWindow, after: number, last: number): number {
  const { name, model, startMs, endMs } = window;
  const isFor = makeModelPattern(model);
  let nanoUsd = 0;
  for (const row of sql.prepare(costSql(window)).all(after, last, name, startMs, endMs)) {
    if (isFor(countedNames(modelsOf(row)))) nanoUsd += Number(row.cost);
  }
  return nanoUsd;
}

/** Whose row it is. A row counts as a whole for the credential of its last attempt. */
const OWNER_SQL: Readonly<Record<BudgetWindow["scope"], string>> = {
  key: `${ENTRY_SQL.key}`,
  team: `${ENTRY_SQL.team}`,
  credential: `(${ENTRY_SQL.upstream} || '/' || ${ENTRY_SQL.credential})`,
};

const MODEL_COLUMNS = [
  COLUMNS.modelAsked,
  COLUMNS.upstream,
  COLUMNS.modelUsed,
  COLUMNS.modelReported,
  COLUMNS.attemptLog,
];
/** The text of attempts is read only where it names a model, so that other rows stay one group. */
const MODEL_SQL: Readonly<Record<string, string>> = {
  [COLUMNS.attemptLog]: `iif(instr(e.rest, '${JSON.stringify(BILLED_MODEL).slice(1, -1)}') > 0, ${ENTRY_SQL.attempt_log}, NULL)`,
};

/** By the models that rows name, where a window is for some models. A key or a team may be named in the row itself. */
function costSql({ scope, model }: BudgetWindow): string {
  const columns = model === "" ? [] : MODEL_COLUMNS;
  const models = columns.map((column) => `${MODEL_SQL[column] ?? ENTRY_SQL[column]} AS ${column}, `);
  // By place: the tables have columns of the same names.
  const groups = model === "" ? "" : `GROUP BY ${columns.map((_, i) => i + 1).join(", ")}`;
  return `SELECT ${models.join("")}${SUM_COST_SQL} AS cost
    FROM ${ENTRIES_AND_FACTS} WHERE e.seq > ? AND e.seq <= ? AND e.cost_nano_usd IS NOT NULL
    AND ${OWNER_SQL[scope]} = ? AND ${ENTRY_SQL.at_ms} >= ? AND ${ENTRY_SQL.at_ms} < ? ${groups}`;
}

function modelsOf(row: SqlRow): RowModels {
  return {
    modelAsked: textOf(row[COLUMNS.modelAsked]),
    upstream: textOf(row[COLUMNS.upstream]),
    modelUsed: textOf(row[COLUMNS.modelUsed]),
    modelReported: textOf(row[COLUMNS.modelReported]),
    attemptLog: textOf(row[COLUMNS.attemptLog]),
  };
}

function textOf(value: SqlValue | undefined): string | null {
  return value === null || value === undefined ? null : String(value);
}
