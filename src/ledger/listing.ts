/**
 * Rows by a filter, oldest first, page by page. Each page is a transaction of its own, in which the rows that are
 * being moved from the older table are either there or here.
 */

import { encodeTime } from "../core/ids.ts";
import type { Sql, SqlRow, SqlStatement, SqlValue } from "../store/sql.ts";
import { withRest } from "./columns.ts";
import { makeMoveReader, type OlderMove } from "./older-rows.ts";
import { firstKey } from "./request-ids.ts";
import { conditions, ENTRIES, MOVED, OLDER, type Part, type RowFilter } from "./row-filter.ts";

const PAGE_ROWS = 500;
/** Behind every key, and behind every id. */
const END_KEY = Number.MAX_SAFE_INTEGER;
const END_ID = "\u{10ffff}";

/** Where to go on: at the first row with such a key, and at the first row of the older table with such an id. */
interface Position {
  readonly key: number;
  readonly id: string;
}

export class Listing {
  readonly #sql: Sql;
  readonly #columns: readonly string[];
  readonly #filter: RowFilter;
  readonly #readMove: () => OlderMove | null;
  readonly #isInSnapshot: boolean;
  readonly #statements = new Map<string, SqlStatement>();
  #position: Position;
  /** Keys of moved rows are below; 0: there were none when the listing began. */
  #floor = 0;

  /**
   * `columns` are those of the view `requests`. A row without an id has `seq`. `isInSnapshot`: all pages are read in a
   * transaction of the caller.
   */
  constructor(sql: Sql, columns: readonly string[], filter: RowFilter, isInSnapshot = false) {
    this.#isInSnapshot = isInSnapshot;
    this.#sql = sql;
    this.#columns = ["id", ...columns.filter((column) => column !== "id")];
    this.#filter = filter;
    this.#readMove = makeMoveReader(sql);
    this.#position = startOf(filter);
  }

  /** Rows that were written after the start may be among them, but not beyond the filter's limit. */
  *rows(): Generator<SqlRow> {
    let left = this.#filter.limit ?? Number.POSITIVE_INFINITY;
    if (left < 1) return;
    if (this.#filter.limit !== undefined) this.#inSnapshot((move) => this.#skipToNewest(move, left));
    for (;;) {
      const page = this.#inSnapshot((move) => this.#readPage(move));
      for (const row of page) {
        if (left-- <= 0) return;
        yield withRest(row);
      }
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE_ROWS) return;
      this.#goBehind(last);
    }
  }

  #inSnapshot<T>(read: (move: OlderMove | null) => T): T {
    if (this.#isInSnapshot) return read(this.#remember(this.#readMove()));
    this.#sql.exec("BEGIN");
    try {
      return read(this.#remember(this.#readMove()));
    } finally {
      this.#sql.exec("COMMIT");
    }
  }

  #remember(move: OlderMove | null): OlderMove | null {
    if (move !== null) this.#floor = move.floor;
    return move;
  }

  #readPage(move: OlderMove | null): SqlRow[] {
    const { key, id } = this.#position;
    const rows: SqlRow[] = [];
    if (key < this.#floor) rows.push(...this.#read(MOVED, [key, this.#floor, id], PAGE_ROWS));
    if (move !== null && rows.length < PAGE_ROWS) {
      rows.push(...this.#read(OLDER, [id, move.toId], PAGE_ROWS - rows.length));
    }
    if (rows.length < PAGE_ROWS) {
      rows.push(...this.#read(ENTRIES, [Math.max(key, this.#floor), END_KEY], PAGE_ROWS - rows.length));
    }
    return rows;
  }

  #goBehind({ seq, id }: SqlRow): void {
    if (typeof seq !== "number") this.#position = { key: this.#position.key, id: `${id}\u0000` };
    else if (seq < this.#floor) this.#position = { key: seq + 1, id: `${id}\u0000` };
    else this.#position = { key: seq + 1, id: END_ID };
  }

  /** Moves the position to the first of the newest `limit` rows. */
  #skipToNewest(move: OlderMove | null, limit: number): void {
    const { key, id } = this.#position;
    const entries: SqlValue[] = [Math.max(key, this.#floor), END_KEY];
    const newest = this.#nth(ENTRIES, entries, limit);
    if (newest !== null) this.#position = { key: Number(newest.seq), id: END_ID };
    if (newest !== null || move === null) return;
    let left = limit - this.#count(ENTRIES, entries);
    const older = this.#nth(OLDER, [id, move.toId], left);
    if (older !== null) this.#position = { key: move.toSeq + 1, id: String(older.id) };
    if (older !== null) return;
    left -= this.#count(OLDER, [id, move.toId]);
    const moved = this.#nth(MOVED, [key, this.#floor, id], left);
    if (moved !== null) this.#position = { key: Number(moved.seq), id: String(moved.id) };
  }

  #read(part: Part, bounds: readonly SqlValue[], limit: number): SqlRow[] {
    const { sql, params } = conditions(this.#filter, part);
    const list = part.listSql(this.#columns);
    const text = `SELECT ${list} FROM ${part.from} WHERE ${part.where} AND ${sql} ORDER BY ${part.order} LIMIT ?`;
    return this.#statement(text).all(...bounds, ...params, limit);
  }

  /** The newest row but `n - 1`; null: there are fewer. */
  #nth(part: Part, bounds: readonly SqlValue[], n: number): SqlRow | null {
    if (n < 1) return null;
    const { sql, params } = conditions(this.#filter, part);
    const columns = part === OLDER ? "id" : "e.seq, e.id";
    const text = `SELECT ${columns} FROM ${part.from} WHERE ${part.where} AND ${sql} ORDER BY ${part.order} DESC LIMIT 1 OFFSET ?`;
    return this.#statement(text).get(...bounds, ...params, n - 1);
  }

  #count(part: Part, bounds: readonly SqlValue[]): number {
    const { sql, params } = conditions(this.#filter, part);
    const text = `SELECT count(*) AS n FROM ${part.from} WHERE ${part.where} AND ${sql}`;
    return Number(this.#statement(text).get(...bounds, ...params)?.n);
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

function startOf({ sinceMs, fromKey = 0 }: RowFilter): Position {
  if (sinceMs === undefined) return { key: fromKey, id: "" };
  return {
    key: Math.max(firstKey(sinceMs), fromKey),
    id: encodeTime(Math.max(0, Math.floor(sinceMs))),
  };
}
