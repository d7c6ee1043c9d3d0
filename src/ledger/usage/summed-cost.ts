/** What the sums of usage have of the cost of a key, a team or a credential, for those who count on with the rows behind them. */
import type { BudgetScope } from "../../store/budgets.ts";
import type { Sql } from "../../store/sql.ts";
import { makeMoveReader } from "../older-rows.ts";
import { MarkStore } from "../roll-up/mark.ts";
import { hourOf } from "../roll-up/spans.ts";
import { credentialColumns } from "../row.ts";
import { CellSource, type CellsWanted, foldedOf } from "./cell-source.ts";
import { coverAll } from "./cover.ts";
import { RowSource } from "./row-source.ts";
import { Totals } from "./totals.ts";
import { ALL_USAGE } from "./usage-query.ts";

export interface CostWanted {
  readonly scope: BudgetScope;
  /** Of a credential: its id. */
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
  const { view, where } = cellsOf(scope, name);
  const mark = new MarkStore(sql).read();
  if (mark.isErasing || mark.mark < mark.rebuildTo || makeMoveReader(sql)() !== null) return null;
  const { reads, rows } = coverAll([{ startMs, endMs }], foldedOf(mark, view));
  if (rows.length > 0) return null;
  const totals = new Totals([{ name: "", calendarMs: 0, startMs, endMs }], []);
  new CellSource(sql, { view, where, mark }, totals).addCounts(reads, [totals.numberOf([])]);
  new RowSource(sql, { ...ALL_USAGE, where }, totals).addLate((atMs) => hourOf(atMs) >= mark.fromHour);
  const nanoUsd = Number(totals.of(startMs, [])?.costNanoUsd ?? 0);
  return { nanoUsd, fromKey: mark.mark };
}

function cellsOf(scope: BudgetScope, name: string): Pick<CellsWanted, "view" | "where"> {
  if (scope !== "credential") return { view: "key", where: { [scope]: [name] } };
  const { upstream, credential } = credentialColumns(name);
  return { view: "upstream", where: { upstream: [upstream ?? ""], credential: [credential ?? ""] } };
}
