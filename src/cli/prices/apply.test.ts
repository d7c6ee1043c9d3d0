/** Rows from before their model had a price get their cost: in the row, and in every report. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeOlderLedger } from "../../../test/kit/older-ledger.ts";
import { systemClock } from "../../core/clock.ts";
import { makeIds } from "../../core/ids.ts";
import { sampleRow } from "../../ledger/fixtures/row.ts";
import { plainGroups, usageByRows } from "../../ledger/fixtures/usage-by-rows.ts";
import { readRows } from "../../ledger/queries.ts";
import { firstKey, printId, RequestIds } from "../../ledger/request-ids.ts";
import { RollUp } from "../../ledger/roll-up/roll-up.ts";
import type { LedgerRow } from "../../ledger/row.ts";
import { openStore, openStoreReader } from "../../ledger/store-file.ts";
import { readUsage } from "../../ledger/usage/read-usage.ts";
import { makeLedgerWriter } from "../../ledger/writer.ts";
import { NO_USAGE } from "../../neutral/usage.ts";
import { BudgetTable, type BudgetWindow } from "../../store/budgets.ts";
import { openSqlite } from "../../store/sqlite.ts";
import { prices } from "./prices.ts";

const HOUR_MS = 3_600_000;
const NOW_MS = Date.parse("2026-11-29T12:00:00Z");
const START_MS = NOW_MS - 100 * HOUR_MS;

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "clewline-apply-"));
  writeFileSync(
    join(dir, "clewline.toml"),
    `[server]
data_dir = "data"
[[upstreams]]
name = "openai"
family = "openai"
credentials = [{ name = "main", api_key = "env:NOT_SET" }]
[[upstreams]]
name = "own"
family = "openai"
base_url = "https://llm.internal.example/v1"
credentials = [{ name = "main", api_key = "env:NOT_SET" }]
[[prices]]
upstream = "own"
model = "llama-*"
input = 2
output = 3
`,
    { mode: 0o600 },
  );
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const data = (): string => join(dir, "data");

async function apply(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = "";
  let err = "";
  const code = await prices(["apply", "--config", join(dir, "clewline.toml"), ...args], {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    env: { HOME: dir },
    cwd: dir,
    clock: { ...systemClock, nowMs: () => NOW_MS },
    ids: makeIds(),
    stopped: new Promise(() => undefined),
    program: "clewline",
    isTty: false,
    onReload: () => undefined,
    memory: { residentBytes: () => 0, cpuMs: () => 0, collect: () => undefined, collectAll: () => undefined },
  });
  return { code, out, err };
}

/** Writes rows, an hour apart, of which the roll-up has the older ones. */
function write(changes: readonly Partial<LedgerRow>[]): void {
  const sql = openStore(data());
  const number = String(sql.prepare("SELECT number FROM identity").get()?.number);
  const rows = changes.map((change, i) => {
    const atMs = START_MS + i * HOUR_MS;
    return sampleRow({ id: printId(firstKey(atMs) + i, number), atMs, ...change });
  });
  makeLedgerWriter(sql, new RequestIds(makeIds()), systemClock).write(rows, 0, rows.length, []);
  const rollUp = new RollUp(sql);
  const halfMs = START_MS + (changes.length / 2) * HOUR_MS;
  while (rollUp.step(500, halfMs).isBehind);
  sql.close();
}

function rows(): LedgerRow[] {
  const sql = openStoreReader(data());
  try {
    return [...readRows(sql)];
  } finally {
    sql.close();
  }
}

function expectReportsToAgree(): void {
  const sql = openStoreReader(data());
  const range = { sinceMs: null, untilMs: null, limit: null, cursor: null };
  for (const by of [[], ["key", "model"], ["upstream"]] as const) {
    const query = { by, period: null, timeZone: "UTC", where: {}, ...range };
    expect(plainGroups(readUsage(sql, query).groups)).toEqual(usageByRows(sql, query));
  }
  sql.close();
}

const LLAMA: Partial<LedgerRow> = { upstream: "own", modelUsed: "llama-3", modelReported: "llama-3" };

