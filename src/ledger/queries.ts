/**
 * Reports from the ledger. Each reads page by page, and each page is a read of its own, so that a long report or a slow
 * reader never keeps the write-ahead log from being cleared.
 */
import { USAGE_KIND_NAMES, type UsageKind } from "../neutral/usage.ts";
import type { Sql, SqlRow } from "../store/sql.ts";
import { COLUMNS, readRow } from "./columns.ts";
import { Listing } from "./listing.ts";
import { Percentiles } from "./percentiles.ts";
import type { LedgerRow } from "./row.ts";
import type { RowFilter } from "./row-filter.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** The matching rows, oldest first. Reads them as the caller takes them. */
export function* readRows(sql: Sql, filter: RowFilter = {}): Generator<LedgerRow> {
  const number = String(sql.prepare("SELECT number FROM identity").get()?.number);
  const listing = new Listing(sql, Object.values(COLUMNS), filter);
  for (const row of listing.rows()) yield readRow(row, number);
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

const USAGE_COLUMNS = [
  "at_ms",
  "key",
  "model_asked",
  "model_used",
  "outcome",
  "usage_state",
  "upstream",
  "duration_ms",
  "ttfb_ms",
  ...USAGE_KIND_NAMES.map((kind) => COLUMNS[kind]),
];

/** Usage by the given dimensions, sorted by day (newest last), key and model. */
export function readUsage(sql: Sql, by: readonly UsageDimension[], filter: RowFilter = {}): UsageGroup[] {
  const listing = new Listing(sql, USAGE_COLUMNS, filter);
  const groups = new Map<string, Sums>();
  for (const row of listing.rows()) {
    const key = by.includes("key") ? String(row.key) : null;
    const model = by.includes("model") ? String(row.model_used ?? row.model_asked ?? "") : null;
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
