// The oldest rows go by age and by size, in steps; the sums of usage, late rows and open budgets lose nothing.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeIds } from "../../core/ids.ts";
import { type Log, silentLog } from "../../core/log.ts";
import type { Sql } from "../../store/sql.ts";
import { sampleRow } from "../fixtures/row.ts";
import { plainGroups } from "../fixtures/usage-by-rows.ts";
import { firstKey, printId, RequestIds } from "../request-ids.ts";
import { beginRebuild } from "../roll-up/rebuild.ts";
import { RollUp } from "../roll-up/roll-up.ts";
import type { LedgerRow } from "../row.ts";
import { openStore } from "../store-file.ts";
import { readUsage } from "../usage/read-usage.ts";
import { ALL_USAGE } from "../usage/usage-query.ts";
import { makeLedgerWriter } from "../writer.ts";
import { ClockBelief } from "./clock-belief.ts";
import { DiskWatch } from "./disk-watch.ts";
import { Retainer } from "./retainer.ts";
import { Retention, type RetentionRule, rowsDeletedBefore } from "./retention.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const START_MS = Date.UTC(2026, 0, 5);
const KEEP_ALL: RetentionRule = { keepDays: 0, keepBytes: 0, neededSinceMs: null };

let dir = "";
let sql: Sql;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "clewline-retention-"));
  sql = openStore(dir);
});
afterEach(() => {
  sql.close();
  rmSync(dir, { recursive: true, force: true });
});

/** Rows of one moment, committed at `nowMs`. */
function write(atMs: number, changes: readonly Partial<LedgerRow>[], nowMs = atMs): void {
  const number = String(sql.prepare("SELECT number FROM identity").get()?.number);
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
  const rows = changes.map((change, i) =>
    sampleRow({ id: printId(firstKey(atMs) + i, number), atMs, ...change }),
  );
  makeLedgerWriter(sql, new RequestIds(makeIds()), clock).write(rows, 0, rows.length, []);
}

function writeDays(days: number, rowsADay = 20): void {
  for (let day = 0; day < days; day++) {
    const change = { key: `key-${day % 3}`, costNanoUsd: 1_000 + day };
    write(
      START_MS + day * DAY_MS,
      Array.from({ length: rowsADay }, () => change),
    );
  }
}

function rollUpAll(nowMs: number): void {
  const rollUp = new RollUp(sql);
  while (rollUp.step(1_000, nowMs).isBehind);
}

/** Steps until nothing is left to do; returns how many rows have gone. */
function retain(rule: Partial<RetentionRule>, nowMs: number, limit = 7): number {
  const retention = new Retention(sql);
  let deleted = 0;
  for (let i = 0; i < 10_000; i++) {
    const step = retention.step(limit, { ...KEEP_ALL, ...rule }, nowMs);
    expect(step.deleted).toBeLessThanOrEqual(limit);
    deleted += step.deleted;
    if (!step.isBehind) return deleted;
  }
  throw new Error("the retention comes to no end");
}

const oldest = (): number | null => {
  const at = sql.prepare("SELECT min(at_ms) AS at FROM requests").get()?.at ?? null;
  return at === null ? null : Number(at);
};
const rows = (): number => Number(sql.prepare("SELECT count(*) AS n FROM entries").get()?.n);
const usage = () => plainGroups(readUsage(sql, { ...ALL_USAGE, by: ["key", "model"], period: "day" }).groups);

test("rows that are older than the days go, whole hours at a time, and the sums stay", () => {
  writeDays(10);
  const nowMs = START_MS + 10 * DAY_MS;
  rollUpAll(nowMs);
  const before = usage();
  expect(retain({ keepDays: 4 }, nowMs + 1_000)).toBe(6 * 20);
  expect(oldest()).toBe(START_MS + 6 * DAY_MS);
  expect(usage()).toEqual(before);
  expect(rowsDeletedBefore(sql)).toBe(START_MS + 6 * DAY_MS);
  expect(retain({ keepDays: 4 }, nowMs + 1_000)).toBe(0);
});

test("with 0 days no row goes for its age", () => {
  writeDays(3);
  rollUpAll(START_MS + 9_000 * DAY_MS);
  expect(retain({}, START_MS + 9_000 * DAY_MS)).toBe(0);
  expect(rowsDeletedBefore(sql)).toBeNull();
});

