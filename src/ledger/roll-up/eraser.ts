/** Deletes the sums that a rebuild makes anew. */
import type { Sql, SqlStatement } from "../../store/sql.ts";
import { firstKey, timeOfKey } from "../request-ids.ts";
import { DAY_HOURS, dayOf, HOUR_MS, hourOf } from "./cells.ts";
import { type Mark, MarkStore, STEPS_A_DAY } from "./mark.ts";

/** Groups whose spans a step deletes. */
const GROUPS = 4;

export class Eraser {
  readonly #deleteHour: SqlStatement;
  readonly #deleteSpans: SqlStatement;
  readonly #lastGroup: SqlStatement;

  constructor(sql: Sql) {
    this.#deleteHour = sql.prepare(
      "DELETE FROM usage_hours WHERE hour = (SELECT min(hour) FROM usage_hours WHERE hour >= ?)",
    );
    this.#deleteSpans = sql.prepare("DELETE FROM usage_spans WHERE grp > ? AND grp <= ? AND start >= ?");
    this.#lastGroup = sql.prepare("SELECT max(grp) AS grp FROM usage_groups");
  }

  /** Takes one step, in a transaction of the caller. */
  step(mark: Mark): void {
    if (this.#deleteHour.run(mark.fromHour) > 0) return;
    const to = mark.erasedGrp + GROUPS;
    this.#deleteSpans.run(mark.erasedGrp, to, dayOf(mark.fromHour) * DAY_HOURS);
    mark.erasedGrp = to;
    if (to >= Number(this.#lastGroup.get()?.grp ?? 0)) mark.isErasing = false;
  }
}

/**
 * Begins to make the sums anew from the rows that there are; the steps of the roll-up do it. Sums of hours whose rows
 * are gone stay. Until it is done, reports read the rows themselves.
 */
export function beginRebuild(sql: Sql): void {
  const marks = new MarkStore(sql);
  sql.transaction(() => {
    const fromHour = firstHourToRebuild(sql);
    if (fromHour === null) return;
    const before = marks.read();
    const firstStep = dayOf(fromHour) * STEPS_A_DAY;
    const isBehind = before.foldStep < firstStep;
    sql.exec("DELETE FROM usage_late");
    marks.write({
      mark: fromHour === 0 ? 0 : firstKey(fromHour * HOUR_MS),
      fromHour,
      isErasing: true,
      erasedGrp: 0,
      foldStep: isBehind ? before.foldStep : firstStep,
      foldGrp: isBehind ? before.foldGrp : 0,
    });
  });
}

/**
 * 0 as long as all rows are there. Else the hour after that of the oldest row: some rows of its own hour may be gone.
 * null: there is no row.
 */
function firstHourToRebuild(sql: Sql): number | null {
  const first = (text: string): number | null => {
    const value = sql.prepare(text).get()?.first ?? null;
    return value === null ? null : Number(value);
  };
  const key = first("SELECT min(seq) AS first FROM entries");
  if (key === null) return null;
  const atMs = first("SELECT min(at_ms) AS first FROM entries WHERE at_ms IS NOT NULL");
  const rowHour = hourOf(Math.min(timeOfKey(key), atMs ?? Number.POSITIVE_INFINITY));
  const sumHour = first("SELECT min(hour) AS first FROM usage_hours");
  return sumHour !== null && sumHour < rowHour ? rowHour + 1 : 0;
}
