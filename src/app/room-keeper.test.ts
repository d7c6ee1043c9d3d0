import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "../core/log.ts";
import { openStore } from "../ledger/store-file.ts";
import type { PersistedState } from "../pool/credential.ts";
import { PoolUnderTest, requestsLeft, specOf } from "../pool/fixtures/pool-under-test.ts";
import { RESET_REASON } from "../pool/park.ts";
import { makePool } from "../pool/pool.ts";
import type { Snapshot } from "../snapshot.ts";
import { makeRoomStore } from "../store/credential-rooms.ts";
import { StoreError } from "../store/sql.ts";
import { loadCredentialRooms, RoomKeeper } from "./room-keeper.ts";

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "clewline-rooms-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const SPECS = [specOf("a"), specOf("b")];
const snapshot = { credentialSpecs: SPECS } as unknown as Snapshot;
const perDay = { ...requestsLeft(3, 50), span: "day" } as const;

function keeperOf(under: PoolUnderTest): RoomKeeper {
  const store = makeRoomStore(() => openStore(dir));
  return new RoomKeeper({ gateway: { pool: under.pool, snapshot }, store, clock: under, log: silentLog });
}

function restarted(under: PoolUnderTest, specs = SPECS, restore: readonly PersistedState[] = []) {
  const rooms = loadCredentialRooms(() => openStore(dir), silentLog);
  return makePool({ specs, clock: under, log: silentLog, restore, rooms, persist: () => undefined });
}

test("the next process knows the limits of a day and the account, and not a minute that is over", () => {
  const under = new PoolUnderTest(SPECS);
  under.announce("a", "org-1", { ...perDay, isGradual: false, resetAtMs: under.now + 7_200_000 });
  under.announce("a", "org-1", requestsLeft(5, 20, under.now + 30_000));
  under.announce("b", "org-1", requestsLeft(5, 20, under.now + 30_000));
  keeperOf(under).close();
  under.now += 60_000;
  const [a, b] = restarted(under).list();
  // The second request of the credential came after the announcement.
  expect(a).toMatchObject({ owner: "org-1", quotas: [{ span: "day", limit: 50, remaining: 2 }] });
  expect(b?.owner).toBe("org-1");
});

test("a reset by hand forgets what was announced, also for the next process, and what is announced later stays", () => {
  const under = new PoolUnderTest(SPECS);
  const spent = { ...requestsLeft(0, 20, under.now + 7_200_000), isGradual: false };
  for (const name of ["a", "b"]) under.announce(name, "org-1", spent);
  const keeper = keeperOf(under);
  keeper.keep();
  expect(under.serve()).toBeNull();
  under.now += 1_000;
  const ready = { model: null, state: "ready", reason: RESET_REASON, untilMs: null, strikes: 0 };
  const reset = { upstream: "up", credential: "a", fingerprint: "key-a", sinceMs: under.now, ...ready };
  // A process that starts now knows of it, and so does the one that runs.
  expect(restarted(under, SPECS, [reset]).list()[0]).toMatchObject({ state: "ready", quotas: [] });
  under.pool.adopt([reset]);
  expect([under.serve(), under.pool.list()[0]?.quotas]).toEqual(["a", []]);
  keeper.close();
  expect(restarted(under).list()[0]?.quotas).toEqual([]);
  under.announce("a", "org-1", requestsLeft(7, 20, under.now + 30_000));
  under.pool.adopt([reset]);
  expect(under.pool.list()[0]?.quotas).toMatchObject([{ remaining: 7 }]);
});

test("a changed key begins with nothing, and nonsense in the database is nothing", () => {
  const under = new PoolUnderTest(SPECS);
  under.announce("a", "org-1", { ...perDay, isGradual: false, resetAtMs: under.now + 7_200_000 });
  keeperOf(under).close();
  expect(restarted(under, [specOf("a", { fingerprint: "other" })]).list()[0]).toMatchObject({
    owner: null,
    quotas: [],
  });
  const store = makeRoomStore(() => openStore(dir));
  for (const facts of [
    "{",
    "[]",
    "null",
    '{"owner":7,"quotas":[1,{"model":"m"},{"model":3}],"limits":"x"}',
  ]) {
    store.save([{ upstream: "up", credential: "a", fingerprint: "key-a", atMs: under.now, facts }]);
    expect(restarted(under).list()[0]).toMatchObject({ owner: null, quotas: [] });
  }
  store.close();
});

test("what is not known is not written, and a database that fails stops nobody", () => {
  const under = new PoolUnderTest(SPECS);
  const saved: number[] = [];
  let fails = true;
  const store = {
    save(rows: readonly unknown[]) {
      if (fails) throw new StoreError("full", "the disk is full");
      saved.push(rows.length);
    },
    close: () => undefined,
  };
  const keeper = new RoomKeeper({
    gateway: { pool: under.pool, snapshot },
    store,
    clock: under,
    log: silentLog,
  });
  keeper.keep();
  under.announce("a", null, requestsLeft(5));
  keeper.keep();
  fails = false;
  keeper.keep();
  keeper.keep();
  expect(saved).toEqual([1]);
});
