/** Adds rows and changes of rows to the sums that they belong to. */
import type { SqlRow } from "../../store/sql.ts";
import { type Cells, dayOf, hourOf } from "./cells.ts";
import type { Groups } from "./groups.ts";
import { isFolded, type Mark, stepOfDay, stepOfHour } from "./mark.ts";
import { Tally } from "./tally.ts";
import { BASE_VIEWS, type Dimension, VIEWS, valuesOf } from "./views.ts";

/** Sums of rows by hour and group. */
export type Sums = Map<number, Map<number, Tally>>;

/** So many facts are remembered. */
const MAX_FACTS = 20_000;

/** Adds to the cells of groups, and to all that their hours were folded into. In transactions of the caller. */
export class Adder {
  readonly #groups: Groups;
  readonly #cells: Cells;
  /** The groups of rows that have all of their texts in a fact. */
  readonly #ofFact = new Map<number, readonly number[]>();

  constructor(groups: Groups, cells: Cells) {
    this.#groups = groups;
    this.#cells = cells;
  }

  /** The sums that `row` belongs to: `put` gets each. A row may have its `fact`; its groups are remembered then. */
  tallyOf(row: SqlRow, sums: Sums, put: (tally: Tally) => void): void {
    const hour = hourOf(Number(row.at_ms));
    let ofHour = sums.get(hour);
    if (ofHour === undefined) {
      ofHour = new Map();
      sums.set(hour, ofHour);
    }
    for (const grp of this.#groupsOf(row, dayOf(hour))) {
      let tally = ofHour.get(grp);
      if (tally === undefined) {
        tally = new Tally();
        ofHour.set(grp, tally);
      }
      put(tally);
    }
  }

  add(sums: Sums, mark: Mark): void {
    for (const [hour, groups] of sums) {
      for (const [grp, tally] of groups) this.#addTo(hour, grp, tally, mark);
    }
  }

  /** After a failed transaction. */
  forget(): void {
    this.#ofFact.clear();
    this.#groups.forget();
  }

  #groupsOf(row: SqlRow, day: number): readonly number[] {
    const { fact } = row;
    const isPlain = row.rest === null && row.end_user === null && row.tags === null;
    if (typeof fact !== "number" || !isPlain) return this.#findGroups(row, day);
    let groups = this.#ofFact.get(fact);
    if (groups === undefined) {
      groups = this.#findGroups(row, day);
      if (this.#ofFact.size >= MAX_FACTS) this.#ofFact.clear();
      this.#ofFact.set(fact, groups);
    }
    return groups;
  }

  #findGroups(row: SqlRow, day: number): readonly number[] {
    const values = valuesOf(row);
    const numberOf = (view: (typeof BASE_VIEWS)[number]): readonly number[] => {
      if (view === "tag") return values.tag.map((tag) => this.#groups.numberOf(view, [tag], day));
      const dimensions: readonly Exclude<Dimension, "tag">[] = VIEWS[view].dimensions;
      const own = dimensions.map((dimension) => values[dimension]);
      return [this.#groups.numberOf(view, own, day)];
    };
    // Tags that are too many to be told apart have one group together, which the row adds to once.
    return [...new Set(BASE_VIEWS.flatMap(numberOf))];
  }

  #addTo(hour: number, grp: number, tally: Tally, mark: Mark): void {
    const day = dayOf(hour);
    this.#cells.addHour(hour, grp, tally);
    if (isFolded(mark, stepOfDay(day), grp)) this.#cells.addDay(grp, day, tally);
    if (!isFolded(mark, stepOfHour(hour), grp)) return;
    for (const derived of this.#groups.derivedOf(grp, day)) {
      this.#cells.addSpanHour(derived, hour, tally);
      if (isFolded(mark, stepOfDay(day), derived)) this.#cells.addDay(derived, day, tally);
    }
  }
}
