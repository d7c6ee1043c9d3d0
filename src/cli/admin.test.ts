import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf } from "../auth/keys.ts";
import { makeIds } from "../core/ids.ts";
import { openStore } from "../ledger/store-file.ts";
import { AdminAccessTable } from "../store/admin-access.ts";
import { admin } from "./admin.ts";
import type { CliIo } from "./cli.ts";

const NOW = Date.parse("2026-11-29T10:00:00Z");
const MINUTE_MS = 60_000;

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "clewline-admin-cli-"));
  configure("port = 9000");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function configure(server: string, more = '[admin]\npassword = "a long password"\n'): void {
  const text = `[server]\ndata_dir = "data"\n${server}\n${more}`;
  writeFileSync(join(dir, "clewline.toml"), text, { mode: 0o600 });
}

async function run(...args: string[]) {
  const said = { out: "", err: "" };
  const io: CliIo = {
    out(text) {
      said.out += text;
    },
    err(text) {
      said.err += text;
    },
    env: {},
    cwd: dir,
    clock: { nowMs: () => NOW, monotonicMs: () => 0 },
    ids: makeIds(),
    stopped: new Promise(() => {}),
    onReload() {},
    memory: { residentBytes: () => 0, cpuMs: () => 0, collect: () => undefined, collectAll: () => undefined },
    program: "clewline",
    isTty: false,
  };
  return { code: await admin(args, io), ...said };
}

function inStore<T>(work: (table: AdminAccessTable) => T): T {
  const sql = openStore(join(dir, "data"));
  try {
    return work(new AdminAccessTable(sql));
  } finally {
    sql.close();
  }
}

/** All bytes of the data folder. */
function stored(): string {
  const folder = join(dir, "data");
  return readdirSync(folder)
    .map((name) => readFileSync(join(folder, name), "latin1"))
    .join("");
}

test("a link holds for ten minutes and once, and the database has its hash alone", async () => {
  const { code, out } = await run("link");
  expect(code).toBe(0);
  const [, token = ""] = /^http:\/\/127\.0\.0\.1:9000\/admin\/#link=(\S{20,})\n$/.exec(out) ?? [];
  expect(token).not.toBe("");
  expect(stored()).not.toContain(token);
  const late = (await run("link")).out.split("#link=")[1]?.trim() ?? "";
  expect(inStore((table) => table.takeLink(digestOf(token), NOW + 10 * MINUTE_MS - 1))).toBe(true);
  expect(inStore((table) => table.takeLink(digestOf(token), NOW + 1))).toBe(false);
  expect(inStore((table) => table.takeLink(digestOf(late), NOW + 10 * MINUTE_MS))).toBe(false);
});

test.each([
  ['port = 9000\nbase_path = "/llm"', "http://127.0.0.1:9000/llm/admin/#link="],
  ['port = 9000\nhost = "0.0.0.0"', "http://127.0.0.1:9000/admin/#link="],
  ['port = 9000\nhost = "::1"', "http://[::1]:9000/admin/#link="],
])("with %s the link is at %s", async (server, start) => {
  configure(server);
  expect((await run("link")).out).toStartWith(start);
});

test("the link is at the admin's own address; without a port that is known the log says where", async () => {
  configure("port = 9000", '[admin]\npassword = "a long password"\nlisten = "127.0.0.1:9100"\n');
  expect((await run("link")).out).toStartWith("http://127.0.0.1:9100/admin/#link=");
  configure("port = 0");
  const { out, err } = await run("link");
  expect(out).toStartWith("/admin/#link=");
  expect(err).toContain("log says at which address");
});

test("a token is shown once, listed by its ends, and gone when it is revoked", async () => {
  const { out, err } = await run("token", "backup");
  const token = out.trim();
  expect(token).toStartWith("clew-admin-");
  expect(err).toContain('"backup", shown once');
  expect(stored()).not.toContain(token);
  expect(inStore((table) => table.token(digestOf(token))?.name)).toBe("backup");
  const again = await run("token", "backup");
  expect([again.code, again.out]).toEqual([1, ""]);
  expect(again.err).toContain('there is a token "backup" already');
  const listed = (await run("tokens")).out;
  expect(listed).toContain(`clew-admin-…${token.slice(-4)}`);
  expect(listed).toContain("2026-11-29T10:00:00Z");
  expect(listed).not.toContain(token);
  expect(JSON.parse((await run("tokens", "--json")).out)).toEqual({
    name: "backup",
    last_four: token.slice(-4),
    made: "2026-11-29T10:00:00Z",
  });
  const revoked = await run("revoke", "backup", "nobody");
  expect([revoked.code, revoked.out]).toEqual([1, 'the admin token "backup" has ended\n']);
  expect(revoked.err).toContain('there is no token "nobody"');
  expect(inStore((table) => table.token(digestOf(token)))).toBeNull();
  expect((await run("tokens")).out).toContain("There are no admin tokens");
});

test.each([
  [[]],
  [["lnk"]],
  [["link", "x"]],
  [["token"]],
  [["token", "a/b"]],
  [["tokens", "x"]],
  [["revoke"]],
])("%j is refused with what to do, and makes nothing", async (args) => {
  const { code, out, err } = await run(...args);
  expect([code, out]).toEqual([2, ""]);
  expect(err).not.toBe("");
});
