/** Reads the sums of the roll-up for a report. */
import type { Sql, SqlRow, SqlStatement } from "../../store/sql.ts";
import { readGroup } from "../roll-up/groups.ts";
import { type Mark, STEPS_A_DAY } from "../roll-up/mark.ts";
import { DAY_HOURS, HOUR_MS, hourOf, SPANS, startOf } from "../roll-up/spans.ts";
import {
  CELL_COUNTS_SQL,
  CELL_LATENCIES_SQL,
  CELL_SQL,
  SUM_COUNTS_SQL,
  SUM_LATENCIES_SQL,
} from "../roll-up/tally.ts";
import { baseOf, type Dimension, type Value, VIEWS, type ViewName } from "../roll-up/views.ts";
import type { CellRead, Folded } from "./cover.ts";
import type { Total, Totals } from "./totals.ts";
import type { UsageQuery } from "./usage-query.ts";

export interface CellsWanted {
  readonly view: ViewName;
  readonly where: UsageQuery["where"];
  readonly mark: Mark;
}

/** How far the hours of the view are folded. */
export function foldedOf({ foldStep }: Mark, view: ViewName): Folded {
  const day = Math.floor(foldStep / STEPS_A_DAY);
  const hours = foldStep % STEPS_A_DAY;
  const isDayFolded = hours > DAY_HOURS;
  return {
    week: startOf("week", day * DAY_HOURS),
    day: (isDayFolded ? day + 1 : day) * DAY_HOURS,
    hour: baseOf(view) === view ? 0 : day * DAY_HOURS + Math.min(hours, DAY_HOURS),
  };
}

const COUNTS = { each: CELL_COUNTS_SQL, sum: SUM_COUNTS_SQL };
const LATENCIES = { each: CELL_LATENCIES_SQL, sum: SUM_LATENCIES_SQL };
const ALL = { each: CELL_SQL, sum: `${SUM_COUNTS_SQL}, ${SUM_LATENCIES_SQL}` };

/** Groups by number in the totals. */
type Groups = ReadonlyMap<number, readonly number[]>;

/** The cells of a report. All is read in one transaction of the caller. */
export class CellSource {
  readonly #sql: Sql;
  readonly #wanted: CellsWanted;
  readonly #totals: Totals;
  /** The groups of the view, and of the base view that it is made of. */
  readonly #own: Groups;
  readonly #base: Groups;
  readonly #statements = new Map<string, SqlStatement>();

  constructor(sql: Sql, wanted: CellsWanted, totals: Totals) {
    this.#sql = sql;
    this.#wanted = wanted;
    this.#totals = totals;
    const base = baseOf(wanted.view);
    this.#own = this.#groupsOf(wanted.view);
    this.#base = base === wanted.view ? this.#own : this.#groupsOf(base);
  }

