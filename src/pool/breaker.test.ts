import { expect, test } from "bun:test";
import type { Clock } from "../core/clock.ts";
import { makeBreaker } from "./breaker.ts";

let now = 5_000;
const clock: Clock = { nowMs: () => 0, monotonicMs: () => now };
const fail = (breaker: ReturnType<typeof makeBreaker>, times: number): void => {
  for (let i = 0; i < times; i++) breaker.failure("a");
};

test("opens after twenty failures in a row, for that upstream only", () => {
  const breaker = makeBreaker(clock);
  fail(breaker, 19);
  expect([breaker.allows("a"), breaker.isOpen("a")]).toEqual([true, false]);
  fail(breaker, 1);
  expect([breaker.allows("a"), breaker.isOpen("a")]).toEqual([false, true]);
  expect([breaker.allows("b"), breaker.isOpen("b")]).toEqual([true, false]);
});

test("a success in between starts the count over", () => {
  const breaker = makeBreaker(clock);
  fail(breaker, 19);
  breaker.success("a");
  fail(breaker, 19);
  expect(breaker.allows("a")).toBe(true);
});

test("while open, one request a second probes; its success closes it", () => {
  const breaker = makeBreaker(clock);
  fail(breaker, 20);
  now += 999;
  expect(breaker.allows("a")).toBe(false);
  now += 1;
  expect([breaker.allows("a"), breaker.allows("a")]).toEqual([true, false]);
  breaker.failure("a");
  now += 1_000;
  expect([breaker.allows("a"), breaker.allows("a")]).toEqual([true, false]);
  breaker.success("a");
  expect([breaker.allows("a"), breaker.allows("a"), breaker.isOpen("a")]).toEqual([true, true, false]);
});
