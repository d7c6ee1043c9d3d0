import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Clock } from "../../core/clock.ts";
import { type Breaker, makeBreaker } from "./breaker.ts";

let now = 5_000;
const clock: Clock = { nowMs: () => 0, monotonicMs: () => now };

/** Failures of a model of upstream "a", by turns of the keys. */
function fail(breaker: Breaker, times: number, keys: readonly string[], model = "m"): void {
  for (let i = 0; i < times; i++) breaker.failure("a", model, keys[i % keys.length] as string);
}

const reaches = (breaker: Breaker): string[] => breaker.open().map(({ reach }) => reach);
const TWO = ["alice", "bob"];

test("opens for everybody after twenty failures in a row that two keys saw, for that model only", () => {
  const breaker = makeBreaker(clock);
  fail(breaker, 19, TWO);
  expect([breaker.allows("a", "m", "carol"), reaches(breaker)]).toEqual([true, []]);
  fail(breaker, 1, ["bob"]);
  expect([breaker.allows("a", "m", "carol"), reaches(breaker)]).toEqual([false, ["model"]]);
  expect(breaker.open()).toEqual([{ upstream: "a", reach: "model" }]);
  expect([breaker.allows("a", "good", "carol"), breaker.allows("b", "m", "carol")]).toEqual([true, true]);
});

test("opens for the one key that saw all failures, however many they are", () => {
  const breaker = makeBreaker(clock);
  fail(breaker, 200, ["alice"]);
  expect([breaker.allows("a", "m", "alice"), reaches(breaker)]).toEqual([false, ["key"]]);
  expect(breaker.allows("a", "m", "bob")).toBe(true);
  // A few failures of somebody else are no evidence of an outage yet.
  fail(breaker, 9, ["bob"]);
  expect([breaker.allows("a", "m", "bob"), breaker.allows("a", "m", "carol")]).toEqual([true, true]);
  fail(breaker, 1, ["bob"]);
  expect([breaker.allows("a", "m", "bob"), breaker.allows("a", "m", "carol")]).toEqual([false, false]);
});

test("a good answer in between starts the count over, for all keys", () => {
  const breaker = makeBreaker(clock);
  fail(breaker, 19, TWO);
  breaker.success("a", "m");
  fail(breaker, 19, TWO);
  expect(breaker.allows("a", "m", "alice")).toBe(true);
});

test("a refused request starts the count over for its own key", () => {
  const breaker = makeBreaker(clock);
  fail(breaker, 19, ["alice"]);
  breaker.refusal("a", "m", "alice");
  fail(breaker, 19, ["alice"]);
  expect(breaker.allows("a", "m", "alice")).toBe(true);
  breaker.success("a", "m");
  fail(breaker, 40, ["alice", "bob"]);
  breaker.refusal("a", "m", "carol");
  expect(breaker.allows("a", "m", "carol")).toBe(false);
});

test("connections that fail open it for the whole upstream, whoever saw that", () => {
  const breaker = makeBreaker(clock);
  for (let i = 0; i < 20; i++) breaker.unreachable("a");
  expect([breaker.allows("a", "any", "carol"), breaker.allows("b", "any", "carol")]).toEqual([false, true]);
  expect(breaker.open()).toEqual([{ upstream: "a", reach: "upstream" }]);
  now += 1_000;
  expect([breaker.allows("a", "any", "carol"), breaker.allows("a", "other", "bob")]).toEqual([true, false]);
  breaker.refusal("a", "any", "carol");
  expect([breaker.allows("a", "other", "bob"), reaches(breaker)]).toEqual([true, []]);
});

test("while open, one request a second probes; its success closes it", () => {
  const breaker = makeBreaker(clock);
  fail(breaker, 20, TWO);
  now += 999;
  expect(breaker.allows("a", "m", "carol")).toBe(false);
  now += 1;
  expect([breaker.allows("a", "m", "carol"), breaker.allows("a", "m", "dave")]).toEqual([true, false]);
  breaker.failure("a", "m", "carol");
  now += 1_000;
  // The next probe is another key's: the one that failed may fail for its own reasons.
  expect([breaker.allows("a", "m", "carol"), breaker.allows("a", "m", "dave")]).toEqual([false, true]);
  breaker.success("a", "m");
  expect([breaker.allows("a", "m", "carol"), breaker.allows("a", "m", "dave"), reaches(breaker)]).toEqual([
    true,
    true,
    [],
  ]);
});

test.each([1, 2, 3, 4])("%d keys whose requests fail leave probes for another key", (count) => {
  const breaker = makeBreaker(clock);
  const failing = Array.from({ length: Math.max(count, 2) }, (_, n) => `failing-${n}`);
  fail(breaker, 40, failing);
  let served = 0;
  for (let tick = 0; tick < 600; tick++) {
    now += 100;
    for (const key of failing.slice(0, count)) if (breaker.allows("a", "m", key)) fail(breaker, 1, [key]);
    // The other key asks last each time. Its answer does not come, so that the breaker stays open.
    if (breaker.allows("a", "m", "carol")) served += 1;
  }
  expect(served).toBeGreaterThanOrEqual(10);
});

