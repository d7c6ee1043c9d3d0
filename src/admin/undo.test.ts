// How long a change can be taken back: with a secret for ten minutes, without one as long as it is on record.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SettingsFile } from "../config/edit/settings-file.ts";
import { loadConfig } from "../config/load.ts";
import { makeIds } from "../core/ids.ts";
import { AdminUnderTest } from "./fixtures/admin-under-test.ts";

const SECRET = "sk-ant-planted-0123456789-alpha";
const TOML = `[[upstreams]]
name = "up"
family = "anthropic"

[[upstreams.credentials]]
name = "main"
api_key = "sk-ant-planted-0123456789-bravo"

# Alice's
[[upstreams.credentials]]
name = "alice"
api_key = "${SECRET}"

[log]
level = "warn"
`;
const MINUTE_MS = 60_000;

let dir: string;
let under: AdminUnderTest;
let nowMs: number;
let headers: Record<string, string>;

beforeEach(async () => {
  nowMs = Date.UTC(2026, 10, 29, 12);
  dir = mkdtempSync(join(tmpdir(), "clewline-undo-"));
  const file = join(dir, "clewline.toml");
  writeFileSync(file, TOML, { mode: 0o600 });
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
  const read = (text?: string) =>
    loadConfig({
      ...{ file, env: {}, flags: {}, cwd: dir, hashPassword: async () => "" },
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
      return [];
    },
  });
  under = new AdminUnderTest({ clock, settings });
  headers = await under.browser();
});
afterEach(() => {
  under.close();
  rmSync(dir, { recursive: true, force: true });
});

const text = (): string => readFileSync(join(dir, "clewline.toml"), "utf8");
async function call(method: string, path: string, body?: unknown) {
  const reply = await under.call(path, { method, headers, ...(body === undefined ? {} : { body }) });
  // biome-ignore lint/suspicious/noExplicitAny: the contract has a test of its own
  return { status: reply.status, body: (await reply.json()) as any };
}
const remove = () => call("DELETE", "credentials/up/alice");
const undo = (id: string) => call("POST", `audit/${id}/undo`);

test("a removed credential comes back with its secret and comment until ten minutes are over", async () => {
  const { status, body } = await remove();
  expect(status).toBe(200);
  expect(text()).not.toContain("alice");
  expect(body.undo.untilMs).toBe(nowMs + 10 * MINUTE_MS);
  nowMs = body.undo.untilMs - 1;
  expect((await undo(body.undo.auditId)).status).toBe(200);
  expect(text()).toBe(TOML);
});

test("once ten minutes are over the secret is gone: the undo is refused, and the record says so before", async () => {
  const { body } = await remove();
  const [before] = (await call("GET", "audit")).body.entries;
  expect(before).toMatchObject({ id: body.undo.auditId, undoUntilMs: body.undo.untilMs });
  nowMs = body.undo.untilMs;
  const [after] = (await call("GET", "audit")).body.entries;
  expect(after.undoUntilMs === 0 || after.undoUntilMs <= nowMs).toBe(true);
  const refused = await undo(body.undo.auditId);
  expect(refused.status).toBe(409);
  expect(refused.body.error).toMatchObject({
    kind: "conflict",
    repair: expect.stringContaining("ten minutes"),
  });
  expect(text()).not.toContain(SECRET);
  expect(JSON.stringify(refused.body)).not.toContain(SECRET);
});

test("a change without a secret can be taken back a month later", async () => {
  const { version } = (await call("GET", "settings")).body;
  const made = await call("POST", "settings", { version, changes: [{ path: "log.level", value: "debug" }] });
  expect(made.status).toBe(200);
  expect(text()).toContain('level = "debug"');
  const [entry] = (await call("GET", "audit")).body.entries;
  expect(entry.undoUntilMs).toBeNull();
  nowMs += 6 * 86_400_000;
  headers = await under.browser();
  nowMs += 24 * 86_400_000;
  headers = await under.browser();
  expect((await undo(made.body.auditId)).status).toBe(200);
  expect(text()).toBe(TOML);
});
