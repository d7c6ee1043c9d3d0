/** Folds the hours of base views into the hours of the other views, and hours into days. */
import type { Sql, SqlStatement } from "../../store/sql.ts";
import { type Cells, DAY_HOURS, dayOf } from "./cells.ts";
import type { Groups } from "./groups.ts";
import { type Mark, STEPS_A_DAY } from "./mark.ts";
import { CELL_SQL, Tally } from "./tally.ts";

export class Folder {
  readonly #groups: Groups;
  readonly #cells: Cells;
  readonly #readHour: SqlStatement;
  readonly #readBaseHours: SqlStatement;
  readonly #readSpans: SqlStatement;
  readonly #nextHour: SqlStatement;
  readonly #lastGroup: SqlStatement;

  constructor(sql: Sql, groups: Groups, cells: Cells) {
    this.#groups = groups;
    this.#cells = cells;
    this.#readHour = sql.prepare(
      `SELECT grp, ${CELL_SQL} FROM usage_hours c WHERE hour = ? AND grp > ? ORDER BY grp LIMIT ?`,
    );
    this.#readBaseHours = sql.prepare(
      `SELECT grp, ${CELL_SQL} FROM usage_hours c WHERE hour = ? AND grp > ? AND grp <= ?`,
    );
    this.#readSpans = sql.prepare(
      `SELECT grp, ${CELL_SQL} FROM usage_spans c WHERE grp = ? AND is_day = 0 AND start >= ? AND start < ?`,
    );
    this.#nextHour = sql.prepare("SELECT min(hour) AS hour FROM usage_hours WHERE hour >= ?");
    this.#lastGroup = sql.prepare("SELECT max(grp) AS grp FROM usage_groups");
  }

  /**
   * Takes one step, in a transaction of the caller; moves the mark's fold on. False: all hours before `endHour` are
   * folded, and the days that they complete. It reads about `limit` cells.
   */
  step(mark: Mark, endHour: number, limit: number): boolean {
    const day = Math.floor(mark.foldStep / STEPS_A_DAY);
    const index = mark.foldStep % STEPS_A_DAY;
    if (index === DAY_HOURS) {
      this.#foldDay(mark, day, Math.ceil(limit / DAY_HOURS));
      return true;
    }
    const hour = day * DAY_HOURS + index;
    if (hour >= endHour) return false;
    if (mark.foldGrp === 0 && this.#skipTo(mark, hour, endHour)) return true;
    this.#foldHour(mark, hour, limit);
    return true;
  }

  /** Goes on at the next hour that has cells, or with the day when its other hours have none. */
  #skipTo(mark: Mark, hour: number, endHour: number): boolean {
    const next = this.#nextHour.get(hour)?.hour ?? null;
    const to = next === null ? endHour : Math.min(Number(next), endHour);
    if (to === hour) return false;
    const day = dayOf(hour);
    const isUntouched = hour === day * DAY_HOURS;
    if (dayOf(to) === day) mark.foldStep += to - hour;
    else mark.foldStep = isUntouched ? dayOf(to) * STEPS_A_DAY : day * STEPS_A_DAY + DAY_HOURS;
    return true;
  }

  #foldHour(mark: Mark, hour: number, limit: number): void {
    const found = this.#readHour.all(hour, mark.foldGrp, limit);
    const sums = new Map<number, Tally>();
    for (const cell of found) {
      for (const derived of this.#groups.derivedOf(Number(cell.grp), dayOf(hour))) {
        const tally = sums.get(derived) ?? new Tally();
        tally.addCell(cell);
        sums.set(derived, tally);
      }
    }
    for (const [grp, tally] of sums) this.#cells.addSpanHour(grp, hour, tally);
    if (found.length < limit) {
      mark.foldStep++;
      mark.foldGrp = 0;
    } else mark.foldGrp = Number(found.at(-1)?.grp);
  }

  #foldDay(mark: Mark, day: number, groups: number): void {
    const from = mark.foldGrp;
    const to = from + groups;
    const sums = new Map<number, Tally>();
    const add = (cell: ReturnType<SqlStatement["all"]>[number]): void => {
      const tally = sums.get(Number(cell.grp)) ?? new Tally();
      tally.addCell(cell);
      sums.set(Number(cell.grp), tally);
    };
    const start = day * DAY_HOURS;
    for (let hour = start; hour < start + DAY_HOURS; hour++) {
      for (const cell of this.#readBaseHours.all(hour, from, to)) add(cell);
    }
    const last = Number(this.#lastGroup.get()?.grp ?? 0);
    for (let grp = from + 1; grp <= Math.min(to, last); grp++) {
      for (const cell of this.#readSpans.all(grp, start, start + DAY_HOURS)) add(cell);
    }
    for (const [grp, tally] of sums) this.#cells.addDay(grp, day, tally);
    mark.foldGrp = to;
    if (to < last) return;
    mark.foldStep = (day + 1) * STEPS_A_DAY;
    mark.foldGrp = 0;
  }
}
