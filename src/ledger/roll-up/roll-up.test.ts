import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeIds } from "../../core/ids.ts";
import { silentLog } from "../../core/log.ts";
import type { Migration } from "../../store/migrations.ts";
import { type Sql, StoreError } from "../../store/sql.ts";
import { sampleRow } from "../fixtures/row.ts";
import { plainGroups, usageByRows } from "../fixtures/usage-by-rows.ts";
import { firstKey, printId, RequestIds } from "../request-ids.ts";
import type { LedgerRow } from "../row.ts";
import { openStore, openStoreReader } from "../store-file.ts";
import { readUsage } from "../usage/read-usage.ts";
import { ALL_USAGE, type UsageQuery } from "../usage/usage-query.ts";
import { makeLedgerWriter } from "../writer.ts";
import { MarkStore } from "./mark.ts";
import { beginRebuild } from "./rebuild.ts";
import { RollUp } from "./roll-up.ts";
import { Roller } from "./roller.ts";
import { ROLL_UP_ENDPOINT_MODEL, ROLL_UP_SAVED } from "./schema.ts";

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 10, 1);

let dir = "";
let sql: Sql;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "clewline-roll-up-"));
  sql = openStore(dir);
});
afterEach(() => {
  sql.close();
  rmSync(dir, { recursive: true, force: true });
});

function query(change: Partial<UsageQuery>): UsageQuery {
  return { ...ALL_USAGE, ...change };
}

function expectAgreement(): void {
  const reader = openStoreReader(dir);
  for (const asked of [
    query({}),
    query({ by: ["key", "model"], period: "day" }),
    query({ by: ["upstream"] }),
  ]) {
    expect(plainGroups(readUsage(reader, asked).groups)).toEqual(usageByRows(reader, asked));
  }
  reader.close();
}

function write(atMs: number, changes: readonly Partial<LedgerRow>[], nowMs = atMs): void {
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
  const number = String(sql.prepare("SELECT number FROM identity").get()?.number);
  const rows = changes.map((change, i) =>
    sampleRow({ id: printId(firstKey(atMs) + i, number), atMs, ...change }),
  );
  makeLedgerWriter(sql, new RequestIds(makeIds()), clock).write(rows, 0, rows.length, []);
}

function rollUpAll(nowMs = START_MS + 1000 * HOUR_MS): void {
  const rollUp = new RollUp(sql);
  while (rollUp.step(500, nowMs).isBehind);
}

const count = (table: string): number => Number(sql.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n);

test("kills in the middle of adding, folding and rebuilding lose no row and count none twice", async () => {
  const rolling = join(import.meta.dir, "../fixtures/rolling.ts");
  sql.close();
  for (let kill = 0; kill < 12; kill++) {
    const program = `import { writeSync } from "node:fs";
      import { rollUntilKilled } from ${JSON.stringify(rolling)};
      rollUntilKilled(${JSON.stringify(dir)}, ${kill % 3 === 2}, () => writeSync(1, "."));`;
    const child = Bun.spawn([process.execPath, "-e", program], { stdout: "pipe", stderr: "inherit" });
    let steps = 0;
    for await (const chunk of child.stdout) {
      steps += chunk.length;
      if (steps > (kill * 37) % 100) child.kill("SIGKILL");
    }
    await child.exited;
    expectAgreement();
  }
  sql = openStore(dir);
  expect(count("usage_hours")).toBeGreaterThan(0);
  rollUpAll(Date.now() + HOUR_MS);
  expect(count("usage_late")).toBe(0);
  expect(count("usage_spans")).toBeGreaterThan(0);
  expectAgreement();
}, 120_000);

test("a step that fails at any statement changes nothing, and the next one does all of it", () => {
  for (let i = 0; i < 30; i++) write(START_MS + i * HOUR_MS, [{ key: `key-${i % 2}` }, {}]);
  for (let failAt = 1; failAt < 60; failAt++) {
    let left = failAt;
    const faulty: Sql = {
      ...sql,
      exec: (text) => sql.exec(text),
      transaction: (work) => sql.transaction(work),
      prepare(text) {
        const statement = sql.prepare(text);
        const isChange = /^(INSERT|UPDATE|DELETE)/.test(text);
        return {
          run(...params) {
            if (isChange && --left === 0) throw new StoreError("full", "no space");
            return statement.run(...params);
          },
          get: (...params) => statement.get(...params),
          all: (...params) => statement.all(...params),
        };
      },
    };
    const rollUp = new RollUp(faulty);
    try {
      while (rollUp.step(4, START_MS + 100 * HOUR_MS).isBehind);
    } catch (error) {
      expect(error).toBeInstanceOf(StoreError);
    }
    expectAgreement();
    if (failAt % 7 === 0) beginRebuild(sql);
  }
  rollUpAll();
  expectAgreement();
});

