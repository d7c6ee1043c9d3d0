import { afterAll, beforeAll, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { systemClock } from "../../src/core/clock.ts";
import { makeIds } from "../../src/core/ids.ts";
import { type Simulator, startSimulator } from "../../src/simulator/server/simulator.ts";
import {
  CLIENT_KEY,
  type Gateway,
  HANG_MS,
  KEYS_TOML,
  makeFolder,
  runProgram,
  startGateway,
  until,
  upstreamToml,
} from "../kit/gateway.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/first-looks.ts";

const CREDENTIAL = "sk-ant-credential-of-the-upstream";
const MODEL = "claude-haiku-4-5";
const ENV = { CLEWLINE_KEY: CLIENT_KEY };

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({ clock: systemClock, ids: makeIds() });
});
afterAll(() => simulator.close());

const upstream = (credential = CREDENTIAL, name = "claude"): string =>
  upstreamToml(name, "anthropic", simulator.url, { credentials: { main: credential } });
const PRICES = '[[prices]]\nmodel = "*"\ninput = 2\noutput = 10\n\n';

async function withGateway(toml: string, use: (gateway: Gateway) => Promise<void>): Promise<void> {
  const gateway = await startGateway({ toml, env: ENV });
  try {
    await use(gateway);
  } finally {
    await gateway.close();
  }
}

