/** What rows of a busy key cost its budgets: exact whatever happens to the writer. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeIds } from "../core/ids.ts";
import { BudgetTable, type BudgetWindow, type Charge } from "../store/budgets.ts";
import { type Sql, StoreError } from "../store/sql.ts";
import { endSets } from "./charge-sets.ts";
import { sampleRow } from "./fixtures/row.ts";
import { readTakenSince } from "./last-minute.ts";
import { RequestIds } from "./request-ids.ts";
import { SpentCounter } from "./spent-before.ts";
import { openStore } from "./store-file.ts";
import { type LedgerWriter, makeLedgerWriter } from "./writer.ts";

const START_MS = Date.UTC(2026, 10, 29, 12);
const WINDOWS = (["day", "month"] as const).map(
  (period): BudgetWindow => ({
    scope: "key",
    name: "ci",
    model: "",
    period,
    startMs: Date.UTC(2026, 10, period === "day" ? 29 : 1),
    endMs: Date.UTC(2026, 10, 30),
  }),
);
const HOLDER = { charged: () => undefined };

let folder: string;
let sql: Sql;
let ids: RequestIds;
let nowMs: number;
const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "clewline-charge-sets-"));
  nowMs = START_MS;
  ids = new RequestIds(makeIds());
  sql = openStore(folder);
  const table = new BudgetTable(sql);
  for (const window of WINDOWS) table.begin(window, 0);
});

afterEach(() => {
  sql.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Written {
  readonly atMs?: number;
  readonly costNanoUsd?: number;
  readonly charge?: Partial<Charge>;
}

/** A row of the key, as it is and what it costs. */
function rowOf({ atMs = nowMs, costNanoUsd = 100, charge = {} }: Written) {
  const row = sampleRow({ id: ids.ulid(atMs), atMs, key: "ci", costNanoUsd });
  const charges = WINDOWS.map(
    (window): Charge => ({ window, nanoUsd: costNanoUsd, grantNanoUsd: 0, holder: HOLDER, ...charge }),
  );
  return { row, charges };
}

function write(writer: LedgerWriter, ...written: readonly Written[]): void {
  const rows = written.map(rowOf);
  writer.write(
    rows.map(({ row }) => row),
    0,
    rows.length,
    [],
    rows.map(({ charges }) => charges),
  );
}

const open = (with_: Sql = openStore(folder)): LedgerWriter => makeLedgerWriter(with_, ids, clock);

const spent = (): number[] =>
  sql
    .prepare("SELECT spent_nano_usd AS spent FROM budgets ORDER BY id")
    .all()
    .map((row) => Number(row.spent));

const count = (what: string): number => Number(sql.prepare(`SELECT count(*) AS n FROM ${what}`).get()?.n);
const within = (): number => count("entries WHERE charge_set IS NOT NULL");
const counted = (): (number | null)[] =>
  WINDOWS.map((window) => new SpentCounter(1_000_000).spentBefore(sql, window));

describe("a key that comes", () => {
  test("now and then is charged with each row", () => {
    const writer = open();
    for (let i = 1; i <= 3; i++) {
      write(writer, {});
      expect(spent()).toEqual([i * 100, i * 100]);
      nowMs += 1_001;
    }
    expect(within()).toBe(0);
  });

  test("often is charged within its rows, and its windows get the sum after ten seconds", () => {
    const writer = open();
    for (let i = 0; i < 10; i++) {
      write(writer, {}, {});
      nowMs += 900;
    }
    expect(spent()).toEqual([100, 100]);
    expect(within()).toBe(19);
    nowMs += 1_500;
    write(writer, {});
    expect(spent()).toEqual([2_100, 2_100]);
    expect(count("charge_sets")).toBe(0);
    writer.close();
    expect(spent()).toEqual([2_100, 2_100]);
  });
});

test("a clean end adds everything", () => {
  const writer = open();
  write(writer, {}, {}, {});
  expect(spent()).toEqual([100, 100]);
  writer.close();
  expect(spent()).toEqual([300, 300]);
  expect(count("charge_sets")).toBe(0);
});

test("after a kill the rows say what they cost, once", () => {
  const killed = openStore(folder);
  write(open(killed), {}, {}, {}, {});
  killed.close();
  expect(spent()).toEqual([100, 100]);
  for (let i = 0; i < 2; i++) {
    endSets(sql, null);
    expect(spent()).toEqual([400, 400]);
  }
  expect(counted()).toEqual([400, 400]);
  // Numbers of sets do not come again.
  const next = open();
  write(next, {}, {});
  next.close();
  expect(spent()).toEqual([600, 600]);
});