test("rows get the cost of their model, in steps, and the reports agree to the last nano-dollar", async () => {
  write(Array.from({ length: 700 }, (_, i) => (i % 2 === 0 ? {} : LLAMA)));
  expectReportsToAgree();
  const { code, out } = await apply("--since", "2026-01-01");
  expect(code).toBe(0);
  const costs = rows().map(({ costNanoUsd, priceVersion }) => [costNanoUsd, priceVersion?.split("#")[0]]);
  // 120 tokens of input and 33 of output: gpt-5-mini at $0.25 and $2, llama-3 at $2 and $3.
  const gpt = 120 * 250 + 33 * 2000;
  const llama = 120 * 2000 + 33 * 3000;
  expect(costs).toEqual(
    Array.from({ length: 700 }, (_, i) =>
      i % 2 === 0 ? [gpt, "openai/gpt-5-mini"] : [llama, "configuration/llama-*"],
    ),
  );
  expect(out).toBe(`700 rows got a cost, 0.15225 dollars in all\n`);
  expect(350 * (gpt + llama)).toBe(152_250_000);
  expectReportsToAgree();
  expect((await apply("--since", "2026-01-01")).out).toBe("0 rows got a cost, 0.00 dollars in all\n");
});

test("rows may be rolled up, written and priced at the same time", async () => {
  const models = ["gpt-5-mini", "gpt-5", "llama-1", "llama-2"];
  write(
    Array.from({ length: 2000 }, (_, i) => ({
      key: `key-${i % 7}`,
      modelUsed: models[i % 4] as string,
      upstream: i % 4 < 2 ? "openai" : "own",
    })),
  );
  // Another connection, as a gateway has one.
  const sql = openStore(data());
  const rollUp = new RollUp(sql);
  const number = String(sql.prepare("SELECT number FROM identity").get()?.number);
  let turn = 0;
  const nowMs = (): number => START_MS + (1000 + 10 * turn) * HOUR_MS;
  const writer = makeLedgerWriter(sql, new RequestIds(makeIds()), { nowMs, monotonicMs: nowMs });
  const timer = setInterval(() => {
    rollUp.step(40, nowMs());
    const atMs = START_MS + (turn % 900) * HOUR_MS + 1;
    writer.write([sampleRow({ id: printId(firstKey(atMs) + turn, number), atMs, key: "late" })], 0, 1, []);
    turn++;
  }, 1);
  await apply("--since", "2026-01-01");
  clearInterval(timer);
  expect(turn).toBeGreaterThan(5);
  expectReportsToAgree();
  await apply("--since", "2026-01-01");
  expectReportsToAgree();
  while (rollUp.step(500, START_MS + 9000 * HOUR_MS).isBehind);
  expectReportsToAgree();
  expect(rows().every(({ costNanoUsd }) => costNanoUsd !== null)).toBe(true);
  sql.close();
}, 60_000);

test("rows before the time, with a cost, without usage or without a price stay as they are, and are named", async () => {
  write([
    {},
    { costNanoUsd: 5, priceVersion: "mine" },
    { usage: NO_USAGE, usageState: "unknown" },
    { upstream: null, modelUsed: null, usage: NO_USAGE },
    { upstream: "own", modelUsed: "qwen", modelReported: null },
    { upstream: "gone", modelUsed: "qwen", modelReported: null },
    {},
  ]);
  const since = new Date(START_MS + HOUR_MS / 2).toISOString().slice(0, 16);
  const { out } = await apply("--since", since);
  expect(rows().map(({ costNanoUsd }) => costNanoUsd)).toEqual([null, 5, null, null, null, null, 96_000]);
  expect(rows()[1]?.priceVersion).toBe("mine");
  expect(out).toBe(`1 rows got a cost, 0.000096 dollars in all
2 rows have no price; give their models one with [[prices]]:
  own/qwen: 1
  gone/qwen: 1
`);
});

