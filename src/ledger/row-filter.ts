/** What rows a report wants, and the SQL for it in each part of the rows. */
import type { SqlValue } from "../store/sql.ts";
import { ENTRIES_AND_FACTS, ENTRY_SQL, PLAIN_SQL } from "./columns.ts";
import { keyOfId } from "./request-ids.ts";
import { olderSql } from "./schema.ts";

/** A status code, a class such as 4 for 4xx, or the kind of ending. */
export type StatusFilter =
  | { readonly outcome: "ok" | "error" }
  | { readonly code: number }
  | { readonly class: number };

export interface RowFilter {
  /** Only the request with this id. */
  readonly id?: string | undefined;
  /** Requests accepted at or after this time, Unix milliseconds. */
  readonly sinceMs?: number | undefined;
  /** Requests accepted before this time, Unix milliseconds. */
  readonly untilMs?: number | undefined;
  /** Rows with this key or a later one, and rows of the older table. */
  readonly fromKey?: number | undefined;
  readonly key?: string | undefined;
  /** The model that was asked for, or the model that was used. */
  readonly model?: string | undefined;
  readonly upstream?: string | undefined;
  /** The name of the last attempt's credential, at its upstream. */
  readonly credential?: string | undefined;
  readonly status?: StatusFilter | undefined;
  /** The user that the client named. */
  readonly user?: string | undefined;
  /** One of the request's tags. */
  readonly tag?: string | undefined;
  /** The id, or a part of the key, a model, the upstream, the credential or the kind of error, in any case of letters. */
  readonly text?: string | undefined;
  /** Only so many of the newest rows; undefined: every matching row. */
  readonly limit?: number | undefined;
}

interface Condition {
  readonly sql: string;
  readonly params: readonly SqlValue[];
}

/** A part of the rows, which follow one another: moved rows, rows of the older table, all others. */
export interface Part {
  readonly from: string;
  /** With its bounds as parameters. */
  readonly where: string;
  /** Unique, and growing with time. */
  readonly order: string;
  /** For a condition. */
  readonly columnSql: (column: string) => string;
  /** What is read of these columns; `withRest` adds the others. */
  readonly listSql: (columns: readonly string[]) => string;
}

export const ENTRIES: Part = {
  from: ENTRIES_AND_FACTS,
  where: "e.seq >= ? AND e.seq < ?",
  order: "e.seq",
  columnSql: (column) => ENTRY_SQL[column] as string,
  listSql: (columns) => {
    const plain = columns.filter((column) => column in PLAIN_SQL);
    return ["e.seq", ...plain.map((column) => `${PLAIN_SQL[column]} AS ${column}`), "e.rest"].join(", ");
  },
};
export const MOVED: Part = { ...ENTRIES, where: "e.seq >= ? AND e.seq < ? AND e.id >= ?" };
export const OLDER: Part = {
  from: "older_requests",
  where: "id >= ? AND id > ?",
  order: "id",
  columnSql: olderSql,
  listSql: (columns) => ["NULL AS seq", ...columns.map((name) => `${olderSql(name)} AS ${name}`)].join(", "),
};

/** The condition of a filter on a part. */
export function conditions(filter: RowFilter, part: Part): Condition {
  const { columnSql } = part;
  const terms: string[] = ["1"];
  const params: SqlValue[] = [];
  const add = (sql: string, ...values: SqlValue[]): void => {
    terms.push(sql);
    params.push(...values);
  };
  const { id, sinceMs, untilMs, key, model, upstream, credential, status, user, tag, text } = filter;
  if (id !== undefined) add(...idCondition(id, part));
  if (sinceMs !== undefined) add(`${columnSql("at_ms")} >= ?`, sinceMs);
  if (untilMs !== undefined) add(`${columnSql("at_ms")} < ?`, untilMs);
  if (key !== undefined) add(`${columnSql("key")} = ?`, key);
  if (model !== undefined) {
    add(`(${columnSql("model_asked")} = ? OR ${columnSql("model_used")} = ?)`, model, model);
  }
  if (upstream !== undefined) add(`${columnSql("upstream")} = ?`, upstream);
  if (credential !== undefined) add(`${columnSql("credential")} = ?`, credential);
  if (user !== undefined) add(`${columnSql("end_user")} = ?`, user);
  // Rows of older versions have no tags.
  if (tag !== undefined) add(`EXISTS (SELECT 1 FROM json_each(${columnSql("tags")}) WHERE value = ?)`, tag);
  if (text !== undefined) add(...textCondition(text, part));
  if (status === undefined) return { sql: terms.join(" AND "), params };
  if ("outcome" in status) add(`${columnSql("outcome")} ${status.outcome === "ok" ? "=" : "<>"} 'ok'`);
  else if ("code" in status) add(`${columnSql("status")} = ?`, status.code);
  else {
    const classSql = `${columnSql("status")} >= ? AND ${columnSql("status")} < ?`;
    add(classSql, status.class * 100, status.class * 100 + 100);
  }
  return { sql: terms.join(" AND "), params };
}

const SEARCHED = ["key", "model_asked", "model_used", "upstream", "credential", "error_kind"] as const;

function textCondition(text: string, part: Part): [string, ...SqlValue[]] {
  const [idSql, ...idParams] = idCondition(text.toUpperCase(), part);
  const terms = SEARCHED.map((column) => `instr(lower(${part.columnSql(column)}), ?) > 0`);
  return [`(${[idSql, ...terms].join(" OR ")})`, ...idParams, ...SEARCHED.map(() => text.toLowerCase())];
}

/** An id is a text, or it is printed from a key and the number of the database. */
function idCondition(id: string, part: Part): [string, ...SqlValue[]] {
  if (part === OLDER) return ["id = ?", id];
  const asText = "SELECT seq FROM entries WHERE id = ?";
  const printed =
    "SELECT seq FROM entries WHERE seq = ? AND id IS NULL AND substr(?, 14) = (SELECT number FROM identity)";
  return [`e.seq IN (${asText} UNION ALL ${printed})`, id, keyOfId(id) ?? -1, id];
}
