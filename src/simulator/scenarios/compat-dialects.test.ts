// The oddities of compatible servers in Responses, Messages and Gemini, each as it stands on the wire.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { streamWith, type Wire } from "../fixtures/compat-under-test.ts";
import { type Dialect, post, sample, startForTest } from "../fixtures/simulator-under-test.ts";
import type { Simulator } from "../server/simulator.ts";
import type { COMPAT_WORDS } from "./words.ts";

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startForTest();
});
afterAll(() => simulator.close());

const stream = (dialect: Dialect, fault: string, body?: Record<string, unknown>) =>
  streamWith(simulator, dialect, fault, body);

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
