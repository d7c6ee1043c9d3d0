/** Covers a range of time with the sums of the roll-up, the largest ones first, and leaves to rows what they do not tell. */
import { DAY_HOURS, HOUR_MS } from "../roll-up/cells.ts";

/**
 * `day` and `hour`: of `usage_spans`; `base`: of `usage_hours`; from hour `from` to `to` (exclusive).
 */
export interface CellPiece {
  readonly level: "day" | "hour" | "base";
  readonly from: number;
  readonly to: number;
}

/** Milliseconds, `to` exclusive: a part of an hour. */
export interface RowPiece {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Cover {
  readonly cells: readonly CellPiece[];
  readonly rows: readonly RowPiece[];
}

/** Hours before these are in the days, or in the hours, of `usage_spans`. */
export interface Folded {
  readonly dayHours: number;
  readonly hours: number;
}

/** Covers ranges that follow one another; the ends of the ranges are ends of pieces unless whole hours meet there. */
export function coverOf(
  ranges: readonly { readonly startMs: number; readonly endMs: number }[],
  folded: Folded,
): Cover {
  const cells: CellPiece[] = [];
  const rows: RowPiece[] = [];
  const addCells = (level: CellPiece["level"], from: number, to: number): void => {
    if (from >= to) return;
    const last = cells.at(-1);
    if (last?.level === level && last.to === from) cells[cells.length - 1] = { level, from: last.from, to };
    else cells.push({ level, from, to });
  };
  const addHours = (from: number, to: number): void => {
    const end = Math.min(Math.max(from, folded.hours), to);
    addCells("hour", from, end);
    addCells("base", end, to);
  };
  const addRows = (fromMs: number, toMs: number): void => {
    if (fromMs < toMs) rows.push({ fromMs, toMs });
  };
  for (const { startMs, endMs } of ranges) {
    const from = Math.ceil(startMs / HOUR_MS);
    const to = Math.floor(endMs / HOUR_MS);
    if (from > to) {
      addRows(startMs, endMs);
      continue;
    }
    addRows(startMs, from * HOUR_MS);
    const firstDay = Math.ceil(from / DAY_HOURS) * DAY_HOURS;
    const lastDay = Math.floor(Math.min(to, folded.dayHours) / DAY_HOURS) * DAY_HOURS;
    if (firstDay < lastDay) {
      addHours(from, firstDay);
      addCells("day", firstDay, lastDay);
      addHours(lastDay, to);
    } else addHours(from, to);
    addRows(to * HOUR_MS, endMs);
  }
  return { cells, rows };
}
