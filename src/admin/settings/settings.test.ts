import { afterEach, beforeEach, expect, test } from "bun:test";
import { Draft } from "../../config/draft.ts";
import type { Change } from "../../config/edit/change.ts";
import { parseToml } from "../../config/toml/toml.ts";
import { AdminUnderTest, PLANTED } from "../fixtures/admin-under-test.ts";

const TEXT = `[admin]
password = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2g"
[[upstreams]]
name = "up"
[[upstreams.credentials]]
apikey = "a misspelled one"
api_keys = ["one of several"]
`;

let under: AdminUnderTest;
let headers: Record<string, string>;
/** What would be written. */
let changes: readonly Change[] = [];
let imported = "";
beforeEach(async () => {
  changes = [];
  imported = "";
  const clash = { kind: "clash", revision: "2", clashes: [] };
  under = new AdminUnderTest({
    settings: {
      file: "clewline.toml",
      whyLocked: async () => null,
      read: async () => ({ text: TEXT, revision: "1" }),
      draft: async () => new Draft("clewline.toml", parseToml(TEXT)),
      change: async (_base: string, make: (text: string) => Promise<readonly Change[]>) => {
        changes = await make(TEXT);
        return clash;
      },
      replace: async (_base: string, text: string) => {
        imported = text;
        return clash;
      },
      close: () => undefined,
    } as never,
  });
  headers = await under.browser();
});
afterEach(() => under.close());

const post = (path: string, body: object) =>
  under.call(path, {
    method: "POST",
    headers,
    body: { version: "1", currentPassword: PLANTED.password, ...body },
  });
const change = async (...wanted: object[]): Promise<number> =>
  (await post("settings", { changes: wanted })).status;

test("the file never gets the admin's password itself, whichever way it is set", async () => {
  await change({ path: "admin.password", value: "plain horse battery" });
  expect(changes).toEqual([
    { kind: "set", path: ["admin", "password"], value: "hash of plain horse battery" },
  ]);
  await change({ path: "admin", value: { password: "plain horse battery", listen: "127.0.0.1:1" } });
  expect(changes).toMatchObject([
    { value: { password: "hash of plain horse battery", listen: "127.0.0.1:1" } },
  ]);
  await post("settings/import", { text: TEXT.replace(/password = .*/, 'password = "plain horse battery"') });
  expect(imported).toContain('password = "hash of plain horse battery"\n');
  await post("settings/import", { text: TEXT });
  expect(imported).toBe(TEXT);
});

test("a short password is refused, whichever way it is set", async () => {
  expect(await change({ path: "admin.password", value: "short" })).toBe(422);
  expect(await change({ path: "admin", value: { password: "short" } })).toBe(422);
  const text = TEXT.replace(/password = .*/, 'password = "short"');
  expect((await post("settings/import", { text })).status).toBe(422);
});

test("a value is set once in a call, in whichever spelling", async () => {
  const value = "plain horse battery";
  expect(await change({ path: "admin.password", value }, { path: 'admin."password"', value })).toBe(400);
  expect(await change({ path: "keys", add: { name: "a" } }, { path: "keys", add: { name: "b" } })).toBe(409);
  expect(changes).toHaveLength(2);
});

test("what stands under a misspelled name is shown to nobody", async () => {
  for (const path of ["settings", "settings/export"]) {
    const method = path === "settings" ? {} : { method: "POST", body: {} };
    const reply = await under.call(path, { headers, ...method });
    const text = await reply.text();
    expect(text).toContain("apikey");
    expect(text).not.toContain("misspelled one");
    expect(text).not.toContain("one of several");
  }
});
