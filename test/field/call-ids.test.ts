import { afterAll, beforeAll, expect, test } from "bun:test";
import { systemClock } from "../../src/core/clock.ts";
import { makeIds } from "../../src/core/ids.ts";
import { type Simulator, startSimulator } from "../../src/simulator/server/simulator.ts";
import { CLIENT_KEY, type Gateway, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import { type Ask, type Json, model, type Result, say, type Told, user } from "../matrix/conversation.ts";
import { PERSONA_CLIENTS } from "../matrix/persona-stage.ts";
import { WEATHER } from "../matrix/samples.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/call-ids.ts";

const NINE = /^[A-Za-z0-9]{9}$/;
const DIALECTS = Object.keys(PERSONA_CLIENTS) as (keyof typeof PERSONA_CLIENTS)[];

let simulator: Simulator;
let gateway: Gateway;

beforeAll(async () => {
  simulator = await startSimulator({ clock: systemClock, ids: makeIds() });
  const at = (name: string): string => `${simulator.url}/persona/${name}/v1`;
  const chat = 'dialects = ["openai-chat"]';
  gateway = await startGateway({
    toml: [
      KEYS_TOML,
      upstreamToml("elsewhere", "anthropic", simulator.url),
      upstreamToml("mistral", "openai", at("mistral"), { lines: `server = "mistral"\n${chat}` }),
      // Nobody says what it is.
      upstreamToml("unnamed", "openai", at("mistral"), { lines: chat }),
      upstreamToml("kimi", "openai", at("moonshot"), { lines: `server = "moonshot"\n${chat}` }),
    ].join("\n"),
  });
});
afterAll(async () => {
  await gateway.close();
  await simulator.close();
});

async function post(path: string, body: Json): Promise<{ status: number; text: string; bodies: Json[] }> {
  const before = simulator.requests().at(-1)?.n ?? 0;
  const response = await fetch(gateway.url + path, {
    method: "POST",
    headers: { authorization: `Bearer ${CLIENT_KEY}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  const sent = simulator
    .requests(before)
    .map(({ bodyBase64 }) => Buffer.from(bodyBase64, "base64").toString());
  return { status: response.status, text, bodies: sent.map((one) => JSON.parse(one) as Json) };
}

/** The ids of a Chat body: of its calls, and of the results. */
function idsIn({ messages }: Json): { readonly calls: string[]; readonly results: string[] } {
  const all = messages as Json[];
  return {
    calls: all.flatMap((message) => ((message.tool_calls ?? []) as Json[]).map(({ id }) => id as string)),
    results: all.flatMap(({ tool_call_id: id }) => (id === undefined ? [] : [id as string])),
  };
}

const asked = (): Ask => ({ turns: [user("What is it like outside?")], tools: [WEATHER] });
const answered = (told: Told): Ask => ({
  ...asked(),
  turns: [
    ...asked().turns,
    model(told),
    { by: "tools", results: told.calls.map((call): Result => ({ call, content: [say("It rains.")] })) },
  ],
});

async function converse(
  dialect: (typeof DIALECTS)[number],
  first: string,
  second: string,
): Promise<Awaited<ReturnType<typeof post>>> {
  const client = PERSONA_CLIENTS[dialect];
  const one = client.write(asked(), `${first}~calls=1`, false);
  const { text } = await post(one.path, one.body);
  const two = client.write(answered(client.readWhole(JSON.parse(text))), `${second}~calls=1`, false);
  return await post(two.path, two.body);
}

describeKind(kind, () => {
  test("reported: a Gemini client that keeps no ids goes on with Mistral", async () => {
    const contents = [
      { role: "user", parts: [{ text: "Weather?" }] },
      { role: "model", parts: [{ functionCall: { name: "get_weather", args: {} } }] },
      {
        role: "user",
        parts: [{ functionResponse: { name: "get_weather", response: { output: "It rains." } } }],
      },
    ];
    const path = `/v1beta/models/${encodeURIComponent("mistral/mistral-large-2512")}:generateContent`;
    const { status, text, bodies } = await post(path, { contents });
    expect({ status, text }).toMatchObject({ status: 200 });
    const { calls, results } = idsIn(bodies.at(-1) as Json);
    expect(calls[0]).toMatch(NINE);
    expect(results).toEqual(calls);
    expect(text).toContain("It rains.");
  });

  for (const dialect of DIALECTS)
    test(`reported: ${dialect}: calls of another provider go to Mistral with ids that it takes`, async () => {
      const { status, text, bodies } = await converse(
        dialect,
        "elsewhere/claude-opus-4-6",
        "mistral/mistral-large-2512",
      );
      expect({ status, text }).toMatchObject({ status: 200 });
      const { calls, results } = idsIn(bodies.at(-1) as Json);
      expect(calls[0]).toMatch(NINE);
      expect(results).toEqual(calls);
    });

  for (const dialect of DIALECTS)
    test(`${dialect}: a server that nobody named is asked again with such ids, and then so at once`, async () => {
      const name = `unnamed/mistral-${dialect === "gemini" ? "medium" : "large"}-2512`;
      const first = await converse(dialect, "elsewhere/claude-opus-4-6", name);
      expect({ status: first.status, text: first.text }).toMatchObject({ status: 200 });
      const second = await converse(dialect, "elsewhere/claude-opus-4-6", name);
      expect([second.status, second.bodies.length]).toEqual([200, 1]);
      expect(idsIn(second.bodies[0] as Json).calls[0]).toMatch(NINE);
    });

  for (const dialect of DIALECTS)
    test(`${dialect}: Kimi gets its own ids back, which name the function`, async () => {
      const { status, text, bodies } = await converse(dialect, "kimi/kimi-k2.6", "kimi/kimi-k2.6");
      expect({ status, text }).toMatchObject({ status: 200 });
      expect(idsIn(bodies.at(-1) as Json)).toEqual({
        calls: ["functions.get_weather:0"],
        results: ["functions.get_weather:0"],
      });
    });

  test("ids that the next provider does not take are replaced there, and nowhere else", async () => {
    const { status, text } = await converse(
      "anthropic-messages",
      "kimi/kimi-k2.6",
      "elsewhere/claude-opus-4-6",
    );
    expect({ status, text }).toMatchObject({ status: 200 });
  });
});
