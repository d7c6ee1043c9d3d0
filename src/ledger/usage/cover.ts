/** Covers a range of time with the sums of the roll-up, the largest ones first, and leaves to rows what they do not tell. */
import { HOUR_MS, nextStartOf, SPANS, type SpanName, startOf } from "../roll-up/spans.ts";

/** Cells of `usage_spans`, or `base`: of `usage_hours`; from hour `from` to `to` (exclusive). */
export interface CellPiece {
  readonly level: SpanName | "base";
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

/** Hours before these are in the spans. */
export type Folded = Readonly<Record<SpanName, number>>;

export interface Range {
  readonly startMs: number;
  readonly endMs: number;
}

const LARGEST_FIRST: readonly SpanName[] = ["week", "day", "hour"];

function coverOf({ startMs, endMs }: Range, folded: Folded): Cover {
  const from = Math.ceil(startMs / HOUR_MS);
  const to = Math.floor(endMs / HOUR_MS);
  if (from > to) return { cells: [], rows: [{ fromMs: startMs, toMs: endMs }] };
  const cells: CellPiece[] = [];
  const add = (level: CellPiece["level"], start: number, end: number): void => {
    if (start < end) cells.push({ level, from: start, to: end });
  };
  const cover = (start: number, end: number, [span, ...smaller]: readonly SpanName[]): void => {
    if (span === undefined) {
      add("base", start, end);
      return;
    }
    const first = nextStartOf(span, start);
    const last = startOf(span, Math.min(end, folded[span]));
    if (first >= last) {
      cover(start, end, smaller);
      return;
    }
    cover(start, first, smaller);
    add(span, first, last);
    cover(last, end, smaller);
  };
  cover(from, to, LARGEST_FIRST);
  const rows = [
    { fromMs: startMs, toMs: from * HOUR_MS },
    { fromMs: to * HOUR_MS, toMs: endMs },
  ].filter(({ fromMs, toMs }) => fromMs < toMs);
  return { cells, rows };
}

/** Cells that are read together. `isSum`: they are of one range, which needs their sum alone. */
export interface CellRead extends CellPiece {
  readonly isSum: boolean;
}

/** Covers ranges that follow one another. Ranges of one cell each are read together. */
export function coverAll(
  ranges: readonly Range[],
  folded: Folded,
): { readonly reads: readonly CellRead[]; readonly rows: readonly RowPiece[] } {
  const reads: CellRead[] = [];
  const rows: RowPiece[] = [];
  for (const range of ranges) {
    const cover = coverOf(range, folded);
    rows.push(...cover.rows);
    for (const piece of cover.cells) {
      const isSum = piece.to - piece.from > SPANS[piece.level === "base" ? "hour" : piece.level].hours;
      const last = reads.at(-1);
      const isNext = last?.level === piece.level && last.to === piece.from && !last.isSum && !isSum;
      if (isNext) reads[reads.length - 1] = { ...last, to: piece.to };
      else reads.push({ ...piece, isSum });
    }
  }
  return { reads, rows };
}
