import { expect, test } from "bun:test";
import fc from "fast-check";
import { PROPERTY_RUNS } from "../../test/kit/arbitraries.ts";
import { clampUsage, NO_USAGE } from "./usage.ts";

test("H-149 inconsistent counts are brought to sense", () => {
  const count = fc.oneof(fc.integer(), fc.double(), fc.constant(null));
  const usage = fc.record({
    inputTokens: count,
    cacheReadTokens: count,
    cacheWriteTokens: count,
    cacheWrite1hTokens: count,
    outputTokens: count,
    reasoningTokens: count,
  });
  fc.assert(
    fc.property(usage, (raw) => {
      const clamped = clampUsage(raw);
      for (const value of Object.values(clamped))
        if (value !== null) expect(value >= 0 && Number.isInteger(value)).toBe(true);
      if (clamped.inputTokens !== null) {
        const parts = (clamped.cacheReadTokens ?? 0) + (clamped.cacheWriteTokens ?? 0);
        expect(parts).toBeLessThanOrEqual(clamped.inputTokens);
      }
      if (clamped.outputTokens !== null)
        expect(clamped.reasoningTokens ?? 0).toBeLessThanOrEqual(clamped.outputTokens);
      expect(clampUsage(clamped)).toEqual(clamped);
    }),
    { numRuns: PROPERTY_RUNS },
  );
});

test("what is unknown stays unknown", () => {
  expect(clampUsage(NO_USAGE)).toEqual(NO_USAGE);
  expect(clampUsage({ ...NO_USAGE, reasoningTokens: 5 })).toEqual({ ...NO_USAGE, reasoningTokens: 5 });
});
