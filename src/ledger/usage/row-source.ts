/** Reads the ledger's rows for a report, with the columns that usage is made of. */
import type { Sql, SqlRow } from "../../store/sql.ts";
import { withRest } from "../columns.ts";
import { Listing } from "../listing.ts";
import { firstKey } from "../request-ids.ts";
import { USAGE_COLUMNS } from "../roll-up/usage-columns.ts";
import { ENTRIES } from "../row-filter.ts";
import type { RowPiece } from "./cover.ts";

const PAGE_ROWS = 500;
const COLUMNS = ENTRIES.listSql(USAGE_COLUMNS);

/** Rows with this key or a later one, and those of the older table, that were accepted within the time. */
export function readRowsFrom(
  sql: Sql,
  fromKey: number,
  { sinceMs, untilMs }: { readonly sinceMs: number; readonly untilMs: number },
  isInSnapshot: boolean,
): Iterable<SqlRow> {
  return new Listing(sql, USAGE_COLUMNS, { sinceMs, untilMs, fromKey }, isInSnapshot).rows();
}

/** Rows with smaller keys than `mark` that were accepted within the piece. Most have their time in their key. */
export function readFragments(
  sql: Sql,
  { fromMs, toMs }: RowPiece,
  mark: number,
  take: (row: SqlRow) => void,
): void {
  const select = `SELECT ${COLUMNS} FROM ${ENTRIES.from} WHERE`;
  const inKey = sql.prepare(
    `${select} e.seq >= ? AND e.seq < ? AND e.at_ms IS NULL ORDER BY e.seq LIMIT ${PAGE_ROWS}`,
  );
  const end = Math.min(firstKey(toMs), mark);
  for (let from = firstKey(fromMs); from < end; ) {
    const page = inKey.all(from, end);
    for (const row of page) take(withRest(row));
    if (page.length < PAGE_ROWS) break;
    from = Number(page.at(-1)?.seq) + 1;
  }
  const apart = sql.prepare(`${select} e.at_ms >= ? AND e.at_ms < ? AND e.at_ms IS NOT NULL AND e.seq < ?`);
  for (const row of apart.all(fromMs, toMs, mark)) take(withRest(row));
}

/** Rows that are behind the mark, and not in the roll-up yet; in a transaction of the caller. */
export function readLateRows(sql: Sql, take: (row: SqlRow) => void): void {
  const late = sql.prepare(
    `SELECT l.seq AS late, ${COLUMNS} FROM usage_late l CROSS JOIN entries e ON e.seq = l.seq
     LEFT JOIN facts f ON f.fact = e.fact WHERE l.seq >= ? ORDER BY l.seq LIMIT ${PAGE_ROWS}`,
  );
  for (let from = 0; ; ) {
    const page = late.all(from);
    for (const row of page) take(withRest(row));
    if (page.length < PAGE_ROWS) return;
    from = Number(page.at(-1)?.late) + 1;
  }
}
