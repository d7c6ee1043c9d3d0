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
import { beginRebuild } from "../roll-up/rebuild.ts";
import { RollUp } from "../roll-up/roll-up.ts";
import { DIMENSIONS } from "../roll-up/views.ts";
import type { LedgerRow } from "../row.ts";
import { openStore } from "../store-file.ts";
import { type LedgerWriter, makeLedgerWriter } from "../writer.ts";
import { PERIODS } from "./periods.ts";
import { readUsage } from "./read-usage.ts";
import { ALL_USAGE, type UsageGroup, type UsageQuery, UsageQueryError } from "./usage-query.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** Berlin's clocks go back on the 25th. */
const START_MS = Date.UTC(2026, 9, 23);

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

const report = (query: Partial<UsageQuery>) => readUsage(sql, { ...ALL_USAGE, ...query }).groups;

function expectAgreement(query: Partial<UsageQuery>): void {
  const whole = { ...ALL_USAGE, ...query };
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
  endpoint: text("messages", "embeddings", "lost", "correction", "responses.background"),
  outcome: text("ok", "error", "client_left", "upstream_cut", "refused") as fc.Arbitrary<
    LedgerRow["outcome"]
  >,
  usageState: text("final", "partial", "estimated", "unknown") as fc.Arbitrary<LedgerRow["usageState"]>,
  costNanoUsd: nullable(fc.integer({ min: -(10 ** 12), max: 10 ** 15 })),
  savedNanoUsd: nullable(fc.integer({ min: 0, max: 10 ** 15 })),
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

const asking = fc.array(queries, { minLength: 3, maxLength: 6 });

/** The groups of all pages. */
function pagesOf(
  query: Partial<UsageQuery>,
  limit: number,
  between: () => void = () => undefined,
): readonly UsageGroup[] {
  const groups: UsageGroup[] = [];
  let cursor: string | null = null;
  do {
    const page = readUsage(sql, { ...ALL_USAGE, ...query, limit, cursor });
    expect(page.groups.length).toBeLessThanOrEqual(limit);
    // A page is empty if there is nothing at all, and no page promises another one in vain.
    if (page.groups.length === 0) expect(groups).toEqual([]);
    groups.push(...page.groups);
    cursor = page.next;
    between();
  } while (cursor !== null);
  return groups;
}

test("at any moment of the roll-up a report agrees with the rows, to the last nano-dollar", () => {
  fc.assert(
    fc.property(acts, asking, fc.integer({ min: 1, max: 9 }), (todo, asked, pageSize) => {
      sql.close();
      rmSync(dir, { recursive: true, force: true });
      begin();
      for (const act of todo as readonly Act[]) {
        perform(act);
        expectAgreement({ by: ["key"] });
      }
      for (const query of asked) expectAgreement(query);
      for (const query of asked) expect(pagesOf(query, pageSize)).toEqual(report(query));
      const before = asked.map(report);
      rollUpAll();
      // The latencies are not exact, but the same.
      expect(asked.map(report)).toEqual(before);
      for (const query of asked) expectAgreement(query);
    }),
    { numRuns: 60 },
  );
});

test("usage by day, key and model; days are UTC; what nobody reported stays unknown", () => {
  write(
    {
      atMs: START_MS + DAY_MS - 1,
      key: "ann",
      usage: { ...NO_USAGE, inputTokens: 10, outputTokens: 1 },
      durationMs: 100,
      ttfbMs: 10,
    },
    { atMs: START_MS + DAY_MS, key: "ann", usage: { ...NO_USAGE, outputTokens: 2 }, usageState: "partial" },
    {
      atMs: START_MS + DAY_MS,
      key: "bob",
      modelUsed: "m",
      status: 502,
      outcome: "error",
      usage: NO_USAGE,
      usageState: "unknown",
    },
    {
      atMs: START_MS + DAY_MS,
      key: "bob",
      modelUsed: "m",
      outcome: "client_left",
      usage: NO_USAGE,
      ttfbMs: null,
    },
  );
  const all = report({ by: ["key", "model"], period: "day" });
  expect(all.map(({ period, values, requests }) => [period, values.key, values.model, requests])).toEqual([
    ["2026-10-23", "ann", "gpt-5-mini", 1],
    ["2026-10-24", "ann", "gpt-5-mini", 1],
    ["2026-10-24", "bob", "m", 2],
  ]);
  expect(all[0]).toMatchObject({ usage: { inputTokens: 10, outputTokens: 1 }, errors: 0, unsureUsage: 0 });
  expect(all[1]).toMatchObject({ usage: { inputTokens: null, outputTokens: 2 }, unsureUsage: 1 });
  expect(all[2]).toMatchObject({
    usage: { inputTokens: null, outputTokens: null },
    errors: 1,
    clientLeft: 1,
    unsureUsage: 1,
  });
  const [total] = report({});
  expect(total).toMatchObject({
    period: null,
    values: {},
    requests: 4,
    usage: { inputTokens: 10, outputTokens: 3 },
  });
  expect(report({ period: "day", sinceMs: START_MS + DAY_MS }).map(({ requests }) => requests)).toEqual([3]);
  expect(report({ by: ["key"], sinceMs: START_MS + 9 * DAY_MS })).toEqual([]);
});

test("latencies are within one per cent of the exact percentiles", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.01, max: 1e7, noNaN: true }), { minLength: 1, maxLength: 50 }),
      (durations) => {
        sql.exec("DELETE FROM entries");
        write(...durations.map((durationMs) => ({ durationMs, ttfbMs: null })));
        const sorted = [...durations].sort((a, b) => a - b);
        const exact = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
        const [group] = report({});
        expect(Math.abs((group?.durationP50Ms ?? 0) / exact(0.5) - 1)).toBeLessThan(0.01);
        expect(Math.abs((group?.durationP95Ms ?? 0) / exact(0.95) - 1)).toBeLessThan(0.01);
        expect(group?.ttfbP50Ms).toBeNull();
      },
    ),
    { numRuns: 50 },
  );
});

