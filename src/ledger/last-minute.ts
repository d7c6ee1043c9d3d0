/** What the rows of a short time have taken of rates, for a process that begins to count. */
import type { RowModels } from "../core/model-pattern.ts";
import type { Sql } from "../store/sql.ts";
import { COLUMNS, ENTRY_SQL } from "./columns.ts";
import { firstKey } from "./request-ids.ts";
import { BACKGROUND_ENDPOINT, BOOKINGS, type LedgerRow } from "./row.ts";

/** Rows of one second that are alike in these. */
export interface TakenBefore extends RowModels, Pick<LedgerRow, "key" | "credential"> {
  /** The end of the second in which they were accepted, Unix milliseconds. */
  readonly atMs: number;
  readonly requests: number;
  readonly tokens: number;
}

const SECOND_MS = 1_000;
const NAMES = ["key", "upstream", "credential", "modelAsked", "modelUsed", "modelReported"] as const;

/** Rows that were accepted since then, the oldest first. Those of refused requests took nothing. Throws `StoreError`. */
export function readTakenSince(sql: Sql, sinceMs: number): TakenBefore[] {
  return sql
    .prepare(TAKEN_SQL)
    .all(firstKey(sinceMs))
    .map((row) => {
      const text = (name: (typeof NAMES)[number]): string | null => {
        const value = row[COLUMNS[name]] ?? null;
        return value === null ? null : String(value);
      };
      return {
        key: text("key") ?? "",
        upstream: text("upstream"),
        credential: text("credential"),
        modelAsked: text("modelAsked"),
        modelUsed: text("modelUsed"),
        modelReported: text("modelReported"),
        atMs: Number(row.second) * SECOND_MS + SECOND_MS - 1,
        requests: Number(row.requests),
        tokens: Number(row.tokens),
      };
    });
}

const ENDPOINT_SQL = `coalesce(${ENTRY_SQL.endpoint}, '')`;
const COLUMNS_SQL = NAMES.map((name) => `${ENTRY_SQL[COLUMNS[name]]} AS ${COLUMNS[name]}`);

/** Rows are added up by their facts first, so that the names are looked up once for each second and fact. */
const ALIKE_SQL = `SELECT ${ENTRY_SQL.at_ms} / ${SECOND_MS} AS second, e.fact, e.rest, e.ttfb_ms IS NOT NULL AS has_begun,
    count(*) AS rows, total(coalesce(e.input_tokens, 0) + coalesce(e.output_tokens, 0)) AS tokens
  FROM entries e WHERE e.seq >= ? GROUP BY 1, 2, 3, 4`;

/** A background response counted as a request when it was begun. */
const TAKEN_SQL = `SELECT e.second, ${COLUMNS_SQL.join(", ")}, e.tokens,
    iif(${ENDPOINT_SQL} = '${BACKGROUND_ENDPOINT}', 0, e.rows) AS requests
  FROM (${ALIKE_SQL}) e LEFT JOIN facts f ON f.fact = e.fact
  WHERE (${ENTRY_SQL.attempts} > 0 OR ${ENTRY_SQL.outcome} = 'ok' OR e.has_begun)
    AND ${ENDPOINT_SQL} NOT IN (${BOOKINGS.map((endpoint) => `'${endpoint}'`).join(", ")})
  ORDER BY e.second`;
