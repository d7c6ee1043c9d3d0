/** The sums of the roll-up in the database: of one group in one hour, or in one day. */
import type { Sql, SqlRow, SqlStatement } from "../../store/sql.ts";
import { CELL_SQL, TALLY_COLUMNS, Tally } from "./tally.ts";

export const HOUR_MS = 3_600_000;
export const DAY_HOURS = 24;

/** The number of an hour: hours since 1970 in UTC. */
export const hourOf = (atMs: number): number => Math.floor(atMs / HOUR_MS);
/** The number of the day that holds an hour. */
export const dayOf = (hour: number): number => Math.floor(hour / DAY_HOURS);

const COLUMNS = TALLY_COLUMNS.join(", ");
const PLACES = TALLY_COLUMNS.map(() => "?").join(", ");

/** Adds to cells, in transactions of the caller. */
export class Cells {
  readonly #readHour: SqlStatement;
  readonly #writeHour: SqlStatement;
  readonly #readSpan: SqlStatement;
  readonly #writeSpan: SqlStatement;

  constructor(sql: Sql) {
    this.#readHour = sql.prepare(`SELECT ${CELL_SQL} FROM usage_hours c WHERE hour = ? AND grp = ?`);
    this.#writeHour = sql.prepare(
      `INSERT OR REPLACE INTO usage_hours (hour, grp, ${COLUMNS}) VALUES (?, ?, ${PLACES})`,
    );
    this.#readSpan = sql.prepare(
      `SELECT ${CELL_SQL} FROM usage_spans c WHERE grp = ? AND is_day = ? AND start = ?`,
    );
    this.#writeSpan = sql.prepare(
      `INSERT OR REPLACE INTO usage_spans (grp, is_day, start, ${COLUMNS}) VALUES (?, ?, ?, ${PLACES})`,
    );
  }

  addHour(hour: number, grp: number, tally: Tally): void {
    this.#writeHour.run(hour, grp, ...sumOf(this.#readHour.get(hour, grp), tally).toParams());
  }

  /** An hour of a view that is made of another one. */
  addSpanHour(grp: number, hour: number, tally: Tally): void {
    this.#addSpan(grp, 0, hour, tally);
  }

  addDay(grp: number, day: number, tally: Tally): void {
    this.#addSpan(grp, 1, day * DAY_HOURS, tally);
  }

  #addSpan(grp: number, isDay: 0 | 1, start: number, tally: Tally): void {
    const sum = sumOf(this.#readSpan.get(grp, isDay, start), tally);
    this.#writeSpan.run(grp, isDay, start, ...sum.toParams());
  }
}

function sumOf(cell: SqlRow | null, tally: Tally): Tally {
  if (cell === null) return tally;
  const sum = new Tally();
  sum.addCell(cell);
  sum.add(tally);
  return sum;
}
