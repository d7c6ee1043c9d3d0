import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { systemClock } from "../../src/core/clock.ts";
import { makeIds } from "../../src/core/ids.ts";
import { type Simulator, startSimulator } from "../../src/simulator/server/simulator.ts";
import {
  CLIENT_KEY,
  type Gateway,
  KEYS_TOML,
  makeFolder,
  runProgram,
  startGateway,
  until,
  upstreamToml,
} from "../kit/gateway.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/what-runs.ts";

const ENV = { CLEWLINE_KEY: CLIENT_KEY };

/** A port where nobody listens now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const ask = async (gateway: Gateway, model: string): Promise<number> => {
  const reply = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${CLIENT_KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ model, max_tokens: 20, messages: [{ role: "user", content: "Hello" }] }),
  });
  await reply.arrayBuffer();
  return reply.status;
};

describeKind(kind, () => {
  describe("a file that was refused", () => {
    let simulator: Simulator;
    let gateway: Gateway;
    let good = "";
    beforeAll(async () => {
      simulator = await startSimulator({ clock: systemClock, ids: makeIds() });
      gateway = await startGateway({
        toml: KEYS_TOML + upstreamToml("anthropic", "anthropic", simulator.url),
        env: ENV,
      });
      good = readFileSync(gateway.configFile, "utf8");
    });
    afterAll(async () => {
      await gateway?.close();
      await simulator?.close();
    });

    const told = async (command: string) => {
      const { exitCode, out, err } = await gateway.command(command);
      return { exitCode, all: `${out}${err}` };
    };
    const refusals = (): number => gateway.log().split("is not in effect").length - 1;

    const CASES: readonly (readonly [string, () => string, RegExp, boolean])[] = [
      ["without its keys", () => good.replace(KEYS_TOML, ""), /there are no keys any more/, true],
      [
        "with a simulator on a port that is taken",
        () => `${good}\n[simulator]\nport = ${simulator.port}\n`,
        /the port cannot be had on 127/,
        true,
      ],
      ["with a word that is no TOML", () => `${good}\noops\n`, /oops|TOML|key/, false],
      ["with a value of another kind", () => good.replace(/family = .*/, 'family = "no"'), /family/, false],
    ];
    for (const [what, text, why, isValid] of CASES) {
      test(`${what}: each command says that the gateway serves on with the one before, and why`, async () => {
        const before = refusals();
        writeFileSync(gateway.configFile, text());
        await until("it is refused", () => refusals() > before);
        await until("it is told", async () => (await told("check")).all.includes("The running gateway"));
        const check = await told("check");
        expect(check.exitCode).toBe(isValid ? 0 : 78);
        expect(check.all).toMatch(/serves on with the configuration before (it|this one)/);
        expect(check.all).toMatch(why);
        const doctor = await told("doctor");
        expect(doctor.exitCode).toBe(isValid ? 1 : 78);
        expect(doctor.all).toMatch(/the running gateway .*serves on with the/);
        expect(doctor.all).toMatch(why);
        const credentials = await told("credentials");
        expect(credentials.exitCode).toBe(0);
        expect(credentials.all).toMatch(isValid ? why : /the configuration is not valid now/);
        expect(await ask(gateway, "claude-haiku-4-5")).toBe(200);
        for (const { all } of [check, doctor, credentials]) expect(all).not.toContain(CLIENT_KEY);
        const taken = gateway.log().split("was taken over").length;
        writeFileSync(gateway.configFile, good);
        await until("it is taken over", () => gateway.log().split("was taken over").length > taken);
        await until(
          "nothing is told",
          async () => !(await told("check")).all.includes("The running gateway"),
        );
        expect((await told("doctor")).all).not.toContain("the running gateway");
      });
    }
  });

  for (const [family, path] of [
    ["openai", "/v1"],
    ["anthropic", ""],
    ["gemini", ""],
  ] as const) {
    test(`an upstream of family ${family} that is not there is told as such, until it is back`, async () => {
      const port = await freePort();
      const toml = KEYS_TOML + upstreamToml(family, family, `http://127.0.0.1:${port}${path}`);
      const gateway = await startGateway({ toml, env: ENV });
      let simulator: Simulator | null = null;
      try {
        const states = async (): Promise<string> => (await gateway.command("credentials")).out;
        expect(await states()).toMatch(/ready/);
        expect(await ask(gateway, `${family}/some-model`)).toBe(502);
        await until("it is told", async () => (await states()).includes("unreachable"));
        expect(await states()).toMatch(
          /unreachable +the upstream cannot be reached; check its base_url and the network/,
        );
        const json = await gateway.command("credentials", "--json");
        expect(JSON.parse(json.out.split("\n")[0] ?? "")).toMatchObject({ state: "unreachable" });
        simulator = await startSimulator({ clock: systemClock, ids: makeIds(), host: "127.0.0.1", port });
        // Nobody sends a request: the gateway looks by itself.
        await until("it is back", async () => !(await states()).includes("unreachable"));
        expect(await states()).toMatch(/ready/);
      } finally {
        await gateway.close();
        await simulator?.close();
      }
    });
  }

  test("what a killed gateway has left is not told, and a drained one leaves nothing", async () => {
    const gateway = await startGateway({
      toml: KEYS_TOML + upstreamToml("up", "openai", `http://127.0.0.1:${await freePort()}/v1`),
    });
    const file = join(gateway.folder, "data", "running.json");
    expect(await ask(gateway, "up/some-model")).toBe(502);
    await until("it is written", () => readFileSync(file, "utf8").includes('"upstream":"up"'));
    expect((await gateway.command("credentials")).out).toContain("unreachable");
    gateway.signal("SIGKILL");
    await gateway.exited;
    expect(existsSync(file)).toBe(true);
    expect((await gateway.command("credentials")).out).not.toContain("unreachable");
    await gateway.kill();

    const other = await startGateway({ toml: KEYS_TOML });
    const ofOther = join(other.folder, "data", "running.json");
    expect(existsSync(ofOther)).toBe(true);
    other.signal("SIGTERM");
    await other.exited;
    expect(existsSync(ofOther)).toBe(false);
    await other.kill();
  });

  test("`clewline test` and `clewline admin link` find a gateway that was started on another port", async () => {
    const simulator = await startSimulator({ clock: systemClock, ids: makeIds() });
    const toml = `[admin]\n${KEYS_TOML}${upstreamToml("anthropic", "anthropic", simulator.url)}`;
    // The port of the configuration is 0.
    const gateway = await startGateway({ toml, env: ENV });
    try {
      const asked = await gateway.command("test", "claude-haiku-4-5");
      expect([asked.exitCode, asked.err]).toEqual([
        0,
        expect.stringContaining(`asked for at ${gateway.url}.`),
      ]);
      const link = await gateway.command("admin", "link");
      expect([link.exitCode, link.out]).toEqual([0, expect.stringContaining(`${gateway.url}/admin/#link=`)]);
    } finally {
      await gateway.close();
      await simulator.close();
    }
  });

  test("reported: a start whose port has a Clewline says which, and how to stop it", async () => {
    const gateway = await startGateway({ toml: KEYS_TOML });
    const folder = makeFolder();
    try {
      const again = await runProgram(
        ["serve", "--config", gateway.configFile, "--port", String(gateway.port)],
        gateway.folder,
      );
      expect(again.exitCode).toBe(1);
      expect(again.err).toContain(
        `Clewline runs already at ${gateway.url} (process ${gateway.pid}, with ${gateway.configFile}); it takes a changed file over by itself. "kill ${gateway.pid}" stops it`,
      );
      const file = join(folder, "clewline.toml");
      writeFileSync(file, `[server]\ndata_dir = "data"\nport = ${gateway.port}\n${KEYS_TOML}`, {
        mode: 0o600,
      });
      const other = await runProgram(["serve", "--config", file], folder);
      expect([other.exitCode, other.err]).toEqual([
        1,
        expect.stringContaining(
          `port ${gateway.port} of 127.0.0.1 is taken by another Clewline, which has a data folder of its own`,
        ),
      ]);
      // The one that runs is told as before.
      expect(JSON.parse(readFileSync(join(gateway.folder, "data", "running.json"), "utf8"))).toMatchObject({
        pid: gateway.pid,
      });
    } finally {
      await gateway.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