test("a row that is committed after the roll-up has passed its key is added with the next step", () => {
  write(START_MS, [{ key: "first" }]);
  write(START_MS + HOUR_MS, [{ key: "second" }]);
  write(START_MS + 30 * HOUR_MS, [{ key: "third" }]);
  rollUpAll();
  // An answer of half an hour: accepted between the first and the second.
  write(START_MS + HOUR_MS / 2, [{ key: "long", costNanoUsd: 7 }], START_MS + HOUR_MS);
  expect(count("usage_late")).toBe(1);
  expectAgreement();
  rollUpAll();
  expect(count("usage_late")).toBe(0);
  expectAgreement();
});

test("an ordinary row asks nothing of the roll-up", () => {
  write(START_MS, [{}]);
  rollUpAll();
  // Not old when it is committed: nobody looks, though the roll-up is past it.
  write(START_MS - 1000, [{ key: "b" }], START_MS);
  expect(count("usage_late")).toBe(0);
});

test("sums whose rows are gone stay, and a rebuild keeps them", () => {
  for (let i = 0; i < 72; i++) write(START_MS + i * HOUR_MS, [{ key: `key-${i % 2}`, costNanoUsd: 5 }]);
  rollUpAll();
  const asked = query({ by: ["key"], period: "day" });
  const before = readUsage(sql, asked);
  sql.prepare("DELETE FROM entries WHERE seq < ?").run(firstKey(START_MS + 30 * HOUR_MS));
  expect(readUsage(sql, asked)).toEqual(before);
  beginRebuild(sql);
  expect(readUsage(sql, asked)).toEqual(before);
  for (const rollUp = new RollUp(sql); rollUp.step(3, START_MS + 100 * HOUR_MS).isBehind; ) {
    expect(readUsage(sql, asked)).toEqual(before);
  }
  expect(readUsage(sql, asked)).toEqual(before);
});

test("a rebuild repairs sums that somebody has spoiled", () => {
  for (let i = 0; i < 50; i++) write(START_MS + i * HOUR_MS, [{ costNanoUsd: 5 }]);
  rollUpAll();
  sql.exec("UPDATE usage_hours SET cost_nano_usd = 1; DELETE FROM usage_spans WHERE level >= 1");
  expect(readUsage(sql, query({})).groups[0]?.costNanoUsd).not.toBe(250n);
  beginRebuild(sql);
  expectAgreement();
  rollUpAll();
  expectAgreement();
});

/** As a database that was made before sums knew what was saved, and gets the step. */
function withoutSaved(): void {
  sql.exec("UPDATE usage_hours SET rare = NULL; UPDATE usage_spans SET rare = NULL");
  getStep(ROLL_UP_SAVED);
}

/** The step of the schema, as an older database gets it. */
function getStep({ sql: text }: Migration): void {
  sql.transaction(() => sql.exec(text));
}

const SAVED = { cache: "hit", costNanoUsd: 0, savedNanoUsd: Number.MAX_SAFE_INTEGER };

test.each([0, 30])(
  "an older database gets the sums by model and dialect; the rows of %p hours are gone",
  (gone) => {
    for (let i = 0; i < 240; i += 3)
      write(START_MS + i * HOUR_MS, [{ dialect: i % 2 === 0 ? "gemini" : "openai-chat", costNanoUsd: i }]);
    rollUpAll(START_MS + 300 * HOUR_MS);
    const asked = query({ by: ["dialect", "model"], period: "week" });
    const { groups } = readUsage(sql, asked);
    const view = "SELECT grp FROM usage_groups WHERE view = 'endpointModel'";
    sql.exec(
      `DELETE FROM usage_spans WHERE grp IN (${view}); DELETE FROM usage_groups WHERE view = 'endpointModel'`,
    );
    sql.prepare("DELETE FROM entries WHERE seq < ?").run(firstKey(START_MS + gone * HOUR_MS));
    getStep(ROLL_UP_ENDPOINT_MODEL);
    sql.close();
    sql = openStore(dir);
    expect(readUsage(sql, asked).groups).toEqual(groups);
    const rollUp = new RollUp(sql);
    for (let i = 0; rollUp.step(20, START_MS + 300 * HOUR_MS).isBehind; i++)
      if (i % 20 === 0) expect(readUsage(sql, asked).groups).toEqual(groups);
    expect(readUsage(sql, asked).groups).toEqual(groups);
    expect(sql.prepare(view).all()).toHaveLength(2);
  },
);

