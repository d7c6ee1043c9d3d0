/**
 * Reports from the ledger. Each reads page by page, and each page is a read of its own, so that a long report or a slow
 * reader never keeps the write-ahead log from being cleared.
 */
import { USAGE_KIND_NAMES, type UsageKind } from "../neutral/usage.ts";
import type { Sql, SqlRow, SqlStatement, SqlValue } from "../store/sql.ts";
import { COLUMN_LIST, COLUMNS, readRow } from "./columns.ts";
import { Percentiles } from "./percentiles.ts";
import type { LedgerRow } from "./row.ts";

const PAGE_ROWS = 500;
const DAY_MS = 24 * 60 * 60 * 1000;
const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** A status code, a class such as 4 for 4xx, or the kind of ending. */
export type StatusFilter =
  | { readonly outcome: "ok" | "error" }
  | { readonly code: number }
  | { readonly class: number };

export interface RowFilter {
  /** Requests accepted at or after this time, Unix milliseconds. */
  readonly sinceMs?: number | undefined;
  readonly key?: string | undefined;
  /** The model that was asked for, or the model that was used. */
  readonly model?: string | undefined;
  readonly status?: StatusFilter | undefined;
  /** Only so many of the newest rows; undefined: every matching row. */
  readonly limit?: number | undefined;
}

interface Condition {
  readonly sql: string;
  readonly params: readonly SqlValue[];
}

/** The smallest id of a request that was accepted at `atMs`. */
function firstId(atMs: number): string {
  let rest = Math.max(0, Math.floor(atMs));
  let time = "";
  for (let i = 0; i < 10; i++) {
    time = CROCKFORD.charAt(rest % 32) + time;
    rest = Math.floor(rest / 32);
  }
  return time;
}

function conditions(filter: RowFilter): Condition {
  const parts: string[] = ["1"];
  const params: SqlValue[] = [];
  const add = (sql: string, ...values: SqlValue[]): void => {
    parts.push(sql);
    params.push(...values);
  };
  if (filter.sinceMs !== undefined) add("at_ms >= ?", filter.sinceMs);
  if (filter.key !== undefined) add("key = ?", filter.key);
  if (filter.model !== undefined) add("(model_asked = ? OR model_used = ?)", filter.model, filter.model);
  const status = filter.status;
  if (status !== undefined) {
    if ("outcome" in status) add(status.outcome === "ok" ? "outcome = 'ok'" : "outcome <> 'ok'");
    else if ("code" in status) add("status = ?", status.code);
    else add("status >= ? AND status < ?", status.class * 100, status.class * 100 + 100);
  }
  return { sql: parts.join(" AND "), params };
}

function* pages(statement: SqlStatement, fromId: string, params: readonly SqlValue[]): Generator<SqlRow> {
  let page = statement.all(fromId, ...params, PAGE_ROWS);
  // The first page begins with `fromId` itself, the others behind the last row that was read.
  for (;;) {
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_ROWS) return;
    page = statement.all(`${last.id}\u0000`, ...params, PAGE_ROWS);
  }
}

/** The matching rows, oldest first. Reads them as the caller takes them. */
export function* readRows(sql: Sql, filter: RowFilter = {}): Generator<LedgerRow> {
  const { sql: where, params } = conditions(filter);
  let fromId = filter.sinceMs === undefined ? "" : firstId(filter.sinceMs);
  if (filter.limit !== undefined) {
    if (filter.limit < 1) return;
    const oldest = sql
      .prepare(`SELECT id FROM requests WHERE id >= ? AND ${where} ORDER BY id DESC LIMIT 1 OFFSET ?`)
      .get(fromId, ...params, filter.limit - 1);
    if (oldest !== null) fromId = String(oldest.id);
  }
  const statement = sql.prepare(
    `SELECT ${COLUMN_LIST} FROM requests WHERE id >= ? AND ${where} ORDER BY id LIMIT ?`,
  );
  let left = filter.limit ?? Number.POSITIVE_INFINITY;
  for (const row of pages(statement, fromId, params)) {
    // Rows that were written between the two queries are over the limit.
    if (left-- <= 0) return;
    yield readRow(row);
  }
}

/** A report of usage is split by these. Days are UTC. */
export type UsageDimension = "key" | "model" | "day";

/**
 * Sums over a group of requests. The sum of a kind of usage is null when no request of the group reported the
 * kind.
 */