test("a dry run says the same and changes nothing", async () => {
  write([{}, LLAMA, { upstream: "own", modelUsed: "qwen" }]);
  const before = rows();
  const { out } = await apply("--since", "7d", "--dry-run", "--json");
  expect(JSON.parse(out)).toEqual({ rows: 2, cost_nano_usd: "435000", unpriced: { "own/qwen": 1 } });
  expect(rows()).toEqual(before);
  expect((await apply("--since", "7d", "--dry-run")).out).toContain("2 rows would get a cost");
});

test("a row keeps the rest of what it says, and a sum of several calls is named", async () => {
  write([
    {
      attempts: 2,
      attemptLog: '[{"upstream":"x"}]',
      drops: "[1]",
      usage: { ...NO_USAGE, inputTokens: 1, webSearches: 3 },
    },
    { modelReported: "only once", stopReason: "odd" },
  ]);
  const before = rows();
  await apply("--since", "7d");
  const [first, second] = rows();
  expect(first).toEqual({
    ...(before[0] as LedgerRow),
    costNanoUsd: 250 + 3 * 10_000_000,
    priceVersion: expect.stringMatching(/^openai\/gpt-5-mini/),
    costGaps: '["calls"]',
  });
  expect(second).toEqual({
    ...(before[1] as LedgerRow),
    costNanoUsd: 96_000,
    priceVersion: expect.stringMatching(/^openai\/gpt-5-mini/),
  });
});

test("budgets that the rows count for are spent by as much, others are not", async () => {
  // The second one asked for an entry of [[models]].
  write([{ key: "ci", team: "research" }, { key: "ci", modelAsked: "fast" }, { key: "ann" }]);
  const sql = openStore(data());
  const window = (scope: "key" | "team", name: string, model: string, startMs: number): BudgetWindow => ({
    scope,
    name,
    model,
    period: "month",
    startMs,
    endMs: startMs + 30 * 24 * HOUR_MS,
  });
  const windows = [
    window("key", "ci", "", START_MS),
    window("key", "ci", "gpt-*", START_MS),
    window("key", "ci", "claude-*", START_MS),
    window("key", "ci", "", START_MS + 500 * HOUR_MS),
    window("team", "research", "", START_MS),
    window("key", "bob", "", START_MS),
  ];
  const table = new BudgetTable(sql);
  for (const one of windows) table.begin(one, 1000);
  await apply("--since", "7d");
  const spent = windows.map((one) => {
    const sums = table.find(one);
    expect(sums?.grantedNanoUsd).toBe(sums?.spentNanoUsd as number);
    return sums?.spentNanoUsd;
  });
  expect(spent).toEqual([1000 + 2 * 96_000, 1000 + 2 * 96_000, 1000, 1000, 1000 + 96_000, 1000]);
  sql.close();
});

test("a lock of another process only delays it", async () => {
  write(Array.from({ length: 10 }, () => ({})));
  const other = openSqlite(join(data(), "ledger.db"), { mode: "write", busyTimeoutMs: 0 });
  other.exec("BEGIN IMMEDIATE");
  const applied = apply("--since", "7d");
  await Bun.sleep(100);
  other.exec("COMMIT");
  other.close();
  expect((await applied).out).toContain("10 rows got a cost");
});

test("an older database, a missing one and a broken list are named", async () => {
  const missing = await apply("--since", "7d");
  expect([missing.code, missing.err]).toEqual([1, expect.stringContaining("there is no ledger in")]);
  makeOlderLedger(data(), 3);
  const older = await apply("--since", "7d");
  expect([older.code, older.err]).toEqual([
    1,
    expect.stringContaining("start the gateway once to update it"),
  ]);
  openStore(data()).close();
  const moving = await apply("--since", "2020-01-01");
  expect([moving.code, moving.err]).toEqual([0, expect.stringContaining("are still being moved")]);
  writeFileSync(join(data(), "prices.json"), "{");
  const broken = await apply("--since", "7d");
  expect([broken.code, broken.out]).toEqual([1, ""]);
  expect(broken.err).toContain("prices.json cannot be used");
});
