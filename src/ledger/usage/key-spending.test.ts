import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeIds } from "../../core/ids.ts";
import type { Log } from "../../core/log.ts";
import type { Sql } from "../../store/sql.ts";
import { sampleRow } from "../fixtures/row.ts";
import { RequestIds } from "../request-ids.ts";
import type { LedgerRow } from "../row.ts";
import { openStore } from "../store-file.ts";
import { makeLedgerWriter } from "../writer.ts";
import { type KeySpending, KeySpendings } from "./key-spending.ts";
import { readUsage } from "./read-usage.ts";

/** A Sunday: its week began in the month before. */
const NOW_MS = Date.UTC(2026, 10, 1, 12);
const HOUR_MS = 3_600_000;
const NONE: KeySpending = { dayNanoUsd: 0, weekNanoUsd: 0, monthNanoUsd: 0, allNanoUsd: 0 };

let dir = "";
let sql: Sql;
let nowMs = NOW_MS;
let questions = 0;
let isBroken = false;
const logged: string[] = [];
const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
const keep = (_: object, message: string) => logged.push(message);
const log: Log = { debug: keep, info: keep, warn: keep, error: keep };

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "clewline-spending-"));
  sql = openStore(dir);
  nowMs = NOW_MS;
  questions = 0;
  isBroken = false;
  logged.length = 0;
});
afterEach(() => {
  sql.close();
  rmSync(dir, { recursive: true, force: true });
});

const ids = new RequestIds(makeIds());

function write(...changes: (Partial<LedgerRow> & { atMs: number })[]): void {
  const rows = changes.map((change) => sampleRow({ id: ids.ulid(change.atMs), ...change }));
  makeLedgerWriter(sql, ids, clock).write(rows, 0, rows.length, []);
}

const spendings = () =>
  new KeySpendings({
    clock,
    log,
    ask: async (query) => {
      questions += 1;
      if (isBroken) throw new Error("the reader is gone");
      return readUsage(sql, query);
    },
  });

test("what a key has spent is told by the day, the week and the month of UTC, to the last nano-dollar", async () => {
  write(
    { atMs: Date.UTC(2026, 8, 1), key: "me", costNanoUsd: 1 },
    { atMs: Date.UTC(2026, 9, 25, 23), key: "me", costNanoUsd: 10 },
    // The Monday of the week, and the last moment of the month before.
    { atMs: Date.UTC(2026, 9, 26), key: "me", costNanoUsd: 100 },
    { atMs: Date.UTC(2026, 10, 1) - 1, key: "me", costNanoUsd: 1_000 },
    { atMs: Date.UTC(2026, 10, 1), key: "me", costNanoUsd: 10_000 },
    { atMs: NOW_MS - HOUR_MS, key: "me", costNanoUsd: null },
    { atMs: NOW_MS - HOUR_MS, key: "other", costNanoUsd: 7 },
  );
  expect(await spendings().of("me")).toEqual({
    dayNanoUsd: 10_000,
    weekNanoUsd: 11_100,
    monthNanoUsd: 10_000,
    allNanoUsd: 11_111,
  });
});

test("a key without requests has spent nothing", async () => {
  expect(await spendings().of("nobody")).toEqual(NONE);
});

test("the ledger is asked once in a minute, however many ask", async () => {
  const all = spendings();
  await Promise.all([all.of("me"), all.of("me"), all.of("me")]);
  nowMs += 59_999;
  await all.of("me");
  expect(questions).toBe(2);
  write({ atMs: nowMs, key: "me", costNanoUsd: 5 });
  nowMs += 1;
  expect(await all.of("me")).toMatchObject({ allNanoUsd: 5 });
  expect(questions).toBe(4);
});

test("a ledger that cannot be read is said, and asked again later", async () => {
  const all = spendings();
  isBroken = true;
  expect(await all.of("me")).toBeNull();
  expect(logged).toEqual(["what a key has spent cannot be read now"]);
  isBroken = false;
  nowMs += 60_000;
  expect(await all.of("me")).toEqual(NONE);
});