export interface UsageGroup {
  /** null: the report is not split by the key. So with `model` and `day`. */
  readonly key: string | null;
  /** The model that the upstream was asked for, else the one that the client asked for. */
  readonly model: string | null;
  /** `2026-11-23`, UTC. */
  readonly day: string | null;
  readonly requests: number;
  /** Requests that ended in an error; requests whose client left are none. */
  readonly errors: number;
  readonly clientLeft: number;
  readonly usage: Readonly<Record<UsageKind, number | null>>;
  /** Requests that went to an upstream, but whose usage is not the provider's final count. */
  readonly unsureUsage: number;
  /** Milliseconds, within 1 %; null when no request has the figure. */
  readonly durationP50Ms: number | null;
  readonly durationP95Ms: number | null;
  readonly ttfbP50Ms: number | null;
  readonly ttfbP95Ms: number | null;
}

interface Sums {
  readonly key: string | null;
  readonly model: string | null;
  readonly day: string | null;
  requests: number;
  errors: number;
  clientLeft: number;
  unsureUsage: number;
  readonly usage: Record<UsageKind, number | null>;
  readonly duration: Percentiles;
  readonly ttfb: Percentiles;
}

/** Usage by the given dimensions, sorted by day (newest last), key and model. */
export function readUsage(sql: Sql, by: readonly UsageDimension[], filter: RowFilter = {}): UsageGroup[] {
  const { sql: where, params } = conditions(filter);
  const statement = sql.prepare(
    `SELECT id, at_ms, key, coalesce(model_used, model_asked, '') AS model, outcome, usage_state, upstream,
       duration_ms, ttfb_ms, ${USAGE_KIND_NAMES.map((kind) => COLUMNS[kind]).join(", ")}
     FROM requests WHERE id >= ? AND ${where} ORDER BY id LIMIT ?`,
  );
  const groups = new Map<string, Sums>();
  const fromId = filter.sinceMs === undefined ? "" : firstId(filter.sinceMs);
  for (const row of pages(statement, fromId, params)) {
    const key = by.includes("key") ? String(row.key) : null;
    const model = by.includes("model") ? String(row.model) : null;
    const day = by.includes("day") ? dayOf(Number(row.at_ms)) : null;
    const name = JSON.stringify([day, key, model]);
    let sums = groups.get(name);
    if (sums === undefined) {
      sums = emptySums(key, model, day);
      groups.set(name, sums);
    }
    add(sums, row);
  }
  const order = ({ day, key, model }: Sums): string[] => [day ?? "", key ?? "", model ?? ""];
  return [...groups.values()].sort((a, b) => compareLists(order(a), order(b))).map(toGroup);
}

function compareLists(a: readonly string[], b: readonly string[]): number {
  for (const [i, left] of a.entries()) {
    const right = b[i] ?? "";
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}

function dayOf(atMs: number): string {
  return new Date(Math.floor(atMs / DAY_MS) * DAY_MS).toISOString().slice(0, 10);
}

function emptySums(key: string | null, model: string | null, day: string | null): Sums {
  return {
    key,
    model,
    day,
    requests: 0,
    errors: 0,
    clientLeft: 0,
    unsureUsage: 0,
    usage: Object.fromEntries(USAGE_KIND_NAMES.map((kind) => [kind, null])) as Sums["usage"],
    duration: new Percentiles(),
    ttfb: new Percentiles(),
  };
}

function add(sums: Sums, row: SqlRow): void {
  sums.requests++;
  if (row.outcome === "client_left") sums.clientLeft++;
  else if (row.outcome !== "ok") sums.errors++;
  if (row.usage_state !== "final" && row.upstream !== null) sums.unsureUsage++;
  for (const kind of USAGE_KIND_NAMES) {
    const count = row[COLUMNS[kind]];
    if (typeof count === "number") sums.usage[kind] = (sums.usage[kind] ?? 0) + count;
  }
  if (typeof row.duration_ms === "number") sums.duration.add(row.duration_ms);
  if (typeof row.ttfb_ms === "number") sums.ttfb.add(row.ttfb_ms);
}

function toGroup(sums: Sums): UsageGroup {
  return {
    key: sums.key,
    model: sums.model,
    day: sums.day,
    requests: sums.requests,
    errors: sums.errors,
    clientLeft: sums.clientLeft,
    usage: sums.usage,
    unsureUsage: sums.unsureUsage,
    durationP50Ms: sums.duration.at(0.5),
    durationP95Ms: sums.duration.at(0.95),
    ttfbP50Ms: sums.ttfb.at(0.5),
    ttfbP95Ms: sums.ttfb.at(0.95),
  };
}
