// The oddities of compatible servers, each as it stands on the wire.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chunksOf, type StreamChunk } from "../fixtures/reading-under-test.ts";
import { type Dialect, post, sample, startForTest } from "../fixtures/simulator-under-test.ts";
import type { Simulator } from "../server/simulator.ts";
import type { COMPAT_WORDS } from "./words.ts";

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startForTest();
});
afterAll(() => simulator.close());

type Body = Record<string, unknown>;
// biome-ignore lint/suspicious/noExplicitAny: wire data of four dialects, looked at by tests alone
type Wire = any;

const schema = {
  type: "object",
  properties: { city: { type: "string" }, days: { type: "integer" } },
  required: ["city", "days"],
};
const TOOLS: Readonly<Record<Dialect, Body>> = {
  "openai-chat": {
    tools: ["weather", "clock"].map((name) => ({ type: "function", function: { name, parameters: schema } })),
    stream_options: { include_usage: true },
  },
  "openai-responses": {
    tools: ["weather", "clock"].map((name) => ({
      type: "function",
      name,
      parameters: schema,
      strict: false,
    })),
  },
  "anthropic-messages": { tools: ["weather", "clock"].map((name) => ({ name, input_schema: schema })) },
  gemini: {
    tools: [
      { functionDeclarations: ["weather", "clock"].map((name) => ({ name, parametersJsonSchema: schema })) },
    ],
  },
};
const ARGS = '{"city":"example","days":1}';

async function stream(dialect: Dialect, fault: string, body: Body = TOOLS[dialect]): Promise<StreamChunk[]> {
  const response = await post(simulator, sample(dialect, { stream: true, fault, body }));
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return chunksOf(text);
}

const chat = async (fault: string) => (await stream("openai-chat", fault)).map(({ data }) => data as Wire);

const deltasIn = (chunks: readonly Wire[]): Wire[] =>
  chunks.flatMap((chunk) => chunk.choices?.[0]?.delta ?? []);
const fragmentsIn = (chunks: readonly Wire[]): Wire[] =>
  deltasIn(chunks).flatMap((delta) => delta.tool_calls ?? []);
const argsIn = (chunks: readonly Wire[]): string =>
  fragmentsIn(chunks)
    .map((one) => one.function.arguments)
    .join("");
const finishIn = (chunks: readonly Wire[]): unknown[] =>
  chunks.flatMap((chunk) => chunk.choices?.[0]?.finish_reason ?? []);
const usagesIn = (chunks: readonly Wire[]): Wire[] => chunks.flatMap((chunk) => chunk.usage ?? []);

type ChatCheck = readonly [script: string, check: (chunks: readonly Wire[]) => void];

