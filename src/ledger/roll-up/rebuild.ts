/** Makes the sums anew from the rows that there are. */
import type { Sql } from "../../store/sql.ts";
import { firstKey, timeOfKey } from "../request-ids.ts";
import { type Mark, MarkStore, STEPS_A_DAY } from "./mark.ts";
import { dayOf, HOUR_MS, hourOf } from "./spans.ts";

/** `empty`: there is no row. `resumed`: a rebuild was under way already. */
export type RebuildBegin = "begun" | "resumed" | "empty";

/**
 * Begins to make the sums anew; the steps of the roll-up do it, in this process or in a gateway. Sums of hours whose rows
 * are gone stay. Until it is done, reports read the rows themselves.
 */
export function beginRebuild(sql: Sql): RebuildBegin {
  const marks = new MarkStore(sql);
  return sql.transaction(() => {
    const before = marks.read();
    if (isRebuilding(before)) return "resumed";
    const fromHour = firstHourToRebuild(sql);
    if (fromHour === null) return "empty";
    const firstStep = dayOf(fromHour) * STEPS_A_DAY;
    const isBehind = before.foldStep < firstStep;
    sql.exec("DELETE FROM usage_late");
    marks.write({
      mark: fromHour === 0 ? 0 : firstKey(fromHour * HOUR_MS),
      fromHour,
      isErasing: true,
      erasedGrp: 0,
      rebuildTo: before.mark,
      foldStep: isBehind ? before.foldStep : firstStep,
      foldGrp: isBehind ? before.foldGrp : 0,
    });
    return "begun";
  });
}

export function isRebuilding(mark: Mark): boolean {
  return mark.isErasing || mark.mark < mark.rebuildTo;
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
