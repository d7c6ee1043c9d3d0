/** The ledger's rows, for reports. */
import type { Sql } from "../store/sql.ts";
import { COLUMNS, readRow } from "./columns.ts";
import { Listing } from "./listing.ts";
import type { LedgerRow } from "./row.ts";
import type { RowFilter } from "./row-filter.ts";

/**
 * The matching rows, oldest first, read as the caller takes them: page by page, and each page is a read of its own, so
 * that a long report or a slow reader never keeps the write-ahead log from being cleared.
 */
export function* readRows(sql: Sql, filter: RowFilter = {}): Generator<LedgerRow> {
  const number = String(sql.prepare("SELECT number FROM identity").get()?.number);
  const listing = new Listing(sql, Object.values(COLUMNS), filter);
  for (const row of listing.rows()) yield readRow(row, number);
}
