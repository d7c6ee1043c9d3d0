/** Deletes the sums that a rebuild makes anew. */
import type { Sql, SqlStatement } from "../../store/sql.ts";
import type { Mark } from "./mark.ts";
import { SPANS, type SpanName, startOf } from "./spans.ts";

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
    this.#deleteSpans = sql.prepare(
      "DELETE FROM usage_spans WHERE grp > ? AND grp <= ? AND level = ? AND start >= ?",
    );
    this.#lastGroup = sql.prepare("SELECT max(grp) AS grp FROM usage_groups");
  }

  /** Takes one step, in a transaction of the caller. */
  step(mark: Mark): void {
    if (this.#deleteHour.run(mark.fromHour) > 0) return;
    const to = mark.erasedGrp + GROUPS;
    const from: Readonly<Record<SpanName, number>> = {
      // Folding begins anew with the day.
      hour: startOf("day", mark.fromHour),
      day: startOf("day", mark.fromHour),
      week: startOf("week", mark.fromHour),
    };
    for (const [span, start] of Object.entries(from))
      this.#deleteSpans.run(mark.erasedGrp, to, SPANS[span as SpanName].level, start);
    mark.erasedGrp = to;
    if (to >= Number(this.#lastGroup.get()?.grp ?? 0)) mark.isErasing = false;
  }
}
