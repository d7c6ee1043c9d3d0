import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type ObservedOrder, orderTargets, type TargetFacts, turnTaken } from "./order.ts";

const NOTHING: Omit<TargetFacts, "target"> = {
  credit: 0,
  inFlight: 0,
  firstByteMs: null,
  isOnTrial: false,
  costNanoUsd: null,
};

type Known = Partial<TargetFacts> & { readonly weight?: number };

/** Targets `a`, `b` and so on. */
function targets(facts: readonly Known[]): TargetFacts[] {
  return facts.map(({ weight, ...known }, i) => ({
    ...NOTHING,
    target: { upstream: "up", model: "abcdef".charAt(i), ...(weight === undefined ? {} : { weight }) },
    ...known,
  }));
}

function order(by: ObservedOrder, facts: readonly TargetFacts[]): string {
  return orderTargets(by, facts)
    .map(({ model }) => model)
    .join("");
}

test.each<[ObservedOrder, string, Known[], string]>([
  ["least-busy", "the fewest first", [{ inFlight: 3 }, { inFlight: 1 }, { inFlight: 2 }], "bca"],
  ["least-busy", "the given order where all are idle", [{}, {}, {}], "abc"],
  [
    "least-busy",
    "more for a heavier one",
    [
      { inFlight: 2, weight: 1 },
      { inFlight: 7, weight: 4 },
    ],
    "ba",
  ],
  ["least-busy", "an idle heavy one first", [{ weight: 1 }, { weight: 5 }], "ba"],
  ["fastest", "the soonest first", [{ firstByteMs: 900 }, { firstByteMs: 200 }, { firstByteMs: 500 }], "bca"],
  ["fastest", "the given order among equals", [{ firstByteMs: 105 }, { firstByteMs: 100 }], "ab"],
  ["fastest", "a cold one is tried", [{ firstByteMs: 10 }, {}], "ba"],
  ["fastest", "a cold one on trial is last", [{ isOnTrial: true }, { firstByteMs: 9_000 }], "ba"],
  ["fastest", "nothing known: the given order", [{}, {}, {}], "abc"],
  ["fastest", "all on trial: the given order", [{ isOnTrial: true }, { isOnTrial: true }], "ab"],
  ["cheapest", "the cheapest first", [{ costNanoUsd: 9 }, { costNanoUsd: 0 }, { costNanoUsd: 5 }], "bca"],
  ["cheapest", "the unpriced last", [{}, { costNanoUsd: 1e15 }, {}, { costNanoUsd: 7 }], "dbac"],
  ["cheapest", "the given order among equals", [{ costNanoUsd: 4 }, { costNanoUsd: 4 }], "ab"],
  ["weighted", "who has most to get", [{ credit: -2 }, { credit: 2 }, { credit: 0 }], "bca"],
])("%s: %s", (by, _, facts, expected) => {
  expect(order(by, targets(facts))).toBe(expected);
});

/** The first targets of so many requests. */
function turns(weights: readonly number[], requests: number): string {
  let facts = targets(weights.map((weight) => ({ weight })));
  let first = "";
  for (let i = 0; i < requests; i++) {
    const [chosen] = orderTargets("weighted", facts);
    if (chosen === undefined) throw new Error("no target");
    first += chosen.model;
    const credits = turnTaken(facts, chosen);
    facts = facts.map((one, at) => ({ ...one, credit: credits[at] ?? 0 }));
  }
  return first;
}

describe("weighted turns", () => {
  test.each<[number[], string]>([
    [[1, 1], "abab"],
    [[3, 1], "aabaaaba"],
    [[5, 1, 1], "aabacaa"],
    [[1, 2], "babbab"],
  ])("%j are spread evenly: %s", (weights, expected) => {
    expect(turns(weights, expected.length)).toBe(expected);
  });

  test("each target gets its weight of every round, whatever the weights are", () => {
    const weights = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(weights, fc.integer({ min: 1, max: 3 }), (list, rounds) => {
        const round = list.reduce((sum, weight) => sum + weight, 0);
        const first = turns(list, round * rounds);
        list.forEach((weight, i) => {
          expect(first.split("abcdef".charAt(i)).length - 1).toBe(weight * rounds);
        });
      }),
    );
  });
});

test("an order leaves no target out, and adds none", () => {
  const facts = fc.record({
    credit: fc.integer(),
    inFlight: fc.nat(1_000),
    firstByteMs: fc.option(fc.nat(100_000)),
    isOnTrial: fc.boolean(),
    costNanoUsd: fc.option(fc.nat()),
    weight: fc.integer({ min: 1, max: 1_000 }),
  });
  const by = fc.constantFrom<ObservedOrder>("weighted", "least-busy", "fastest", "cheapest");
  fc.assert(
    fc.property(by, fc.array(facts, { maxLength: 6 }), (one, list) => {
      const given = targets(list);
      expect([...order(one, given)].toSorted().join("")).toBe("abcdef".slice(0, list.length));
    }),
  );
});
