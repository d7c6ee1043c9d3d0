/** The sums of the roll-up in the database: of one group in one hour, one day or one week. */
import type { Sql, SqlRow, SqlStatement, SqlValue } from "../../store/sql.ts";
import { SPANS, type SpanName } from "./spans.ts";
import { ADDED_SQL, CELL_SQL, HAS_ROOM_SQL, TALLY_COLUMNS, Tally } from "./tally.ts";

const COLUMNS = TALLY_COLUMNS.join(", ");
const PLACES = TALLY_COLUMNS.map(() => "?").join(", ");

/** The cells of a table, by the columns of its key. */
class CellTable {
  readonly #add: SqlStatement;
  readonly #read: SqlStatement;
  readonly #write: SqlStatement;

  constructor(sql: Sql, table: string, keys: readonly string[]) {
    const insert = `INTO ${table} (${keys.join(", ")}, ${COLUMNS}) VALUES (${keys.map(() => "?").join(", ")}, ${PLACES})`;
    this.#add = sql.prepare(`INSERT ${insert} ON CONFLICT DO UPDATE SET ${ADDED_SQL} WHERE ${HAS_ROOM_SQL}`);
    this.#read = sql.prepare(
      `SELECT ${CELL_SQL} FROM ${table} c WHERE ${keys.map((key) => `${key} = ?`).join(" AND ")}`,
    );
    this.#write = sql.prepare(`INSERT OR REPLACE ${insert}`);
  }

  add(key: readonly SqlValue[], tally: Tally): void {
    if (this.#add.run(...key, ...tally.toParams()) > 0) return;
    this.#write.run(...key, ...sumOf(this.#read.get(...key), tally).toParams());
  }
}

/** Adds to cells, in transactions of the caller. */
export class Cells {
  readonly #hours: CellTable;
  readonly #spans: CellTable;

  constructor(sql: Sql) {
    this.#hours = new CellTable(sql, "usage_hours", ["hour", "grp"]);
    this.#spans = new CellTable(sql, "usage_spans", ["grp", "level", "start"]);
  }

  /** An hour of a base view. */
  addHour(hour: number, grp: number, tally: Tally): void {
    this.#hours.add([hour, grp], tally);
  }

  /** A span of any view, or an hour of a view that is made of another one; `start` is its first hour. */
  addSpan(grp: number, span: SpanName, start: number, tally: Tally): void {
    this.#spans.add([grp, SPANS[span].level, start], tally);
  }
}

function sumOf(cell: SqlRow | null, tally: Tally): Tally {
  if (cell === null) return tally;
  const sum = new Tally();
  sum.addCell(cell);
  sum.add(tally);
  return sum;
}
