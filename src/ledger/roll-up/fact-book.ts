/** Rows of the ledger without the texts that their fact has: these are read once for all rows of a fact. */
import type { Sql, SqlRow, SqlStatement } from "../../store/sql.ts";
import { ENTRY_OWN_COLUMNS, withRest } from "../columns.ts";
import { FACT_COLUMNS, type FactColumn } from "../facts.ts";
import { ENTRIES } from "../row-filter.ts";
import { type RowTraits, traitsOf } from "./tally.ts";
import { USAGE_COLUMNS } from "./usage-columns.ts";
import { type Values, valuesOf } from "./views.ts";

const FACT_PART = USAGE_COLUMNS.filter((column) => FACT_COLUMNS.includes(column as FactColumn));
const OWN_PART = USAGE_COLUMNS.filter((column) => ENTRY_OWN_COLUMNS.includes(column));
const NO_FACT: SqlRow = Object.fromEntries(FACT_PART.map((column) => [column, null]));

/** So many facts are remembered. */
const MAX_KNOWN = 50_000;

/** What is read of a row: `seq`, `fact`, `at_ms` and what the fact does not have. `FROM entries e`. */
export const NARROW_ROW_SQL = `e.fact, ${ENTRIES.listSql(OWN_PART)}`;

/** What the rows of a fact have in common. */
export interface KnownFact {
  readonly fact: number;
  readonly columns: SqlRow;
  readonly traits: RowTraits;
  /** Without user and tags, which each row has for itself. */
  readonly values: Values;
}

export class FactBook {
  readonly #read: SqlStatement;
  readonly #known = new Map<number, KnownFact>();

  constructor(sql: Sql) {
    this.#read = sql.prepare(`SELECT ${FACT_PART.join(", ")} FROM facts WHERE fact = ?`);
  }

  /**
   * The fact that has all texts of a row; adds to the row what its rest holds. null: the row has other texts, and
   * `wholeOf` has them.
   */
  of(row: SqlRow): KnownFact | null {
    if (row.rest !== null) {
      withRest(row);
      if (FACT_PART.some((column) => row[column] !== undefined)) return null;
    }
    return this.#find(row.fact ?? null);
  }

  /** A row for which `of` has no fact, with all of its columns. */
  wholeOf(row: SqlRow): SqlRow {
    return { ...NO_FACT, ...this.#find(row.fact ?? null)?.columns, ...row };
  }

  /** After a failed transaction: its facts are not there. */
  forget(): void {
    this.#known.clear();
  }

  #find(fact: SqlRow[string]): KnownFact | null {
    if (typeof fact !== "number") return null;
    const found = this.#known.get(fact);
    if (found !== undefined) return found;
    const columns = this.#read.get(fact);
    if (columns === null) return null;
    const known = { fact, columns, traits: traitsOf(columns), values: valuesOf(columns) };
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(fact, known);
    return known;
  }
}
