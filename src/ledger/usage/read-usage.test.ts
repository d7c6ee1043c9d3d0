import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { makeIds } from "../../core/ids.ts";
import { NO_USAGE } from "../../neutral/usage.ts";
import type { Sql } from "../../store/sql.ts";
import { sampleRow } from "../fixtures/row.ts";
import { plainGroups, usageByRows } from "../fixtures/usage-by-rows.ts";
import { readRows } from "../queries.ts";
import { firstKey, keyOfId, printId, RequestIds } from "../request-ids.ts";
import { CostCorrection } from "../roll-up/correction.ts";
import { beginRebuild } from "../roll-up/eraser.ts";
import { RollUp } from "../roll-up/roll-up.ts";
import { DIMENSIONS } from "../roll-up/views.ts";
import type { LedgerRow } from "../row.ts";
import { openStore } from "../store-file.ts";
import { type LedgerWriter, makeLedgerWriter } from "../writer.ts";
import { PERIODS } from "./periods.ts";
import { readUsage } from "./read-usage.ts";
import type { UsageQuery } from "./usage-query.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** Berlin's clocks go back on the 25th. */
const START_MS = Date.UTC(2026, 9, 23);

const EVERYTHING: UsageQuery = {
  by: [],
  period: null,
  timeZone: "UTC",
  sinceMs: null,
  untilMs: null,
  where: {},
  limit: null,
  cursor: null,
};

let dir = "";
let sql: Sql;
let writer: LedgerWriter;
let rollUp: RollUp;
let number = "";
let count = 0;
let nowMs = 0;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "clewline-usage-"));
  begin();
});
afterEach(() => {
  sql.close();
  rmSync(dir, { recursive: true, force: true });
});

function begin(): void {
  sql = openStore(dir);
  writer = makeLedgerWriter(sql, new RequestIds(makeIds()), { nowMs: () => nowMs, monotonicMs: () => nowMs });
  rollUp = new RollUp(sql);
  number = String(sql.prepare("SELECT number FROM identity").get()?.number);
  nowMs = START_MS;
}

function write(...changes: Partial<LedgerRow>[]): LedgerRow[] {
  const rows = changes.map((change) => {
    const atMs = change.atMs ?? nowMs;
    return sampleRow({ id: printId(firstKey(atMs) + (count++ % 4096), number), atMs, ...change });
  });
  writer.write(rows, 0, rows.length, []);
  return rows;
}

function rollUpAll(): void {
  while (rollUp.step(500, nowMs + HOUR_MS).isBehind);
}

function expectAgreement(query: Partial<UsageQuery>): void {
  const whole = { ...EVERYTHING, ...query };
  const { groups, next } = readUsage(sql, whole);
  expect(next).toBeNull();
  const expected = usageByRows(sql, whole);
  expect(plainGroups(groups)).toEqual(expected);
}

const text = (...values: string[]) => fc.constantFrom(...values);
const nullable = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: null });
const tokens = nullable(fc.integer({ min: 0, max: 1000 }));
const rows = fc.record<Partial<LedgerRow>>({
  key: text("ann", "bob"),
  team: nullable(text("red", "blue")),
  modelUsed: nullable(text("gpt-5-mini", "claude-x")),
  modelAsked: text("fast", "slow"),
  upstream: nullable(text("a", "b")),
  credential: nullable(text("main", "second")),
  endpoint: text("messages", "embeddings", "lost", "correction"),
  outcome: text("ok", "error", "client_left", "upstream_cut", "refused") as fc.Arbitrary<
    LedgerRow["outcome"]
  >,
  usageState: text("final", "partial", "estimated", "unknown") as fc.Arbitrary<LedgerRow["usageState"]>,
  costNanoUsd: nullable(fc.integer({ min: -(10 ** 12), max: 10 ** 15 })),
  usage: fc
    .record({ inputTokens: tokens, outputTokens: tokens, webSearches: tokens, cacheWrite1hTokens: tokens })
    .map((usage) => ({ ...NO_USAGE, ...usage })),
  endUser: nullable(text("u1", "u2")),
  tags: nullable(text('["x"]', '["x","y"]', "[]")),
  durationMs: fc.double({ min: 0.1, max: 1e6, noNaN: true }),
});