/** One check a word, so that a word without one does not compile. */
const CHAT: Readonly<Record<keyof (typeof COMPAT_WORDS)["openai-chat"], ChatCheck | "a refusal">> = {
  "no-index": [
    "calls=2",
    (chunks) => {
      expect(fragmentsIn(chunks).some((one) => "index" in one)).toBe(false);
      expect(argsIn(chunks)).toBe(ARGS + ARGS);
    },
  ],
  "index-from-1": [
    "calls=2",
    (chunks) => expect(new Set(fragmentsIn(chunks).map((one) => one.index))).toEqual(new Set([1, 2])),
  ],
  "repeated-id": [
    "calls=1",
    (chunks) => {
      const fragments = fragmentsIn(chunks);
      expect(fragments.length).toBeGreaterThan(2);
      expect(new Set(fragments.map((one) => one.id)).size).toBe(1);
      expect(fragments.every((one) => one.function.name === "weather")).toBe(true);
    },
  ],
  "empty-id": ["calls=1", (chunks) => expect(fragmentsIn(chunks)[0].id).toBe("")],
  "late-name": [
    "calls=1",
    (chunks) => {
      expect(fragmentsIn(chunks).map((one) => one.function.name)).toEqual([
        undefined,
        "weather",
        undefined,
        undefined,
      ]);
      expect(argsIn(chunks)).toBe(ARGS);
    },
  ],
  interleaved: [
    "calls=2",
    (chunks) => expect(fragmentsIn(chunks).map((one) => one.index)).toEqual([0, 1, 0, 1, 0, 1, 0, 1]),
  ],
  "whole-calls": [
    "calls=1",
    (chunks) =>
      expect(fragmentsIn(chunks).map((one) => one.function)).toEqual([{ name: "weather", arguments: ARGS }]),
  ],
  "text-after-call": [
    "calls=2",
    (chunks) => {
      const kinds = deltasIn(chunks)
        .slice(1, -1)
        .map((delta) => (delta.tool_calls ? "call" : delta.content));
      expect(kinds.filter((kind, at) => kind !== kinds[at - 1])).toEqual(["call", "\n", "call", "\n"]);
    },
  ],
  "one-chunk": [
    "calls=1,text-and-calls,says=Wait.",
    (chunks) => {
      const { delta, finish_reason } = chunks[0].choices[0];
      expect(delta.content).toBe("Wait.");
      expect(delta.tool_calls[0].function.arguments).toBe(ARGS);
      expect(finish_reason).toBe("tool_calls");
    },
  ],
  "role-only": [
    "calls=0",
    (chunks) => {
      expect(chunks).toHaveLength(2);
      expect(chunks[0].choices[0].delta.role).toBe("assistant");
    },
  ],
  "empty-role": [
    "calls=0",
    (chunks) => expect(deltasIn(chunks).every((delta) => delta.role === "")).toBe(true),
  ],
  "no-finish": ["calls=0", (chunks) => expect(finishIn(chunks)).toEqual([])],
  "stop-for-calls": ["calls=1", (chunks) => expect(finishIn(chunks)).toEqual(["stop"])],
  "calls-for-stop": ["calls=0", (chunks) => expect(finishIn(chunks)).toEqual(["tool_calls"])],
  "after-done": [
    "calls=0",
    (chunks) => {
      const done = chunks.indexOf("[DONE]");
      expect(chunks.slice(done).map((chunk) => chunk.choices?.[0].delta.content ?? chunk)).toEqual([
        "[DONE]",
        "too late",
        "[DONE]",
      ]);
    },
  ],
  "usage-every-chunk": [
    "calls=0",
    (chunks) => {
      const counts = usagesIn(chunks).map((usage) => usage.completion_tokens);
      expect(counts).toHaveLength(chunks.length - 1);
      expect(counts.slice(0, 3)).toEqual([1, 2, 3]);
    },
  ],
  "usage-in-finish": [
    "calls=0",
    (chunks) => {
      expect(usagesIn(chunks)).toHaveLength(1);
      expect(chunks.at(-2).choices[0].finish_reason).toBe("stop");
      expect(chunks.at(-2).usage.completion_tokens).toBeGreaterThan(1);
    },
  ],
  "usage-twice": [
    "calls=0",
    (chunks) => {
      const counts = usagesIn(chunks).map((usage) => usage.completion_tokens);
      expect(counts).toEqual([1, expect.any(Number)]);
      expect(counts[1]).toBeGreaterThan(1);
    },
  ],
  "no-usage": ["calls=0", (chunks) => expect(usagesIn(chunks)).toEqual([])],
  "flat-cache": [
    "calls=0",
    (chunks) =>
      expect(usagesIn(chunks)[0]).toMatchObject({
        prompt_cache_hit_tokens: 0,
        prompt_cache_miss_tokens: expect.any(Number),
      }),
  ],
  "outside-reasoning": [
    "thinks,says=Hi.",
    (chunks) => {
      const [usage] = usagesIn(chunks);
      expect(usage.completion_tokens_details.reasoning_tokens).toBeGreaterThan(usage.completion_tokens);
    },
  ],
  "odd-usage": [
    "calls=0",
    (chunks) => expect(usagesIn(chunks)[0]).toMatchObject({ completion_tokens: -1, total_tokens: 1 }),
  ],
  reasoning: [
    "thinks",
    (chunks) => {
      expect(
        deltasIn(chunks)
          .map((delta) => delta.reasoning ?? "")
          .join(""),
      ).toMatch(/^The question is read/);
      expect(deltasIn(chunks).some((delta) => "reasoning_content" in delta)).toBe(false);
    },
  ],
  "stop-reason": [
    "calls=0",
    (chunks) => expect(chunks.at(-3).choices[0]).toMatchObject({ stop_reason: null }),
  ],
  "bad-args": [
    "calls=1",
    (chunks) => {
      expect(() => JSON.parse(argsIn(chunks))).toThrow();
      expect(finishIn(chunks)).toEqual(["tool_calls"]);
    },
  ],
  "empty-args": ["calls=1", (chunks) => expect(argsIn(chunks)).toBe("")],
  "null-args": ["calls=1", (chunks) => expect(argsIn(chunks)).toBe("null")],
  "blank-args": ["calls=1", (chunks) => expect(argsIn(chunks)).toBe(" \n")],
  "no-stream-options": "a refusal",
  "no-developer": "a refusal",
  "system-first": "a refusal",
  "system-first-mistral": "a refusal",
  "needs-reasoning": "a refusal",
};