test("no row goes that is not in the sums yet", () => {
  writeDays(10);
  const nowMs = START_MS + 400 * DAY_MS;
  expect(retain({ keepDays: 1 }, nowMs)).toBe(0);
  const rollUp = new RollUp(sql);
  rollUp.step(45, nowMs);
  expect(retain({ keepDays: 1 }, nowMs)).toBe(45);
  rollUpAll(nowMs);
  expect(readUsage(sql, ALL_USAGE).groups[0]?.requests).toBe(200);
});

test("a late row stays until it is in the sums", () => {
  writeDays(6);
  const nowMs = START_MS + 100 * DAY_MS;
  rollUpAll(nowMs);
  write(START_MS + 2 * DAY_MS + HOUR_MS, [{ key: "late", costNanoUsd: 5 }], nowMs);
  expect(retain({ keepDays: 1 }, nowMs)).toBe(60);
  rollUpAll(nowMs);
  expect(retain({ keepDays: 1 }, nowMs)).toBe(61);
  expect(readUsage(sql, { ...ALL_USAGE, where: { key: ["late"] } }).groups[0]?.costNanoUsd).toBe(5n);
});

test("no row goes while the sums are made anew, and what is gone stays in them", () => {
  writeDays(10);
  const nowMs = START_MS + 10 * DAY_MS;
  rollUpAll(nowMs);
  retain({ keepDays: 5 }, nowMs);
  const before = usage();
  beginRebuild(sql);
  expect(retain({ keepDays: 2 }, nowMs)).toBe(0);
  rollUpAll(nowMs);
  expect(usage()).toEqual(before);
  expect(retain({ keepDays: 2 }, nowMs)).toBe(3 * 20);
});

test("no row goes that an open budget needs, whatever the age and the size say", () => {
  writeDays(10);
  const nowMs = START_MS + 30 * DAY_MS;
  rollUpAll(nowMs);
  const neededSinceMs = START_MS + 3 * DAY_MS;
  expect(retain({ keepDays: 1, keepBytes: 1, neededSinceMs }, nowMs)).toBe(60);
  expect(oldest()).toBe(neededSinceMs);
});

test("for the size the oldest rows go, until the database fits or only the last hour is left", () => {
  const note = "x".repeat(400);
  for (let hour = 0; hour < 60; hour++)
    write(
      START_MS + hour * HOUR_MS,
      Array.from({ length: 50 }, () => ({ userAgent: note })),
    );
  const nowMs = START_MS + 60 * HOUR_MS;
  rollUpAll(nowMs);
  const bytes = (): number => {
    const read = (name: string) => Number(sql.prepare(`PRAGMA ${name}`).get()?.[name]);
    return (read("page_count") - read("freelist_count")) * read("page_size");
  };
  const keepBytes = bytes() - 600_000;
  expect(retain({ keepBytes }, nowMs, 100)).toBeGreaterThan(500);
  expect(bytes()).toBeLessThanOrEqual(keepBytes);
  expect(oldest()).toBeLessThan(START_MS + 50 * HOUR_MS);
  retain({ keepBytes: 1 }, nowMs, 500);
  expect(oldest()).toBe(START_MS + 59 * HOUR_MS);
  expect(new Retention(sql).step(100, { ...KEEP_ALL, keepBytes: 1 }, nowMs)).toMatchObject({
    deleted: 0,
    isTooLarge: true,
  });
  expect(readUsage(sql, ALL_USAGE).groups[0]?.requests).toBe(3_000);
});

test("what many deleted rows took is given back to the disk", () => {
  const note = "x".repeat(2_000);
  for (let hour = 0; hour < 40; hour++)
    write(
      START_MS + hour * HOUR_MS,
      Array.from({ length: 100 }, () => ({ userAgent: note, clientRequestId: note })),
    );
  const nowMs = START_MS + 100 * DAY_MS;
  rollUpAll(nowMs);
  const pages = (): number => Number(sql.prepare("PRAGMA page_count").get()?.page_count);
  const before = pages();
  expect(retain({ keepDays: 1 }, nowMs, 500)).toBe(4_000);
  expect(pages()).toBeLessThan(before / 2 + 1_024);
});

