import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { modelEvents, modelReply, PROPERTY_RUNS } from "../../test/kit/arbitraries.ts";
import { Grammar, grammarFault } from "../../test/kit/grammar.ts";
import type { ModelEvent, Stop } from "./event.ts";
import { fold, unfold } from "./fold.ts";
import { NO_USAGE } from "./usage.ts";

const END: Stop = { kind: "end", raw: null, sequence: null, explanation: null, category: null, token: null };

describe("fold", () => {
  test("undoes unfold", () => {
    fc.assert(
      fc.property(modelReply(), (reply) => {
        expect(fold(unfold(reply))).toEqual(reply);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  test("gives the same answer however its texts are cut", () => {
    fc.assert(
      fc.property(modelEvents(), (events) => {
        const reply = fold(events);
        expect(fold(unfold(reply))).toEqual(reply);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  test("keeps the last usage", () => {
    const usage = (outputTokens: number) => ({
      type: "usage" as const,
      usage: {
        ...NO_USAGE,
        inputTokens: 1,
        outputTokens,
      },
    });
    const reply = fold([
      { type: "start", id: null, model: null },
      usage(1),
      usage(7),
      { type: "end", stop: END },
    ]);
    expect(reply.usage?.outputTokens).toBe(7);
  });

  test("raises what the upstream failed with", () => {
    const failed: ModelEvent[] = [
      { type: "start", id: null, model: null },
      { type: "fail", raw: '{"type":"overloaded_error"}', message: "Overloaded" },
    ];
    expect(() => fold(failed)).toThrow(
      expect.objectContaining({
        kind: "upstream_error",
        message: "Overloaded",
        detail: '{"type":"overloaded_error"}',
      }),
    );
    expect(() => fold([{ type: "fail", raw: null, message: "Not an answer" }])).toThrow(
      expect.objectContaining({ kind: "upstream_garbage" }),
    );
  });

  test("does not take a cut answer for a whole one", () => {
    expect(() => fold([{ type: "start", id: null, model: null }])).toThrow(
      expect.objectContaining({ kind: "upstream_cut" }),
    );
  });
});

describe("grammar", () => {
  test("holds of unfolded and of arbitrary answers", () => {
    fc.assert(
      fc.property(modelReply(), modelEvents(), (reply, events) => {
        expect(grammarFault(unfold(reply))).toBeNull();
        expect(grammarFault(events)).toBeNull();
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  const start: ModelEvent = { type: "start", id: null, model: null };
  const open: ModelEvent = { type: "open", block: { kind: "text", phase: null } };
  const think: ModelEvent = { type: "open", block: { kind: "reasoning" } };
  const call: ModelEvent = {
    type: "open",
    block: { kind: "tool-call", id: "a", name: "t", namespace: null, call: "function", seal: null },
  };
  const close: ModelEvent = { type: "close", seal: null };
  const end: ModelEvent = { type: "end", stop: END };
  const fail: ModelEvent = { type: "fail", raw: null, message: "broken" };
  const delta: ModelEvent = { type: "delta", text: "x" };
  const note: ModelEvent = {
    type: "annotation",
    annotation: { kind: "url", url: "u", title: null, citedText: null, start: 2, end: 1 },
  };
  const negative: ModelEvent = {
    type: "usage",
    usage: {
      ...NO_USAGE,
      inputTokens: -1,
    },
  };

  const faults: Record<string, [ModelEvent[], string]> = {
    "nothing before start": [[open], "open before start"],
    "one start": [[start, start], "a second start"],
    "no text without a block": [[start, delta], "delta without an open block"],
    "no empty text": [[start, open, { type: "delta", text: "" }], "an empty delta"],
    "no block within a block": [[start, open, open], "open within an open block"],
    "no usage within a block": [[start, open, negative], "usage within an open block"],
    "no end within a block": [[start, open, end], "end within an open block"],
    "no annotation of thoughts": [[start, think, note], "an annotation in a block of reasoning"],
    "no annotation that ends before it starts": [[start, open, note], "an annotation that ends at 1"],
    "no seal behind a call": [
      [start, call, { type: "close", seal: { maker: "m", place: "call", data: "d" } }],
      "a seal at the end of a block of tool-call",
    ],
    "no negative count": [[start, negative], "inputTokens is -1"],
    "nothing after the end": [[start, end, delta], "delta after the end"],
    "nothing after a failure": [[fail, start], "start after the end"],
    "an end": [[start, open, close], "neither end nor fail"],
  };
  for (const [rule, [events, fault]] of Object.entries(faults)) {
    test(`wants ${rule}`, () => expect(grammarFault(events)).toContain(fault));
  }

  test("lets a failure stand anywhere, and a cut answer break off where that is asked for", () => {
    expect(grammarFault([fail])).toBeNull();
    expect(grammarFault([start, open, delta, fail])).toBeNull();
    expect(grammarFault([start, open, delta], false)).toBeNull();
    const grammar = new Grammar();
    grammar.check(fail);
    expect(grammar.isOver).toBe(true);
  });
});
