/** Ids and keys that meet: of two processes, of two databases, of a clock that went back. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../core/clock.ts";
import { makeIds } from "../core/ids.ts";
import type { Sql } from "../store/sql.ts";
import { sampleRow } from "./fixtures/row.ts";
import { readRows } from "./queries.ts";
import { LANES, printId, RequestIds } from "./request-ids.ts";
import type { LedgerRow } from "./row.ts";
import { openStore } from "./store-file.ts";
import { makeLedgerWriter } from "./writer.ts";

const NOW_MS = Date.UTC(2026, 10, 28);
let dir = "";
let sql: Sql;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "clewline-entries-"));
  sql = openStore(dir);
});
afterEach(() => {
  sql.close();
  rmSync(dir, { recursive: true, force: true });
});

const newIds = (): RequestIds => new RequestIds(makeIds());
const rowOf = (id: string, change: Partial<LedgerRow> = {}): LedgerRow =>
  sampleRow({ id, atMs: NOW_MS, ...change });
const found = (id: string): LedgerRow[] => [...readRows(sql, { id })];
const inView = (): unknown[] =>
  sql
    .prepare("SELECT id FROM requests ORDER BY id")
    .all()
    .map(({ id }) => id);

test("an id that was issued is stored in its key alone, and is found again", () => {
  const ids = newIds();
  const writer = makeLedgerWriter(sql, ids, systemClock);
  const rows = Array.from({ length: 300 }, () => rowOf(ids.ulid(NOW_MS)));
  writer.write(rows, 0, rows.length, []);
  expect(sql.prepare("SELECT count(id) AS n FROM entries").get()).toEqual({ n: 0 });
  expect(inView()).toEqual(rows.map(({ id }) => id));
  for (const row of rows.slice(0, 20)) expect(found(row.id)).toEqual([row]);
  expect(found(ids.ulid(NOW_MS))).toEqual([]);
});

test("an id that was issued before the database could be opened is found under its own text", () => {
  const ids = newIds();
  const early = rowOf(ids.ulid(NOW_MS));
  const writer = makeLedgerWriter(sql, ids, systemClock);
  const late = rowOf(ids.ulid(NOW_MS));
  writer.write([early, late], 0, 2, []);
  writer.write([early], 0, 1, []);
  expect(inView()).toEqual([early.id, late.id]);
  expect(found(early.id)).toEqual([early]);
});

test("an id of a database that was replaced is found in the new one, and not under the new one's number", () => {
  const other = mkdtempSync(join(tmpdir(), "clewline-entries-"));
  const old = openStore(other);
  const ids = newIds();
  makeLedgerWriter(old, ids, systemClock);
  const row = rowOf(ids.ulid(NOW_MS));
  old.close();
  rmSync(other, { recursive: true });
  makeLedgerWriter(sql, ids, systemClock).write([row], 0, 1, []);
  expect(inView()).toEqual([row.id]);
  expect(found(row.id)).toEqual([row]);
});

test("two processes with one file and one lane lose no row", () => {
  const [one, two] = [newIds(), newIds()];
  const writers = [makeLedgerWriter(sql, one, systemClock), makeLedgerWriter(sql, two, systemClock)] as const;
  const number = String(sql.prepare("SELECT number FROM identity").get()?.number);
  for (const ids of [one, two]) ids.adopt({ number, lane: 7, highestKey: 0 });
  const rows = [one, two].map((ids, i) => rowOf(ids.ulid(NOW_MS), { durationMs: 10 + i }));
  expect(rows[0]?.id).toBe(rows[1]?.id as string);
  for (const [i, writer] of writers.entries()) {
    writer.write(rows, i, i + 1, []);
    // Written again after a commit whose end was not known; its outcome was corrected meanwhile.
    writer.write([{ ...(rows[i] as LedgerRow), status: 503 }], 0, 1, []);
  }
  expect(found(rows[0]?.id as string)).toEqual(rows);
});

test("each opening takes another lane; opening again after a failure keeps it", () => {
  const ids = newIds();
  makeLedgerWriter(sql, ids, systemClock);
  const { lane } = ids;
  makeLedgerWriter(sql, ids, systemClock);
  expect(ids.lane).toBe(lane);
  const other = newIds();
  makeLedgerWriter(sql, other, systemClock);
  expect(other.lane).toBe((lane + 1) % LANES);
});

test("keys go on behind the highest one, when the clock went back before a restart", () => {
  const ids = newIds();
  const writer = makeLedgerWriter(sql, ids, systemClock);
  const before = rowOf(ids.ulid(NOW_MS));
  writer.write([before], 0, 1, []);
  const again = newIds();
  const later = makeLedgerWriter(sql, again, systemClock);
  const after = rowOf(again.ulid(NOW_MS - 3_600_000), { atMs: NOW_MS - 3_600_000 });
  later.write([after], 0, 1, []);
  expect(inView()).toEqual([before.id, after.id]);
  expect([...readRows(sql, { sinceMs: NOW_MS })]).toEqual([before]);
  expect([...readRows(sql, { sinceMs: NOW_MS - 3_600_000 })]).toEqual([before, after]);
});

test("an id of another form is kept as it is", () => {
  const writer = makeLedgerWriter(sql, newIds(), systemClock);
  const rows = ["x", "", printId(5, "0123456789ABC")].map((id) => rowOf(id));
  writer.write(rows, 0, 3, []);
  writer.write(rows, 0, 3, []);
  expect([...readRows(sql)]).toHaveLength(3);
  for (const row of rows) expect(found(row.id)).toEqual([row]);
});
