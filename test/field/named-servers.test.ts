import { afterAll, beforeAll, expect, test } from "bun:test";
import { SERVER_NAMES } from "../../src/config/upstreams/servers.ts";
import { systemClock } from "../../src/core/clock.ts";
import { makeIds } from "../../src/core/ids.ts";
import { type Simulator, startSimulator } from "../../src/simulator/server/simulator.ts";
import { CLIENT_KEY, type Gateway, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/named-servers.ts";

let simulator: Simulator;
let gateway: Gateway;

beforeAll(async () => {
  simulator = await startSimulator({ clock: systemClock, ids: makeIds() });
  const at = (name: string): string => `${simulator.url}/persona/${name}/v1`;
  gateway = await startGateway({
    toml: [
      KEYS_TOML,
      upstreamToml("named", "openai", at("deepseek"), { lines: 'server = "deepseek"' }),
      upstreamToml("unnamed", "openai", at("deepseek")),
    ].join("\n"),
  });
});
afterAll(async () => {
  await gateway.close();
  await simulator.close();
});

async function ask(upstream: string): Promise<{ readonly sent: number; readonly cost: unknown }> {
  const before = simulator.requests().at(-1)?.n ?? 0;
  const response = await fetch(`${gateway.url}/v1/messages`, {
    method: "POST",
    headers: { authorization: `Bearer ${CLIENT_KEY}`, "content-type": "application/json" },
    body: JSON.stringify({
      model: `${upstream}/deepseek-chat`,
      max_tokens: 100,
      messages: [{ role: "user", content: "Hello?" }],
    }),
  });
  expect(response.status).toBe(200);
  await response.text();
  const row = (await gateway.row(response.headers.get("request-id"))) as unknown as Record<string, unknown>;
  return { sent: simulator.requests(before).length, cost: row.cost_nano_usd ?? row.cost_usd ?? null };
}

/** What `clewline check` says of a configuration with these lines of an upstream; the gateway serves on with its own. */
async function check(lines: string): Promise<string> {
  const credential = '\n  [[upstreams.credentials]]\n  name = "main"\n  api_key = "sk-1"\n';
  gateway.configure({ toml: `${KEYS_TOML}\n[[upstreams]]\nname = "up"\n${lines}\n${credential}` });
  const { out, err } = await gateway.command("check");
  return out + err;
}

describeKind(kind, () => {
  test("a model of a named server costs what its makers ask, and the same model of an unnamed one has no price", async () => {
    const [named, unnamed] = [await ask("named"), await ask("unnamed")];
    expect(named.cost).toBeGreaterThan(0);
    expect(unnamed.cost).toBeNull();
  });

  test("a server that has Chat alone answers a client of Responses, too", async () => {
    const response = await fetch(`${gateway.url}/v1/responses`, {
      method: "POST",
      headers: { authorization: `Bearer ${CLIENT_KEY}`, "content-type": "application/json" },
      body: JSON.stringify({ model: "named/deepseek-chat", input: "Hello?" }),
    });
    const body = await response.json();
    expect([response.status, body]).toEqual([
      200,
      expect.objectContaining({ object: "response", status: "completed" }),
    ]);
    expect(simulator.requests().at(-1)?.path).toBe("/persona/deepseek/v1/chat/completions");
  });

  test("a slip is told its name, and a name that nobody knows all that are known", async () => {
    const url = 'family = "openai"\nbase_url = "http://192.0.2.1/v1"';
    expect(await check(`${url}\nserver = "depseek"`)).toContain('did you mean "deepseek"?');
    const said = await check(`${url}\nserver = "example"`);
    expect(said).toContain("upstreams[0].server");
    for (const name of SERVER_NAMES) expect(said).toContain(name);
  });

  test("a server without a usual address needs one, and other families have no servers", async () => {
    expect(await check('family = "openai"\nserver = "vllm"')).toContain(
      "a server vllm has no usual one; add base_url",
    );
    expect(await check('family = "gemini"\nserver = "vllm"')).toContain("has no meaning for this family");
  });
});