type Act =
  | { readonly do: "write"; readonly rows: readonly { row: Partial<LedgerRow>; ageMs: number }[] }
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "step"; readonly rows: number; readonly times: number }
  | { readonly do: "price"; readonly every: number; readonly nanoUsd: number }
  | { readonly do: "rebuild" };

const age = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: MINUTE_MS }) },
  fc.integer({ min: 0, max: 2 * DAY_MS }),
);
const acts = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant("write" as const),
        rows: fc.array(fc.record({ row: rows, ageMs: age }), { minLength: 1, maxLength: 12 }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant("wait" as const),
        ms: fc.oneof(fc.integer({ min: 1, max: HOUR_MS }), fc.integer({ min: 1, max: DAY_MS })),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant("step" as const),
        rows: fc.integer({ min: 1, max: 8 }),
        times: fc.integer({ min: 1, max: 60 }),
      }),
    },
    fc.record({
      do: fc.constant("price" as const),
      every: fc.integer({ min: 1, max: 4 }),
      nanoUsd: fc.integer({ min: 0, max: 10 ** 12 }),
    }),
    fc.record({ do: fc.constant("rebuild" as const) }),
  ),
  { minLength: 1, maxLength: 30 },
);

function perform(act: Act): void {
  if (act.do === "wait") nowMs += act.ms;
  else if (act.do === "write") write(...act.rows.map(({ row, ageMs }) => ({ ...row, atMs: nowMs - ageMs })));
  else if (act.do === "step") for (let i = 0; i < act.times; i++) rollUp.step(act.rows, nowMs);
  else if (act.do === "rebuild") beginRebuild(sql);
  else setPrices(act.every, act.nanoUsd);
}

/** As a command does that gives rows a price later. */
function setPrices(every: number, nanoUsd: number): void {
  const correction = new CostCorrection(sql);
  const change = sql.prepare("UPDATE entries SET cost_nano_usd = ? WHERE seq = ?");
  const priced = [...readRows(sql)];
  sql.transaction(() => {
    for (const [i, { id }] of priced.entries()) {
      const seq = keyOfId(id) as number;
      if (i % every > 0) continue;
      correction.change(seq, nanoUsd);
      change.run(nanoUsd, seq);
    }
    correction.write();
  });
}

const queries = fc.record<Partial<UsageQuery>>({
  by: fc.uniqueArray(fc.constantFrom(...DIMENSIONS), { maxLength: 3 }),
  period: nullable(fc.constantFrom(...PERIODS)),
  timeZone: fc.constantFrom("UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns"),
  sinceMs: nullable(fc.integer({ min: START_MS - 2 * DAY_MS, max: START_MS + 3 * DAY_MS })),
  untilMs: nullable(fc.integer({ min: START_MS - DAY_MS, max: START_MS + 5 * DAY_MS })),
  where: fc.record(
    {
      key: fc.constant(["ann"]),
      model: fc.constant(["claude-x", "fast"]),
      tag: fc.constantFrom(["x"], ["x", "y"], [""]),
      user: fc.constant(["u1", ""]),
    },
    { requiredKeys: [] },
  ),
});

test("at any moment of the roll-up a report agrees with the rows, to the last nano-dollar", () => {
  fc.assert(
    fc.property(acts, fc.array(queries, { minLength: 3, maxLength: 6 }), (todo, asked) => {
      sql.close();
      rmSync(dir, { recursive: true, force: true });
      begin();
      for (const act of todo as readonly Act[]) {
        perform(act);
        expectAgreement({ by: ["key"] });
      }
      for (const query of asked) expectAgreement(query);
      rollUpAll();
      for (const query of asked) expectAgreement(query);
    }),
    { numRuns: 60 },
  );
});
