import { expect, test } from "bun:test";
import fc from "fast-check";
import { makeUsage, type Usage } from "../neutral/usage.ts";
import { type CostFacts, costOf } from "./cost.ts";
import { facts, listedPrice, usage } from "./fixtures/price-cases.ts";
import type { PricedModel } from "./price.ts";
import { type ListedPrice, priceOf } from "./price-list.ts";
import { INPUT_KINDS, OUTPUT_KINDS, RATE_KIND_NAMES } from "./rates.ts";
import { type CostLimits, mostNanoUsd } from "./reserve.ts";
import { type Tier, tierOfWord } from "./tier.ts";

const LIMITS: CostLimits = {
  inputTokens: 0,
  outputTokens: 0,
  webSearches: 0,
  tier: "standard",
  region: "",
  atMs: 0,
};

function priced(...listed: readonly ListedPrice[]): PricedModel {
  const prices = listed.map((price) => priceOf("test", price));
  return { provider: "test", model: "test", prices, disputes: [], filled: [] };
}

const most = (listed: ListedPrice, limits: Partial<CostLimits>): number | null =>
  mostNanoUsd(priced(listed), { ...LIMITS, ...limits });

test("each token counts as the dearest kind that it can be", () => {
  const listed = { rates: { input: 5, output: 25, cacheRead: 0.5, cacheWrite: 6.25, cacheWrite1h: 10 } };
  expect(most(listed, { inputTokens: 1000, outputTokens: 100 })).toBe(1000 * 10_000 + 100 * 25_000);
});

test("a step counts for prompts that are long enough, and a cheaper one never lowers the most", () => {
  const listed = { rates: { input: 2, output: 8 }, steps: [{ above: 1000, rates: { input: 1, output: 9 } }] };
  expect(most(listed, { inputTokens: 1000, outputTokens: 1 })).toBe(1000 * 2000 + 8000);
  expect(most(listed, { inputTokens: 1001, outputTokens: 1 })).toBe(1001 * 2000 + 8000);
  expect(most(listed, { inputTokens: 1001, outputTokens: 5000 })).toBe(1001 * 1000 + 5000 * 9000);
});

test("tiers: the one that is asked for, or any that a provider may choose", () => {
  const listed = {
    rates: { input: 2 },
    tiers: {
      flex: { rates: { input: 1 } },
      priority: { rates: { input: 4 } },
      fast: { rates: { input: 12 } },
    },
  };
  const of = (tier: Tier | null): number | null => most(listed, { inputTokens: 1, tier });
  expect([of("standard"), of("flex"), of("priority"), of("fast"), of("batch"), of(null)]).toEqual([
    2000, 2000, 4000, 12_000, 2000, 4000,
  ]);
});

test("regions: the factor of the one that is named, and the highest where none is", () => {
  const listed = { rates: { input: 1, webSearch: 10 }, uplifts: { us: 1.1, eu: 1.2, cheap: 0.5 } };
  const of = (region: string | null): number | null => most(listed, { inputTokens: 1000, region });
  expect([of("us"), of("cheap"), of("constructor"), of(null)]).toEqual([
    1_100_000, 1_000_000, 1_000_000, 1_200_000,
  ]);
  expect(most(listed, { webSearches: 2, region: "us" })).toBe(20_000_000);
});

test("the hours and the day of the request count", () => {
  const night = { from: "16:00", to: "00:00", rates: { input: 1 } };
  const listed = { rates: { input: 2 }, windows: [night] };
  expect(most(listed, { inputTokens: 1, atMs: Date.parse("2026-11-29T15:59:59Z") })).toBe(2000);
  expect(most(listed, { inputTokens: 1, atMs: Date.parse("2026-11-29T16:00:00Z") })).toBe(1000);
  const later = { ...listed, since: "2026-11-29" };
  expect(most(later, { inputTokens: 1, atMs: Date.parse("2026-11-28T23:59:59Z") })).toBeNull();
});

test("every kind of tokens is an input or an output", () => {
  const all = [...INPUT_KINDS, ...OUTPUT_KINDS, "webSearch", "searchRequest", "request"];
  expect(all.sort()).toEqual([...RATE_KIND_NAMES].sort());
});

/** Limits that a usage stays within. */
function limitsOf(used: Usage, { atMs, region }: CostFacts, tier: Tier | null, more: number): CostLimits {
  const sum = (...counts: readonly (number | null)[]): number =>
    counts.reduce<number>((total, count) => total + (count ?? 0), 0);
  return {
    inputTokens:
      more +
      (used.inputTokens ??
        sum(
          used.cacheReadTokens,
          used.cacheWriteTokens ?? used.cacheWrite1hTokens,
          used.inputAudioTokens,
          used.inputImageTokens,
        )),
    outputTokens:
      more + (used.outputTokens ?? sum(used.reasoningTokens, used.outputAudioTokens, used.outputImageTokens)),
    webSearches: more + sum(used.webSearches),
    tier,
    region,
    atMs,
  };
}

test("any usage within any limits costs at most the most", () => {
  fc.assert(
    fc.property(
      usage,
      listedPrice,
      facts,
      fc.nat(1000),
      fc.boolean(),
      (reported, listed, given, more, isAsked) => {
        const used = makeUsage(reported);
        const cost = costOf(used, priceOf("test", listed), given);
        fc.pre(cost !== null);
        const tier = given.tier ?? tierOfWord(used.serviceTier);
        // A fast reply needs a fast request; for an unknown word the standard rates hold.
        const asked = isAsked || tier === "fast" ? (tier ?? "standard") : null;
        const limits = limitsOf(used, given, asked, more);
        expect(mostNanoUsd(priced(listed), limits)).toBeGreaterThanOrEqual(cost.nanoUsd);
        expect(mostNanoUsd(priced(listed), { ...limits, region: null })).toBeGreaterThanOrEqual(cost.nanoUsd);
      },
    ),
  );
});
