import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { systemClock } from "../core/clock.ts";
import { makeIds } from "../core/ids.ts";
import { USAGE_KIND_NAMES, type Usage } from "../neutral/usage.ts";
import { migrate } from "../store/migrations.ts";
import type { Sql } from "../store/sql.ts";
import { openSqlite } from "../store/sqlite.ts";
import { readRow } from "./columns.ts";
import { sampleRow } from "./fixtures/row.ts";
import { prepareOlderRows } from "./older-rows.ts";
import { readRows } from "./queries.ts";
import { printId, RequestIds } from "./request-ids.ts";
import type { LedgerRow } from "./row.ts";
import { MIGRATIONS } from "./schema.ts";
import { type LedgerWriter, makeLedgerWriter } from "./writer.ts";

const ids = new RequestIds(makeIds());
const START_MS = Date.UTC(2026, 10, 1);

let dir = "";
let sql: Sql;
let writer: LedgerWriter;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "clewline-queries-"));
  sql = openSqlite(join(dir, "x.db"), { mode: "write", busyTimeoutMs: 0 });
  migrate(sql, MIGRATIONS);
  prepareOlderRows(sql);
  writer = makeLedgerWriter(sql, ids, systemClock);
});
afterEach(() => {
  sql.close();
  rmSync(dir, { recursive: true, force: true });
});

function write(...changes: Partial<LedgerRow>[]): LedgerRow[] {
  const rows = changes.map((change) => {
    const atMs = change.atMs ?? START_MS;
    return sampleRow({ id: ids.ulid(atMs), atMs, ...change });
  });
  writer.write(rows, 0, rows.length, []);
  return rows;
}

const idsOf = (rows: Iterable<LedgerRow>): string[] => [...rows].map((row) => row.id);

test("a row reads back as it was written, whatever it holds", () => {
  const number = String(sql.prepare("SELECT number FROM identity").get()?.number);
  const count = fc.maxSafeNat();
  const text = fc.string({ unit: "grapheme" });
  const textOrNull = fc.option(text, { nil: null });
  const countOrNull = fc.option(count, { nil: null });
  // SQL knows one zero.
  const duration = fc.double({ min: 0, max: 1e12, noNaN: true }).map((ms) => ms + 0);
  const row = fc.record<LedgerRow>({
    id: fc.integer({ min: 1, max: 2 ** 53 - 2 }).map((key) => printId(key, number)),
    atMs: count,
    key: text,
    team: textOrNull,
    dialect: text,
    endpoint: text,
    clientRequestId: textOrNull,
    modelAsked: textOrNull,
    upstream: textOrNull,
    upstreamDialect: textOrNull,
    modelUsed: textOrNull,
    modelReported: textOrNull,
    credential: textOrNull,
    isStream: fc.boolean(),
    status: count,
    outcome: fc.constantFrom("ok", "error", "client_left", "upstream_cut", "refused"),
    errorKind: textOrNull,
    stopReason: textOrNull,
    attempts: count,
    attemptLog: textOrNull,
    ttfbMs: fc.option(duration, { nil: null }),
    durationMs: duration,
    requestBytes: count,
    replyBytes: count,
    usage: fc.record({
      ...Object.fromEntries(USAGE_KIND_NAMES.map((kind) => [kind, countOrNull])),
      serviceTier: textOrNull,
      region: textOrNull,
    }) as fc.Arbitrary<Usage>,
    usageState: fc.constantFrom("final", "partial", "estimated", "unknown"),
    // A correction is below zero.
    costNanoUsd: fc.option(fc.maxSafeInteger(), { nil: null }),
    priceVersion: textOrNull,
    costGaps: textOrNull,
    drops: textOrNull,
    cache: textOrNull,
    savedNanoUsd: fc.option(fc.maxSafeInteger(), { nil: null }),
    upstreamRequestId: textOrNull,
    clientAddress: textOrNull,
    userAgent: textOrNull,
    endUser: textOrNull,
    tags: textOrNull,
  });
  fc.assert(
    fc.property(fc.uniqueArray(row, { selector: ({ id }) => id, maxLength: 5 }), (rows) => {
      sql.exec("DELETE FROM entries");
      // Once with texts of their own, then with the fact that the first time has made.
      writer.write(rows, 0, rows.length, []);
      sql.exec("DELETE FROM entries");
      writer.write(rows, 0, rows.length, []);
      const sorted = [...rows].sort((a, b) => (a.id < b.id ? -1 : 1));
      expect([...readRows(sql)]).toEqual(sorted);
      const inView = sql.prepare("SELECT * FROM requests ORDER BY id").all();
      expect(inView.map((columns) => readRow(columns, ""))).toEqual(sorted);
    }),
  );
});

test("a long listing is read page by page and misses nothing, also at the page's edge", () => {
  for (const count of [499, 500, 501, 1500]) {
    sql.exec("DELETE FROM entries");
    const rows = write(...Array.from({ length: count }, () => ({})));
    expect(idsOf(readRows(sql))).toEqual(rows.map((row) => row.id));
  }
});

test("a listing that nobody reads on does not keep the write-ahead log from being cleared", () => {
  write(...Array.from({ length: 2000 }, () => ({})));
  const reader = openSqlite(join(dir, "x.db"), { mode: "read", busyTimeoutMs: 0 });
  const listing = readRows(reader);
  listing.next();
  write(...Array.from({ length: 2000 }, () => ({})));
  const [state] = sql.prepare("PRAGMA wal_checkpoint(TRUNCATE)").all();
  expect(state?.busy).toBe(0);
  // And it goes on with what has come since.
  expect([...listing]).toHaveLength(3999);
  reader.close();
});

test("filters: since, key, model, status", () => {
  const [a, b, c, d] = write(
    { atMs: START_MS, key: "ann", status: 200 },
    { atMs: START_MS + 1, key: "bob", status: 429, outcome: "error", modelUsed: null, modelAsked: "fast" },
    { atMs: START_MS + 2, key: "ann", status: 404, outcome: "refused" },
    { atMs: START_MS + 3, key: "bob", status: 200, outcome: "upstream_cut", modelUsed: "fast" },
  ).map((row) => row.id) as [string, string, string, string];
  expect(idsOf(readRows(sql, { sinceMs: START_MS + 2 }))).toEqual([c, d]);
  expect(idsOf(readRows(sql, { key: "ann" }))).toEqual([a, c]);
  expect(idsOf(readRows(sql, { model: "fast" }))).toEqual([b, d]);
  expect(idsOf(readRows(sql, { status: { outcome: "ok" } }))).toEqual([a]);
  expect(idsOf(readRows(sql, { status: { outcome: "error" } }))).toEqual([b, c, d]);
  expect(idsOf(readRows(sql, { status: { code: 429 } }))).toEqual([b]);
  expect(idsOf(readRows(sql, { status: { class: 4 } }))).toEqual([b, c]);
  expect(idsOf(readRows(sql, { key: "bob", status: { class: 2 } }))).toEqual([d]);
  expect(idsOf(readRows(sql, { limit: 2 }))).toEqual([c, d]);
  expect(idsOf(readRows(sql, { limit: 1, key: "ann" }))).toEqual([c]);
  expect(idsOf(readRows(sql, { limit: 9 }))).toEqual([a, b, c, d]);
});
