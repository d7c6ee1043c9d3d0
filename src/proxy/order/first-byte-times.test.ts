import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { FirstByteTimes } from "./first-byte-times.ts";

const SECOND = 1_000;

test("a key goes by its own times, and newer ones count more", () => {
  const times = new FirstByteTimes();
  expect(times.of("me", 0)).toEqual({ firstByteMs: null, isOnTrial: false });
  times.answered("me", 400, 0);
  expect(times.of("me", 1).firstByteMs).toBe(400);
  times.answered("me", 900, 1 * SECOND);
  expect(times.of("me", 1 * SECOND).firstByteMs).toBe(500);
  // After 15 seconds the old times count half.
  times.answered("me", 100, 16 * SECOND);
  expect(times.of("me", 16 * SECOND).firstByteMs).toBe(300);
});

test("a time that is old is not known any more, so the target is tried: once in ten seconds", () => {
  const times = new FirstByteTimes();
  times.answered("me", 400, 0);
  expect(times.of("me", 59 * SECOND).firstByteMs).toBe(400);
  expect(times.of("me", 60 * SECOND)).toEqual({ firstByteMs: null, isOnTrial: false });
  times.tried("me", 60 * SECOND);
  expect(times.of("me", 61 * SECOND)).toEqual({ firstByteMs: null, isOnTrial: true });
  expect(times.of("me", 70 * SECOND)).toEqual({ firstByteMs: null, isOnTrial: false });
  times.answered("me", 50, 71 * SECOND);
  expect(times.of("me", 71 * SECOND).firstByteMs).toBeLessThan(100);
});

describe("a key without times of its own", () => {
  test("goes by the median of three keys or more", () => {
    const times = new FirstByteTimes();
    times.answered("a", 100, 0);
    times.answered("b", 300, 0);
    expect(times.of("me", 1).firstByteMs).toBeNull();
    times.answered("c", 200, 0);
    expect(times.of("me", 1).firstByteMs).toBe(200);
  });

  test("hears of no trial of another key", () => {
    const times = new FirstByteTimes();
    times.tried("a", 0);
    expect(times.of("me", 1)).toEqual({ firstByteMs: null, isOnTrial: false });
  });
});

test("no key moves the time of another beyond what all the others have seen", () => {
  const ms = fc.integer({ min: 1, max: 60_000 });
  const others = fc.array(ms, { minLength: 2, maxLength: 20 });
  fc.assert(
    fc.property(others, fc.array(ms, { minLength: 1, maxLength: 50 }), (honest, poison) => {
      const times = new FirstByteTimes();
      honest.forEach((one, i) => {
        times.answered(`key-${i}`, one, 0);
      });
      poison.forEach((one, i) => {
        times.answered("poisoner", one, i);
      });
      const seen = times.of("me", 100).firstByteMs;
      expect(seen).toBeWithin(Math.min(...honest), Math.max(...honest) + 1);
      expect(times.of("key-0", 100).firstByteMs).toBe(honest[0] as number);
    }),
  );
});

test("the times of very many keys take no more memory: the keys that asked last are known", () => {
  const times = new FirstByteTimes();
  for (let i = 0; i < 10_000; i++) times.answered(`key-${i}`, i, 0);
  expect(times.of("key-9999", 0).firstByteMs).toBe(9_999);
  // The median of the keys that are left.
  expect(times.of("key-0", 0).firstByteMs).toBeGreaterThan(9_900);
});
