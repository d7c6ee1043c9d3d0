import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../core/clock.ts";
import { makeIds } from "../core/ids.ts";
import { doctor } from "./doctor.ts";

let cwd = "";
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "doctor-command-"));
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

const servers: Bun.Server<undefined>[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop(true);
});

async function run(toml: string, ...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const file = join(cwd, "clewline.toml");
  await writeFile(file, toml, { mode: 0o600 });
  let out = "";
  let err = "";
  const code = await doctor(["--config", file, ...args], {
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

function fileWith(port: number): string {
  return `[server]\nport = 0\n[[upstreams]]\nname = "up"\nfamily = "openai"\nbase_url = "http://127.0.0.1:${port}/v1"\n[[upstreams.credentials]]\nname = "main"\napi_key = "abc"\n[[keys]]\nname = "me"\nkey = "def"\n`;
}

function startUpstream(): number {
  const server = Bun.serve({ port: 0, fetch: () => Response.json({ data: [{ id: "m" }] }) });
  servers.push(server);
  return server.port as number;
}

test("a gateway that has all it needs: every finding, and exit code 0", async () => {
  const { code, out, err } = await run(fileWith(startUpstream()));
  expect([code, err]).toEqual([0, ""]);
  expect(out).toContain("ok       key up/main: the key is taken; one model is listed\n");
  expect(out).toEndWith("\n0 problems, 0 warnings\n");
});

test("a problem comes with its repair, and exit code 1; --json has the same as data", async () => {
  const people = await run(fileWith(1));
  expect(people.code).toBe(1);
  expect(people.out).toContain(
    "PROBLEM  connection up: the upstream cannot be reached\n          → check its base_url and the network\n",
  );
  const { code, out } = await run(fileWith(1), "--json");
  expect([code, JSON.parse(out)]).toMatchObject([1, { ok: false, problems: 1, warnings: 0 }]);
});

test("a wrong configuration is a finding as well, and an unknown upstream a wrong use", async () => {
  const { code, out } = await run(`${fileWith(1)}[[models]]\nname = 5\n`, "--json");
  expect(code).toBe(78);
  expect(JSON.parse(out).findings[0]).toMatchObject({ check: "configuration", level: "problem" });
  const wrong = await run(fileWith(1), "--upstream", "upp");
  expect(wrong.code).toBe(2);
  expect(wrong.err).toContain("up");
});
