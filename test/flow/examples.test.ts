// The configurations and clients of examples/, run as the page there says.
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../src/core/clock.ts";
import { makeIds } from "../../src/core/ids.ts";
import { type Simulator, startSimulator } from "../../src/simulator/server/simulator.ts";
import { CLIENT_KEY, type Gateway, plainEnv, startGateway } from "../kit/gateway.ts";

const FOLDER = join(import.meta.dir, "../../examples");

let simulator: Simulator;
let gateway: Gateway | null = null;
beforeAll(async () => {
  simulator = await startSimulator({ clock: systemClock, ids: makeIds() });
});
afterAll(() => simulator.close());
afterEach(async () => {
  await gateway?.close();
  gateway = null;
});

async function start(name: string): Promise<Gateway> {
  const toml = await Bun.file(join(FOLDER, name)).text();
  expect(toml).toContain("http://127.0.0.1:8585");
  gateway = await startGateway({
    toml: toml.replaceAll("http://127.0.0.1:8585", simulator.url),
    env: { CLEWLINE_KEY: CLIENT_KEY },
  });
  return gateway;
}

/** Runs a client of the examples to its end and returns its output. */
async function run({ url, folder }: Gateway, command: readonly string[]): Promise<string> {
  const child = Bun.spawn([...command], {
    cwd: join(FOLDER, ".."),
    env: { ...plainEnv(folder), CLEWLINE_URL: url, CLEWLINE_KEY: CLIENT_KEY },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  expect(exitCode, err).toBe(0);
  return out;
}

const script = (name: string, ...args: string[]): string[] => [process.execPath, join(FOLDER, name), ...args];

test("every configuration and client of the folder is on its page and in this file", async () => {
  const page = await Bun.file(join(FOLDER, "README.md")).text();
  const here = await Bun.file(import.meta.path).text();
  for (const file of readdirSync(FOLDER).filter((name) => name !== "README.md")) {
    expect(page).toContain(`[${file}](${file})`);
    expect(here).toContain(`"${file}"`);
  }
});

test("the clients get answers from simulated providers, also from those of another dialect", async () => {
  const running = await start("simulated.toml");

  for (const model of ["claude-haiku-4-5", "gemini-3-flash", "gpt-5-mini"]) {
    const [curl, openai, anthropic] = await Promise.all([
      run(running, [join(FOLDER, "curl.sh"), model]),
      run(running, script("openai-sdk.ts", model)),
      run(running, script("anthropic-sdk.ts", model)),
    ]);
    const said = `This is ${model}, simulated.`;
    expect(curl.split(said)).toHaveLength(5);
    expect(openai.split(said)).toHaveLength(3);
    expect(anthropic).toContain(said);
    expect(anthropic).toMatch(/end_turn, [1-9]\d* output tokens/);
  }
  const rows = await running.rows();
  expect(rows).toHaveLength(21);
  expect(rows.every(({ outcome }) => outcome === "ok")).toBe(true);
});

test("a credential at its limit hands its request to the next one", async () => {
  const running = await start("pool.toml");
  await run(running, script("anthropic-sdk.ts"));

  const { out } = await running.command("credentials");
  expect(out).toMatch(/first\s+ready\n\s+claude-haiku-4-5 cooling/);
  expect(await running.rows()).toMatchObject([{ credential: "second", attempts: 2, outcome: "ok" }]);
});

test("a model of one's own falls back to its second target", async () => {
  const running = await start("models.toml");
  await run(running, script("anthropic-sdk.ts", "fast"));

  expect(await running.rows()).toMatchObject([
    { model_asked: "fast", upstream: "gemini", model_used: "gemini-3-flash", outcome: "ok" },
  ]);
  expect(new TextDecoder().decode(simulator.lastBody())).toContain("Be brief.");
});

test("a key is held to its limits, and tells what it has spent", async () => {
  const running = await start("limits.toml");
  const ask = (): Promise<Response> =>
    fetch(`${running.url}/v1/messages`, {
      method: "POST",
      headers: { "x-api-key": CLIENT_KEY, "x-clewline-report": "1", "content-type": "application/json" },
      body: '{"model":"claude-haiku-4-5","max_tokens":50,"messages":[{"role":"user","content":"hi"}]}',
    });
  const replies: Response[] = [];
  for (let request = 0; request < 7; request++) replies.push(await ask());
  expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200, 429]);
  expect(Number(replies[0]?.headers.get("x-clewline-cost"))).toBeGreaterThan(0);
  const key = await fetch(`${running.url}/v1/key`, { headers: { authorization: `Bearer ${CLIENT_KEY}` } });
  expect(await key.json()).toMatchObject({ name: "me", team: "research", is_limited: true });
  const { out } = await running.command("usage", "--by", "team", "--json");
  expect(JSON.parse(out)).toMatchObject({ team: "research", requests: 7, requests_without_price: 0 });
});

test("clients of every dialect reach a compatible server", async () => {
  const running = await start("compatible.toml");
  await run(running, [join(FOLDER, "curl.sh"), "llama-3-70b"]);

  const rows = await running.rows();
  expect(rows.map(({ dialect, outcome }) => [dialect, outcome])).toEqual([
    ["openai-chat", "ok"],
    ["openai-responses", "ok"],
    ["anthropic-messages", "ok"],
    ["gemini", "ok"],
  ]);
});

test("each model that the page names for a configuration answers there in every dialect", async () => {
  const page = await Bun.file(join(FOLDER, "README.md")).text();
  const rows = [...page.matchAll(/^\| \[(\S+\.toml)\].*\| (.*) \|$/gm)];
  expect(rows).toHaveLength(5);
  for (const [, file, cell] of rows) {
    const running = await start(file as string);
    const models = [...(cell as string).matchAll(/`([^`]+)`/g)].map((match) => match[1] as string);
    expect(models).not.toEqual([]);
    for (const model of models) {
      expect((await run(running, [join(FOLDER, "curl.sh"), model])).split("simulated.")).toHaveLength(5);
    }
    await running.close();
    gateway = null;
  }
});
