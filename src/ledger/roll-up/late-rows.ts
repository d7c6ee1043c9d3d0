/**
 * Rows that are committed when the roll-up is past their keys: long answers, and rows that waited for the disk. They are
 * noted along with the row, and added with the next step.
 */
import type { Sql, SqlStatement } from "../../store/sql.ts";
import { firstKey } from "../request-ids.ts";

/** The roll-up stays further behind than this: a younger row cannot be late. */
const YOUNG_MS = 30_000;

export class LateRows {
  readonly #note: SqlStatement;
  /** Smaller keys may be late. All may until a transaction begins. */
  #beforeKey = Number.POSITIVE_INFINITY;

  constructor(sql: Sql) {
    this.#note = sql.prepare(
      "INSERT OR IGNORE INTO usage_late SELECT ?1 WHERE ?1 < (SELECT mark FROM usage_mark)",
    );
  }

  /** At the begin of a transaction, so that an ordinary row costs one comparison. */
  begin(nowMs: number): void {
    this.#beforeKey = firstKey(nowMs - YOUNG_MS);
  }

  /** A row was written, in a transaction of the caller. */
  written(key: number): void {
    if (key < this.#beforeKey) this.#note.run(key);
  }
}
