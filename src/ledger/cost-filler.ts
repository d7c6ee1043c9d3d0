/**
 * Gives rows a cost that had none when they were written, because their model had no price then. The sums of the roll-up
 * and what is spent of budgets change in the same transaction. Transactions are short, so that a gateway that writes the
 * same ledger does not wait long.
 */
import { countedNames, makeModelPattern } from "../core/model-pattern.ts";
import { type Charge, ChargeWriter, readBudgetsOf } from "../store/budgets.ts";
import type { Sql, SqlStatement } from "../store/sql.ts";
import { COLUMNS, ENTRY_SQL, readRow, withRest } from "./columns.ts";
import { firstKey } from "./request-ids.ts";
import { CostCorrection } from "./roll-up/correction.ts";
import { credentialIdOf, type LedgerRow } from "./row.ts";
import { ENTRIES } from "./row-filter.ts";

/** The money of a row. */
export type RowMoney = Pick<LedgerRow, "priceVersion" | "costGaps"> & { readonly costNanoUsd: number };

/** What a step did. */
export interface FillStep {
  /** Rows that got a cost. */
  readonly filled: number;
  /** There are no more rows without a cost. */
  readonly isDone: boolean;
}

interface Fill {
  readonly seq: number;
  readonly row: LedgerRow;
  readonly money: RowMoney;
}

export class CostFiller {
  readonly #sql: Sql;
  readonly #number: string;
  readonly #correction: CostCorrection;
  readonly #charges: ChargeWriter;
  readonly #read: SqlStatement;
  readonly #isOpen: SqlStatement;
  readonly #write: SqlStatement;
  #from: number;

  /** Rows that were accepted at `sinceMs` or later. */
  constructor(sql: Sql, sinceMs: number) {
    this.#sql = sql;
    this.#number = String(sql.prepare("SELECT number FROM identity").get()?.number);
    this.#correction = new CostCorrection(sql);
    this.#charges = new ChargeWriter(sql);
    this.#from = firstKey(sinceMs);
    this.#read = sql.prepare(
      `SELECT ${ENTRIES.listSql(Object.values(COLUMNS))} FROM ${ENTRIES.from}
       WHERE e.seq >= ? AND e.cost_nano_usd IS NULL AND ${ENTRY_SQL.upstream} IS NOT NULL ORDER BY e.seq LIMIT ?`,
    );
    this.#isOpen = sql.prepare("SELECT 1 FROM entries WHERE seq = ? AND cost_nano_usd IS NULL");
    this.#write = sql.prepare(
      "UPDATE entries SET cost_nano_usd = ?, rest = json_patch(coalesce(rest, '{}'), ?) WHERE seq = ?",
    );
  }

  /** Looks at the next `rows` rows without a cost; null of `moneyOf`: the row stays without. Throws `StoreError`. */
  step(rows: number, moneyOf: (row: LedgerRow) => RowMoney | null): FillStep {
    const found = this.#read.all(this.#from, rows);
    const fills = found.flatMap((columns) => {
      const seq = Number(columns.seq);
      const row = readRow(withRest(columns), this.#number);
      const money = moneyOf(row);
      return money === null ? [] : [{ seq, row, money }];
    });
    const filled = fills.length === 0 ? 0 : this.#fill(fills);
    const last = found.at(-1);
    if (last !== undefined) this.#from = Number(last.seq) + 1;
    return { filled, isDone: found.length < rows };
  }

  #fill(fills: readonly Fill[]): number {
    try {
      return this.#sql.transaction(() => {
        let filled = 0;
        // Another command may have given a row its cost meanwhile.
        for (const fill of fills) if (this.#isOpen.get(fill.seq) !== null) filled += this.#put(fill);
        this.#correction.write();
        this.#charges.write();
        return filled;
      });
    } catch (error) {
      this.#correction.forget();
      this.#charges.forget();
      throw error;
    }
  }

  #put({ seq, row, money: { costNanoUsd, priceVersion, costGaps } }: Fill): number {
    this.#correction.change(seq, costNanoUsd);
    this.#charges.add(chargesOf(this.#sql, row, costNanoUsd));
    const rest = {
      [COLUMNS.priceVersion]: priceVersion,
      ...(costGaps === null ? null : { [COLUMNS.costGaps]: costGaps }),
    };
    return this.#write.run(costNanoUsd, JSON.stringify(rest), seq);
  }
}

/** What the cost of a row adds to the budgets that it counts for. */
function chargesOf(sql: Sql, row: LedgerRow, nanoUsd: number): readonly Charge[] {
  const names = countedNames(row);
  const { key, team, atMs } = row;
  return readBudgetsOf(sql, { key, team, credentialId: credentialIdOf(row), atMs })
    .filter(({ model }) => makeModelPattern(model)(names))
    .map((window): Charge => ({ window, nanoUsd, grantNanoUsd: nanoUsd, holder: null }));
}
