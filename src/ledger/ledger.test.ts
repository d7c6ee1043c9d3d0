import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import { makeIds } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import { type Sql, StoreError } from "../store/sql.ts";
import { openSqlite } from "../store/sqlite.ts";
import { makeStateStore } from "../store/state.ts";
import { appendTo } from "./fixtures/append.ts";
import { sampleRow } from "./fixtures/row.ts";
import { type Ledger, type LedgerOptions, makeLedger } from "./ledger.ts";
import { readRows } from "./queries.ts";
import { RequestIds } from "./request-ids.ts";
import type { LedgerRow } from "./row.ts";
import { openStore, openStoreReader, setStoreAside, storeFile } from "./store-file.ts";
import { makeLedgerWriter } from "./writer.ts";

const ids = new RequestIds(makeIds());
let dir = "";
let ledger: Ledger | null = null;
let logged: string[] = [];

const log: Log = {
  debug() {},
  info: (_, message) => logged.push(`info: ${message}`),
  warn: (_, message) => logged.push(`warn: ${message}`),
  error: (_, message) => logged.push(`error: ${message}`),
};

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "clewline-ledger-"));
  logged = [];
});
afterEach(async () => {
  await ledger?.close();
  ledger = null;
  rmSync(dir, { recursive: true, force: true });
});

/** A ledger on a real file, with short waits. */
function start(change: Partial<LedgerOptions> = {}): Ledger {
  ledger = makeLedger({
    openWriter(setAside) {
      if (setAside) setStoreAside(dir, Date.now());
      return makeLedgerWriter(openStore(dir), ids, systemClock);
    },
    clock: systemClock,
    log,
    onFailure: "refuse",
    queueRows: 1000,
    lockWaitMs: 100,
    probeMs: 20,
    ...change,
  });
  return ledger;
}

function newRow(change: Partial<LedgerRow> = {}): LedgerRow {
  return sampleRow({ id: ids.ulid(Date.now()), ...change });
}

function storedIds(): string[] {
  const reader = openStoreReader(dir);
  try {
    return [...readRows(reader)].map((row) => row.id);
  } finally {
    reader.close();
  }
}

/** Locks the store as another process would, until the returned function is called. */
function lockStore(): () => void {
  const other = openSqlite(storeFile(dir), { mode: "write", busyTimeoutMs: 1000 });
  other.exec("BEGIN IMMEDIATE");
  return () => {
    other.exec("COMMIT");
    other.close();
  };
}

async function rejection(promise: Promise<void>): Promise<GatewayError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof GatewayError)) throw new Error(`not refused but ${String(error)}`);
  return error;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await Bun.sleep(2);
}

test("a row is readable by others once it is settled", async () => {
  const { append } = boundTo(start());
  const row = newRow();
  await append(row);
  expect(storedIds()).toEqual([row.id]);
});

test("the rows of one turn are one commit, those of a later turn another", async () => {
  const { append, stats } = boundTo(start());
  const first = Array.from({ length: 50 }, () => append(newRow()));
  expect(stats().commits).toBe(0);
  await Promise.all(first);
  expect(stats()).toMatchObject({ commits: 1, rows: 50 });
  await append(newRow());
  expect(stats()).toMatchObject({ commits: 2, rows: 51 });
});

test("provider-side ids are there as soon as their row is", async () => {
  const states = makeStateStore({ open: () => openStore(dir), log });
  const stateId = { id: "resp_1", upstream: "openai", credential: "main", owner: 1, atMs: 1 };
  await appendTo(start(), newRow(), [stateId]);
  expect(states.findStateId("openai", "resp_1")).toEqual(stateId);
  states.close();
});

test("a row that is appended twice is there once", async () => {
  const { append } = boundTo(start());
  const row = newRow();
  await append(row);
  await append({ ...row, status: 500 });
  expect(storedIds()).toEqual([row.id]);
});

test("a short lock delays a row and refuses nothing", async () => {
  const running = start({ lockWaitMs: 60_000 });
  const unlock = lockStore();
  const row = newRow();
  const appended = appendTo(running, row);
  await until(() => running.stats.failures > 3);
  expect(running.isWritable).toBe(true);
  unlock();
  await appended;
  expect(storedIds()).toEqual([row.id]);
});

test("a long lock: waiting rows are refused, then written when it ends, and service recovers by itself", async () => {
  const running = start();
  const unlock = lockStore();
  const row = newRow();
  const error = await rejection(appendTo(running, row));
  expect(error.kind).toBe("ledger_unavailable");
  expect(error.message).toContain("locked by another process");
  expect(running.isWritable).toBe(false);
  expect(running.failure).toContain("locked");
  // Requests that were under way end while it is broken: told at once, kept all the same.
  const late = newRow();
  await rejection(appendTo(running, late));
  expect(running.pendingRows).toBe(2);
  unlock();
  await until(() => running.isWritable);
  await running.flush();
  expect(running.failure).toBeNull();
  expect(storedIds()).toEqual([row.id, late.id]);
  expect(logged).toEqual([
    "error: the ledger cannot be written: requests are refused until it can",
    "info: the ledger can be written again",
  ]);
});

