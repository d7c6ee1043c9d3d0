import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Log } from "../core/log.ts";
import { openStore, setStoreAside } from "../ledger/store-file.ts";
import { changeStoredKeys, prepareKeysVersion, readStoredKeys, type StoredKey } from "./client-keys.ts";
import { KeyWatch } from "./key-watch.ts";
import { type Sql, StoreError } from "./sql.ts";

let dir = "";
let logged: string[] = [];
let watch: KeyWatch | null = null;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "clewline-client-keys-"));
  logged = [];
});
afterEach(() => {
  watch?.stop();
  watch = null;
  rmSync(dir, { recursive: true, force: true });
});

const keyNamed = (name: string, change: Partial<StoredKey> = {}): StoredKey => ({
  name,
  keySha256: `hash of ${name}`,
  prefix: "clew-0000",
  lastFour: "ffff",
  settings: "{}",
  createdMs: 1_800_000_000_123,
  revokedMs: null,
  pausedMs: null,
  old: null,
  ...change,
});

function withStore<T>(work: (sql: Sql) => T): T {
  const sql = openStore(dir);
  try {
    return work(sql);
  } finally {
    sql.close();
  }
}

const save = (...keys: readonly StoredKey[]): void =>
  withStore((sql) =>
    changeStoredKeys(sql, (table) => {
      for (const key of keys) table.save(key);
    }),
  );

test("keys are found as they were saved, and each change raises the version", () => {
  const plain = keyNamed("a");
  const rotated = keyNamed("b", { revokedMs: 7, old: { sha256: "before", untilMs: 9 } });
  withStore((sql) => {
    const version = prepareKeysVersion(sql);
    expect(version.get()?.version).toBe(0);
    changeStoredKeys(sql, (table) => {
      table.save(rotated);
      table.save(keyNamed("a", { settings: '{"concurrency":1}' }));
    });
    changeStoredKeys(sql, (table) => table.save(plain));
    expect(version.get()?.version).toBe(2);
    expect(readStoredKeys(sql)).toEqual([plain, rotated]);
    expect(changeStoredKeys(sql, (table) => [table.find("b"), table.find("c")])).toEqual([rotated, null]);
  });
});

/** Resolves with the names of the keys after the next change. */
function nextChange(open: () => Sql = () => openStore(dir)): Promise<string[]> {
  const { promise, resolve } = Promise.withResolvers<string[]>();
  const keep: Log["info"] = (fields, message) => logged.push(`${message} ${JSON.stringify(fields)}`);
  const log: Log = { debug: keep, info: keep, warn: keep, error: keep };
  const started = new KeyWatch({ open, log, onChange: () => resolve(started.keys.map(({ name }) => name)) });
  watch = started;
  watch.start();
  return promise;
}

test("a change of another connection is seen", async () => {
  save(keyNamed("a"));
  const changed = nextChange();
  expect(watch?.keys).toEqual([keyNamed("a")]);
  save(keyNamed("b"));
  expect(await changed).toEqual(["a", "b"]);
});

test("a change to the same keys is none", async () => {
  save(keyNamed("a"));
  let isFirst = true;
  const changed = nextChange();
  save(keyNamed("a"));
  setTimeout(() => {
    isFirst = false;
    save(keyNamed("c"));
  }, 700);
  expect(await changed).toEqual(["a", "c"]);
  expect(isFirst).toBe(false);
});

test("keys outlive a database that was set aside", async () => {
  save(keyNamed("a"), keyNamed("b"));
  const changed = nextChange();
  setStoreAside(dir, 0);
  // Restored by the next look, after which a further change is one again.
  const untilRestored = async (): Promise<void> => {
    while (withStore(readStoredKeys).length === 0) await new Promise((wake) => setTimeout(wake, 20));
  };
  await untilRestored();
  expect(withStore(readStoredKeys).map(({ name }) => name)).toEqual(["a", "b"]);
  expect(logged.join("")).toContain("the client keys were written into it");
  save(keyNamed("c"));
  expect(await changed).toEqual(["a", "b", "c"]);
});

test("while the store cannot be read, the keys stay, and the log says so once", async () => {
  save(keyNamed("a"));
  let isBroken = false;
  let looks = 0;
  const { promise: looked, resolve } = Promise.withResolvers<void>();
  const changed = nextChange(() => {
    if (!isBroken) return openStore(dir);
    looks += 1;
    if (looks === 2) resolve();
    throw new StoreError("unavailable", "no such disk");
  });
  isBroken = true;
  setStoreAside(dir, 0);
  await looked;
  expect(watch?.keys).toEqual([keyNamed("a")]);
  expect(logged.filter((line) => line.includes("no such disk"))).toHaveLength(1);
  isBroken = false;
  save(keyNamed("b"));
  expect(await changed).toEqual(["b"]);
  expect(logged.join("")).toContain("can be read again");
});
