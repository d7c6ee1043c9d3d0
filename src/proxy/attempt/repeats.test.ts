// How long a request waits before an overloaded upstream is asked again.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { pauseBefore } from "./repeats.ts";

const LIMIT_MS = 60_000;

test("pauses grow, and vary by half of their length", () => {
  expect([1, 2, 3].map((nth) => pauseBefore(nth, undefined, LIMIT_MS, 0))).toEqual([100, 400, 500]);
  expect(pauseBefore(1, undefined, LIMIT_MS, 0.5)).toBe(150);
});

test("the upstream's own time counts up to five seconds and the upstream's time-out", () => {
  expect(pauseBefore(1, 1_000, LIMIT_MS, 0)).toBe(1_000);
  expect(pauseBefore(1, 5_000, LIMIT_MS, 0)).toBe(5_000);
  expect(pauseBefore(1, 5_001, LIMIT_MS, 0)).toBe(100);
  expect(pauseBefore(1, 3_000, 2_000, 0)).toBe(100);
  // An upstream that says "at once" is overloaded all the same.
  expect(pauseBefore(2, 0, LIMIT_MS, 0)).toBe(400);
});

test("a pause is never shorter than the upstream's own time, never none, and never long", () => {
  const announcedMs = fc.option(fc.integer({ min: 0, max: 100_000 }), { nil: undefined });
  const chance = fc.double({ min: 0, max: 0.999, noNaN: true });
  const limitMs = fc.integer({ min: 1, max: 600_000 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 }), announcedMs, limitMs, chance, (nth, told, limit, random) => {
      const pauseMs = pauseBefore(nth, told, limit, random);
      expect(pauseMs).toBeWithin(100, 5_101);
      if (told !== undefined && told <= Math.min(5_000, limit)) expect(pauseMs).toBeGreaterThanOrEqual(told);
      else expect(pauseMs).toBeLessThanOrEqual(1_000);
    }),
  );
});