test("a row that was refused can still be corrected before it is written", async () => {
  const running = start();
  const unlock = lockStore();
  const row = newRow();
  await rejection(appendTo(running, row));
  row.status = 503;
  row.outcome = "error";
  unlock();
  await until(() => running.isWritable);
  const reader = openStoreReader(dir);
  expect([...readRows(reader)]).toEqual([row]);
  reader.close();
});

test("with `serve` a broken store refuses nothing; its rows follow, and what the queue cannot hold is counted", async () => {
  const running = start({ onFailure: "serve", queueRows: 3 });
  const unlock = lockStore();
  const rows = Array.from({ length: 5 }, () => newRow());
  for (const row of rows) await appendTo(running, row);
  expect(running.isWritable).toBe(true);
  expect(running.failure).toContain("locked");
  expect(running.pendingRows).toBe(3);
  expect(running.stats.droppedRows).toBe(2);
  expect(logged.filter((line) => line.includes("queue is full"))).toHaveLength(1);
  unlock();
  await until(() => running.failure === null);
  expect(storedIds()).toEqual(rows.slice(0, 3).map((row) => row.id));
});

test("with `refuse` a row that finds the queue full is refused, long after new requests are", async () => {
  const running = start({ queueRows: 4, lockWaitMs: 60_000 });
  const unlock = lockStore();
  const waiting = [1, 2, 3].map(() => appendTo(running, newRow()));
  expect(running.isWritable).toBe(false);
  waiting.push(appendTo(running, newRow()));
  expect((await rejection(appendTo(running, newRow()))).kind).toBe("ledger_unavailable");
  unlock();
  await Promise.all(waiting);
  expect(running.isWritable).toBe(true);
  expect(running.stats).toMatchObject({ rows: 4, droppedRows: 1 });
});

test("a full disk refuses at once and recovers when there is room", async () => {
  let pages = 1_000_000;
  let sql: Sql | null = null;
  const running = start({
    openWriter() {
      sql = openStore(dir);
      sql.exec(`PRAGMA max_page_count = ${pages}`);
      return makeLedgerWriter(sql, ids, systemClock);
    },
  });
  await appendTo(running, newRow());
  pages = 30;
  (sql as Sql | null)?.exec(`PRAGMA max_page_count = ${pages}`);
  const rows: LedgerRow[] = [];
  while (running.isWritable) {
    const row = newRow({ attemptLog: "x".repeat(2000) });
    rows.push(row);
    await appendTo(running, row).catch(() => undefined);
  }
  expect(running.failure).toContain("disk");
  pages = 1_000_000;
  await until(() => running.isWritable);
  await running.flush();
  expect(storedIds()).toHaveLength(rows.length + 1);
  expect(running.stats.droppedRows).toBe(0);
});

test("a file that is deleted while it is in use is made anew", async () => {
  const { append } = boundTo(start());
  await append(newRow());
  rmSync(storeFile(dir));
  const row = newRow();
  await append(row);
  expect(storedIds()).toEqual([row.id]);
  expect(logged).toEqual([
    "error: the ledger's database file was deleted or replaced while in use: opening it anew",
  ]);
});

test("so is one whose whole folder was moved away", async () => {
  const { append } = boundTo(start());
  await append(newRow());
  renameSync(dir, `${dir}.moved`);
  const row = newRow();
  await append(row);
  expect(storedIds()).toEqual([row.id]);
  rmSync(`${dir}.moved`, { recursive: true });
});

test("a folder that cannot be written: the gateway starts, says so, and recovers", async () => {
  writeFileSync(join(dir, "blocked"), "");
  let dataDir = join(dir, "blocked", "data");
  const running = start({ openWriter: () => makeLedgerWriter(openStore(dataDir), ids, systemClock) });
  expect(running.isWritable).toBe(false);
  expect(running.failure).toContain("cannot be written");
  dataDir = dir;
  await until(() => running.isWritable);
  await appendTo(running, newRow());
  expect(storedIds()).toHaveLength(1);
});

test("a file that is no database is kept beside a new one", async () => {
  writeFileSync(storeFile(dir), "rows are money".repeat(1000));
  const running = start();
  const row = newRow();
  await appendTo(running, row);
  expect(storedIds()).toEqual([row.id]);
  expect(readdirSync(dir).filter((name) => name.includes(".corrupt-"))).toHaveLength(1);
});

