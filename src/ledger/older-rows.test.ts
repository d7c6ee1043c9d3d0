/** The rows of an older ledger, before, while and after they are moved. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeOlderLedger, olderId, readOlderRows } from "../../test/kit/older-ledger.ts";
import { systemClock } from "../core/clock.ts";
import { encodeTime, makeIds } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import { appliedCount, migrate } from "../store/migrations.ts";
import type { Sql } from "../store/sql.ts";
import { openSqlite } from "../store/sqlite.ts";
import { sampleRow } from "./fixtures/row.ts";
import { OlderRowsMove } from "./older-rows.ts";
import { OlderRowsMover } from "./older-rows-mover.ts";
import { readRows } from "./queries.ts";
import { firstKey, RequestIds } from "./request-ids.ts";
import { RollUp } from "./roll-up/roll-up.ts";
import { MIGRATIONS } from "./schema.ts";
import { openStore, openStoreReader, spaceOfStore, storeFile } from "./store-file.ts";
import { readUsage } from "./usage/read-usage.ts";
import { ALL_USAGE } from "./usage/usage-query.ts";
import { type LedgerWriter, makeEntryWriter, makeLedgerWriter } from "./writer.ts";

const ROWS = 1700;
const LAST_ID = olderId(ROWS);

let dir = "";
let sql: Sql;
let ids: RequestIds;
let writer: LedgerWriter;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "clewline-older-"));
});
afterEach(() => {
  sql.close();
  rmSync(dir, { recursive: true, force: true });
});

function open(): void {
  sql = openStore(dir);
  ids = new RequestIds(makeIds());
  writer = makeLedgerWriter(sql, ids, systemClock);
}

function writeYounger(): string {
  const atMs = Date.now();
  const row = sampleRow({ id: ids.ulid(atMs), atMs, key: "younger" });
  writer.write([row], 0, 1, []);
  return row.id;
}

const newMove = (): OlderRowsMove => new OlderRowsMove(sql, makeEntryWriter(sql, ids));
const idsOf = (rows: Iterable<{ readonly id: string }>): string[] => [...rows].map(({ id }) => id);
const tables = (): unknown[] =>
  sql
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    .all()
    .map(({ name }) => name);

test("at every step of the move each row is there once, as it was, in the view, in listings and in sums", () => {
  makeOlderLedger(dir, ROWS);
  const before = readOlderRows(dir, LAST_ID);
  open();
  const younger = [writeYounger()];
  const older = Array.from({ length: ROWS }, (_, i) => olderId(i)).sort();
  const usage = (): unknown =>
    readUsage(sql, { ...ALL_USAGE, by: ["key", "model"] }).groups.filter(
      ({ values }) => values.key !== "younger",
    );
  const sums = usage();
  const move = newMove();
  const rollUp = new RollUp(sql);
  for (let phase = ""; phase !== "done"; ) {
    ({ phase } = move.step(500));
    younger.push(writeYounger());
    const all = [...older, ...younger];
    expect(readOlderRows(dir, LAST_ID)).toEqual(before);
    expect(idsOf(readRows(sql))).toEqual(all);
    // Some of the moved rows are in the roll-up, some are moved behind its mark.
    if (phase !== "done") rollUp.step(300, Date.now() + 3_600_000);
    expect(usage()).toEqual(sums);
    for (const limit of [1, 600, 1500, 9000]) {
      expect(idsOf(readRows(sql, { limit }))).toEqual(all.slice(-limit));
    }
    for (const id of [0, 499, 500, 1699].map((i) => older[i] as string)) {
      expect(idsOf(readRows(sql, { id }))).toEqual([id]);
    }
    expect(idsOf(readRows(sql, { id: younger[0] as string }))).toEqual([younger[0] as string]);
    const since = { sinceMs: Date.UTC(2026, 0, 1) + 1000 };
    expect(idsOf(readRows(sql, since))).toEqual(
      idsOf([...readRows(sql)].filter(({ atMs }) => atMs >= since.sinceMs)),
    );
  }
  expect(tables()).not.toContain("older_requests");
  expect(sql.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
}, 60_000);

test("a listing that is read while rows are moved has each row once", () => {
  for (const stepAfter of [1, 2, 3, 4]) {
    makeOlderLedger(dir, ROWS);
    open();
    writeYounger();
    const move = newMove();
    move.step(600);
    const read: string[] = [];
    for (const { id } of readRows(sql)) {
      read.push(id);
      // Sometimes the move is ahead of the listing, sometimes behind it.
      if (read.length % (200 * stepAfter) === 0) move.step(450);
    }
    expect(read).toEqual([...new Set(read)].sort());
    expect(read).toHaveLength(ROWS + 1);
    sql.close();
    rmSync(dir, { recursive: true });
  }
  open();
});

test("rows whose ids have one time, more than a millisecond has keys, are moved in their order", () => {
  const older = openSqlite(storeFile(dir), { mode: "write", busyTimeoutMs: 0 });
  migrate(older, MIGRATIONS.slice(0, 9));
  const atMs = Date.now();
  const insert = older.prepare("INSERT INTO requests (id, at_ms, key) VALUES (?, ?, 'k')");
  const olderIds = Array.from({ length: 9000 }, (_, i) => encodeTime(atMs) + String(i).padStart(16, "0"));
  older.transaction(() => {
    for (const [i, id] of olderIds.entries()) insert.run(id, atMs - 9000 + i);
  });
  older.close();
  open();
  const younger = [writeYounger()];
  const move = newMove();
  while (move.step(2000).phase !== "done") younger.push(writeYounger());
  expect(idsOf(readRows(sql))).toEqual([...olderIds, ...younger]);
  expect(idsOf(readRows(sql, { sinceMs: atMs - 1 }))).toEqual([olderIds[8999] as string, ...younger]);
});

test("two processes that move the same rows do not step on each other", () => {
  makeOlderLedger(dir, ROWS);
  const before = readOlderRows(dir, LAST_ID);
  open();
  const other = openStore(dir);
  const moves = [newMove(), new OlderRowsMove(other, makeEntryWriter(other, new RequestIds(makeIds())))];
  for (let i = 0, phase = ""; phase !== "done"; i++) ({ phase } = (moves[i % 2] as OlderRowsMove).step(300));
  expect(moves.map((move) => move.step(300).phase)).toEqual(["done", "done"]);
  expect(readOlderRows(dir, LAST_ID)).toEqual(before);
  other.close();
});

test("the version before refuses the new file, and says what to do", () => {
  open();
  expect(() => appliedCount(sql, MIGRATIONS.slice(0, 9))).toThrow(
    "a newer version of this program made the database; start that version",
  );
});

test("a view that an operator made of the requests shows them all, before and after the move", () => {
  makeOlderLedger(dir, 20);
  const older = openSqlite(storeFile(dir), { mode: "write", busyTimeoutMs: 0 });
  older.exec("CREATE VIEW mine AS SELECT key, count(*) AS n FROM requests GROUP BY key");
  older.close();
  open();
  writeYounger();
  const sum = (): unknown => sql.prepare("SELECT sum(n) AS n FROM mine").get();
  expect(sum()).toEqual({ n: 21 });
  const move = newMove();
  while (move.step(7).phase !== "done");
  expect(sum()).toEqual({ n: 21 });
});

test("a new file has no older table, and can give back free pages", () => {
  open();
  expect(tables()).not.toContain("older_requests");
  expect(sql.prepare("PRAGMA auto_vacuum").get()).toEqual({ auto_vacuum: 2 });
});

test("a range of time is a range of keys: no table is read from its start", () => {
  open();
  const plan = (text: string): string =>
    sql
      .prepare(`EXPLAIN QUERY PLAN ${text}`)
      .all()
      .map(({ detail }) => detail)
      .join("; ");
  const prepared: string[] = [];
  const seen: Sql = {
    ...spied(sql),
    prepare(text) {
      prepared.push(text);
      return sql.prepare(text);
    },
  };
  [...readRows(seen, { sinceMs: Date.now(), key: "me" })];
  const ranges = prepared.filter((text) => text.includes("FROM entries"));
  expect(ranges).toHaveLength(1);
  for (const text of ranges) {
    expect(plan(text.replaceAll("?", "1"))).toBe(
      "SEARCH e USING INTEGER PRIMARY KEY (rowid>? AND rowid<?); SEARCH f USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN",
    );
  }
  const inView = `SELECT count(*) FROM entries WHERE seq >= ${firstKey(Date.now())}`;
  expect(plan(inView)).toBe("SEARCH entries USING INTEGER PRIMARY KEY (rowid>?)");
});

function spied(inner: Sql): Sql {
  return {
    exec: (text) => inner.exec(text),
    prepare: (text) => inner.prepare(text),
    transaction: (work) => inner.transaction(work),
    isCurrent: () => inner.isCurrent(),
    close: () => inner.close(),
  };
}

describe("the mover", () => {
  let logged: string[] = [];
  const keep = (fields: object, message: string): void => {
    logged.push(`${message} ${JSON.stringify(fields)}`);
  };
  const log: Log = { debug: keep, info: keep, warn: keep, error: keep };
  const newMover = (freeBytes = 1e12): OlderRowsMover =>
    new OlderRowsMover({
      open: () => openStore(dir),
      makeEntryWriter: (store) => makeEntryWriter(store, ids),
      space: () => ({ ...spaceOfStore(dir), freeBytes }),
      clock: systemClock,
      log,
      firstLookMs: 0,
    });
  const untilLogged = async (text: string): Promise<void> => {
    while (!logged.some((line) => line.includes(text))) await Bun.sleep(2);
  };

  beforeEach(() => {
    logged = [];
    makeOlderLedger(dir, ROWS);
  });

  test("moves all rows, beside the ledger, and says when it begins and ends", async () => {
    const before = readOlderRows(dir, LAST_ID);
    open();
    newMover().start();
    const younger: string[] = [];
    while (!logged.some((line) => line.includes("is gone"))) {
      younger.push(writeYounger());
      await Bun.sleep(1);
    }
    expect(readOlderRows(dir, LAST_ID)).toEqual(before);
    expect(idsOf(readRows(sql, { key: "younger" }))).toEqual(younger);
    expect(logged).toHaveLength(2);
    expect(logged[1]).toContain(`"rows":${ROWS}`);
  });

  test("leaves the rows where they are when the disk is too full, and says so in one line", async () => {
    const before = readOlderRows(dir, LAST_ID);
    open();
    const { fileBytes } = spaceOfStore(dir);
    newMover(fileBytes * 1.19).start();
    await untilLogged("too little space");
    await Bun.sleep(5);
    expect(logged).toHaveLength(1);
    const younger = writeYounger();
    expect(readOlderRows(dir, LAST_ID)).toEqual(before);
    expect(idsOf(readRows(sql)).at(-1)).toBe(younger);
    const reader = openStoreReader(dir);
    expect(idsOf(readRows(reader))).toHaveLength(ROWS + 1);
    reader.close();
  });

  test("goes on after a lock of another process, and after it was stopped", async () => {
    const before = readOlderRows(dir, LAST_ID);
    open();
    const mover = newMover();
    mover.start();
    await untilLogged("moving the rows");
    mover.stop();
    const other = openSqlite(storeFile(dir), { mode: "write", busyTimeoutMs: 0 });
    other.exec("BEGIN IMMEDIATE");
    newMover().start();
    await Bun.sleep(20);
    other.exec("COMMIT");
    other.close();
    await untilLogged("is gone");
    expect(readOlderRows(dir, LAST_ID)).toEqual(before);
    expect(logged.filter((line) => line.includes("cannot be moved"))).toEqual([]);
  });

  test("stops when the file is replaced", async () => {
    open();
    newMover().start();
    await untilLogged("moving the rows");
    rmSync(storeFile(dir));
    openStore(dir).close();
    await Bun.sleep(30);
    expect(logged).toHaveLength(1);
  });
});
