// Whoever gets hold of an open page, or of a token, gets neither the secrets nor the admin itself: the password is asked again.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SettingsFile } from "../../config/edit/settings-file.ts";
import { loadConfig } from "../../config/load.ts";
import { makeIds } from "../../core/ids.ts";
import { openStore } from "../../ledger/store-file.ts";
import { AdminAccessTable, makeToken } from "../../store/admin-access.ts";
import { AdminUnderTest, cookieIn, PLANTED } from "../fixtures/admin-under-test.ts";

const TOML = `[admin]
password = "hash of ${PLANTED.password}"

[[upstreams]]
name = "up"
family = "anthropic"

[[upstreams.credentials]]
name = "main"
api_key = "sk-ant-planted-0123456789-bravo"
`;
const NEXT = "plain horse battery";

let dir: string;
let under: AdminUnderTest;
let headers: Record<string, string>;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "clewline-confirm-"));
  const file = join(dir, "clewline.toml");
  writeFileSync(file, TOML, { mode: 0o600 });
  const clock = { nowMs: () => under.nowMs, monotonicMs: () => under.nowMs };
  const read = (text?: string) =>
    loadConfig({
      ...{ file, env: {}, flags: {}, cwd: dir, hashPassword: async (password: string) => password },
      ...(text === undefined ? {} : { text }),
    });
  let { config } = await read();
  const settings = new SettingsFile({
    file,
    clock,
    ids: makeIds(),
    check: read,
    draft: async (text) => (await read(text)).draft,
    inForce: () => config,
    refusals: () => [],
    reload: async () => {
      ({ config } = await read());
      under.passwordHash = config.admin?.passwordHash ?? "";
      return [];
    },
  });
  under = new AdminUnderTest({ settings });
  headers = await under.browser();
});
afterEach(() => {
  under.close();
  rmSync(dir, { recursive: true, force: true });
});

const text = (): string => readFileSync(join(dir, "clewline.toml"), "utf8");
const post = (path: string, body: object, as = headers) =>
  under.call(path, { method: "POST", headers: as, body });
async function version(): Promise<string> {
  const { version } = (await (await under.call("settings", { headers })).json()) as { version: string };
  return version;
}
const password = async (currentPassword?: string, as = headers) =>
  post(
    "settings",
    {
      version: await version(),
      changes: [{ path: "admin.password", value: NEXT }],
      ...(currentPassword === undefined ? {} : { currentPassword }),
    },
    as,
  );
const isSignedIn = async (cookie: string): Promise<boolean> =>
  ((await (await under.call("session", { headers: { cookie } })).json()) as { signedIn: boolean }).signedIn;
async function refusal(reply: Response | Promise<Response>) {
  const refused = await reply;
  const { error } = (await refused.json()) as { error: { path?: string; message: string } };
  return [refused.status, error.path, error.message];
}

const ASKED = [403, "currentPassword", "this needs the current password of the admin once more"];
const WRONG = [403, "currentPassword", "the current password is wrong"];

test("secrets are exported to those alone who know the password", async () => {
  const passphrase = "a long passphrase";
  expect(await refusal(post("settings/export", { passphrase }))).toEqual(ASKED);
  expect(await refusal(post("settings/export", { passphrase, currentPassword: "guess" }))).toEqual(WRONG);
  const reply = await post("settings/export", { passphrase, currentPassword: PLANTED.password });
  expect([reply.status, (await reply.text()).includes("scrypt")]).toEqual([200, true]);
  // Without secrets there is nothing to ask for.
  expect((await post("settings/export", {})).status).toBe(200);
});

test("a token is asked for the password as well", async () => {
  const sql = openStore(under.dir);
  const token = makeToken(new AdminAccessTable(sql), "ci", {
    ids: makeIds(),
    clock: { nowMs: () => under.nowMs },
  });
  sql.close();
  const bearer = { authorization: `Bearer ${token}` };
  expect(await refusal(post("settings/export", { passphrase: "long enough" }, bearer))).toEqual(ASKED);
  expect(await refusal(password(undefined, bearer))).toEqual(ASKED);
  const made = await password(PLANTED.password, bearer);
  expect([made.status, made.headers.get("set-cookie")]).toEqual([200, null]);
});

test("another password needs the one of now, in whichever way it is set or taken away", async () => {
  expect(await refusal(password())).toEqual(ASKED);
  expect(await refusal(password("guess"))).toEqual(WRONG);
  for (const change of [
    { path: 'admin."password"', value: NEXT },
    { path: "admin", value: { password: NEXT } },
    { path: "admin.password" },
    { path: "admin" },
  ])
    expect([
      change,
      ...(await refusal(post("settings", { version: await version(), changes: [change] }))),
    ]).toEqual([change, ...ASKED]);
  const imported = TOML.replace(/password = .*/, `password = "${NEXT}"`);
  expect(await refusal(post("settings/import", { version: await version(), text: imported }))).toEqual(ASKED);
  expect(text()).toBe(TOML);
  const body = { version: await version(), text: imported, currentPassword: PLANTED.password };
  expect((await post("settings/import", body)).status).toBe(200);
  expect(text()).toContain(`password = "hash of ${NEXT}"`);
});

test("wrong passwords are counted as those of a sign-in are", async () => {
  for (let i = 0; i < 5; i++) expect((await password("guess")).status).toBe(403);
  const refused = await password(PLANTED.password);
  expect([refused.status, Number(refused.headers.get("retry-after")) > 0]).toEqual([429, true]);
  expect(await isSignedIn(headers.cookie as string)).toBe(true);
  expect(text()).toBe(TOML);
});

test("who changes the password stays, under another session; all others are out", async () => {
  const other = await under.browser();
  const reply = await password(PLANTED.password);
  expect(reply.status).toBe(200);
  expect(reply.headers.get("set-cookie")).toMatch(/HttpOnly; SameSite=Strict/);
  const renewed = cookieIn(reply);
  expect(await isSignedIn(renewed)).toBe(true);
  expect(await isSignedIn(headers.cookie as string)).toBe(false);
  expect(await isSignedIn(other.cookie)).toBe(false);
  expect((await under.signIn(PLANTED.password)).status).toBe(401);
  expect((await under.signIn(NEXT)).status).toBe(204);
});

test("a change of the password is not taken back by an undo, which asks for nothing", async () => {
  const reply = await password(PLANTED.password);
  const { auditId } = (await reply.json()) as { auditId: string };
  headers = { ...(await under.browserOf(cookieIn(reply))) };
  const { entries } = (await (await under.call("audit", { headers })).json()) as { entries: object[] };
  expect(entries[0]).toMatchObject({ id: auditId, undoUntilMs: 0 });
  expect((await post(`audit/${auditId}/undo`, {})).status).toBe(403);
  expect(text()).toContain(`password = "hash of ${NEXT}"`);
});
