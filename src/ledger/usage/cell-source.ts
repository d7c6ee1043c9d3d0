/** Reads the sums of the roll-up for a report. */
import type { Sql, SqlRow } from "../../store/sql.ts";
import { DAY_HOURS, HOUR_MS } from "../roll-up/cells.ts";
import { readGroup } from "../roll-up/groups.ts";
import { type Mark, STEPS_A_DAY } from "../roll-up/mark.ts";
import { CELL_SQL, CELLS_SUM_SQL } from "../roll-up/tally.ts";
import { type Dimension, type Value, VIEWS, type ViewName } from "../roll-up/views.ts";
import type { CellPiece, Folded } from "./cover.ts";
import type { Totals } from "./totals.ts";
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

export function readCells(sql: Sql, wanted: CellsWanted, totals: Totals): void {
  const { view, mark, pieces, isSplitByTime } = wanted;
  const own = groupsOf(sql, view, wanted, totals.by);
  const base = VIEWS[view].of === null ? own : groupsOf(sql, "whole", wanted, totals.by);
  for (const piece of pieces) {
    const groups = piece.level === "base" ? base : own;
    const to = mark.isErasing && piece.level === "base" ? Math.min(piece.to, mark.fromHour) : piece.to;
    if (groups.size === 0 || piece.from >= to) continue;
    const numbers = new Map<number, number>();
    for (const [grp, values] of groups) numbers.set(grp, totals.numberOf(values));
    for (const cell of read(sql, { ...piece, to }, [...groups.keys()], isSplitByTime)) {
      const period = totals.periodOf(Number(cell.start) * HOUR_MS);
      if (period !== null) totals.at(period, numbers.get(Number(cell.grp)) as number).addCell(cell);
    }
  }
}

/** The groups of a view that are wanted, with their values of the report. */
function groupsOf(
  sql: Sql,
  view: ViewName,
  { where }: CellsWanted,
  by: readonly Dimension[],
): Map<number, readonly Value[]> {
  const dimensions: readonly Dimension[] = VIEWS[view].dimensions;
  const places = by.map((dimension) => dimensions.indexOf(dimension));
  const filters = Object.entries(where).map(
    ([dimension, wanted]) =>
      [dimensions.indexOf(dimension as Dimension), wanted as readonly Value[]] as const,
  );
  const groups = new Map<number, readonly Value[]>();
  for (const row of sql.prepare("SELECT grp, view, name FROM usage_groups WHERE view = ?").all(view)) {
    const { grp, values } = readGroup(row);
    if (filters.some(([place, wanted]) => !wanted.includes(values[place] ?? null))) continue;
    groups.set(
      grp,
      places.map((place) => values[place] ?? null),
    );
  }
  return groups;
}

/** The cells of a piece with `grp` and `start`, or their sum for each group with the first start. */
function read(
  sql: Sql,
  { level, from, to }: CellPiece,
  groups: readonly number[],
  isSplit: boolean,
): SqlRow[] {
  const columns = isSplit ? CELL_SQL : CELLS_SUM_SQL;
  const numbers = JSON.stringify(groups);
  if (level === "base") {
    const text = `SELECT c.grp, ${isSplit ? "c.hour" : "min(c.hour)"} AS start, ${columns} FROM usage_hours c
      WHERE c.hour >= ? AND c.hour < ? AND c.grp IN (SELECT value FROM json_each(?)) ${isSplit ? "" : "GROUP BY c.grp"}`;
    return sql.prepare(text).all(from, to, numbers);
  }
  const text = `SELECT c.grp, ${isSplit ? "c.start" : "min(c.start)"} AS start, ${columns}
    FROM usage_groups g CROSS JOIN usage_spans c ON c.grp = g.grp AND c.is_day = ? AND c.start >= ? AND c.start < ?
    WHERE g.grp IN (SELECT value FROM json_each(?)) ${isSplit ? "" : "GROUP BY g.grp"}`;
  return sql.prepare(text).all(level === "day" ? 1 : 0, from, to, numbers);
}
