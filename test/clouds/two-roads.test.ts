// One model by two roads: thinking signatures, fallback and affinity.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { systemClock } from "../../src/core/clock.ts";
import { makeIds } from "../../src/core/ids.ts";
import { type Simulator, startSimulator } from "../../src/simulator/server/simulator.ts";
import { CLIENT_KEY, type Gateway, KEYS_TOML, startGateway, upstreamToml } from "../kit/gateway.ts";
import { isForToken, vertexToml } from "../kit/vertex.ts";

const THINKING = { type: "adaptive", display: "summarized" };

let simulator: Simulator;
let gateway: Gateway;

beforeAll(async () => {
  simulator = await startSimulator({ clock: systemClock, ids: makeIds() });
  gateway = await startGateway({
    toml: [
      KEYS_TOML,
      upstreamToml("anthropic", "anthropic", simulator.url),
      upstreamToml("gemini", "gemini", simulator.url),
      vertexToml("vertex", simulator),
      `[[models]]\nname = "claude"\ntargets = ["anthropic/claude-opus-4-8", "vertex/claude-opus-4-8"]`,
      `[[models]]\nname = "gemini"\ntargets = ["gemini/gemini-3-flash", "vertex/gemini-3-flash"]`,
      `[[models]]\nname = "claude-turned"\ntargets = ["vertex/claude-opus-4-8", "anthropic/claude-opus-4-8"]`,
      `[[models]]\nname = "gemini-turned"\ntargets = ["vertex/gemini-3-flash", "gemini/gemini-3-flash"]`,
    ].join("\n"),
  });
});
afterAll(async () => {
  await gateway?.close();
  await simulator?.close();
});

interface Told<Reply> {
  readonly reply: Reply;
  /** Where the answer came from. */
  readonly road: "vertex" | "own";
  /** What was changed or left out on the way, by its headers. */
  readonly changed: string | null;
}

async function post<Reply>(path: string, body: object, simulate = ""): Promise<Told<Reply>> {
  const before = simulator.requests().at(-1)?.n ?? 0;
  const reply = await fetch(gateway.url + path, {
    method: "POST",
    headers: {
      authorization: `Bearer ${CLIENT_KEY}`,
      "content-type": "application/json",
      ...(simulate === "" ? {} : { "x-simulate": simulate }),
    },
    body: JSON.stringify(body),
  });
  const text = await reply.text();
  expect([reply.status, reply.status === 200 ? "" : text]).toEqual([200, ""]);
  const last = simulator
    .requests(before)
    .filter((one) => !isForToken(one.path))
    .at(-1);
  return {
    reply: JSON.parse(text) as Reply,
    road: last?.path.includes("/publishers/") === true ? "vertex" : "own",
    changed: reply.headers.get("x-clewline-changed") ?? reply.headers.get("x-clewline-dropped"),
  };
}

interface Message {
  readonly content: readonly { readonly type: string; readonly id?: string; readonly signature?: string }[];
}

interface Contents {
  readonly candidates: readonly [
    {
      readonly content: {
        readonly parts: readonly { readonly thoughtSignature?: string; readonly functionCall?: object }[];
      };
    },
  ];
}

describe("thinking of Claude", () => {
  const TOOLS = [{ name: "look", input_schema: { type: "object", properties: {} } }];
  const ask = (model: string, messages: readonly object[]) =>
    post<Message>("/v1/messages", { model, max_tokens: 4_000, thinking: THINKING, tools: TOOLS, messages });

  test.each([
    ["claude", "claude-turned", "own", "vertex"],
    ["claude-turned", "claude", "vertex", "own"],
  ] as const)("goes from %s to %s with its signature", async (first, second, from, to) => {
    const question = { role: "user", content: "Use look." };
    const begun = await ask(first, [question]);
    expect(begun.road).toBe(from);
    const thinking = begun.reply.content.find(({ type }) => type === "thinking");
    const call = begun.reply.content.find(({ type }) => type === "tool_use");
    expect(thinking?.signature?.length).toBeGreaterThan(10);
    const result = { type: "tool_result", tool_use_id: call?.id, content: "done" };
    const history = [
      question,
      { role: "assistant", content: begun.reply.content },
      { role: "user", content: [result] },
    ];
    const ended = await ask(second, history);
    expect([ended.road, ended.changed]).toEqual([to, null]);
    // A spoiled signature would be refused there.
    const spoiled = JSON.stringify(history).replace(thinking?.signature ?? "", "c3BvaWxlZA==");
    const mended = await ask(second, JSON.parse(spoiled));
    expect(mended.changed).not.toBeNull();
  });
});

describe("thoughts of Gemini", () => {
  const TOOLS = [{ functionDeclarations: [{ name: "look" }] }];
  const ask = (model: string, contents: readonly object[]) =>
    post<Contents>(`/v1beta/models/${model}:generateContent`, { contents, tools: TOOLS });

  test.each([
    ["gemini", "gemini-turned", "own", "vertex"],
    ["gemini-turned", "gemini", "vertex", "own"],
  ] as const)("go from %s to %s with their signatures", async (first, second, from, to) => {
    const question = { role: "user", parts: [{ text: "Use look." }] };
    const begun = await ask(first, [question]);
    expect(begun.road).toBe(from);
    const { content } = begun.reply.candidates[0];
    expect(content.parts.some(({ thoughtSignature }) => thoughtSignature !== undefined)).toBe(true);
    const response = { functionResponse: { name: "look", response: { output: "done" } } };
    const ended = await ask(second, [question, content, { role: "user", parts: [response] }]);
    expect([ended.road, ended.changed]).toEqual([to, null]);
  });
});
