import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "../core/log.ts";
import { openStore, openStoreReader, storeFile } from "../ledger/store-file.ts";
import { openSqlite } from "./sqlite.ts";
import {
  type CredentialStateRow,
  makeStateStore,
  readCredentialStates,
  type StateId,
  StateIdWriter,
} from "./state.ts";

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "clewline-state-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const newStore = () => makeStateStore({ open: () => openStore(dir), log: silentLog });

function stateRow(change: Partial<CredentialStateRow> = {}): CredentialStateRow {
  return {
    upstream: "anthropic",
    credential: "main",
    model: null,
    state: "cooling",
    reason: "rate limit",
    untilMs: 1_800_000_000_123,
    sinceMs: 1_799_999_999_000,
    strikes: 2,
    fingerprint: "0123456789abcdef",
    ...change,
  };
}

function saved(): CredentialStateRow[] {
  const reader = openStoreReader(dir);
  try {
    return readCredentialStates(reader);
  } finally {
    reader.close();
  }
}

test("states survive a restart; a later state replaces the earlier one", () => {
  const first = newStore();
  const perModel = stateRow({ model: "claude-x", untilMs: null });
  first.saveCredentialStates([stateRow(), perModel, stateRow({ credential: "other" })]);
  first.saveCredentialStates([stateRow({ state: "invalid", untilMs: null })]);
  first.close();
  const second = newStore();
  expect(second.loadCredentialStates()).toEqual([
    stateRow({ state: "invalid", untilMs: null }),
    perModel,
    stateRow({ credential: "other" }),
  ]);
  second.close();
});

test("a model that is fine again is forgotten, a credential is not", () => {
  const store = newStore();
  store.saveCredentialStates([stateRow(), stateRow({ model: "m" })]);
  const ready = { state: "ready", strikes: 0, untilMs: null, reason: "" };
  store.saveCredentialStates([stateRow(ready), stateRow({ ...ready, model: "m" })]);
  expect(saved()).toEqual([stateRow(ready)]);
  store.close();
});

test("what a locked store cannot take is written as soon as it can", async () => {
  const store = newStore();
  store.saveCredentialStates([stateRow()]);
  const other = openSqlite(storeFile(dir), { mode: "write", busyTimeoutMs: 0 });
  other.exec("BEGIN IMMEDIATE");
  store.saveCredentialStates([stateRow({ state: "exhausted" })]);
  store.saveCredentialStates([stateRow({ state: "invalid" })]);
  expect(saved()).toEqual([stateRow()]);
  other.exec("COMMIT");
  other.close();
  while (saved()[0]?.state !== "invalid") await Bun.sleep(50);
  store.close();
});

test("closing writes what is left", () => {
  const store = newStore();
  const other = openSqlite(storeFile(dir), { mode: "write", busyTimeoutMs: 0 });
  other.exec("BEGIN IMMEDIATE");
  store.saveCredentialStates([stateRow()]);
  other.exec("COMMIT");
  other.close();
  store.close();
  expect(saved()).toEqual([stateRow()]);
});

test("states are saved anew after the file was taken away", () => {
  const store = newStore();
  store.saveCredentialStates([stateRow()]);
  renameSync(storeFile(dir), join(dir, "moved.db"));
  store.saveCredentialStates([stateRow({ state: "invalid" })]);
  expect(saved()).toEqual([stateRow({ state: "invalid" })]);
  store.close();
});

test("a provider-side id leads back to the credential that made it, per upstream", () => {
  const sql = openStore(dir);
  const writer = new StateIdWriter(sql);
  const id: StateId = { id: "resp_1", upstream: "openai", credential: "a", owner: 1, atMs: 1000 };
  sql.transaction(() => writer.write([id, { ...id, upstream: "azure", credential: "b" }]));
  const store = newStore();
  expect(store.findStateId("openai", "resp_1")).toEqual(id);
  expect(store.findStateId("azure", "resp_1")?.credential).toBe("b");
  expect(store.findStateId("openai", "resp_2")).toBeNull();
  sql.transaction(() => writer.write([{ ...id, credential: "c", atMs: 2000 }]));
  expect(store.findStateId("openai", "resp_1")).toEqual({ ...id, credential: "c", atMs: 2000 });
  // A reply that only names it again leaves it to its maker.
  sql.transaction(() => writer.write([{ ...id, owner: null, atMs: 3000 }]));
  expect(store.findStateId("openai", "resp_1")).toEqual({ ...id, atMs: 3000 });
  expect(store.findState(["azure", "openai", "other"], "resp_1").map(({ upstream }) => upstream)).toEqual([
    "azure",
    "openai",
  ]);
  store.close();
  sql.close();
});

test("the map of provider-side ids forgets what is older than 30 days and more than 200,000 of a key", () => {
  const sql = openStore(dir);
  const writer = new StateIdWriter(sql);
  const dayMs = 24 * 60 * 60 * 1000;
  const batch = (from: number, count: number, atMs: number, owner: number | null = 1): StateId[] =>
    Array.from({ length: count }, (_, i) => ({
      id: `resp_${from + i}`,
      upstream: "openai",
      credential: "a",
      owner,
      atMs,
    }));
  const count = (): unknown => sql.prepare("SELECT count(*) AS n FROM state_ids").get()?.n;

  sql.transaction(() => writer.write(batch(0, 3000, dayMs)));
  sql.transaction(() => writer.write(batch(3000, 3000, 31 * dayMs + 1)));
  expect(count()).toBe(3000);

  sql.transaction(() =>
    writer.write([...batch(900_000, 5, 32 * dayMs, 2), ...batch(900_005, 5, 32 * dayMs, null)]),
  );
  sql.transaction(() => writer.write(batch(6000, 201_000, 32 * dayMs)));
  expect(count()).toBeLessThanOrEqual(201_010);
  const store = newStore();
  expect(store.findStateId("openai", "resp_206999")).not.toBeNull();
  expect(store.findStateId("openai", "resp_3000")).toBeNull();
  // Another key's, and those of all keys, are still there.
  expect(store.findStateId("openai", "resp_900000")).toMatchObject({ owner: 2 });
  expect(store.findStateId("openai", "resp_900005")).toMatchObject({ owner: null });
  store.close();
  sql.close();
});
