// What was spent before a budget began: the sums of usage and the rows behind them give what all rows give.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeIds } from "../../core/ids.ts";
import type { Sql } from "../../store/sql.ts";
import { sampleRow } from "../fixtures/row.ts";
import { firstKey, printId, RequestIds } from "../request-ids.ts";
import { beginRebuild } from "../roll-up/rebuild.ts";
import { RollUp } from "../roll-up/roll-up.ts";
import { SpentCounter } from "../spent-before.ts";
import { openStore } from "../store-file.ts";
import { makeLedgerWriter } from "../writer.ts";
import { readSummedCost } from "./summed-cost.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const START_MS = Date.UTC(2026, 10, 1);
const STEP_ROWS = 10;

let dir = "";
let sql: Sql;
let cost = 0;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "clewline-summed-cost-"));
  sql = openStore(dir);
});
afterEach(() => {
  sql.close();
  rmSync(dir, { recursive: true, force: true });
});

/** A row for each of several keys and teams, each with a cost of its own. */
function write(atMs: number, nowMs = atMs): void {
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
  const number = String(sql.prepare("SELECT number FROM identity").get()?.number);
  const rows = [
    { key: "ci", team: "research" },
    { key: "ci", team: null },
    { key: "web", team: "research" },
    { key: "web", team: "sales" },
  ].map((change, i) => {
    cost += 1_000_003;
    return sampleRow({ id: printId(firstKey(atMs) + i, number), atMs, costNanoUsd: cost, ...change });
  });
  makeLedgerWriter(sql, new RequestIds(makeIds()), clock).write(rows, 0, rows.length, []);
}

function rollUpAll(nowMs: number): void {
  const rollUp = new RollUp(sql);
  while (rollUp.step(500, nowMs).isBehind);
}

const WINDOWS = [
  { startMs: START_MS, endMs: START_MS + DAY_MS },
  { startMs: START_MS + 2 * DAY_MS, endMs: START_MS + 3 * DAY_MS },
  { startMs: START_MS, endMs: START_MS + 30 * DAY_MS },
  { startMs: START_MS + 7 * HOUR_MS, endMs: START_MS + 40 * HOUR_MS },
  // As in India, where days begin at half past an hour of UTC.
  { startMs: START_MS + DAY_MS - HOUR_MS / 2, endMs: START_MS + 2 * DAY_MS - HOUR_MS / 2 },
];
const HOLDERS = [
  { scope: "key", name: "ci" },
  { scope: "key", name: "web" },
  { scope: "team", name: "research" },
  { scope: "team", name: "nobody" },
] as const;

function countedSteps(): number {
  let all = 0;
  for (const window of WINDOWS)
    for (const { scope, name } of HOLDERS) {
      const { startMs, endMs } = window;
      const counter = new SpentCounter(STEP_ROWS);
      let spent: number | null = null;
      for (; spent === null; all++)
        spent = counter.spentBefore(sql, { scope, name, model: "", period: "day", startMs, endMs });
      const row = sql
        .prepare(
          `SELECT sum(cost_nano_usd) AS cost FROM requests WHERE ${scope} = ? AND at_ms >= ? AND at_ms < ?`,
        )
        .get(name, startMs, endMs);
      expect([scope, name, startMs, spent]).toEqual([scope, name, startMs, Number(row?.cost ?? 0)]);
    }
  return all;
}

test("with sums or without, with rows behind them and rows that came late", () => {
  for (let hour = 0; hour < 96; hour++) write(START_MS + hour * HOUR_MS + 5_000);
  const byRows = countedSteps();
  rollUpAll(START_MS + 60 * HOUR_MS);
  countedSteps();
  rollUpAll(START_MS + 96 * HOUR_MS);
  expect(countedSteps()).toBeLessThan(byRows / 4);
  // Rows behind the mark, and rows of long requests, whose keys are below it.
  write(START_MS + 96 * HOUR_MS + 1_000);
  write(START_MS + 3 * HOUR_MS + 2_000, START_MS + 97 * HOUR_MS);
  write(START_MS + 50 * HOUR_MS + 2_000, START_MS + 97 * HOUR_MS);
  expect(Number(sql.prepare("SELECT count(*) AS n FROM usage_late").get()?.n)).toBeGreaterThan(0);
  countedSteps();
  rollUpAll(START_MS + 98 * HOUR_MS);
  countedSteps();
});

test("while the sums are made anew, the rows tell", () => {
  for (let hour = 0; hour < 96; hour++) write(START_MS + hour * HOUR_MS + 5_000);
  rollUpAll(START_MS + 96 * HOUR_MS);
  const wanted = { ...HOLDERS[0], startMs: START_MS, endMs: START_MS + DAY_MS };
  expect(readSummedCost(sql, wanted)).not.toBeNull();
  beginRebuild(sql);
  expect(readSummedCost(sql, wanted)).toBeNull();
  countedSteps();
  const rollUp = new RollUp(sql);
  let isBehind = true;
  for (let step = 0; isBehind; step++) {
    isBehind = rollUp.step(100, START_MS + 96 * HOUR_MS).isBehind;
    if (step % 20 === 0) countedSteps();
  }
  expect(readSummedCost(sql, wanted)).not.toBeNull();
});