test.each([0, 1, 30, 49])(
  "an older database gets what was saved, in steps, but for the %p oldest hours, whose rows are gone",
  (gone) => {
    for (let i = 0; i < 72; i++) write(START_MS + i * HOUR_MS, [{ key: `key-${i % 2}`, ...SAVED }]);
    // The last hours are not in the sums yet, and a row of the first ones comes late.
    rollUpAll(START_MS + 70 * HOUR_MS);
    write(START_MS + 20.5 * HOUR_MS, [SAVED], START_MS + 71 * HOUR_MS);
    sql.prepare("DELETE FROM entries WHERE seq < ?").run(firstKey(START_MS + gone * HOUR_MS));
    const before = new MarkStore(sql).read();
    sql.exec("CREATE TEMP TABLE late AS SELECT seq FROM usage_late");
    beginRebuild(sql);
    const rebuilding = new MarkStore(sql).read();
    new MarkStore(sql).write(before);
    sql.exec("INSERT INTO usage_late SELECT seq FROM late");
    withoutSaved();
    sql.close();
    sql = openStore(dir);
    expect(new MarkStore(sql).read()).toEqual(rebuilding);
    const asked = query({ by: ["key"], period: "day" });
    // The rows of the oldest hour that is there may not be all of its rows, so its sum stays as well.
    const saving = 72 - (gone === 0 ? 0 : gone + 1) + Number(gone === 0 || gone < 20);
    const total = (): bigint =>
      readUsage(sql, asked).groups.reduce((sum, { savedNanoUsd }) => sum + (savedNanoUsd ?? 0n), 0n);
    const requests = readUsage(sql, query({})).groups[0]?.requests;
    expect(total()).toBe(BigInt(saving) * BigInt(SAVED.savedNanoUsd));
    for (const rollUp = new RollUp(sql); rollUp.step(3, START_MS + 1000 * HOUR_MS).isBehind; ) {
      expect(total()).toBe(BigInt(saving) * BigInt(SAVED.savedNanoUsd));
      expect(readUsage(sql, query({})).groups[0]?.requests).toBe(requests);
    }
    expect(total()).toBe(BigInt(saving) * BigInt(SAVED.savedNanoUsd));
    if (gone === 0) expectAgreement();
  },
);

test("an older database whose sums are being made anew begins that again", () => {
  for (let i = 0; i < 50; i++) write(START_MS + i * HOUR_MS, [SAVED]);
  rollUpAll();
  beginRebuild(sql);
  const rollUp = new RollUp(sql);
  while (new MarkStore(sql).read().isErasing) rollUp.step(3, START_MS + 100 * HOUR_MS);
  for (let i = 0; i < 5; i++) rollUp.step(3, START_MS + 100 * HOUR_MS);
  const { rebuildTo } = new MarkStore(sql).read();
  withoutSaved();
  sql.close();
  sql = openStore(dir);
  expect(new MarkStore(sql).read()).toMatchObject({ mark: 0, isErasing: true, rebuildTo });
  expectAgreement();
  rollUpAll();
  expectAgreement();
});

test("models that clients make up do not fill the tables", () => {
  const changes = Array.from({ length: 1200 }, (_, i) => ({ modelUsed: null, modelAsked: `made-up-${i}` }));
  write(START_MS, changes);
  rollUpAll();
  write(START_MS + 60 * HOUR_MS, [{}]);
  rollUpAll();
  const { groups } = readUsage(sql, query({ by: ["model"] }));
  expect(groups.reduce((sum, { requests }) => sum + requests, 0)).toBe(1201);
  // Beyond 1000 new ones a day, what is left is shown as one; the last row is of another day.
  expect(groups).toHaveLength(1002);
  expect(groups.at(-1)).toMatchObject({ values: { model: null }, requests: 200 });
});

test("the roller adds rows beside other work, and goes on after a lock", async () => {
  write(START_MS, [{}, {}]);
  const other = openStore(dir);
  other.exec("BEGIN IMMEDIATE");
  const roller = new Roller({
    open: () => openStore(dir),
    clock: { nowMs: () => START_MS + HOUR_MS, monotonicMs: () => performance.now() },
    log: silentLog,
    lookMs: 1,
  });
  roller.start();
  await Bun.sleep(20);
  other.exec("COMMIT");
  other.close();
  while (count("usage_hours") === 0) await Bun.sleep(5);
  roller.stop();
  expectAgreement();
});

test("costs that no provider takes, told by an upstream thousands of times, leave reports and other sums whole", () => {
  const lie = { upstream: "liar", costNanoUsd: Number.MAX_SAFE_INTEGER };
  // 1,024 of them are more than a whole number of 64 bits.
  for (let hour = 0; hour < 30; hour++) {
    const lies = Array.from({ length: 100 }, (_, n) => ({ ...lie, key: `key-${(n + hour) % 3}` }));
    write(START_MS + hour * HOUR_MS, [...lies, { upstream: "honest", costNanoUsd: 7 }]);
  }
  const answers = (): unknown[] => {
    const asked = [{}, { by: ["key"] }, { by: ["upstream"] }, { by: ["model"], period: "day" }] as const;
    return asked.map((one) => readUsage(sql, query(one)).groups.map(({ costNanoUsd }) => typeof costNanoUsd));
  };
  const rows = answers();
  rollUpAll();
  expect(answers()).toEqual(rows);
  const groups = readUsage(sql, query({ by: ["upstream"] })).groups;
  const costOf = (name: string) => groups.find(({ values }) => values.upstream === name)?.costNanoUsd;
  expect(costOf("honest")).toBe(210n);
  expect(costOf("liar")).toBeGreaterThan(4_000_000_000_000_000_000n);
  beginRebuild(sql);
  rollUpAll();
  expect(answers()).toEqual(rows);
});
