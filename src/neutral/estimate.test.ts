import { expect, test } from "bun:test";
import { bookedInputTokens, estimateUsage, writtenBytes } from "./estimate.ts";
import { makeUsage, NO_USAGE } from "./usage.ts";

const PASSED = { requestBytes: 300, uncountedBytes: 60, contextTokens: null, maxOutputTokens: null };

test("what nobody counted is booked at three bytes a token", () => {
  expect(estimateUsage(null, PASSED)).toEqual(makeUsage({ inputTokens: 100, outputTokens: 20 }));
  expect(estimateUsage(null, { ...PASSED, requestBytes: 1, uncountedBytes: 1 })).toEqual(
    makeUsage({ inputTokens: 1, outputTokens: 1 }),
  );
});

test("nothing that was counted is estimated", () => {
  const counted = makeUsage({ inputTokens: 7, outputTokens: 3 });
  expect(estimateUsage(counted, { ...PASSED, uncountedBytes: 0 })).toBe(counted);
  expect(estimateUsage(counted, { ...PASSED, uncountedBytes: null })).toBe(counted);
});

test("content behind the last report is added to it", () => {
  const counted = makeUsage({ inputTokens: 7, cacheReadTokens: 5, outputTokens: 3, reasoningTokens: 2 });
  expect(estimateUsage(counted, PASSED)).toEqual({ ...counted, outputTokens: 23 });
});

test("no output was written, so there is no count of it", () => {
  for (const uncountedBytes of [0, null]) {
    expect(estimateUsage(null, { ...PASSED, uncountedBytes })).toEqual(makeUsage({ inputTokens: 100 }));
  }
  expect(estimateUsage({ ...NO_USAGE, outputTokens: 4 }, { ...PASSED, uncountedBytes: 0 })).toEqual(
    makeUsage({ inputTokens: 100, outputTokens: 4 }),
  );
});

test("a model reads and writes no more than it can", () => {
  const most = {
    ...PASSED,
    requestBytes: 1e7,
    uncountedBytes: 1e7,
    contextTokens: 1_000,
    maxOutputTokens: 50,
  };
  expect(estimateUsage(null, most)).toEqual(makeUsage({ inputTokens: 1_000, outputTokens: 50 }));
  expect(bookedInputTokens(1e7, null)).toBe(3_333_334);
  expect(bookedInputTokens(0, 1_000)).toBe(1);
});

test("each kind of part has a size", () => {
  expect(writtenBytes({ type: "refusal", text: "né" })).toBe(3);
  expect(
    writtenBytes({
      type: "tool-call",
      id: "1",
      name: "f",
      namespace: null,
      kind: "function",
      input: "{}",
      seal: null,
    }),
  ).toBe(3);
});
