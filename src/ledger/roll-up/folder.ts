/** Folds the hours of base views into the hours of the other views, hours into days, and days into weeks. */
import type { Sql, SqlStatement } from "../../store/sql.ts";
import type { Cells } from "./cells.ts";
import type { Groups } from "./groups.ts";
import { type Mark, STEPS_A_DAY, stepOfDay, stepOfWeek } from "./mark.ts";
import { DAY_HOURS, dayOf, SPANS, type SpanName, startOf } from "./spans.ts";
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
      `SELECT grp, ${CELL_SQL} FROM usage_spans c WHERE grp = ? AND level = ? AND start >= ? AND start < ?`,
    );
    this.#nextHour = sql.prepare("SELECT min(hour) AS hour FROM usage_hours WHERE hour >= ?");
    this.#lastGroup = sql.prepare("SELECT max(grp) AS grp FROM usage_groups");
  }

  /**
   * Takes one step, in a transaction of the caller; moves the mark's fold on. False: all hours before `endHour` are
   * folded, and the days and weeks that they complete. It reads about `limit` cells.
   */
  step(mark: Mark, endHour: number, limit: number): boolean {
    const day = Math.floor(mark.foldStep / STEPS_A_DAY);
    const index = mark.foldStep % STEPS_A_DAY;
    if (index >= DAY_HOURS) {
      if (mark.foldStep === stepOfDay(day)) this.#foldSpan(mark, "day", day * DAY_HOURS, limit);
      else if (mark.foldStep === stepOfWeek(day))
        this.#foldSpan(mark, "week", startOf("week", day * DAY_HOURS), limit);
      else mark.foldStep++;
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
    if (dayOf(to) === day) mark.foldStep += to - hour;
    else if (hour !== startOf("day", hour)) mark.foldStep = stepOfDay(day);
    else {
      const isNewWeek = hour === startOf("week", hour);
      const next = dayOf(to) * STEPS_A_DAY;
      mark.foldStep = isNewWeek ? next : Math.min(next, stepOfWeek(day));
    }
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
    for (const [grp, tally] of sums) this.#cells.addSpan(grp, "hour", hour, tally);
    if (found.length < limit) {
      mark.foldStep++;
      mark.foldGrp = 0;
    } else mark.foldGrp = Number(found.at(-1)?.grp);
  }

  #foldSpan(mark: Mark, span: "day" | "week", start: number, limit: number): void {
    const { hours } = SPANS[span];
    const part: SpanName = span === "day" ? "hour" : "day";
    const from = mark.foldGrp;
    const to = from + Math.ceil((limit * SPANS[part].hours) / hours);
    const sums = new Map<number, Tally>();
    const add = (cell: ReturnType<SqlStatement["all"]>[number]): void => {
      const tally = sums.get(Number(cell.grp)) ?? new Tally();
      tally.addCell(cell);
      sums.set(Number(cell.grp), tally);
    };
    // Base views have their hours in a table of their own.
    if (part === "hour")
      for (let hour = start; hour < start + hours; hour++)
        for (const cell of this.#readBaseHours.all(hour, from, to)) add(cell);
    const last = Number(this.#lastGroup.get()?.grp ?? 0);
    for (let grp = from + 1; grp <= Math.min(to, last); grp++)
      for (const cell of this.#readSpans.all(grp, SPANS[part].level, start, start + hours)) add(cell);
    for (const [grp, tally] of sums) this.#cells.addSpan(grp, span, start, tally);
    mark.foldGrp = to;
    if (to < last) return;
    mark.foldStep++;
    mark.foldGrp = 0;
  }
}