describe("Chat", () => {
  for (const [word, row] of Object.entries(CHAT)) {
    if (row !== "a refusal") {
      const [script, check] = row;
      test(word, async () => check(await chat(`${script},compat=${word}`)));
    }
  }

  test("several words stand together", async () => {
    const chunks = await chat("calls=1,compat=no-index+stop-for-calls+whole-calls");

    expect(fragmentsIn(chunks)).toHaveLength(1);
    expect("index" in fragmentsIn(chunks)[0]).toBe(false);
    expect(finishIn(chunks)).toEqual(["stop"]);
  });

  test("a matched stop sequence is named", async () => {
    const body = { stop: ["there"] };
    const response = await post(simulator, sample("openai-chat", { fault: "compat=stop-reason", body }));

    expect(((await response.json()) as Wire).choices[0]).toMatchObject({
      finish_reason: "stop",
      stop_reason: "there",
    });
  });

  const user = { role: "user", content: "Hi" };
  const call = { id: "a", type: "function", function: { name: "f", arguments: "{}" } };
  test.each<[word: string, body: Body, message: RegExp]>([
    ["no-stream-options", { stream: true, stream_options: { include_usage: true } }, /stream_options/],
    ["no-developer", { messages: [{ role: "developer", content: "x" }, user] }, /'developer' is not one of/],
    [
      "system-first",
      { messages: [user, { role: "system", content: "x" }, user] },
      /must be at the beginning/,
    ],
    [
      "system-first-mistral",
      { messages: [user, { role: "system", content: "x" }, user] },
      /Unexpected role 'system' after role 'user'/,
    ],
    [
      "needs-reasoning",
      {
        model: "deepseek-v4",
        messages: [
          user,
          { role: "assistant", tool_calls: [call] },
          { role: "tool", tool_call_id: "a", content: "" },
        ],
      },
      /must be passed back/,
    ],
  ])("%s", async (word, body, message) => {
    const model = typeof body.model === "string" ? { model: body.model } : {};
    const response = await post(
      simulator,
      sample("openai-chat", { fault: `compat=${word}`, body, ...model }),
    );

    expect(response.status).toBe(400);
    expect(await response.text()).toMatch(message);
  });

  test("reasoning may come back to servers that take it", async () => {
    const messages = [
      user,
      { role: "assistant", reasoning_content: "Hm.", tool_calls: [call] },
      { role: "tool", tool_call_id: "a", content: "" },
    ];
    const ask = async (model: string) =>
      (
        await post(
          simulator,
          sample("openai-chat", { model, fault: "compat=needs-reasoning", body: { messages } }),
        )
      ).status;

    expect([await ask("deepseek-v4"), await ask("gpt-4.1")]).toEqual([200, 400]);
  });
});

describe("Responses", () => {
  const types = async (fault: string) =>
    (await stream("openai-responses", fault)).map(({ event }) => event ?? "");

  test("no-added", async () => {
    const seen = await types("calls=1,compat=no-added");
    expect(seen).not.toContain("response.output_item.added");
    expect(seen).toContain("response.function_call_arguments.delta");
  });

  test("no-deltas", async () => {
    const seen = await types("calls=1,compat=no-deltas");
    expect(seen.filter((type) => type.endsWith(".delta"))).toEqual([]);
    expect(seen).toContain("response.function_call_arguments.done");
  });

  test("repeated-done", async () => {
    const seen = await types("calls=1,compat=repeated-done");
    expect(seen.filter((type) => type === "response.output_item.done")).toHaveLength(2);
  });

  test.each([
    ["no-usage", null],
    ["short-usage", { input_tokens: 5, output_tokens: 5, total_tokens: 10 }],
  ])("%s", async (word, usage) => {
    const last = (
      await stream("openai-responses", `says=It was a good day,compat=${word}`, {
        input: "It was a good day",
      })
    ).at(-1);
    const found = last?.data.response.usage;
    expect(found === null ? null : Object.keys(found)).toEqual(usage === null ? null : Object.keys(usage));
  });
});

