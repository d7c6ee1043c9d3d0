/** Reads the ledger's rows for a report, and adds them to its totals. */
import type { Sql, SqlRow, SqlStatement } from "../../store/sql.ts";
import { withRest } from "../columns.ts";
import { Listing } from "../listing.ts";
import { makeMoveReader } from "../older-rows.ts";
import { firstKey } from "../request-ids.ts";
import { FactBook, type KnownFact, NARROW_ROW_SQL } from "../roll-up/fact-book.ts";
import { USAGE_COLUMNS } from "../roll-up/usage-columns.ts";
import { type Dimension, type Values, valuesOf } from "../roll-up/views.ts";
import { ENTRIES } from "../row-filter.ts";
import type { RowPiece } from "./cover.ts";
import type { Totals } from "./totals.ts";
import type { UsageQuery } from "./usage-query.ts";

const PAGE_ROWS = 500;
/** Behind every key. */
const END_KEY = Number.MAX_SAFE_INTEGER;
const AT_MS = ENTRIES.columnSql("at_ms");

/** A range of time, in Unix milliseconds. */
export interface Bounds {
  readonly sinceMs: number;
  /** Exclusive. */
  readonly untilMs: number;
}

/** Whether a row that was accepted then is to be added. */
export type IsWanted = (atMs: number) => boolean;

export class RowSource {
  readonly #sql: Sql;
  readonly #query: UsageQuery;
  readonly #totals: Totals;
  readonly #book: FactBook;
  /** The number of each fact in the totals; null: the query does not want it. */
  readonly #numbers = new Map<number, number | null>();
  readonly #statements = new Map<string, SqlStatement>();
  /** The report tells users or tags apart, which the rows of one fact may differ in. */
  readonly #isByRow: boolean;

  constructor(sql: Sql, query: UsageQuery, totals: Totals) {
    this.#sql = sql;
    this.#query = query;
    this.#totals = totals;
    this.#book = new FactBook(sql);
    const asked = [...query.by, ...Object.keys(query.where)];
    this.#isByRow = asked.includes("user") || asked.includes("tag");
  }

  /** Adds rows with this key or a later one, and those of an older table, that were accepted within the time. */
  addFrom(fromKey: number, bounds: Bounds, isInSnapshot: boolean, isWanted: IsWanted): void {
    if (makeMoveReader(this.#sql)() === null) {
      const key = Math.max(firstKey(bounds.sinceMs), fromKey);
      this.#addPages(
        key,
        END_KEY,
        `${AT_MS} >= ? AND ${AT_MS} < ?`,
        [bounds.sinceMs, bounds.untilMs],
        isWanted,
      );
      return;
    }
    for (const row of new Listing(this.#sql, USAGE_COLUMNS, { ...bounds, fromKey }, isInSnapshot).rows())
      if (isWanted(Number(row.at_ms))) this.#addWhole(row);
  }

  /** Adds rows with smaller keys than `mark` that were accepted within the piece. Most have their time in their key. */
  addFragment({ fromMs, toMs }: RowPiece, mark: number): void {
    const end = Math.min(firstKey(toMs), mark);
    this.#addPages(firstKey(fromMs), end, "e.at_ms IS NULL", [], () => true);
    const apart = this.#statement(
      `SELECT ${NARROW_ROW_SQL} FROM entries e WHERE e.at_ms >= ? AND e.at_ms < ? AND e.at_ms IS NOT NULL AND e.seq < ?`,
    );
    for (const row of apart.all(fromMs, toMs, mark)) this.#add(row);
  }

  /** Adds rows that are behind the mark, and not in the roll-up yet; in a transaction of the caller. */
  addLate(isWanted: IsWanted): void {
    const late = this.#sql.prepare(
      `SELECT l.seq AS late, ${NARROW_ROW_SQL} FROM usage_late l CROSS JOIN entries e ON e.seq = l.seq
       WHERE l.seq >= ? ORDER BY l.seq LIMIT ${PAGE_ROWS}`,
    );
    for (let from = 0; ; ) {
      const page = late.all(from);
      for (const row of page) if (isWanted(Number(row.at_ms))) this.#add(row);
      if (page.length < PAGE_ROWS) return;
      from = Number(page.at(-1)?.late) + 1;
    }
  }

  #addPages(
    fromKey: number,
    endKey: number,
    condition: string,
    params: readonly number[],
    isWanted: IsWanted,
  ): void {
    const select = this.#statement(
      `SELECT ${NARROW_ROW_SQL} FROM entries e WHERE ${ENTRIES.where} AND ${condition} ORDER BY e.seq LIMIT ${PAGE_ROWS}`,
    );
    for (let from = fromKey; from < endKey; ) {
      const page = select.all(from, endKey, ...params);
      for (const row of page) if (isWanted(row.at_ms as number)) this.#add(row);
      if (page.length < PAGE_ROWS) return;
      from = Number(page.at(-1)?.seq) + 1;
    }
  }

  #statement(text: string): SqlStatement {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      statement = this.#sql.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement;
  }

  #add(row: SqlRow): void {
    const known = this.#book.of(row);
    if (known === null) this.#addWhole(this.#book.wholeOf(row));
    else if (this.#isByRow && (row.end_user !== null || row.tags !== null))
      this.#addWhole({ ...known.columns, ...row });
    else {
      const number = this.#numberOf(known);
      const period = number === null ? null : this.#totals.periodOf(row.at_ms as number);
      if (number === null || period === null) return;
      this.#totals.at(period, number).addRowOf(known.traits, row, row.rest !== null);
    }
  }

  #numberOf(known: KnownFact): number | null {
    let number = this.#numbers.get(known.fact);
    if (number === undefined) {
      const [group] = groupsOf(known.values, this.#query);
      number = group === undefined ? null : this.#totals.numberOf(group);
      this.#numbers.set(known.fact, number);
    }
    return number;
  }

  #addWhole(row: SqlRow): void {
    withRest(row);
    for (const group of groupsOf(valuesOf(row), this.#query))
      this.#totals.of(Number(row.at_ms), group)?.addRow(row);
  }
}

/** The groups of the report that a row with these values is in; with several tags there may be several. */
function groupsOf(values: Values, { by, where }: UsageQuery): readonly (readonly string[])[] {
  for (const [dimension, wanted] of Object.entries(where) as [Dimension, readonly string[]][]) {
    const value = values[dimension];
    const own = typeof value === "string" ? [value] : value;
    if (!own.some((one) => wanted.includes(one))) return [];
  }
  if (!by.includes("tag")) return [by.map((dimension) => values[dimension] as string)];
  return values.tag
    .filter((tag) => where.tag?.includes(tag) !== false)
    .map((tag) => by.map((dimension) => (dimension === "tag" ? tag : values[dimension])));
}