test.each<[string, Written]>([
  ["a row that cost more than it held", { charge: { grantNanoUsd: 5 } }],
  ["a row whose charges are not its cost", { charge: { nanoUsd: 170 } }],
  ["a row that nobody hears of", { charge: { holder: null } }],
  ["a row of a long answer", { atMs: START_MS - 60_001 }],
])("is charged with its row: %s", (_what, written) => {
  const writer = open();
  write(writer, {}, {});
  expect(within()).toBe(1);
  const before = spent()[0] ?? 0;
  write(writer, written);
  expect(within()).toBe(1);
  expect(spent()[0]).toBe(before + (written.charge?.nanoUsd ?? 100));
});

describe("a commit that fails", () => {
  test("for a lock changes nothing, and goes through later", () => {
    const writer = open();
    write(writer, {}, {});
    for (const afterMs of [0, 11_000]) {
      nowMs += afterMs;
      const rows = [{}, {}, {}].map(rowOf);
      const all = [rows.map(({ row }) => row), rows.map(({ charges }) => charges)] as const;
      sql.exec("BEGIN IMMEDIATE");
      for (let i = 0; i < 3; i++) expect(() => writer.write(all[0], 0, 3, [], all[1])).toThrow(StoreError);
      sql.exec("COMMIT");
      writer.write(all[0], 0, 3, [], all[1]);
    }
    writer.close();
    expect(spent()).toEqual([800, 800]);
    expect(counted()).toEqual([800, 800]);
  });

  test.each([true, false])(
    "with an I/O error that may have written it (%p) charges each row once",
    (isWritten) => {
      const store = openStore(folder);
      let isFailing = false;
      const transaction = <T>(work: () => T): T => {
        if (!isFailing) return store.transaction(work);
        if (isWritten) store.transaction(work);
        else {
          const failing = (): void =>
            store.transaction(() => {
              work();
              throw new StoreError("unavailable", "disk I/O error");
            });
          expect(failing).toThrow("disk I/O error");
        }
        throw new StoreError("unavailable", "disk I/O error");
      };
      const writer = open({ ...bound(store), transaction });
      write(writer, {}, {}, {});
      const rows = [{}, {}].map(rowOf);
      const all = [rows.map(({ row }) => row), rows.map(({ charges }) => charges)] as const;
      isFailing = true;
      expect(() => writer.write(all[0], 0, 2, [], all[1])).toThrow(StoreError);
      isFailing = false;
      writer.close();
      const again = open();
      again.write(all[0], 0, 2, [], all[1]);
      write(again, {});
      again.close();
      expect(count("entries")).toBe(6);
      expect(spent()).toEqual([600, 600]);
      expect(count("charge_sets")).toBe(0);
    },
  );
});

test("a budget that is counted while another gateway has charges within rows is exact when they are added", () => {
  const [one, other] = [open(), makeLedgerWriter(openStore(folder), new RequestIds(makeIds()), clock)];
  write(one, {}, {}, {});
  write(other, { atMs: nowMs + 5 }, { atMs: nowMs + 6 });
  const table = new BudgetTable(sql);
  for (const [i, window] of WINDOWS.entries()) table.recount(window, counted()[i] as number);
  write(one, {});
  one.close();
  other.close();
  expect(spent()).toEqual([600, 600]);
  expect(counted()).toEqual([600, 600]);
});

function bound(store: Sql): Sql {
  return {
    exec: (text) => store.exec(text),
    prepare: (text) => store.prepare(text),
    transaction: (work) => store.transaction(work),
    isCurrent: () => store.isCurrent(),
    close: () => store.close(),
  };
}

test("costs that no provider takes, told by an upstream a thousand times, stop neither a start nor a budget", () => {
  const most = { costNanoUsd: Number.MAX_SAFE_INTEGER };
  const killed = openStore(folder);
  write(open(killed), most, ...Array.from({ length: 1_099 }, () => most));
  killed.close();
  expect(within()).toBe(1_099);
  endSets(sql, null);
  for (const sum of [...spent(), ...counted()]) expect((sum ?? 0) / most.costNanoUsd).toBeCloseTo(1_100, 6);
  const taken = readTakenSince(sql, START_MS - 1).map(({ requests }) => requests);
  expect(taken.reduce((sum, requests) => sum + requests, 0)).toBe(1_100);
});