test("Responses: encrypted content that is refused without a code", async () => {
  const reasoning = { type: "reasoning", summary: [], encrypted_content: "Zm9v" };
  const body = { input: [{ role: "user", content: "Hi" }, reasoning, { role: "assistant", content: "x" }] };
  const response = await post(simulator, sample("openai-responses", { fault: "compat=no-error-code", body }));

  expect(await response.json()).toMatchObject({
    error: { code: null, message: expect.stringContaining("could not be verified") },
  });
});

describe("Messages", () => {
  test("repeated-id", async () => {
    const chunks = await stream("anthropic-messages", "calls=2,compat=repeated-id");
    const ids = chunks.flatMap(({ data }) => data.content_block?.id ?? []);
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(1);
  });

  test("unknown-event", async () => {
    const seen = (await stream("anthropic-messages", "compat=unknown-event")).map(({ event }) => event);
    expect(seen).toContain("simulated_event");
    expect(seen.at(-1)).toBe("message_stop");
  });

  test("null-usage", async () => {
    const [start] = await stream("anthropic-messages", "compat=null-usage");
    expect(start?.data.message.usage).toMatchObject({
      cache_creation_input_tokens: null,
      cache_read_input_tokens: null,
    });
  });

  test("fallback-block", async () => {
    const chunks = await stream("anthropic-messages", "calls=1,compat=fallback-block");
    const blocks = chunks.flatMap(({ data }) => data.content_block?.type ?? []);
    expect(blocks).toEqual(["fallback", "tool_use"]);
  });

  test("late-usage", async () => {
    const chunks = await stream("anthropic-messages", "compat=late-usage");
    const counts = chunks.flatMap(({ data }) =>
      data.type === "message_delta" ? data.usage.output_tokens : [],
    );
    expect(counts[0]).toBe(1);
    expect(counts[1]).toBeGreaterThan(1);
  });
});

describe("Gemini", () => {
  const responses = async (fault: string) => (await stream("gemini", fault)).map(({ data }) => data as Wire);
  const partsIn = (all: readonly Wire[]): Wire[] =>
    all.flatMap((one) => one.candidates?.[0]?.content?.parts ?? []);

  const CHECKS: Readonly<Record<keyof (typeof COMPAT_WORDS)["gemini"], (all: readonly Wire[]) => void>> = {
    "no-parts": (all) => expect(all[0].candidates[0].content).toEqual({ role: "model" }),
    "no-content": (all) => {
      expect(all[0].candidates[0]).toEqual({ index: 0 });
      expect(all.at(-1).candidates[0]).toEqual({ finishReason: "STOP", index: 0 });
    },
    "no-candidates": (all) => expect(all[0].candidates).toEqual([]),
    "usage-chunk": (all) => {
      expect(all.at(-1).candidates).toBeUndefined();
      expect(all.at(-1).usageMetadata.candidatesTokenCount).toBeGreaterThan(0);
    },
    "signed-end": (all) =>
      expect(partsIn(all).at(-2)).toEqual({ text: "", thoughtSignature: expect.any(String) }),
    "partial-args": (all) => {
      const calls = partsIn(all).flatMap((part) => part.functionCall ?? []);
      expect(calls[0]).toEqual({ name: "weather", id: expect.any(String), willContinue: true });
      expect(calls.slice(1)).toEqual([
        {
          partialArgs: [{ jsonPath: "$.city", stringValue: "exam", willContinue: true }],
          willContinue: true,
        },
        { partialArgs: [{ jsonPath: "$.city", stringValue: "ple" }], willContinue: true },
        { partialArgs: [{ jsonPath: "$.days", numberValue: 1 }], willContinue: true },
        {},
      ]);
    },
    "no-ids": (all) => expect(partsIn(all)[0].functionCall.id).toBeUndefined(),
    "no-finish": (all) =>
      expect(all.some((one) => one.candidates?.[0]?.finishReason !== undefined)).toBe(false),
    malformed: (all) => {
      expect(all.at(-1).candidates[0].finishReason).toBe("MALFORMED_FUNCTION_CALL");
      expect(partsIn(all).some((part) => part.functionCall)).toBe(false);
    },
  };
  test.each(Object.keys(CHECKS) as (keyof typeof CHECKS)[])("%s", async (word) => {
    CHECKS[word](await responses(`${/args|ids|malformed/.test(word) ? "calls=1," : ""}compat=${word}`));
  });
});
