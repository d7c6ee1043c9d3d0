/**
 * Adds the ledger's rows to the sums of the roll-up, a step a call. A step is one transaction with the mark that says
 * how far the roll-up has come, so that a kill neither loses a row nor counts it twice.
 *
 * Rows add to the hours of the base views. When an hour is over, it is *folded* into the hours of the other views; when a
 * day is over, into its days. A row that comes later adds to all that its hour was folded into.
 */
import type { Sql, SqlStatement } from "../../store/sql.ts";
import { withRest } from "../columns.ts";
import { firstKey, timeOfKey } from "../request-ids.ts";
import { ENTRIES } from "../row-filter.ts";
import { Adder } from "./adder.ts";
import { Cells } from "./cells.ts";
import { Eraser } from "./eraser.ts";
import { FactRows } from "./fact-rows.ts";
import { Folder } from "./folder.ts";
import { Groups } from "./groups.ts";
import { type Mark, MarkStore } from "./mark.ts";
import { hourOf } from "./spans.ts";
import { Sums } from "./sums.ts";
import { USAGE_COLUMNS } from "./usage-columns.ts";

/** Rows that are younger than this wait: most of those that are accepted before them are committed by then. */
const LAG_MS = 60_000;

/** A late row is added to all spans that its hour was folded into: it takes the time of so many sums that are folded. */
const CELLS_A_LATE_ROW = 4;

/** What a step did. */
export interface RollUpStep {
  readonly rows: number;
  /** There is more to do at once. */
  readonly isBehind: boolean;
}

export class RollUp {
  readonly #sql: Sql;
  readonly #marks: MarkStore;
  readonly #adder: Adder;
  readonly #rows: FactRows;
  readonly #folder: Folder;
  readonly #eraser: Eraser;
  readonly #readLate: SqlStatement;
  readonly #forgetLate: SqlStatement;

  constructor(sql: Sql) {
    this.#sql = sql;
    this.#marks = new MarkStore(sql);
    const groups = new Groups(sql);
    const cells = new Cells(sql);
    this.#adder = new Adder(groups, cells);
    this.#rows = new FactRows(sql, this.#adder);
    this.#folder = new Folder(sql, groups, cells);
    this.#eraser = new Eraser(sql);
    this.#readLate = sql.prepare(
      `SELECT l.seq AS late, ${ENTRIES.listSql(USAGE_COLUMNS)} FROM usage_late l LEFT JOIN entries e ON e.seq = l.seq
       LEFT JOIN facts f ON f.fact = e.fact ORDER BY l.seq LIMIT ?`,
    );
    this.#forgetLate = sql.prepare("DELETE FROM usage_late WHERE seq = ?");
  }

  /**
   * Handles up to so many rows, or folds up to so many sums of hours that are over, in one transaction. Throws
   * `StoreError`: nothing was done.
   */
  step(rows: number, nowMs: number, cells = rows): RollUpStep {
    try {
      return this.#sql.transaction(() => this.#step(rows, cells, nowMs));
    } catch (error) {
      this.#rows.forget();
      throw error;
    }
  }

  #step(limit: number, cells: number, nowMs: number): RollUpStep {
    const mark = this.#marks.read();
    if (mark.isErasing) {
      this.#eraser.step(mark);
      this.#marks.write(mark);
      return { rows: 0, isBehind: true };
    }
    const sums = new Sums();
    const mostLate = Math.min(limit, Math.ceil(cells / CELLS_A_LATE_ROW));
    const late = this.#takeLate(sums, mark, mostLate);
    const next = this.#takeNext(sums, mark, limit - late, nowMs);
    this.#adder.add(sums, mark);
    if (next !== null) mark.mark = next.mark;
    const rows = late + (next?.rows ?? 0);
    const isBehind = rows >= limit || late >= mostLate || this.#fold(mark, cells);
    if (rows > 0 || isBehind) this.#marks.write(mark);
    return { rows, isBehind };
  }

  #takeLate(sums: Sums, mark: Mark, limit: number): number {
    const found = this.#readLate.all(limit);
    for (const row of found) {
      this.#forgetLate.run(row.late ?? null);
      if (row.seq === null || hourOf(Number(row.at_ms)) < mark.fromHour) continue;
      withRest(row);
      this.#adder.tallyOf(row, sums).addRow(row);
    }
    return found.length;
  }

  /** False: there is nothing to fold. */
  #fold(mark: Mark, cells: number): boolean {
    return this.#folder.step(mark, hourOf(timeOfKey(mark.mark)), cells);
  }

  #takeNext(
    sums: Sums,
    mark: Mark,
    limit: number,
    nowMs: number,
  ): { readonly rows: number; readonly mark: number } | null {
    if (limit <= 0) return null;
    const found = this.#rows.read(mark.mark, firstKey(nowMs - LAG_MS), limit);
    for (const row of found) if (hourOf(row.at_ms as number) >= mark.fromHour) this.#rows.addTo(sums, row);
    const last = found.at(-1);
    return last === undefined ? null : { rows: found.length, mark: Number(last.seq) + 1 };
  }
}
