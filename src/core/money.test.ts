import { expect, test } from "bun:test";
import fc from "fast-check";
import { usdText } from "./money.ts";

test.each([
  [0, "0.00"],
  [1, "0.000000001"],
  [-1, "-0.000000001"],
  [10_000_000, "0.01"],
  [120_000_000, "0.12"],
  [5_000_000_000, "5.00"],
  [1_234_567_890_123, "1234.567890123"],
  [Number.MAX_SAFE_INTEGER, "9007199.254740991"],
])("%p nano-dollars are %p dollars", (nanoUsd, text) => {
  expect(usdText(nanoUsd)).toBe(text);
});

test("the text is exact", () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (nanoUsd) => {
      const [whole = "", decimals = ""] = usdText(nanoUsd).replace("-", "").split(".");
      expect(BigInt(whole + decimals.padEnd(9, "0"))).toBe(BigInt(Math.abs(nanoUsd)));
    }),
  );
});
