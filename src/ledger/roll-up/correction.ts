/** Keeps the sums of the roll-up right when rows that are in it get another cost. */
import type { Sql, SqlRow, SqlStatement } from "../../store/sql.ts";
import { withRest } from "../columns.ts";
import { ENTRIES } from "../row-filter.ts";
import { Adder } from "./adder.ts";
import { Cells } from "./cells.ts";
import { Groups } from "./groups.ts";
import { type Mark, MarkStore } from "./mark.ts";
import { hourOf } from "./spans.ts";
import { Sums } from "./sums.ts";
import { USAGE_COLUMNS } from "./usage-columns.ts";

/**
 * In one transaction of the caller: `change` for each row, before its cost in `entries` is changed, and then `write` once.
 * After a transaction that failed: `forget`.
 */
export class CostCorrection {
  readonly #marks: MarkStore;
  readonly #adder: Adder;
  readonly #readRow: SqlStatement;
  readonly #isLate: SqlStatement;
  #mark: Mark | null = null;
  #sums = new Sums();

  constructor(sql: Sql) {
    this.#marks = new MarkStore(sql);
    this.#adder = new Adder(new Groups(sql), new Cells(sql));
    this.#readRow = sql.prepare(
      `SELECT ${ENTRIES.listSql(USAGE_COLUMNS)} FROM ${ENTRIES.from} WHERE e.seq = ?`,
    );
    this.#isLate = sql.prepare("SELECT 1 FROM usage_late WHERE seq = ?");
  }

  /** The row of `entries` with this key is about to get this cost. */
  change(seq: number, costNanoUsd: number): void {
    const found = this.#readRow.get(seq);
    if (found === null) return;
    const row = withRest(found);
    this.#mark ??= this.#marks.read();
    if (!this.#isInSums(seq, row, this.#mark)) return;
    this.#adder.tallyOf(row, this.#sums).addChangedCost(row, costNanoUsd);
  }

  write(): void {
    if (this.#mark !== null) this.#adder.add(this.#sums, this.#mark);
    this.#reset();
  }

  forget(): void {
    this.#adder.forget();
    this.#reset();
  }

  #isInSums(seq: number, row: SqlRow, mark: Mark): boolean {
    if (hourOf(Number(row.at_ms)) < mark.fromHour) return true;
    return seq < mark.mark && this.#isLate.get(seq) === null;
  }

  #reset(): void {
    this.#mark = null;
    this.#sums = new Sums();
  }
}
