/**
 * The rows of the first versions, which are in a table of their own until they are moved to `entries`. A step copies
 * some of them and remembers the place in the same transaction. The older table is whole until all of it is copied;
 * then it is emptied, in steps too. The view `requests` shows each row once at any moment.
 */
import type { Sql, SqlStatement } from "../store/sql.ts";
import { readRow } from "./columns.ts";
import type { EntryWriter } from "./entry-writer.ts";
import { firstKey, KEYS_A_MS, timeOfId } from "./request-ids.ts";
import { hasView, makeView } from "./schema.ts";

/** How far the move has come. */
export interface OlderMove {
  /** Rows of the older table up to this id are in `entries`. */
  readonly toId: string;
  /** The key of the last one of them. */
  readonly toSeq: number;
  /** The keys of the moved rows are below, those of all other rows are not. */
  readonly floor: number;
}

const SELECT_MOVE = "SELECT to_id, to_seq, floor FROM older_move";
/** A row takes 40 bytes of a page at least: its id alone has 26. */
const MAX_ROWS_A_PAGE = 100;

/** Reads how far the move has come; null: there is no older table. */
export function makeMoveReader(sql: Sql): () => OlderMove | null {
  const select = sql.prepare(SELECT_MOVE);
  return () => {
    const found = select.get();
    if (found === null) return null;
    return { toId: String(found.to_id), toSeq: Number(found.to_seq), floor: Number(found.floor) };
  };
}

/**
 * After the steps of the schema: makes the view, and drops an older table that has no row. Takes the lock only if
 * there is something to do.
 */
export function prepareOlderRows(sql: Sql): void {
  const readMove = makeMoveReader(sql);
  const move = readMove();
  const isReady = move === null || (move.floor > 0 && hasOlderRows(sql));
  if (isReady && hasView(sql, move !== null)) return;
  sql.transaction(() => {
    // Read again under the lock: another process may have been faster.
    const current = readMove();
    if (current !== null && !hasOlderRows(sql)) dropOlderTable(sql);
    else if (current?.floor === 0) sql.prepare("UPDATE older_move SET floor = ?").run(floorOf(sql));
    makeView(sql, readMove() !== null);
  });
}

function hasOlderRows(sql: Sql): boolean {
  return sql.prepare("SELECT 1 FROM older_requests LIMIT 1").get() !== null;
}

function dropOlderTable(sql: Sql): void {
  // A view over a table that is gone would keep the table from being dropped.
  sql.exec("DROP VIEW IF EXISTS requests; DROP TABLE older_requests; DELETE FROM older_move");
}

/**
 * The first key behind those of all older rows. A clock that went back has left many ids with the same time, and then
 * the keys run on into later milliseconds: at most by the number of rows.
 */
function floorOf(sql: Sql): number {
  // The ids of our time begin with 0; an id that somebody made by hand may not.
  const newest = sql.prepare("SELECT max(id) AS id FROM older_requests WHERE id < '1'").get();
  const pages = Number(sql.prepare("PRAGMA page_count").get()?.page_count);
  return firstKey(timeOfId(String(newest?.id)) ?? 0) + KEYS_A_MS + pages * MAX_ROWS_A_PAGE;
}

/** What a step did. `copied`: so many rows; `emptied`: so many rows of the older table are gone for good. */
export interface MoveStep {
  readonly phase: "copied" | "emptied" | "done";
  readonly rows: number;
}

/** Moves the older rows, a step a call. */
export class OlderRowsMove {
  readonly #sql: Sql;
  readonly #writer: EntryWriter;
  readonly #readMove: () => OlderMove | null;
  readonly #read: SqlStatement;
  readonly #remember: SqlStatement;
  readonly #delete: SqlStatement;

  /** There is an older table. */
  constructor(sql: Sql, writer: EntryWriter) {
    this.#sql = sql;
    this.#writer = writer;
    this.#readMove = makeMoveReader(sql);
    this.#read = sql.prepare("SELECT * FROM older_requests WHERE id > ? ORDER BY id LIMIT ?");
    this.#remember = sql.prepare("UPDATE older_move SET to_id = ?, to_seq = ?");
    this.#delete = sql.prepare(
      "DELETE FROM older_requests WHERE id IN (SELECT id FROM older_requests ORDER BY id LIMIT ?)",
    );
  }

  /** Handles up to `rows` rows in one transaction. Throws `StoreError`: nothing was done. */
  step(rows: number): MoveStep {
    try {
      return this.#sql.transaction(() => this.#step(rows));
    } catch (error) {
      this.#writer.forget();
      throw error;
    }
  }

  #step(rows: number): MoveStep {
    const move = this.#readMove();
    // Another process has done the rest.
    if (move === null) return { phase: "done", rows: 0 };
    const copied = this.#copy(move, rows);
    if (copied > 0) return { phase: "copied", rows: copied };
    const emptied = this.#delete.run(rows);
    if (emptied > 0) return { phase: "emptied", rows: emptied };
    dropOlderTable(this.#sql);
    makeView(this.#sql, false);
    return { phase: "done", rows: 0 };
  }

  #copy({ toId, toSeq }: OlderMove, limit: number): number {
    const found = this.#read.all(toId, limit);
    const last = found.at(-1);
    if (last === undefined) return 0;
    let seq = toSeq;
    for (const columns of found) {
      const row = readRow(columns, "");
      seq = this.#writer.putOlder(row, Math.max(seq + 1, firstKey(timeOfId(row.id) ?? 0)));
    }
    this.#remember.run(String(last.id), seq);
    return found.length;
  }
}
