/** Adds rows and changes of rows to the sums that they belong to. */
import type { SqlRow } from "../../store/sql.ts";
import type { Cells } from "./cells.ts";
import type { Groups } from "./groups.ts";
import { isFolded, type Mark, stepOfDay, stepOfHour, stepOfWeek } from "./mark.ts";
import { DAY_HOURS, dayOf, hourOf, startOf } from "./spans.ts";
import type { GroupList, Sums } from "./sums.ts";
import type { Tally } from "./tally.ts";
import { BASE_VIEWS, type Dimension, type Values, VIEWS, type ViewName, valuesOf } from "./views.ts";

/** Adds to the cells of groups, and to all that their hours were folded into. In transactions of the caller. */
export class Adder {
  readonly #groups: Groups;
  readonly #cells: Cells;

  constructor(groups: Groups, cells: Cells) {
    this.#groups = groups;
    this.#cells = cells;
  }

  /** The sum that `row` belongs to. */
  tallyOf(row: SqlRow, sums: Sums): Tally {
    const hour = hourOf(Number(row.at_ms));
    return sums.of(hour, this.groupsOf(valuesOf(row), dayOf(hour)));
  }

  /** The groups of base views that have these values; made for a row of this day. */
  groupsOf(values: Values, day: number): GroupList {
    const numbersOf = (view: ViewName): readonly number[] => {
      const dimensions: readonly Dimension[] = VIEWS[view].dimensions;
      const numberOf = (tag: string): number => {
        const own = dimensions.map((dimension) => (dimension === "tag" ? tag : values[dimension]));
        return this.#groups.numberOf(view, own, day);
      };
      return dimensions.includes("tag") ? values.tag.map(numberOf) : [numberOf("")];
    };
    // Tags that are too many to be told apart have one group together, which the row adds to once.
    return [...new Set(BASE_VIEWS.flatMap(numbersOf))];
  }

  add(sums: Sums, mark: Mark): void {
    sums.each((hour, grp, tally) => this.#addTo(hour, grp, tally, mark));
  }

  /** After a failed transaction. */
  forget(): void {
    this.#groups.forget();
  }

  #addTo(hour: number, grp: number, tally: Tally, mark: Mark): void {
    const day = dayOf(hour);
    this.#cells.addHour(hour, grp, tally);
    this.#addToSpans(hour, grp, tally, mark);
    if (!isFolded(mark, stepOfHour(hour), grp)) return;
    for (const derived of this.#groups.derivedOf(grp, day)) {
      this.#cells.addSpan(derived, "hour", hour, tally);
      this.#addToSpans(hour, derived, tally, mark);
    }
  }

  #addToSpans(hour: number, grp: number, tally: Tally, mark: Mark): void {
    const day = dayOf(hour);
    if (!isFolded(mark, stepOfDay(day), grp)) return;
    this.#cells.addSpan(grp, "day", day * DAY_HOURS, tally);
    if (isFolded(mark, stepOfWeek(day), grp)) this.#cells.addSpan(grp, "week", startOf("week", hour), tally);
  }
}