test("the retainer deletes by itself, announces the first deletion once, and goes on with a changed rule", async () => {
  writeDays(10);
  let nowMs = START_MS + 10 * DAY_MS;
  rollUpAll(nowMs);
  const said: string[] = [];
  const note = (fields: object, message: string): void =>
    void said.push(`${message} ${JSON.stringify(fields)}`);
  const log = { debug: note, info: note, warn: note, error: note } as unknown as Log;
  let rule: RetentionRule = { ...KEEP_ALL, keepDays: 7 };
  const clock = { nowMs: () => nowMs, monotonicMs: () => performance.now() };
  const retainer = new Retainer({ open: () => openStore(dir), rule: () => rule, clock, log, lookMs: 5 });
  retainer.start();
  const until = async (wanted: number): Promise<void> => {
    while (rows() !== wanted) await Bun.sleep(2);
  };
  await until(7 * 20);
  rule = { ...KEEP_ALL, keepDays: 2 };
  await until(2 * 20);
  nowMs += DAY_MS;
  await until(20);
  await Bun.sleep(20);
  retainer.stop();
  const announced = said.filter((line) => line.startsWith("deleting the oldest rows"));
  expect(announced).toHaveLength(1);
  expect(announced[0]).toContain(`"before":"${new Date(START_MS + 3 * DAY_MS).toISOString()}","keepDays":7`);
});

test("F23 a clock that jumps forward by a year deletes nothing for its age, until a day later", () => {
  writeDays(10);
  let [nowMs, steadyMs] = [START_MS + 9 * DAY_MS, 0];
  const said: string[] = [];
  const note = (_: object, message: string): void => void said.push(message);
  const log = { debug: note, info: note, warn: note, error: note } as unknown as Log;
  const belief = new ClockBelief({ nowMs: () => nowMs, monotonicMs: () => steadyMs }, log);
  const pass = (ms: number, jumpMs = 0): boolean => {
    steadyMs += ms;
    nowMs += ms + jumpMs;
    return belief.isSane(() => new Retention(sql).newestMs());
  };
  expect([pass(1_000), pass(60_000)]).toEqual([true, true]);
  expect([pass(600_000, 365 * DAY_MS), pass(600_000)]).toEqual([false, false]);
  expect(said).toHaveLength(1);
  // It is set right: what went wrong is forgotten at once.
  expect(pass(600_000, -365 * DAY_MS)).toBe(true);
  expect(pass(600_000, 30 * DAY_MS)).toBe(false);
  expect(pass(DAY_MS)).toBe(true);
  expect(said).toHaveLength(2);
});

test("F23 a start long after the newest row waits for a day, because the clock may be wrong", () => {
  writeDays(3);
  let steadyMs = 0;
  const nowMs = (): number => START_MS + 400 * DAY_MS + steadyMs;
  const belief = new ClockBelief({ nowMs, monotonicMs: () => steadyMs }, silentLog);
  const isSane = (): boolean => belief.isSane(() => new Retention(sql).newestMs());
  expect(isSane()).toBe(false);
  steadyMs += DAY_MS;
  expect(isSane()).toBe(true);
});

test("a disk that is almost full is told once an hour, until a quarter more is free", () => {
  let free: number | null = 2_000;
  let nowMs = 0;
  const said: string[] = [];
  const note = (_: object, message: string): void => void said.push(message);
  const log = { debug: note, info: note, warn: note, error: note } as unknown as Log;
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
  const disk = new DiskWatch({ freeBytes: () => free, minFreeBytes: () => 1_000, clock, log });
  const look = (bytes: number | null, afterMs = 60_000): boolean => {
    free = bytes;
    nowMs += afterMs;
    disk.look();
    return disk.isLow;
  };
  expect([look(2_000), look(999), look(1_100), look(null), look(500)]).toEqual([
    false,
    true,
    true,
    true,
    true,
  ]);
  expect(said).toHaveLength(1);
  look(500, HOUR_MS);
  expect(said).toHaveLength(2);
  expect(look(1_250)).toBe(false);
  expect(said.at(-1)).toBe("the disk of the data folder has enough free space again");
  expect(look(999)).toBe(true);
  expect(said).toHaveLength(4);
});
