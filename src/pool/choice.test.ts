import { expect, test } from "bun:test";
import { freestOf, turnsOf } from "./choice.ts";
import { PoolUnderTest, requestsLeft, specOf } from "./fixtures/pool-under-test.ts";

test.each([
  ["nobody has room", [-1, -2], -1],
  ["one has room", [-1, 0.01], 1],
  ["the most room, by levels", [0.2, 0.3, 0.6], 2],
  ["of one level the first, whose turn it is", [0.3, 0.49, 0.26], 0],
  ["what is left at the end of a limit is room too", [0, -1], 0],
  ["nothing known is plenty", [0.4, 1], 1],
  ["nobody", [], -1],
])("%s", (_, shares, index) => {
  expect(freestOf(shares.map((freeShare) => ({ freeShare })))).toBe(index);
});

test.each([
  [
    [1, 1, 1],
    [0, 1, 2],
  ],
  [
    [7, 7],
    [0, 1],
  ],
  [
    [3, 1],
    [0, 0, 1, 0],
  ],
  [
    [1, 2, 4],
    [2, 1, 2, 0, 2, 1, 2],
  ],
  [[], []],
])("weights %j take turns %j", (weights, turns) => {
  expect(turnsOf(weights)).toEqual(turns);
});

/** Each row adds one rule, which decides before those of the rows above it. */
const ORDER: readonly (readonly [rule: string, change: (under: PoolUnderTest) => void, chosen: string])[] = [
  ["weight, then turn", () => undefined, "heavy"],
  ["headroom before weight", (under) => under.announce("heavy", null, requestsLeft(9)), "light"],
  ["priority before headroom", (under) => under.announce("light", null, requestsLeft(5)), "heavy"],
  [
    "eligible before priority",
    (under) => {
      for (const name of ["heavy", "light"]) {
        const lease = under.take({ stickyTo: `up/${name}` });
        under.pool.report(lease, "m", {
          class: "quota",
          untilMs: under.now + 60_000,
          scope: "credential",
          reason: "used up",
        });
      }
    },
    "spare",
  ],
];

test.each(ORDER.map((row, index) => [row[0], index] as const))("%s", (_, last) => {
  const under = new PoolUnderTest([
    specOf("light", { weight: 1 }),
    specOf("heavy", { weight: 3 }),
    specOf("spare", { priority: 1, weight: 100 }),
  ]);
  for (const [, change] of ORDER.slice(0, last + 1)) change(under);
  expect(under.serve()).toBe(ORDER[last]?.[2] as string);
});

test("of 400 requests each credential gets its part by weight", () => {
  const under = new PoolUnderTest([specOf("a"), specOf("b", { weight: 2 }), specOf("c", { weight: 5 })]);
  const served = Array.from({ length: 400 }, () => under.serve());
  expect(["a", "b", "c"].map((name) => served.filter((one) => one === name).length)).toEqual([50, 100, 250]);
});
