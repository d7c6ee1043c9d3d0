/**
 * Rows by a filter, the newest first, page by page. Each page is a read of its own: rows that are written meanwhile are
 * before the first page.
 */
import type { Sql, SqlRow, SqlValue } from "../store/sql.ts";
import { COLUMNS, readRow, withRest } from "./columns.ts";
import { makeMoveReader } from "./older-rows.ts";
import { firstKey } from "./request-ids.ts";
import type { LedgerRow } from "./row.ts";
import { conditions, ENTRIES, OLDER, type Part, type RowFilter } from "./row-filter.ts";

export interface NewestRows {
  readonly rows: readonly LedgerRow[];
  /** For the next page; null: this is the last one. */
  readonly next: string | null;
}

const END_KEY = Number.MAX_SAFE_INTEGER;
/** Behind every id. */
const END_ID = "\u{10ffff}";
/** A request that was accepted before a time may have a later key, because a clock was set. */
const MAX_LATE_MS = 3_600_000;
/** A page of a search looks at so many rows, however few it finds: the next page goes on behind them. */
const MAX_SEARCHED = 50_000;
const COLUMN_LIST = ["id", ...Object.values(COLUMNS).filter((column) => column !== "id")];

/** Behind which row a page begins. The parts follow one another: `e`ntries, the `o`lder table, `m`oved rows. */
interface Position {
  readonly part: "e" | "o" | "m";
  readonly key: number;
  readonly id: string;
}

/** `limit`: the most rows of a page. A cursor that is none begins anew. */
export function readNewest(
  sql: Sql,
  filter: RowFilter,
  limit: number,
  cursor: string | null,
  maxSearched = MAX_SEARCHED,
): NewestRows {
  sql.exec("BEGIN");
  try {
    const number = String(sql.prepare("SELECT number FROM identity").get()?.number);
    const move = makeMoveReader(sql)();
    const floor = move?.floor ?? 0;
    const position = positionOf(cursor);
    const isBounded = filter.text !== undefined && position.part === "e";
    const endKey = isBounded ? endOfSearch(sql, filter, position.key, floor, maxSearched) : null;
    const found = new Reading(sql, filter, limit + 1).read(position, floor, move?.toId ?? null, endKey);
    const rows = found.slice(0, limit);
    const last = rows.at(-1);
    return {
      rows: rows.map((row) => readRow(withRest(row), number)),
      next:
        found.length > limit && last !== undefined
          ? cursorAt(last, floor)
          : endKey === null
            ? null
            : `e.${endKey}`,
    };
  } finally {
    sql.exec("COMMIT");
  }
}

/** The key of the row at which a search from `key` on stops; null: it comes to the end of the entries before. */
function endOfSearch(
  sql: Sql,
  filter: RowFilter,
  key: number,
  floor: number,
  maxSearched: number,
): number | null {
  const { fromKey, toKey } = keysOf(filter);
  const text = "SELECT seq FROM entries WHERE seq < ? AND seq >= ? ORDER BY seq DESC LIMIT 1 OFFSET ?";
  const row = sql.prepare(text).get(Math.min(key, toKey), Math.max(floor, fromKey), maxSearched - 1);
  return row === null ? null : Number(row.seq);
}

function keysOf({ sinceMs, untilMs }: RowFilter): { readonly fromKey: number; readonly toKey: number } {
  return {
    fromKey: sinceMs === undefined ? 0 : firstKey(sinceMs),
    toKey: untilMs === undefined ? END_KEY : firstKey(untilMs + MAX_LATE_MS),
  };
}

class Reading {
  readonly #sql: Sql;
  readonly #filter: RowFilter;
  readonly #limit: number;
  readonly #rows: SqlRow[] = [];

  constructor(sql: Sql, filter: RowFilter, limit: number) {
    this.#sql = sql;
    this.#filter = filter;
    this.#limit = limit;
  }

  /** `movedTo`: rows of the older table up to this id are among the moved ones; null: there is no older table. */
  read(
    { part, key, id }: Position,
    floor: number,
    movedTo: string | null,
    endKey: number | null,
  ): readonly SqlRow[] {
    const { fromKey, toKey } = keysOf(this.#filter);
    if (part === "e" || (part === "m" && movedTo === null))
      this.#add(ENTRIES, "e.seq >= ? AND e.seq < ?", [
        Math.max(fromKey, floor, endKey ?? 0),
        Math.min(key, toKey),
      ]);
    if (endKey !== null) return this.#rows;
    if (part !== "m" && movedTo !== null) this.#add(OLDER, "id > ? AND id < ?", [movedTo, id]);
    // Rows that were moved since the page before have an id above those that it ended with.
    if (part === "o" || movedTo !== null) {
      const below = movedTo === null ? END_KEY : floor;
      const bounds = [Math.min(below, toKey, part === "m" ? key : END_KEY), part === "o" ? id : END_ID];
      this.#add(ENTRIES, "e.seq < ? AND e.id < ?", bounds);
    }
    return this.#rows;
  }

  #add(part: Part, where: string, bounds: readonly SqlValue[]): void {
    const left = this.#limit - this.#rows.length;
    if (left <= 0) return;
    const { sql: condition, params } = conditions(this.#filter, part);
    const columns = part.listSql(COLUMN_LIST);
    const text = `SELECT ${columns} FROM ${part.from} WHERE ${where} AND ${condition} ORDER BY ${part.order} DESC LIMIT ?`;
    this.#rows.push(...this.#sql.prepare(text).all(...bounds, ...params, left));
  }
}

function cursorAt({ seq, id }: SqlRow, floor: number): string {
  if (typeof seq !== "number") return `o.${id}`;
  return seq < floor ? `m.${seq}` : `e.${seq}`;
}

function positionOf(cursor: string | null): Position {
  const [, part, at = ""] = /^([eom])\.(\w{1,64})$/.exec(cursor ?? "") ?? [];
  if (part === "o") return { part, key: END_KEY, id: at };
  if (part === undefined || !/^\d{1,16}$/.test(at)) return { part: "e", key: END_KEY, id: END_ID };
  return { part: part as "e" | "m", key: Number(at), id: END_ID };
}
