// What people do with keys and credentials is taken back, unless somebody has changed it since.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { openStore } from "../../ledger/store-file.ts";
import { readStoredKeys, type StoredKey } from "../../store/client-keys.ts";
import { AdminUnderTest } from "../fixtures/admin-under-test.ts";

const TEN_MINUTES_MS = 600_000;

let under: AdminUnderTest;
let headers: Record<string, string>;

beforeEach(async () => {
  under = new AdminUnderTest();
  headers = await under.browser();
});
afterEach(() => under.close());

async function call(method: string, path: string, body?: unknown) {
  const reply = await under.call(path, { method, headers, ...(body === undefined ? {} : { body }) });
  // biome-ignore lint/suspicious/noExplicitAny: the contract has a test of its own
  return { status: reply.status, body: (await reply.json()) as any };
}
const post = (path: string, body: unknown = {}) => call("POST", path, body);
const undo = (id: string) => post(`audit/${id}/undo`);

async function create(name: string, settings: object = {}): Promise<string> {
  return (await post("keys", { name, settings })).body.key;
}

function stored(name: string): StoredKey {
  const sql = openStore(under.dir);
  const found = readStoredKeys(sql).find((key) => key.name === name);
  sql.close();
  if (found === undefined) throw new Error(`no key ${name}`);
  return found;
}

async function newest() {
  return (await call("GET", "audit")).body.entries[0];
}

test("a revoked key comes back within ten minutes, with its hash and its old key, and not after them", async () => {
  await create("ci");
  await create("robot");
  await post("keys/ci/rotate", { keepOldMs: 3_600_000 });
  const before = stored("ci");
  const revoke = await post("keys/revoke", { names: ["ci", "robot"] });
  expect(revoke.body.undo.untilMs).toBe(under.nowMs + TEN_MINUTES_MS);
  expect(stored("ci").revokedMs).not.toBeNull();
  under.nowMs += TEN_MINUTES_MS - 1;
  expect(await newest()).toMatchObject({ what: "revokeKeys", undoUntilMs: revoke.body.undo.untilMs });
  const undone = await undo(revoke.body.undo.auditId);
  expect([undone.status, undone.body.version]).toEqual([200, null]);
  expect(stored("ci")).toEqual(before);
  expect(stored("robot").revokedMs).toBeNull();
  expect((await undo(revoke.body.undo.auditId)).status).toBe(409);

  const again = await post("keys/revoke", { names: ["ci"] });
  under.nowMs += TEN_MINUTES_MS;
  expect(await newest()).toMatchObject({ what: "revokeKeys", undoUntilMs: 0 });
  const late = await undo(again.body.undo.auditId);
  expect([late.status, late.body.error.repair]).toEqual([409, expect.stringContaining("ten minutes")]);
  expect(stored("ci").revokedMs).not.toBeNull();
});

test("a rotation is taken back: the key before is the key again, and the new one is none", async () => {
  await create("ci");
  const before = stored("ci");
  const { body } = await post("keys/ci/rotate", {});
  expect(stored("ci").keySha256).not.toBe(before.keySha256);
  expect((await undo(body.undo.auditId)).status).toBe(200);
  expect(stored("ci")).toEqual(before);
  const rotated = await post("keys/ci/rotate", {});
  await post("keys/ci/rotate", {});
  const refused = await undo(rotated.body.undo.auditId);
  expect(refused.status).toBe(409);
  // The record and the replies have no hash.
  const said = JSON.stringify([refused.body, (await call("GET", "audit")).body]);
  for (const hash of [before.keySha256, stored("ci").keySha256]) expect(said).not.toContain(hash);
});