test("pages follow one another without a gap, whatever comes meanwhile", () => {
  write(...Array.from({ length: 30 }, (_, i) => ({ key: `key-${i % 7}`, modelUsed: `m-${i % 3}` })));
  const asked: UsageQuery = { ...ALL_USAGE, by: ["key", "model"], period: "day" };
  const whole = readUsage(sql, asked).groups;
  expect(whole).toHaveLength(21);
  expect(pagesOf(asked, 4, () => rollUp.step(3, nowMs + HOUR_MS))).toEqual([...whole]);
});

test("what cannot be asked is said", () => {
  write({});
  const wrong: [Partial<UsageQuery>, string][] = [
    [{ period: "day", timeZone: "Mars/Olympus" }, "Mars/Olympus is no time zone"],
    [{ cursor: "%%%" }, "the cursor is of another question"],
    [{ cursor: Buffer.from('["x"]').toString("base64url") }, "the cursor is of another question"],
    [{ by: ["key"], cursor: Buffer.from("[1]").toString("base64url") }, "the cursor is of another question"],
  ];
  for (const [query, text] of wrong) {
    expect(() => report(query)).toThrow(UsageQueryError);
    expect(() => report(query)).toThrow(text);
  }
  write({ atMs: START_MS + 30_000 * DAY_MS });
  expect(() => report({ period: "hour" })).toThrow("more than 20000 periods of one hour");
});

test("a week begins on Monday, and a day with the wall of its zone", () => {
  // A Sunday evening in UTC is Monday in Berlin.
  write({ atMs: Date.UTC(2026, 10, 22, 23, 30) });
  const of = (period: UsageQuery["period"], timeZone: string) =>
    report({ period, timeZone }).map((group) => group.period);
  expect(of("week", "UTC")).toEqual(["2026-11-16"]);
  expect(of("week", "Europe/Berlin")).toEqual(["2026-11-23"]);
  expect(of("day", "Europe/Berlin")).toEqual(["2026-11-23"]);
  expect(of("hour", "Asia/Kolkata")).toEqual(["2026-11-23T05:00+05:30"]);
  expect(of("month", "UTC")).toEqual(["2026-11"]);
});
