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
/** So many users and tags of a kind of facts are remembered. */
const MAX_KNOWN = 10_000;
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

/** Facts that are alike in all that a report asks about. */
interface FactKind {
  /** The numbers in the totals of rows without a user and tags, or for a report that does not tell those apart. */
  readonly plain: readonly number[];
  /** Those of other rows, by user and tags. */
  readonly others: Map<string, readonly number[]>;
}

export class RowSource {
  readonly #sql: Sql;
  readonly #query: UsageQuery;
  readonly #totals: Totals;
  readonly #book: FactBook;
  readonly #asked: readonly Dimension[];
  /** Facts that are alike for the report, by number. */
  readonly #kinds = new Map<number, FactKind>();
  readonly #kindsByName = new Map<string, FactKind>();
  readonly #statements = new Map<string, SqlStatement>();
  /** The report tells users, or tags, apart: rows of one fact may differ in them. */
  readonly #isByUser: boolean;
  readonly #isByTag: boolean;

  constructor(sql: Sql, query: UsageQuery, totals: Totals) {
    this.#sql = sql;
    this.#query = query;
    this.#totals = totals;
    this.#book = new FactBook(sql);
    this.#asked = [...query.by, ...(Object.keys(query.where) as Dimension[])];
    this.#isByUser = this.#asked.includes("user");
    this.#isByTag = this.#asked.includes("tag");
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
    if (known === null) {
      this.#addWhole(this.#book.wholeOf(row));
      return;
    }
    const period = this.#totals.periodOf(row.at_ms as number);
    if (period === null) return;
    for (const number of this.#numbersOf(known, row))
      this.#totals.at(period, number).addRowOf(known.traits, row, row.rest !== null);
  }

  /** The numbers of the row's groups in the totals. */
  #numbersOf(known: KnownFact, row: SqlRow): readonly number[] {
    const kind = this.#kindOf(known);
    const user = this.#isByUser ? row.end_user : null;
    const tags = this.#isByTag ? row.tags : null;
    if (user === null && tags === null) return kind.plain;
    const name = `${user ?? ""}\n${tags ?? ""}`;
    let numbers = kind.others.get(name);
    if (numbers === undefined) {
      const own = valuesOf(row);
      numbers = this.#numbersFor({ ...known.values, user: own.user, tag: own.tag });
      if (kind.others.size >= MAX_KNOWN) kind.others.clear();
      kind.others.set(name, numbers);
    }
    return numbers;
  }

  #kindOf(known: KnownFact): FactKind {
    let kind = this.#kinds.get(known.fact);
    if (kind === undefined) {
      const name = JSON.stringify(this.#asked.map((dimension) => known.values[dimension]));
      kind = this.#kindsByName.get(name) ?? { plain: this.#numbersFor(known.values), others: new Map() };
      this.#kindsByName.set(name, kind);
      this.#kinds.set(known.fact, kind);
    }
    return kind;
  }

  #numbersFor(values: Values): readonly number[] {
    return groupsOf(values, this.#query).map((group) => this.#totals.numberOf(group));
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