test("limits go back a month later, those alone that the change has set, and not over a change since", async () => {
  await create("ci", { concurrency: 2, models: ["a-*"] });
  const { body } = await call("PATCH", "keys/ci", { settings: { concurrency: 5, team: null, strict: true } });
  expect(await newest()).toMatchObject({
    what: "changeKey",
    undoUntilMs: null,
    changes: [
      { path: "keys[ci].concurrency", before: "2", after: "5" },
      { path: "keys[ci].strict", before: null, after: "true" },
    ],
  });
  await call("PATCH", "keys/ci", { settings: { requests_per_minute: 9 } });
  under.nowMs += 6 * 86_400_000;
  headers = await under.browser();
  expect((await undo(body.undo.auditId)).status).toBe(200);
  expect(JSON.parse(stored("ci").settings)).toEqual({
    models: ["a-*"],
    concurrency: 2,
    requests_per_minute: 9,
  });
  const five = await call("PATCH", "keys/ci", { settings: { concurrency: 5 } });
  await call("PATCH", "keys/ci", { settings: { concurrency: 7 } });
  const clash = await undo(five.body.undo.auditId);
  expect(clash.status).toBe(409);
  expect(clash.body.error.clashes).toEqual([
    { path: "keys[ci].concurrency", base: "5", theirs: "7", mine: "2" },
  ]);
  expect(JSON.parse(stored("ci").settings).concurrency).toBe(7);
});

test("a pause of many keys is taken back as a whole or not at all, and so is the end of one", async () => {
  for (const name of ["a", "b"]) await create(name);
  const pause = await post("keys/pause", { names: ["a", "b"] });
  await post("keys/resume", { names: ["b"] });
  expect((await undo(pause.body.undo.auditId)).status).toBe(409);
  expect(stored("a").pausedMs).not.toBeNull();
  const resume = await post("keys/resume", { names: ["a"] });
  expect((await undo(resume.body.undo.auditId)).status).toBe(200);
  expect(stored("a").pausedMs).not.toBeNull();
  // Pausing what is paused changes nothing, so there is nothing to undo.
  expect((await post("keys/pause", { names: ["a"] })).body.undo).toBeNull();
  await post("keys/revoke", { names: ["a"] });
  const second = await post("keys/pause", { names: ["b"] });
  await post("keys/revoke", { names: ["b"] });
  const refused = await undo(second.body.undo.auditId);
  expect(refused.body.error.clashes).toEqual([
    { path: "keys[b].revokedMs", base: "active", theirs: "revoked", mine: "active" },
  ]);
});

test("a made key is revoked by its undo, so that its usage stays its own, and that is undone as well", async () => {
  const { body } = await post("keys", { name: "new", settings: {} });
  const undone = await undo(body.undo.auditId);
  expect(undone.status).toBe(200);
  expect(stored("new").revokedMs).toBe(under.nowMs);
  expect((await post("keys", { name: "new", settings: {} })).status).toBe(409);
  expect((await undo(undone.body.auditId)).status).toBe(200);
  expect(stored("new").revokedMs).toBeNull();
});

test("a pause of a credential is taken back, and its end too; not over what a person did since", async () => {
  const state = () => under.context.pool.list().find(({ id }) => id === "up/main");
  const pause = await post("credentials/up/main/pause");
  expect(pause.body.undo.untilMs).toBeNull();
  expect((await undo(pause.body.undo.auditId)).status).toBe(200);
  expect(state()?.state).toBe("ready");
  const drain = await post("credentials/up/main/drain");
  const enable = await post("credentials/up/main/enable");
  expect((await undo(drain.body.undo.auditId)).status).toBe(409);
  expect((await undo(enable.body.undo.auditId)).status).toBe(200);
  expect([state()?.state, state()?.reason]).toEqual(["off", "drained by a person"]);
  await post("credentials/up/main/enable");
  // A reset of a ready credential changes nothing that could be brought back.
  const reset = await post("credentials/up/main/reset");
  expect(reset.body.undo).toBeNull();
  expect(await newest()).toMatchObject({ what: "resetCredential", undoUntilMs: 0 });
});

test("an undo is on record, with the change that it undid", async () => {
  const pause = await post("credentials/up/main/pause");
  const { body } = await undo(pause.body.undo.auditId);
  const { entries } = (await call("GET", "audit")).body;
  expect(entries.slice(0, 2)).toMatchObject([
    {
      id: body.auditId,
      what: "undo",
      changes: [{ path: "credentials[up/main]", after: "as before pauseCredential" }],
    },
    { id: pause.body.undo.auditId, undoneBy: body.auditId, undoUntilMs: 0 },
  ]);
});
