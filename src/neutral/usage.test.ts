import { expect, test } from "bun:test";
import fc from "fast-check";
import { PROPERTY_RUNS } from "../../test/kit/arbitraries.ts";
import {
  addUsage,
  makeUsage,
  NO_USAGE,
  USAGE_KIND_NAMES,
  USAGE_KINDS,
  type Usage,
  type UsageKind,
  type UsageKindTraits,
} from "./usage.ts";

function usageOf(count: fc.Arbitrary<number | null>): fc.Arbitrary<Usage> {
  return fc.record(Object.fromEntries(USAGE_KIND_NAMES.map((kind) => [kind, count]))) as fc.Arbitrary<Usage>;
}

/** The highest count that a kind can have beside the others of `usage`, by the table; null: none is known. */
function boundOf(kind: UsageKind, usage: Usage): number | null {
  const traits: UsageKindTraits = USAGE_KINDS[kind];
  if (traits.partOf === null) return null;
  const whole = usage[traits.partOf as UsageKind] ?? boundOf(traits.partOf as UsageKind, usage);
  if (whole === null || traits.after === undefined) return whole;
  return whole - (usage[traits.after as UsageKind] ?? 0);
}

test("H-149 impossible counts are brought into the bounds that the table of kinds gives", () => {
  fc.assert(
    fc.property(usageOf(fc.oneof(fc.integer(), fc.double(), fc.constant(null))), (raw) => {
      const usage = makeUsage(raw);
      expect(Object.keys(usage)).toEqual([...USAGE_KIND_NAMES, "serviceTier", "region"]);
      for (const kind of USAGE_KIND_NAMES) {
        const given = raw[kind];
        const bound = boundOf(kind, usage) ?? Number.POSITIVE_INFINITY;
        const possible =
          given === null || !Number.isFinite(given) ? null : Math.min(Math.max(0, Math.trunc(given)), bound);
        expect(usage[kind]).toBe(possible);
        expect(bound).toBeGreaterThanOrEqual(0);
      }
      expect(makeUsage(usage)).toEqual(usage);
    }),
    { numRuns: PROPERTY_RUNS },
  );
});

test("usage adds up kind by kind, and a kind that only one side knows is kept", () => {
  const usage = usageOf(fc.option(fc.integer({ min: 0, max: 1e12 }), { nil: null })).map(makeUsage);
  fc.assert(
    fc.property(usage, usage, (one, other) => {
      const sum = addUsage(one, other);
      expect(sum).toEqual(addUsage(other, one));
      for (const kind of USAGE_KIND_NAMES) {
        const known = [one[kind], other[kind]].filter((given) => given !== null);
        const bound = boundOf(kind, sum) ?? Number.POSITIVE_INFINITY;
        expect(sum[kind]).toBe(
          known.length === 0
            ? null
            : Math.min(
                bound,
                known.reduce((a, b) => a + b),
              ),
        );
      }
      expect(makeUsage(sum)).toEqual(sum);
    }),
  );
});

test("what is unknown stays unknown", () => {
  expect(makeUsage(NO_USAGE)).toEqual(NO_USAGE);
  expect(makeUsage({ ...NO_USAGE, reasoningTokens: 5 })).toEqual({ ...NO_USAGE, reasoningTokens: 5 });
});

test("a sum has the later tier and the later region that are known", () => {
  const flex = { ...NO_USAGE, serviceTier: "flex" };
  expect(addUsage(flex, { ...NO_USAGE, serviceTier: "default" }).serviceTier).toBe("default");
  expect(addUsage(flex, NO_USAGE).serviceTier).toBe("flex");
  const us = { ...NO_USAGE, region: "us" };
  expect(addUsage(us, { ...NO_USAGE, region: "global" }).region).toBe("global");
  expect(addUsage(us, NO_USAGE).region).toBe("us");
});