test("a key that is left alone soon probes every other second", () => {
  const breaker = makeBreaker(clock);
  fail(breaker, 40, ["a", "b", "c", "d"]);
  for (let tick = 0; tick < 100; tick++) {
    now += 100;
    for (const key of ["a", "b", "c", "d"]) breaker.allows("a", "m", key);
  }
  let probes = 0;
  for (let tick = 0; tick < 200; tick++) {
    now += 100;
    if (breaker.allows("a", "m", "a")) probes += 1;
  }
  expect(probes).toBeWithin(7, 11);
});

test("one key alone still probes", () => {
  const breaker = makeBreaker(clock);
  fail(breaker, 20, ["alice"]);
  const allowed: number[] = [];
  for (let second = 1; second <= 4; second++) {
    now += 1_000;
    allowed.push([1, 2, 3].filter(() => breaker.allows("a", "m", "alice")).length);
    breaker.failure("a", "m", "alice");
  }
  expect(allowed).toEqual([1, 1, 1, 1]);
});

test("what nobody asks for any more is forgotten, so that good requests find nothing to look at", () => {
  const breaker = makeBreaker(clock);
  fail(breaker, 40, TWO, "broken");
  for (let i = 0; i < 20; i++) breaker.unreachable("b");
  expect(breaker.open()).toHaveLength(2);
  now += 70_000;
  expect(breaker.allows("a", "good", "carol")).toBe(true);
  expect([breaker.open(), breaker.allows("a", "broken", "alice")]).toEqual([[], true]);
});

test("names of models that clients make up cost a bounded amount of memory, and reopen no other model", () => {
  const breaker = makeBreaker(clock);
  fail(breaker, 20, TWO, "down");
  for (let i = 0; i < 5_000; i++) fail(breaker, 20, ["mallory"], `made-up-${i}`);
  for (let i = 0; i < 50; i++) fail(breaker, 20, ["mallory"], "x".repeat(100_000 + i));
  expect(reaches(breaker)).toHaveLength(256);
  expect(breaker.allows("a", "down", "carol")).toBe(false);
  for (let i = 0; i < 5_000; i++) breaker.failure("a", "m", `key-${i}`);
  expect(breaker.allows("a", "m", "carol")).toBe(false);
});

test("nothing that one key does takes a request of another key from it", () => {
  const key = fc.constantFrom("mallory", "alice", "bob");
  const model = fc.constantFrom("m1", "m2", "");
  const event = fc.record({
    do: fc.constantFrom("failure", "failure", "failure", "success", "refusal", "allows"),
    key: fc.oneof({ weight: 4, arbitrary: fc.constant("mallory") }, { weight: 1, arbitrary: key }),
    model,
    waitMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2_500 })),
    times: fc.integer({ min: 1, max: 30 }),
  });
  const facts = { refusedMallory: 0, allowed: 0 };
  fc.assert(
    fc.property(fc.array(event, { maxLength: 80 }), (events) => {
      now = 5_000;
      const breaker = makeBreaker(clock);
      for (const each of events) {
        now += each.waitMs;
        const isMallory = each.key === "mallory";
        for (let i = 0; i < each.times; i++) {
          if (each.do === "success") breaker.success("a", each.model);
          else if (each.do === "refusal") breaker.refusal("a", each.model, each.key);
          // Requests of the others do well, so whatever is refused to them is mallory's doing.
          else if (each.do === "failure" && isMallory) breaker.failure("a", each.model, each.key);
          else {
            const isAllowed = breaker.allows("a", each.model, each.key);
            if (!isMallory) expect(isAllowed).toBe(true);
            facts[isAllowed ? "allowed" : "refusedMallory"] += 1;
          }
        }
      }
    }),
    { numRuns: 300 },
  );
  expect(facts.refusedMallory).toBeGreaterThan(100);
  expect(facts.allowed).toBeGreaterThan(100);
});

test("a key whose requests always fail does not keep a model from the others after an outage", () => {
  const breaker = makeBreaker(clock);
  fail(breaker, 30, ["mallory", "alice"]);
  let waitedMs = 0;
  // Mallory asks first at every moment; bob's request would be answered well.
  for (; waitedMs < 5_000; waitedMs += 100) {
    if (breaker.allows("a", "m", "mallory")) breaker.failure("a", "m", "mallory");
    if (breaker.allows("a", "m", "bob")) break;
    now += 100;
  }
  expect(waitedMs).toBeLessThanOrEqual(2_100);
});
