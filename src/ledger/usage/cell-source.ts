/** Reads the sums of the roll-up for a report. */
import type { Sql, SqlRow } from "../../store/sql.ts";
import { DAY_HOURS, HOUR_MS, hourOf } from "../roll-up/cells.ts";
import { readGroup } from "../roll-up/groups.ts";
import { type Mark, STEPS_A_DAY } from "../roll-up/mark.ts";
import { CELL_COUNTS_SQL, CELL_LATENCIES_SQL, SUM_COUNTS_SQL, SUM_LATENCIES_SQL } from "../roll-up/tally.ts";
import { type Dimension, type Value, VIEWS, type ViewName } from "../roll-up/views.ts";
import type { CellPiece, Folded } from "./cover.ts";
import type { Total, Totals } from "./totals.ts";
import type { UsageQuery } from "./usage-query.ts";

export interface CellsWanted {
  readonly view: ViewName;
  readonly where: UsageQuery["where"];
  readonly pieces: readonly CellPiece[];
  readonly mark: Mark;
  readonly isSplitByTime: boolean;
}

/** How far the hours of the view are folded. */
export function foldedOf({ foldStep }: Mark, view: ViewName): Folded {
  const dayHours = Math.floor(foldStep / STEPS_A_DAY) * DAY_HOURS;
  const isBase = VIEWS[view].of === null;
  return { dayHours, hours: isBase ? 0 : dayHours + (foldStep % STEPS_A_DAY) };
}

/** The cells of a report. All is read in one transaction of the caller. */
export class CellSource {
  readonly #sql: Sql;
  readonly #wanted: CellsWanted;
  readonly #totals: Totals;
  /** The groups of the view, and of the base view that it is made of, each with its number in the totals. */
  readonly #own: ReadonlyMap<number, number>;
  readonly #base: ReadonlyMap<number, number>;

  constructor(sql: Sql, wanted: CellsWanted, totals: Totals) {
    this.#sql = sql;
    this.#wanted = wanted;
    this.#totals = totals;
    this.#own = this.#groupsOf(wanted.view);
    this.#base = VIEWS[wanted.view].of === null ? this.#own : this.#groupsOf("whole");
  }

  /** Adds all but the latencies to the totals. */
  addCounts(): void {
    const columns = this.#wanted.isSplitByTime ? CELL_COUNTS_SQL : SUM_COUNTS_SQL;
    for (const piece of this.#wanted.pieces) {
      const numbers = this.#numbersOf(piece);
      for (const cell of this.#read(piece, [...numbers.keys()], columns)) {
        const period = this.#totals.periodOf(Number(cell.start) * HOUR_MS);
        const number = numbers.get(Number(cell.grp));
        if (period !== null && number !== undefined) this.#totals.at(period, number).addCounts(cell);
      }
    }
  }

  /** Adds the latencies of these totals. They are most of the bytes of a cell, and a page shows few of the groups. */
  addLatencies(shown: readonly Total[]): void {
    const columns = this.#wanted.isSplitByTime ? CELL_LATENCIES_SQL : SUM_LATENCIES_SQL;
    const tallies = new Set(shown.map(({ tally }) => tally));
    const shownNumbers = new Set(shown.map(({ number }) => number));
    const startHour = hourOf(shown[0]?.period.startMs ?? 0);
    const endHour = Math.ceil((shown.at(-1)?.period.endMs ?? 0) / HOUR_MS);
    for (const { level, from, to } of this.#wanted.pieces) {
      // A day is in one period as a whole, and so is an hour.
      const piece = { level, from: Math.max(from, startHour), to: Math.min(to, endHour) };
      const numbers = this.#numbersOf(piece);
      const groups = [...numbers].flatMap(([grp, number]) => (shownNumbers.has(number) ? [grp] : []));
      for (const cell of this.#read(piece, groups, columns)) {
        const period = this.#totals.periodOf(Number(cell.start) * HOUR_MS);
        const tally =
          period === null ? null : this.#totals.at(period, numbers.get(Number(cell.grp)) as number);
        if (tally !== null && tallies.has(tally)) tally.addLatencies(cell);
      }
    }
  }

  #numbersOf({ level }: CellPiece): ReadonlyMap<number, number> {
    return level === "base" ? this.#base : this.#own;
  }

  #groupsOf(view: ViewName): ReadonlyMap<number, number> {
    const dimensions: readonly Dimension[] = VIEWS[view].dimensions;
    const places = this.#totals.by.map((dimension) => dimensions.indexOf(dimension));
    const filters = Object.entries(this.#wanted.where).map(
      ([dimension, wanted]) =>
        [dimensions.indexOf(dimension as Dimension), wanted as readonly Value[]] as const,
    );
    const groups = new Map<number, number>();
    for (const row of this.#sql
      .prepare("SELECT grp, view, name FROM usage_groups WHERE view = ?")
      .all(view)) {
      const { grp, values } = readGroup(row);
      if (filters.some(([place, wanted]) => !wanted.includes(values[place] ?? null))) continue;
      groups.set(grp, this.#totals.numberOf(places.map((place) => values[place] ?? null)));
    }
    return groups;
  }

  /** The cells of a piece with `grp` and `start`, or their sum for each group with the first start. */
  #read({ level, from, to }: CellPiece, groups: readonly number[], columns: string): SqlRow[] {
    const { mark, isSplitByTime } = this.#wanted;
    const end = mark.isErasing && level === "base" ? Math.min(to, mark.fromHour) : to;
    if (groups.length === 0 || from >= end) return [];
    const numbers = JSON.stringify(groups);
    if (level === "base") {
      const text = `SELECT c.grp, ${isSplitByTime ? "c.hour" : "min(c.hour)"} AS start, ${columns}
        FROM usage_hours c WHERE c.hour >= ? AND c.hour < ? AND c.grp IN (SELECT value FROM json_each(?))
        ${isSplitByTime ? "" : "GROUP BY c.grp"}`;
      return this.#sql.prepare(text).all(from, end, numbers);
    }
    const text = `SELECT c.grp, ${isSplitByTime ? "c.start" : "min(c.start)"} AS start, ${columns}
      FROM usage_groups g CROSS JOIN usage_spans c ON c.grp = g.grp AND c.is_day = ? AND c.start >= ? AND c.start < ?
      WHERE g.grp IN (SELECT value FROM json_each(?)) ${isSplitByTime ? "" : "GROUP BY g.grp"}`;
    return this.#sql.prepare(text).all(level === "day" ? 1 : 0, from, end, numbers);
  }
}
