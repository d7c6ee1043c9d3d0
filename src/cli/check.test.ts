import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../core/clock.ts";
import { makeIds } from "../core/ids.ts";
import { check } from "./check.ts";

let cwd = "";
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "check-"));
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = "";
  let err = "";
  const code = await check(args, {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    env: { HOME: cwd },
    cwd,
    clock: systemClock,
    ids: makeIds(),
    stopped: new Promise(() => {}),
    onReload: () => {},
    memory: { residentBytes: () => 0, cpuMs: () => 0, collect: () => undefined, collectAll: () => undefined },
    program: "clewline",
    isTty: false,
  });
  return { code, out, err };
}

const GOOD = `[admin]
password = "open sesame"
[[upstreams]]
name = "a"
family = "openai"
[[upstreams.credentials]]
name = "main"
api_key = "abc"
[[keys]]
name = "me"
key = "def"
`;

test("without a file it says what the first start does", async () => {
  const { code, out } = await run();
  expect(code).toBe(0);
  expect(out).toContain(`ok: there is no file; the first start makes ${cwd}`);
});

test("a good file is summed up", async () => {
  const file = join(cwd, "good.toml");
  await writeFile(file, GOOD, { mode: 0o600 });
  expect(await run("--config", "good.toml")).toEqual({
    code: 0,
    out: `ok: ${file}: 1 upstream, 1 credential, 1 key, 0 models\n`,
    err: "",
  });
  const { out } = await run("--config", "good.toml", "--json");
  expect(JSON.parse(out)).toEqual({
    ok: true,
    file,
    upstreams: 1,
    credentials: 1,
    keys: 1,
    models: 0,
    problems: [],
    refused: [],
    warnings: [],
  });
});

test("doubts are told and do not make it fail", async () => {
  await writeFile(join(cwd, "open.toml"), GOOD, { mode: 0o644 });
  const { code, out } = await run("--config", "open.toml");
  expect(code).toBe(0);
  expect(out).toStartWith(
    "warning: open.toml: the file contains secrets, and everybody on this machine can read it",
  );
});

test("a bad file is told with place and repair, and the exit code is 78", async () => {
  await writeFile(join(cwd, "bad.toml"), "[server]\nprot = 1\nport = -1\n");
  expect(await run("--config", "bad.toml")).toEqual({
    code: 78,
    out: "",
    err: `bad.toml:2:1 server.prot: unknown key; did you mean "port"?
bad.toml:3:8 server.port = -1: must be a whole number from 0 to 65535
2 problems
`,
  });
  const { code, out } = await run("--config", "bad.toml", "--json");
  expect(code).toBe(78);
  expect(JSON.parse(out)).toMatchObject({
    ok: false,
    problems: [
      { file: "bad.toml", line: 2, column: 1, key: "server.prot", value: null },
      { file: "bad.toml", line: 3, column: 8, key: "server.port", value: "-1" },
    ],
  });
  expect((await run("--config", "none.toml")).code).toBe(78);
});

test("wrong usage is 2, and help is help", async () => {
  const wrong = await run("--confg", "x");
  expect(wrong.code).toBe(2);
  expect(wrong.err).toContain("--confg");
  expect((await run("--help")).out).toStartWith("Usage: clewline check");
});