  /** Adds to the totals with these numbers. */
  addAll(reads: readonly CellRead[], numbers: Iterable<number>): void {
    this.#readAll(reads, [...numbers], ALL, (period, number, cell) => {
      this.#totals.at(period, number).addCell(cell);
    });
  }

  /** Adds all but the latencies of totals with these numbers. */
  addCounts(reads: readonly CellRead[], numbers: Iterable<number>): void {
    this.#readAll(reads, [...numbers], COUNTS, (period, number, cell) => {
      this.#totals.at(period, number).addCounts(cell);
    });
  }

  /**
   * Adds the latencies of these totals, from all that their counts were read from. They are most of the bytes of a cell,
   * and a page shows few of the groups.
   */
  addLatencies(reads: readonly CellRead[], shown: readonly Total[]): void {
    const startHour = hourOf(shown[0]?.period.startMs ?? 0);
    const endHour = Math.ceil((shown.at(-1)?.period.endMs ?? 0) / HOUR_MS);
    // A span is in one period as a whole.
    const cut = reads.map((read) => ({
      ...read,
      from: Math.max(read.from, startHour),
      to: Math.min(read.to, endHour),
    }));
    const tallies = new Set(shown.map(({ tally }) => tally));
    const numbers = new Set(shown.map(({ number }) => number));
    this.#readAll(cut, [...numbers], LATENCIES, (period, number, cell) => {
      const tally = this.#totals.at(period, number);
      if (tallies.has(tally)) tally.addLatencies(cell);
    });
  }

  #readAll(
    reads: readonly CellRead[],
    wanted: readonly number[],
    columns: typeof COUNTS,
    take: (period: number, number: number, cell: SqlRow) => void,
  ): void {
    const own = this.#choose(this.#own, wanted);
    const base = this.#base === this.#own ? own : this.#choose(this.#base, wanted);
    for (const read of reads) {
      const { numbers, list } = read.level === "base" ? base : own;
      if (numbers.size === 0) continue;
      for (const cell of this.#read(read, list, columns)) {
        const period = this.#totals.periodOf(Number(cell.start) * HOUR_MS);
        const number = numbers.get(Number(cell.grp));
        if (period !== null && number !== undefined) take(period, number, cell);
      }
    }
  }

  /** The number of each group, and the groups as SQL takes them. */
  #choose(
    groups: Groups,
    wanted: readonly number[],
  ): { readonly numbers: ReadonlyMap<number, number>; readonly list: string } {
    const numbers = new Map<number, number>();
    for (const number of wanted) for (const grp of groups.get(number) ?? []) numbers.set(grp, number);
    return { numbers, list: JSON.stringify([...numbers.keys()]) };
  }

  #groupsOf(view: ViewName): Groups {
    const dimensions: readonly Dimension[] = VIEWS[view].dimensions;
    const places = this.#totals.by.map((dimension) => dimensions.indexOf(dimension));
    const filters = Object.entries(this.#wanted.where).map(
      ([dimension, wanted]) =>
        [dimensions.indexOf(dimension as Dimension), wanted as readonly Value[]] as const,
    );
    const groups = new Map<number, number[]>();
    for (const row of this.#sql
      .prepare("SELECT grp, view, name FROM usage_groups WHERE view = ?")
      .all(view)) {
      const { grp, values } = readGroup(row);
      if (filters.some(([place, wanted]) => !wanted.includes(values[place] ?? null))) continue;
      const number = this.#totals.numberOf(places.map((place) => values[place] ?? null));
      const known = groups.get(number);
      if (known === undefined) groups.set(number, [grp]);
      else known.push(grp);
    }
    return groups;
  }

  /** The cells with `grp` and `start`, or their sum for each group with the first start. */
  #read({ level, from, to, isSum }: CellRead, groups: string, columns: typeof COUNTS): SqlRow[] {
    const { mark } = this.#wanted;
    const end = mark.isErasing && level === "base" ? Math.min(to, mark.fromHour) : to;
    if (from >= end) return [];
    const list = isSum ? columns.sum : columns.each;
    if (level === "base") {
      const text = `SELECT c.grp, ${isSum ? "min(c.hour)" : "c.hour"} AS start, ${list}
        FROM usage_hours c WHERE c.hour >= ? AND c.hour < ? AND c.grp IN (SELECT value FROM json_each(?))
        ${isSum ? "GROUP BY c.grp" : ""}`;
      return this.#statement(text).all(from, end, groups);
    }
    const text = `SELECT c.grp, ${isSum ? "min(c.start)" : "c.start"} AS start, ${list}
      FROM usage_groups g CROSS JOIN usage_spans c ON c.grp = g.grp AND c.level = ? AND c.start >= ? AND c.start < ?
      WHERE g.grp IN (SELECT value FROM json_each(?)) ${isSum ? "GROUP BY g.grp" : ""}`;
    return this.#statement(text).all(SPANS[level].level, from, end, groups);
  }

  #statement(text: string): SqlStatement {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      statement = this.#sql.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement;
  }
}
