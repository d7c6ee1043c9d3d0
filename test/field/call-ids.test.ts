import { afterAll, beforeAll, expect, test } from "bun:test";
import { systemClock } from "../../src/core/clock.ts";
import { makeIds } from "../../src/core/ids.ts";
import { type Simulator, startSimulator } from "../../src/simulator/server/simulator.ts";
import { CLIENT_KEY, type Gateway, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import { type RawUpstream, sendWhole, startRawUpstream } from "../kit/raw-upstream.ts";
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

  /** LiteLLM's, with Gemini's signature in it; Kimi's; one of a client that has a sign for each step. */
  const LONG = `call_${"a1".repeat(12)}__thought__${"QUJD+/=".repeat(300)}`;
  const ODD = "functions.get_weather:0";
  const PLAIN = `call_${"b2".repeat(60)}`;

  /** A server of one dialect that calls a tool with an id of its own, and refuses ids by its rule. */
  interface Picky {
    readonly upstream: "openai-chat" | "openai-responses" | "anthropic-messages";
    readonly isTaken: (id: string) => boolean;
    readonly refusal: (id: string) => object;
  }
  const tooLong = (param: string, most: number) => (id: string) => ({
    error: {
      message: `Invalid '${param}': string too long. Expected a string with maximum length ${most}, but got a string with length ${id.length} instead.`,
      type: "invalid_request_error",
      param,
      code: "string_above_max_length",
    },
  });
  const PICKY: Readonly<Record<string, Picky>> = {
    "OpenAI behind another host, 40": {
      upstream: "openai-chat",
      isTaken: (id) => id.length <= 40,
      refusal: tooLong("messages[1].tool_calls[0].id", 40),
    },
    "OpenRouter, 64": {
      upstream: "openai-chat",
      isTaken: (id) => id.length <= 64,
      refusal: tooLong("messages[1].tool_calls[0].id", 64),
    },
    "OpenAI's Responses, 64": {
      upstream: "openai-responses",
      isTaken: (id) => id.length <= 64,
      refusal: tooLong("input[1].call_id", 64),
    },
    Anthropic: {
      upstream: "anthropic-messages",
      isTaken: (id) => /^[a-zA-Z0-9_-]+$/.test(id),
      refusal: () => ({
        type: "error",
        error: {
          type: "invalid_request_error",
          message: "messages.1.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'",
        },
      }),
    },
  };

  /** The ids of calls and of results, in each dialect's places. */
  function idsOf(value: unknown): { calls: string[]; results: string[] } {
    const calls: string[] = [];
    const results: string[] = [];
    JSON.stringify(value, (_, one: Json | null) => {
      if (one === null || typeof one !== "object") return one;
      const { type, id, call_id, tool_call_id, tool_use_id } = one as Readonly<Record<string, string>>;
      if (type === "function" && id !== undefined) calls.push(id);
      if (type === "function_call") calls.push(call_id as string);
      if (type === "tool_use") calls.push(id as string);
      if (type === "function_call_output") results.push(call_id as string);
      for (const result of [tool_call_id, tool_use_id]) if (result !== undefined) results.push(result);
      return one;
    });
    return { calls, results };
  }

  /** A conversation whose call has this id, as a client of the dialect holds it. */
  function held(dialect: (typeof DIALECTS)[number], id: string): Ask {
    const call = { id, name: "get_weather", args: {} };
    const native: Readonly<Record<string, readonly object[]>> = {
      "openai-chat": [
        {
          role: "assistant",
          content: null,
          tool_calls: [{ id, type: "function", function: { name: "get_weather", arguments: "{}" } }],
        },
      ],
      "openai-responses": [{ type: "function_call", call_id: id, name: "get_weather", arguments: "{}" }],
      "anthropic-messages": [{ type: "tool_use", id, name: "get_weather", input: {} }],
      gemini: [{ functionCall: { id, name: "get_weather", args: {} } }],
    };
    const told = { text: "", reasoning: "", calls: [call], native: native[dialect] } as unknown as Told;
    return {
      ...asked(),
      turns: [
        ...asked().turns,
        model(told),
        { by: "tools", results: [{ call, content: [say("It rains.")] }] as unknown as Result[] },
      ],
    };
  }

  let picked = 0;
  for (const [name, { upstream, isTaken, refusal }] of Object.entries(PICKY)) {
    for (const dialect of DIALECTS) {
      test(`reported: ${dialect} → ${name}: ids that it refuses are replaced, and in the next request at once`, async () => {
        const seen: Json[] = [];
        const server = await startPicky(upstream, (body) => {
          seen.push(body);
          const { calls, results } = idsOf(body);
          const odd = [...calls, ...results].find((id) => !isTaken(id));
          return odd === undefined ? null : refusal(odd);
        });
        const toml = upstreamToml(
          "picky",
          upstream === "anthropic-messages" ? "anthropic" : "openai",
          upstream === "anthropic-messages" ? server.url : `${server.url}/v1`,
          { lines: upstream === "anthropic-messages" ? "" : `dialects = ["${upstream}"]` },
        );
        const picky = await startGateway({ toml: [KEYS_TOML, toml].join("\n") });
        try {
          const modelName = `picky/m${picked++}`;
          for (const id of [LONG, ODD, PLAIN]) {
            const { path, body } = PERSONA_CLIENTS[dialect].write(held(dialect, id), modelName, false);
            seen.length = 0;
            const response = await fetch(picky.url + path, {
              method: "POST",
              headers: { authorization: `Bearer ${CLIENT_KEY}`, "content-type": "application/json" },
              body: JSON.stringify(body),
            });
            expect([id.slice(0, 9), response.status, await response.text()]).toEqual([
              id.slice(0, 9),
              200,
              expect.any(String),
            ]);
            const { calls, results } = idsOf(seen.at(-1));
            expect(calls).toHaveLength(1);
            expect(results).toEqual(calls);
            // The first refusal is enough, where an encoder did not know the rule before.
            if (id !== LONG && isTaken(id)) expect(seen).toHaveLength(1);
          }
          const again = PERSONA_CLIENTS[dialect].write(held(dialect, LONG), modelName, false);
          seen.length = 0;
          const last = await fetch(picky.url + again.path, {
            method: "POST",
            headers: { authorization: `Bearer ${CLIENT_KEY}`, "content-type": "application/json" },
            body: JSON.stringify(again.body),
          });
          expect([last.status, seen.length]).toEqual([200, 1]);
        } finally {
          await picky.close();
          await server.close();
        }
      });
    }
  }

  for (const named of ["litellm", "unknown"] as const) {
    for (const dialect of DIALECTS) {
      test(`reported: ${dialect}: an id of LiteLLM's that holds a signature comes back as it was, from a server that is ${named}`, async () => {
        const seen: Json[] = [];
        const server = await startPicky(
          "openai-chat",
          (body) => {
            seen.push(body);
            return null;
          },
          LONG,
        );
        const lines = `dialects = ["openai-chat"]${named === "litellm" ? '\nserver = "litellm"' : ""}`;
        const toml = upstreamToml("lite", "openai", `${server.url}/v1`, { lines });
        const lite = await startGateway({ toml: [KEYS_TOML, toml].join("\n") });
        try {
          const client = PERSONA_CLIENTS[dialect];
          const send = async (ask: Ask): Promise<string> => {
            const { path, body } = client.write(ask, "lite/gemini-3-flash", false);
            const response = await fetch(lite.url + path, {
              method: "POST",
              headers: { authorization: `Bearer ${CLIENT_KEY}`, "content-type": "application/json" },
              body: JSON.stringify(body),
            });
            return await response.text();
          };
          const told = client.readWhole(JSON.parse(await send(asked())));
          await send(answered(told));
          expect(idsOf(seen.at(-1))).toEqual({ calls: [LONG], results: [LONG] });
        } finally {
          await lite.close();
          await server.close();
        }
      });
    }
  }
});

