// What limits a script: the tool results and the limits of the request, and words that nobody knows.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { type Reading, read } from "../fixtures/reading-under-test.ts";
import {
  DIALECTS,
  type Dialect,
  post,
  reset,
  sample,
  startForTest,
} from "../fixtures/simulator-under-test.ts";
import { toolsOf } from "../fixtures/tools-under-test.ts";
import type { Simulator } from "../server/simulator.ts";

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startForTest();
});
beforeEach(() => reset(simulator));
afterAll(() => simulator.close());

type Body = Record<string, unknown>;

const TOOLS = toolsOf({ type: "object", properties: { city: { type: "string" } } });

describe("an answer after tool results", () => {
  test("is text, however many calls the script wants, and shows what came", async () => {
    const messages = [
      { role: "user", content: "Hello there" },
      {
        role: "assistant",
        tool_calls: ["a", "b"].map((id) => ({
          id,
          type: "function",
          function: { name: "weather", arguments: "{}" },
        })),
      },
      { role: "tool", tool_call_id: "a", content: "sunny" },
      { role: "tool", tool_call_id: "b", content: "windy" },
      { role: "user", content: "A picture of it." },
    ];
    const request = sample("openai-chat", { fault: "calls=2", body: { ...TOOLS["openai-chat"], messages } });
    const { text, calls } = await read("openai-chat", await post(simulator, request));

    expect(calls).toEqual([]);
    expect(text).toContain("The result of the tool has been read. It says “sunny”, “windy”.");
  });
});

describe("a request stands above the script", () => {
  test("no tools are called where none are allowed", async () => {
    const body = { ...TOOLS["openai-chat"], tool_choice: "none" };
    const request = sample("openai-chat", { fault: "calls=2", body });

    expect((await read("openai-chat", await post(simulator, request))).calls).toEqual([]);
  });

  test("one call where there are to be no parallel ones", async () => {
    const body = {
      ...TOOLS["anthropic-messages"],
      tool_choice: { type: "auto", disable_parallel_tool_use: true },
    };
    const request = sample("anthropic-messages", { fault: "calls=2", body });

    expect((await read("anthropic-messages", await post(simulator, request))).calls).toHaveLength(1);
  });
});

test.each(DIALECTS)("%s: an overload inside the stream", async (dialect) => {
  const response = await post(
    simulator,
    sample(dialect, { stream: true, fault: "error-mid,overload,after=3" }),
  );
  const body = await response.text();

  expect(response.status).toBe(200);
  const signs: Readonly<Record<Dialect, RegExp>> = {
    "openai-chat": /data: \{"error":\{"message":.*overloaded/,
    "openai-responses": /event: error\ndata: \{"type":"error",.*overloaded/,
    "anthropic-messages": /event: error\ndata: .*"type":"overloaded_error"/,
    gemini: /data: \{"error":\{"code":503,"message":".*overloaded/,
  };
  expect(body).toMatch(signs[dialect]);
});

test.each<[dialect: Dialect, body: Body, texts: (raw: Reading["raw"]) => unknown[]]>([
  ["openai-chat", { n: 2 }, (raw) => raw.choices.map((one: Reading["raw"]) => one.message.content)],
  [
    "gemini",
    { generationConfig: { candidateCount: 2 } },
    (raw) => raw.candidates.map((one: Reading["raw"]) => one.content.parts[0].text),
  ],
])("%s: two answers at once", async (dialect, body, texts) => {
  const { raw } = await read(dialect, await post(simulator, sample(dialect, { fault: "says=Yes.", body })));

  expect(texts(raw)).toEqual(["Yes.", "Yes."]);
});

test("a word that is not known is refused", async () => {
  const response = await post(simulator, sample("openai-chat", { fault: "compat=no-such-word" }));

  expect(response.status).toBe(400);
  expect(await response.text()).toContain("no-such-word");
});

test("every word stands on the simulator's page", async () => {
  const page = await (await fetch(`${simulator.url}/_simulator/`)).text();

  for (const word of [
    "calls=N",
    "refuses",
    "late-name",
    "partial-args",
    "[[write FILE TEXT]]",
    "rate-limit",
  ]) {
    expect(page).toContain(word);
  }
});
