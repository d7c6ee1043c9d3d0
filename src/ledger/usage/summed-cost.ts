/** What the sums of usage have of the cost of a key or a team, for those who count on with the rows behind them. */
import type { Sql } from "../../store/sql.ts";
import { makeMoveReader } from "../older-rows.ts";
import { hourOf } from "../roll-up/cells.ts";
import { MarkStore } from "../roll-up/mark.ts";
import { valuesOf } from "../roll-up/views.ts";
import { CellSource, foldedOf } from "./cell-source.ts";
import { coverOf } from "./cover.ts";
import { readLateRows } from "./row-source.ts";
import { Totals } from "./totals.ts";

export interface CostWanted {
  readonly scope: "key" | "team";
  readonly name: string;
  readonly startMs: number;
  /** Exclusive. */
  readonly endMs: number;
}

export interface SummedCost {
  readonly nanoUsd: number;
  /** Rows with this key or a later one are not in it. */
  readonly fromKey: number;
}

/**
 * null: only the rows tell, because the time does not begin and end with hours of UTC, or the sums are being made anew.
 * Throws `StoreError`.
 */
export function readSummedCost(sql: Sql, wanted: CostWanted): SummedCost | null {
  // One moment for the sums, their mark and the rows that came late.
  return sql.transaction(() => readAtOnce(sql, wanted));
}

function readAtOnce(sql: Sql, { scope, name, startMs, endMs }: CostWanted): SummedCost | null {
  const mark = new MarkStore(sql).read();
  if (mark.isErasing || mark.mark < mark.rebuildTo || makeMoveReader(sql)() !== null) return null;
  const { cells, rows } = coverOf([{ startMs, endMs }], foldedOf(mark, "key"));
  if (rows.length > 0) return null;
  const totals = new Totals([{ name: "", calendarMs: 0, startMs, endMs }], []);
  const where = { [scope]: [name] };
  new CellSource(sql, { view: "key", where, pieces: cells, mark, isSplitByTime: false }, totals).addCounts();
  readLateRows(sql, (row) => {
    const atMs = Number(row.at_ms);
    if (valuesOf(row)[scope] === name && hourOf(atMs) >= mark.fromHour) totals.of(atMs, [])?.addRow(row);
  });
  const nanoUsd = totals.sorted().reduce((sum, { tally }) => sum + Number(tally.costNanoUsd ?? 0), 0);
  return { nanoUsd, fromKey: mark.mark };
}
