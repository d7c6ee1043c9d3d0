import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../core/clock.ts";
import { makeIds } from "../core/ids.ts";
import { migrate } from "../store/migrations.ts";
import { type Sql, StoreError } from "../store/sql.ts";
import { openSqlite } from "../store/sqlite.ts";
import { sampleRow } from "./fixtures/row.ts";
import { prepareOlderRows } from "./older-rows.ts";
import { readRows } from "./queries.ts";
import { RequestIds } from "./request-ids.ts";
import type { LedgerRow } from "./row.ts";
import { MIGRATIONS } from "./schema.ts";
import { type LedgerWriter, makeLedgerWriter } from "./writer.ts";

let dir = "";
let sql: Sql;
let writer: LedgerWriter;
const ids = new RequestIds(makeIds());

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "clewline-facts-"));
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
  const rows = changes.map((change) => sampleRow({ id: ids.ulid(Date.now()), ...change }));
  writer.write(rows, 0, rows.length, []);
  return rows;
}

const count = (text: string): number => Number(sql.prepare(`SELECT count(*) AS n ${text}`).get()?.n);

test("rows that say the same share one fact, from the second one on, also after a restart", () => {
  const rows = write({}, {}, {});
  writer = makeLedgerWriter(sql, ids, systemClock);
  rows.push(...write({}, {}));
  expect([...readRows(sql)]).toEqual(rows);
  // The first row's fact has no text of a client or an upstream.
  expect(count("FROM facts")).toBe(2);
  expect(count("FROM entries WHERE rest IS NULL")).toBe(4);
});

test("a new name each time, of clients or of upstreams, adds no facts", () => {
  const rows = write(
    ...Array.from({ length: 500 }, (_, i) => ({ modelAsked: `made-up-${i}`, outcome: "error" as const })),
    ...Array.from({ length: 500 }, (_, i) => ({ modelReported: `build-${i}`, stopReason: `stop-${i}` })),
  );
  expect(count("FROM facts")).toBe(2);
  expect([...readRows(sql)]).toEqual(rows);
});

test("names that come again and again fill the facts of their own key only", () => {
  const names = Array.from({ length: 600 }, (_, i) => ({ key: "noisy", modelAsked: `made-up-${i}` }));
  const rows = write(...names, ...names, ...names, {}, {}, {});
  expect(count("FROM facts WHERE key = 'noisy'")).toBe(256);
  expect(count("FROM facts WHERE key = 'me'")).toBe(2);
  writer = makeLedgerWriter(sql, ids, systemClock);
  rows.push(...write(...names));
  expect(count("FROM facts WHERE key = 'noisy'")).toBe(256);
  expect([...readRows(sql)]).toEqual(rows);
});

test("a fact that was written by a failed commit is written again", () => {
  const poison = sampleRow({ id: ids.ulid(1), userAgent: Symbol("not a value of SQL") as never });
  const good = sampleRow({ id: ids.ulid(1), key: "new" });
  expect(() => writer.write([good, poison], 0, 2, [])).toThrow(StoreError);
  expect(count("FROM facts")).toBe(0);
  writer.write([good], 0, 1, []);
  expect([...readRows(sql)]).toEqual([good]);
});
