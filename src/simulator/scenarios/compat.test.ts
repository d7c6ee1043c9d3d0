// The oddities of compatible servers in Chat Completions, each as it stands on the wire.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { streamWith, type Wire } from "../fixtures/compat-under-test.ts";
import { post, sample, startForTest } from "../fixtures/simulator-under-test.ts";
import type { Simulator } from "../server/simulator.ts";
import type { COMPAT_WORDS } from "./words.ts";

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startForTest();
});
afterAll(() => simulator.close());

type Body = Record<string, unknown>;
const ARGS = '{"city":"example","days":1}';

const chat = async (fault: string) =>
  (await streamWith(simulator, "openai-chat", fault)).map(({ data }) => data as Wire);

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
  "cached-at-top": [
    "calls=0",
    (chunks) => {
      const [usage] = usagesIn(chunks);
      expect(usage).toMatchObject({ cached_tokens: 0 });
      expect("prompt_tokens_details" in usage).toBe(false);
    },
  ],
  "usage-in-choice": [
    "calls=0",
    (chunks) => {
      expect(usagesIn(chunks)).toEqual([]);
      expect(chunks.at(-2).choices[0].usage.completion_tokens).toBeGreaterThan(1);
    },
  ],
  "x-groq": [
    "calls=0",
    (chunks) => {
      expect(usagesIn(chunks)).toEqual([]);
      expect(chunks.at(-2).x_groq.usage.completion_tokens).toBeGreaterThan(1);
    },
  ],
  "reasoning-details": [
    "thinks",
    (chunks) => {
      const entries = deltasIn(chunks).flatMap((delta) => delta.reasoning_details ?? []);
      expect(entries.map((entry) => entry.text).join("")).toMatch(/^The question is read/);
      expect(deltasIn(chunks).some((delta) => /^The question/.test(delta.reasoning ?? ""))).toBe(true);
    },
  ],
  "reasoning-chunks": [
    "thinks,says=Hi.",
    (chunks) => {
      const parts = deltasIn(chunks).flatMap(({ content }) => (Array.isArray(content) ? content : []));
      expect(parts[0]).toMatchObject({ type: "thinking", thinking: [{ type: "text" }] });
      expect(deltasIn(chunks).some(({ content }) => content === "Hi.")).toBe(true);
    },
  ],
  "think-tags": [
    "thinks,says=Hi.",
    (chunks) => {
      const text = deltasIn(chunks)
        .map(({ content }) => content ?? "")
        .join("");
      expect(text).toMatch(/^<think>The question .*<\/think>Hi\.$/s);
    },
  ],
  "base-resp": [
    "calls=0",
    (chunks) => expect(chunks[0].base_resp).toEqual({ status_code: 0, status_msg: "" }),
  ],
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
