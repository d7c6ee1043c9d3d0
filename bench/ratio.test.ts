import { expect, test } from "bun:test";
import fc from "fast-check";
import { quantile, summarizeRatios } from "./ratio.ts";
import { median } from "./result.ts";

const verdictOf = (...ratios: number[]): string => summarizeRatios(ratios).verdict;

test("quartiles lie between their neighbours in proportion", () => {
  expect(quantile([4, 1, 3, 2, 5], 0.25)).toBe(2);
  expect(quantile([1, 2, 3, 4], 0.25)).toBe(1.75);
  expect(quantile([1, 2, 3, 4], 0.75)).toBe(3.25);
  expect(quantile([7], 0.75)).toBe(7);
  expect(quantile([], 0.5)).toBeNaN();
});

test("quantiles keep their order, stay within the values, and that of a half is the median", () => {
  const values = fc.array(fc.double({ min: 0, max: 10, noNaN: true }), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(values, (given) => {
      const found = [0, 0.25, 0.5, 0.75, 1].map((share) => quantile(given, share));
      expect(found).toEqual(found.toSorted((a, b) => a - b));
      expect([found[0], found[4]]).toEqual([Math.min(...given), Math.max(...given)]);
      expect(found[2]).toBeCloseTo(median(given), 9);
    }),
  );
});

test("a median of up to 1.05 is no worse", () => {
  expect(verdictOf(1.05, 1.05, 1.05)).toBe("same");
  expect(verdictOf(1.06, 1.06, 1.06)).toBe("worse");
  expect(verdictOf(0.96, 0.96, 0.96)).toBe("same");
  expect(verdictOf(0.9, 0.9, 0.9)).toBe("better");
});

test("a difference below half the distance of the quartiles is none", () => {
  expect(summarizeRatios([0.8, 0.95, 1.1, 1.25, 1.4])).toEqual({
    median: 1.1,
    lowerQuartile: 0.95,
    upperQuartile: 1.25,
    verdict: "same",
  });
  expect(verdictOf(1.0, 1.08, 1.1, 1.14, 1.4)).toBe("worse");
  expect(verdictOf(0.6, 0.75, 0.9, 1.05, 1.2)).toBe("same");
});

test("one round that went astray changes nothing", () => {
  expect(verdictOf(1, 1.01, 0.99, 1, 1.02, 1, 0.98, 1, 1.01, 9)).toBe("same");
});

test("what could not be measured is not no worse", () => {
  expect(verdictOf()).toBe("worse");
  expect(verdictOf(Number.NaN, 1, 1)).toBe("worse");
  expect(verdictOf(Number.POSITIVE_INFINITY)).toBe("worse");
});