/** A server that refuses what `refuse` gives an error for, and calls a tool with `id` where the request has no call yet. */
async function startPicky(
  dialect: "openai-chat" | "openai-responses" | "anthropic-messages",
  refuse: (body: Json) => object | null,
  id = "call_1",
): Promise<RawUpstream> {
  return await startRawUpstream(
    async (arrived) => {
      const body = JSON.parse(arrived.body.toString()) as Json;
      const refusal = refuse(body);
      if (refusal !== null)
        return await sendWhole(arrived, JSON.stringify(refusal), undefined, "400 Bad Request");
      const isFirst = !arrived.body.toString().includes("It rains.");
      await sendWhole(arrived, JSON.stringify(ANSWERS[dialect]?.(isFirst, id)));
    },
    { lists: "apart" },
  );
}

const ANSWERS: Readonly<Record<string, (isFirst: boolean, id: string) => object>> = {
  "openai-chat": (isFirst, id) => ({
    id: "c",
    object: "chat.completion",
    created: 1,
    model: "m",
    choices: [
      {
        index: 0,
        message: isFirst
          ? {
              role: "assistant",
              content: null,
              tool_calls: [{ id, type: "function", function: { name: "get_weather", arguments: "{}" } }],
            }
          : { role: "assistant", content: "Done." },
        finish_reason: isFirst ? "tool_calls" : "stop",
      },
    ],
    usage: { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 },
  }),
  "openai-responses": () => ({
    id: "resp_1",
    object: "response",
    created_at: 1,
    model: "m",
    status: "completed",
    output: [
      {
        id: "msg_1",
        type: "message",
        role: "assistant",
        status: "completed",
        content: [{ type: "output_text", text: "Done.", annotations: [] }],
      },
    ],
    usage: { input_tokens: 9, output_tokens: 3, total_tokens: 12 },
  }),
  "anthropic-messages": () => ({
    id: "m",
    type: "message",
    role: "assistant",
    model: "m",
    content: [{ type: "text", text: "Done." }],
    stop_reason: "end_turn",
    stop_sequence: null,
    usage: { input_tokens: 9, output_tokens: 3 },
  }),
};