test("a database that is damaged while in use is kept beside a new one", async () => {
  const running = start();
  await appendTo(running, newRow());
  await running.close();
  // Only the table's own page: opening works, writing finds out.
  const reader = openStoreReader(dir);
  const page = Number(
    reader.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'entries'").get()?.rootpage,
  );
  reader.close();
  const file = openSync(storeFile(dir), "r+");
  writeSync(file, Buffer.alloc(4096, 0xee), 0, 4096, (page - 1) * 4096);
  closeSync(file);
  const again = start();
  expect(again.isWritable).toBe(true);
  const row = newRow();
  await appendTo(again, row);
  expect(storedIds()).toEqual([row.id]);
  expect(readdirSync(dir).filter((name) => /\.corrupt-.*Z$/.test(name))).toHaveLength(1);
});

test("a row that SQL cannot hold is dropped alone, and its own client is told", async () => {
  const running = start();
  const poison = newRow({ userAgent: Symbol("not a value of SQL") as never });
  const before = newRow();
  const after = newRow();
  const turn = [appendTo(running, before), appendTo(running, poison), appendTo(running, after)];
  expect((await rejection(turn[1] as Promise<void>)).kind).toBe("ledger_unavailable");
  await Promise.all([turn[0], turn[2]]);
  expect(storedIds()).toEqual([before.id, after.id]);
  expect(running.stats.droppedRows).toBe(1);
  expect(running.isWritable).toBe(true);
});

test("a long queue is written in several commits, in order", async () => {
  const running = start({ queueRows: 10_000 });
  const rows = Array.from({ length: 2500 }, () => newRow());
  await Promise.all(rows.map((row) => appendTo(running, row)));
  expect(running.stats).toMatchObject({ commits: 3, rows: 2500 });
  expect(storedIds()).toEqual(rows.map((row) => row.id));
});

test("closing writes what waits and lets go of the file", async () => {
  const running = start();
  const row = newRow();
  const appended = appendTo(running, row);
  await running.close();
  await appended;
  expect(existsSync(`${storeFile(dir)}-wal`)).toBe(false);
  expect(storedIds()).toEqual([row.id]);
  expect((await rejection(appendTo(running, newRow()))).message).toContain("closed");
});

test("closing with a store that stays locked ends all the same and names the loss", async () => {
  const running = start();
  const unlock = lockStore();
  const appended = appendTo(running, newRow());
  await running.close();
  await rejection(appended);
  expect(logged.at(-1)).toBe("error: closing the ledger with rows that could not be written: they are lost");
  unlock();
});

test("an error that is nobody's expectation is not taken for a failing store", () => {
  const openWriter = (): never => {
    throw new Error("a mistake in the program");
  };
  expect(() => start({ openWriter })).toThrow("a mistake in the program");
  expect(new StoreError("full", "x").fault).toBe("full");
});

function boundTo(running: Ledger) {
  return { append: (row: LedgerRow) => appendTo(running, row), stats: () => running.stats };
}

describe("who waits for a row is called once", () => {
  test("after the commit, never within `append`, in the order of the rows", async () => {
    const running = start();
    const order: string[] = [];
    running.append(newRow(), undefined, () => order.push(`first, ${storedIds().length} rows`));
    running.append(newRow(), undefined, () => order.push("second"));
    order.push("appended");
    await until(() => order.length === 3);
    await running.flush();
    expect(order).toEqual(["appended", "first, 2 rows", "second"]);
  });

  test("also when the ledger has failed already, is full or is closed: never within `append`", async () => {
    const running = start({ queueRows: 2 });
    const unlock = lockStore();
    await rejection(appendTo(running, newRow()));
    const told: string[] = [];
    const tell = (name: string) => (failure: GatewayError | null) => told.push(`${name}: ${failure?.kind}`);
    running.append(newRow(), undefined, tell("failed"));
    running.append(newRow(), undefined, tell("full"));
    await running.close();
    expect(told).toEqual(["failed: ledger_unavailable", "full: ledger_unavailable"]);
    running.append(newRow(), undefined, tell("closed"));
    expect(told).toHaveLength(2);
    await Promise.resolve();
    expect(told[2]).toBe("closed: ledger_unavailable");
    unlock();
  });

  test("one that throws is logged, and disturbs no other", async () => {
    const running = start();
    const fail = (): never => {
      throw new Error("a mistake in the program");
    };
    running.append(newRow(), undefined, fail);
    const second = newRow();
    await appendTo(running, second);
    expect(storedIds()).toHaveLength(2);
    expect(logged).toEqual([
      "error: the end of a request failed after its row was settled: this is a mistake in the gateway",
    ]);
    expect(running.isWritable).toBe(true);
  });

  test("one may append another row at once", async () => {
    const running = start();
    await new Promise<void>((resolve) => {
      running.append(newRow(), undefined, () => running.append(newRow(), undefined, () => resolve()));
    });
    expect(running.stats).toMatchObject({ commits: 2, rows: 2 });
  });
});