describeKind(kind, () => {
  test("reported: `clewline test` streams one answer, and tells credential, tokens, cost and time", async () => {
    await withGateway(`${PRICES}${KEYS_TOML}${upstream()}`, async (gateway) => {
      const { exitCode, out, err } = await gateway.command("test", MODEL, "--url", gateway.url);
      expect([exitCode, err]).toEqual([0, expect.any(String)]);
      expect(out).toContain("Say hello in one short sentence.");
      expect(err).toContain("It costs what the model's provider takes for it.");
      expect(err).toMatch(
        /\n200 ok {7}tester {2}claude-haiku-4-5 → claude\/main {2}\d+ in, \d+ out {2}\$0\.\d+ {2}[\d.]+m?s\n$/,
      );
    });
  });

  for (const [what, toml, args, env, said] of [
    [
      "a model that nobody has",
      (): string => upstream() + upstream(CREDENTIAL, "other"),
      ["nobody"],
      ENV,
      "explain",
    ],
    [
      "a key that the provider refuses",
      () => upstream(`${CREDENTIAL}~invalid-key`),
      [MODEL],
      ENV,
      "credentials",
    ],
    ["a wrong client key", () => upstream(), [MODEL], { CLEWLINE_KEY: "clw-wrong" }, "clewline keys"],
    ["no client key", () => upstream(), [MODEL], { CLEWLINE_KEY: "" }, "CLEWLINE_KEY is not set"],
    ["no model", () => upstream(), [], ENV, "needs one MODEL"],
  ] as const) {
    test(`\`clewline test\` says what is wrong: ${what}`, async () => {
      await withGateway(`${KEYS_TOML}${toml()}`, async (gateway) => {
        const all = ["test", ...args, "--url", gateway.url, "--config", gateway.configFile];
        const { exitCode, err } = await runProgram(all, gateway.folder, env);
        expect(exitCode).not.toBe(0);
        expect(err).toContain(said);
        for (const secret of [CREDENTIAL, CLIENT_KEY, "clw-wrong"]) expect(err).not.toContain(secret);
      });
    });
  }

  test("`clewline test` and `clewline check --live` without an upstream say what to do next", async () => {
    await withGateway(KEYS_TOML, async (gateway) => {
      const asked = await gateway.command("test", MODEL, "--url", gateway.url);
      expect([asked.exitCode, asked.err]).toEqual([
        1,
        expect.stringContaining(
          `→ there are no upstreams yet: add one in the admin ("clewline admin link" prints its address), or [[upstreams]] to ${gateway.configFile}`,
        ),
      ]);
      const { out } = await gateway.command("check", "--live");
      expect(out).toContain(
        'There is no upstream to look at: add one in the admin ("clewline admin link" prints its address)',
      );
    });
  });

  for (const [what, body, type] of [
    ["an empty object", "{}", "application/json"],
    ["nothing", "", "application/json"],
    ["a page", "<html>It works!</html>", "text/html"],
    ["a list", '{"object":"list","data":[]}', "application/json"],
    ["an empty stream", "data: [DONE]\n\n", "text/event-stream"],
    ["a stream of something else", 'data: {"hello":"world"}\n\ndata: [DONE]\n\n', "text/event-stream"],
  ] as const) {
    test(`reported: \`clewline test\` knows that ${what} with status 200 is no answer`, async () => {
      const server = Bun.serve({
        port: 0,
        hostname: "127.0.0.1",
        fetch: () => new Response(body, { headers: { "content-type": type } }),
      });
      try {
        const toml = KEYS_TOML + upstreamToml("odd", "openai", `http://127.0.0.1:${server.port}/v1`);
        await withGateway(toml, async (gateway) => {
          const { exitCode, out, err } = await gateway.command("test", "odd/some", "--url", gateway.url);
          expect([exitCode, out]).toEqual([1, ""]);
          expect(err).not.toContain("the model has spent its tokens on thinking");
          expect(err).toContain("clewline doctor --upstream odd");
        });
      } finally {
        await server.stop(true);
      }
    });
  }

  for (const model of ["gpt-5", "o3", "claude-opus-4-5", "gemini-3-flash"]) {
    test(`a prompt for ${model} goes to no server that nobody named for it, and the entry of the error leads there`, async () => {
      const family = /^claude/.test(model) ? "anthropic" : /^gemini/.test(model) ? "gemini" : "openai";
      const url = family === "openai" ? `${simulator.url}/v1` : simulator.url;
      const upstreams =
        upstreamToml("proxy", family, url) + upstreamToml("other", "openai", `${simulator.url}/v1`);
      await withGateway(KEYS_TOML + upstreams, async (gateway) => {
        const refused = await gateway.command("test", model, "--url", gateway.url);
        expect(refused.exitCode).toBe(1);
        expect(refused.err).toContain(`ask for "proxy/${model}"`);
        const [, name = "", target = ""] =
          /add \[\[models\]\] with name = "(.*?)" and targets = \["(.*?)"\]/.exec(refused.err) ?? [];
        gateway.configure({
          toml: `${KEYS_TOML}${upstreams}\n[[models]]\nname = "${name}"\ntargets = ["${target}"]\n`,
        });
        await until("it is taken over", () => gateway.log().includes("was taken over"));
        const { exitCode, err } = await gateway.command("test", model, "--url", gateway.url);
        expect([exitCode, err]).toEqual([0, expect.stringContaining("→ proxy/")]);
      });
    });
  }

  test("`clewline test` without a gateway says how to start one", async () => {
    const folder = makeFolder();
    try {
      const file = join(folder, "clewline.toml");
      writeFileSync(file, `[server]\nport = 1\n${KEYS_TOML}${upstream()}`, { mode: 0o600 });
      const { exitCode, err } = await runProgram(["test", MODEL, "--config", file], folder, ENV);
      expect([exitCode, err]).toEqual([
        1,
        expect.stringContaining("no gateway answers at http://127.0.0.1:1"),
      ]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test("reported: `clewline check --live` looks at each upstream, and fails where one does not work", async () => {
    const folder = makeFolder();
    try {
      const file = join(folder, "clewline.toml");
      const check = async (toml: string, ...args: readonly string[]) => {
        writeFileSync(file, `${KEYS_TOML}${toml}`, { mode: 0o600 });
        return await runProgram(["check", "--live", "--config", file, ...args], folder);
      };
      const good = await check(upstream());
      expect([good.exitCode, good.out]).toEqual([
        0,
        expect.stringMatching(/ok +key claude\/main: the key is taken/),
      ]);
      const bad = await check(upstream() + upstream(`${CREDENTIAL}~invalid-key`, "wrong"));
      expect([bad.exitCode, bad.out]).toEqual([
        1,
        expect.stringMatching(/PROBLEM +key wrong\/main: .*refuses the key/),
      ]);
      const { exitCode, out } = await check(upstream(`${CREDENTIAL}~invalid-key`), "--json");
      expect([exitCode, JSON.parse(out)]).toMatchObject([
        1,
        { ok: false, upstreams: 1, findings: expect.any(Array) },
      ]);
      expect(bad.out + out).not.toContain(CREDENTIAL);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test("reported: a start names the port that is taken", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => taken.once("listening", resolve));
    const { port } = taken.address() as { port: number };
    const folder = makeFolder();
    try {
      const file = join(folder, "clewline.toml");
      const start = async (server: string, more = "") => {
        writeFileSync(file, `[server]\ndata_dir = "data"\n${server}\n${more}${KEYS_TOML}${upstream()}`, {
          mode: 0o600,
        });
        return await runProgram(["serve", "--config", file], folder);
      };
      const main = await start(`port = ${port}`);
      expect([main.exitCode, main.err]).toEqual([
        1,
        expect.stringContaining(
          `port ${port} of 127.0.0.1 is taken by another program; set server.port, or --port`,
        ),
      ]);
      const metrics = await start("port = 0", `[metrics]\nport = ${port}\n`);
      expect([metrics.exitCode, metrics.err]).toEqual([1, expect.stringContaining(`metrics.port ${port}`)]);
    } finally {
      taken.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  for (const [args, meant] of [
    [["serve", "--prot", "1"], "--port"],
    [["--prot=1"], "--port"],
    [["check", "--liev"], "--live"],
    [["requests", "--sicne", "1h"], "--since"],
    [["credetials"], "credentials"],
  ] as const) {
    test(`${args[0] === "serve" ? "reported: " : ""}\`clewline ${args.join(" ")}\` is told what was meant`, async () => {
      const folder = makeFolder();
      try {
        const { exitCode, err } = await runProgram(args, folder);
        expect([exitCode, err]).toEqual([2, expect.stringContaining(`did you mean "${meant}"`)]);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
  }

  for (const [what, spoil] of [
    ["a word that is no TOML", (text: string) => `${text}\noops\n`],
    ["a value of another kind", (text: string) => text.replace(/port = \d+/, 'port = "no"')],
    ["a key that is gone", (text: string) => text.replace(/^family = .*$/m, "")],
  ] as const) {
    test(
      `${what.startsWith("a word") ? "reported: " : ""}the ledger can be read while the file is broken: ${what}`,
      async () => {
        await withGateway(`${KEYS_TOML}${upstream()}`, async (gateway) => {
          const asked = await gateway.command("test", MODEL, "--url", gateway.url);
          expect(asked.exitCode).toBe(0);
          const text = await Bun.file(gateway.configFile).text();
          writeFileSync(gateway.configFile, spoil(text), { mode: 0o600 });
          for (const [command, shown] of [
            ["requests", MODEL],
            ["usage", MODEL],
            ["credentials", "claude/main"],
          ] as const) {
            const { exitCode, out, err } = await gateway.command(command);
            expect([command, exitCode, err]).toEqual([
              command,
              0,
              expect.stringContaining("the configuration is not valid now"),
            ]);
            expect(out.toLowerCase()).toContain(shown);
            expect(out + err).not.toContain(CREDENTIAL);
          }
        });
      },
      HANG_MS,
    );
  }
});
