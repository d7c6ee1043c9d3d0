import { expect, test } from "bun:test";
import fc from "fast-check";
import { makeUsage, NO_USAGE, type Usage } from "../neutral/usage.ts";
import { type CostFacts, costOf } from "./cost.ts";
import { costParts } from "./fixtures/cost-parts.ts";
import { facts, listedPrice, rates, usage } from "./fixtures/price-cases.ts";
import type { Price } from "./price.ts";
import { type ListedPrice, priceOf } from "./price-list.ts";
import { RATE_KIND_NAMES, RATE_KINDS } from "./rates.ts";

const FACTS: CostFacts = { atMs: 0, tier: null, region: null };
const made = (listed: ListedPrice): Price => priceOf("test", listed);
const nano = (
  usage: Partial<Usage>,
  listed: ListedPrice,
  facts: Partial<CostFacts> = {},
): number | undefined => costOf(makeUsage(usage), made(listed), { ...FACTS, ...facts })?.nanoUsd;

test("an unknown usage has no cost, which is not a cost of 0", () => {
  expect(costOf(NO_USAGE, made({ rates: { input: 1, output: 1 } }), FACTS)).toBeNull();
  expect(nano({ inputTokens: 0, outputTokens: 0 }, { rates: { input: 1, output: 1 } })).toBe(0);
  expect(nano({ inputTokens: 7 }, { rates: { input: 1, output: 1 } })).toBe(7000);
});

test("a request is rounded once, half up", () => {
  // 0.5 nano-dollars a token
  const listed: ListedPrice = { rates: { input: 0.0005, output: 0.0005 } };
  expect(nano({ inputTokens: 1 }, listed)).toBe(1);
  expect(nano({ inputTokens: 1, outputTokens: 1 }, listed)).toBe(1);
  expect(nano({ inputTokens: 2, outputTokens: 1 }, listed)).toBe(2);
  expect(nano({ inputTokens: 1 }, { rates: { input: 0.000499999 } })).toBe(0);
});

test("each token counts once, in its most special kind", () => {
  const { searchRequest: _, ...rates } = Object.fromEntries(
    RATE_KIND_NAMES.map((kind, index) => [kind, 2 ** index / 1000]),
  );
  const usage = makeUsage({
    inputTokens: 1000,
    cacheReadTokens: 200,
    cacheWriteTokens: 300,
    cacheWrite1hTokens: 100,
    inputAudioTokens: 50,
    inputImageTokens: 60,
    outputTokens: 100,
    reasoningTokens: 40,
    outputAudioTokens: 20,
    outputImageTokens: 10,
    webSearches: 3,
  });
  const parts = costParts(usage, made({ rates }), FACTS);
  expect(Object.fromEntries(parts.map(({ kind, units }) => [kind, units]))).toEqual({
    input: 390,
    cacheRead: 200,
    cacheWrite: 200,
    cacheWrite1h: 100,
    inputAudio: 50,
    inputImage: 60,
    output: 30,
    reasoning: 40,
    outputAudio: 20,
    outputImage: 10,
    webSearch: 3,
    request: 1,
  });
});

test("audio and images that do not fit into the rest of the input were read from the cache", () => {
  const usage = makeUsage({
    inputTokens: 100,
    cacheReadTokens: 90,
    inputAudioTokens: 50,
    inputImageTokens: 20,
    outputTokens: 0,
  });
  const parts = costParts(usage, made({ rates: { input: 1, output: 1 } }), FACTS);
  expect(parts.map(({ kind, units }) => [kind, units])).toEqual([
    ["cacheRead", 30],
    ["inputAudio", 10],
    ["cacheReadAudio", 40],
    ["cacheReadImage", 20],
  ]);
});

test("audio and images of the cache are counted as the usage says", () => {
  const usage = makeUsage({
    inputTokens: 100,
    cacheReadTokens: 40,
    cacheReadAudioTokens: 10,
    cacheReadImageTokens: 20,
    inputAudioTokens: 25,
    inputImageTokens: 20,
    outputTokens: 0,
  });
  const parts = costParts(usage, made({ rates: { input: 1, output: 1 } }), FACTS);
  expect(parts.map(({ kind, units }) => [kind, units])).toEqual([
    ["input", 45],
    ["cacheRead", 10],
    ["inputAudio", 15],
    ["cacheReadAudio", 10],
    ["cacheReadImage", 20],
  ]);
});

test("a kind without a rate is charged as the kind that it is a part of, and named when there is none", () => {
  const usage = { inputTokens: 10, cacheReadTokens: 10, outputTokens: 5, reasoningTokens: 5, webSearches: 1 };
  const cost = costOf(makeUsage(usage), made({ rates: { input: 1, output: 2 } }), FACTS);
  expect(cost).toMatchObject({ nanoUsd: 10 * 1000 + 5 * 2000, gaps: ["webSearch"] });
  expect(costOf(makeUsage(usage), made({ rates: { input: 1, webSearch: 10 } }), FACTS)).toMatchObject({
    nanoUsd: 10 * 1000 + 10_000_000,
    gaps: ["reasoning"],
  });
});

test("a price by the request that searches does not count the searches", () => {
  const listed: ListedPrice = { rates: { input: 1, webSearch: 10, searchRequest: 35 } };
  expect([null, 0, 1, 4].map((webSearches) => nano({ inputTokens: 0, webSearches }, listed))).toEqual([
    0, 0, 35_000_000, 35_000_000,
  ]);
});

test("a price by the request holds its searches, unless they have a price too", () => {
  const cost = (listed: ListedPrice) =>
    costOf(makeUsage({ inputTokens: 0, webSearches: 3 }), made(listed), FACTS);
  expect(cost({ rates: { input: 1, request: 12 } })).toEqual({ nanoUsd: 12_000_000, gaps: [] });
  expect(cost({ rates: { input: 1, request: 12, webSearch: 5 } })?.nanoUsd).toBe(27_000_000);
});

test("tiers: the reply's word decides unless the request was a batch; a tier without rates is a gap", () => {
  const listed: ListedPrice = {
    rates: { input: 4 },
    tiers: { batch: { rates: { input: 2 } }, flex: { rates: { input: 1 } } },
  };
  const cost = (serviceTier: string | null, tier: CostFacts["tier"] = null) => {
    const result = costOf(makeUsage({ inputTokens: 1000, serviceTier }), made(listed), { ...FACTS, tier });
    return [result?.nanoUsd, result?.gaps];
  };
  expect(cost(null)).toEqual([4_000_000, []]);
  expect(cost("default")).toEqual([4_000_000, []]);
  expect(cost("STANDARD")).toEqual([4_000_000, []]);
  expect(cost("ON_DEMAND")).toEqual([4_000_000, []]);
  expect(cost("flex")).toEqual([1_000_000, []]);
  expect(cost("ON_DEMAND_FLEX")).toEqual([1_000_000, []]);
  expect(cost("flex", "batch")).toEqual([2_000_000, []]);
  expect(cost("batch", "standard")).toEqual([4_000_000, []]);
  expect(cost("priority")).toEqual([4_000_000, ["tier"]]);
  expect(cost("PROVISIONED_THROUGHPUT")).toEqual([4_000_000, ["tier"]]);
});

test("a cost beyond what a number holds is the highest one", () => {
  expect(nano({ inputTokens: 2 ** 50 }, { rates: { input: 9000 } })).toBe(Number.MAX_SAFE_INTEGER);
});

test("a count that is too large to be exact is no count", () => {
  expect(nano({ inputTokens: 2 ** 50 + 1 }, { rates: { input: 1 } })).toBeUndefined();
  expect(nano({ inputTokens: 1, webSearches: 1e300 }, { rates: { input: 1 } })).toBeUndefined();
});

test("an unknown whole is long when its known parts are", () => {
  const listed: ListedPrice = {
    rates: { output: 1, cacheRead: 1 },
    steps: [{ above: 100, rates: { cacheRead: 2 } }],
  };
  expect(nano({ cacheReadTokens: 100, outputTokens: 0 }, listed)).toBe(100 * 1000);
  expect(nano({ cacheReadTokens: 101, outputTokens: 0 }, listed)).toBe(101 * 2000);
});

test("a region that is named like a member of every object has no factor", () => {
  const listed: ListedPrice = { rates: { input: 1 }, uplifts: { us: 2 } };
  for (const region of ["constructor", "toString", "__proto__", "hasOwnProperty", "eu", ""])
    expect([region, nano({ inputTokens: 5 }, listed, { region })]).toEqual([region, 5000]);
  expect(nano({ inputTokens: 5 }, listed, { region: "us" })).toBe(10_000);
});

test("counts that no provider can mean cost nothing, never NaN and never less than nothing", () => {
  const listed: ListedPrice = { rates: { input: 1, output: 1, webSearch: 1 } };
  for (const count of [
    Number.NaN,
    Number.POSITIVE_INFINITY,
    -1,
    -0,
    -(2 ** 53),
    Number.NEGATIVE_INFINITY,
    0.9,
  ])
    expect([count, nano({ inputTokens: 1, outputTokens: count, webSearches: count }, listed)]).toEqual([
      count,
      1000,
    ]);
  for (const count of [2 ** 50 + 1, 2 ** 53, 2 ** 53 + 2, Number.MAX_VALUE])
    expect([count, nano({ inputTokens: 1, outputTokens: count }, listed)]).toEqual([count, undefined]);
});

test("any usage at any price: a whole number, never NaN, and the sum of its parts rounded once", () => {
  fc.assert(
    fc.property(usage, listedPrice, facts, (reported, listed, given) => {
      const cost = costOf(reported, made(listed), given);
      if (cost === null) return;
      expect(Number.isSafeInteger(cost.nanoUsd)).toBe(true);
      const parts = costParts(reported, made(listed), given);
      expect(parts.every(({ units, attoUsd }) => units > 0 && attoUsd >= 0n)).toBe(true);
      expect(cost.nanoUsd).toBeGreaterThanOrEqual(0);
      const sum = parts.reduce((total, { attoUsd }) => total + attoUsd, 0n);
      const rounded = (2n * sum + 1_000_000_000n) / 2_000_000_000n;
      expect(cost.nanoUsd).toBe(Number(rounded < 2n ** 53n - 1n ? rounded : 2n ** 53n - 1n));
    }),
  );
});

test("any usage: the tokens of the parts are all tokens, each once", () => {
  fc.assert(
    fc.property(usage, listedPrice, facts, (reported, listed, given) => {
      const all = { ...listed, rates: { input: 1, output: 1, webSearch: 1, ...listed.rates }, tiers: {} };
      fc.pre(costOf(reported, made(all), given) !== null);
      const tokens = costParts(reported, made(all), given)
        .filter(({ kind }) => RATE_KINDS[kind].per === "million tokens")
        .reduce((total, { units }) => total + BigInt(units), 0n);
      const known = makeUsage(reported);
      fc.pre(known.inputTokens !== null && known.outputTokens !== null);
      expect(tokens).toBe(BigInt(known.inputTokens ?? 0) + BigInt(known.outputTokens ?? 0));
    }),
  );
});

test("any usage: more output, more input or more searches never cost less", () => {
  fc.assert(
    fc.property(
      usage,
      listedPrice,
      facts,
      fc.constantFrom("inputTokens" as const, "outputTokens" as const, "webSearches" as const),
      fc.integer({ min: 1, max: 1_000_000 }),
      (reported, listed, given, kind, more) => {
        const before = makeUsage(reported);
        fc.pre(before.inputTokens !== null && before.outputTokens !== null);
        const after = makeUsage({ ...before, [kind]: (before[kind] ?? 0) + more });
        // Audio or images of the cache would become fresh ones, which may be cheaper in an invented price.
        fc.pre(
          kind !== "inputTokens" || (before.inputAudioTokens === null && before.inputImageTokens === null),
        );
        const price = made(listed);
        fc.pre(costOf(after, price, given) !== null);
        expect(costOf(after, price, given)?.nanoUsd ?? 0).toBeGreaterThanOrEqual(
          costOf(before, price, given)?.nanoUsd ?? 0,
        );
      },
    ),
  );
});

test("any usage: the cost is that of the fractions of its rates", () => {
  fc.assert(
    fc.property(usage, rates, (reported, invented) => {
      const known = makeUsage({
        ...reported,
        cacheReadAudioTokens: null,
        cacheReadImageTokens: null,
        inputAudioTokens: null,
        inputImageTokens: null,
        outputAudioTokens: null,
        outputImageTokens: null,
        serviceTier: null,
      });
      fc.pre(known.inputTokens !== null && known.outputTokens !== null);
      const { searchRequest: _, ...bySearch } = invented;
      const own = {
        input: 1,
        cacheRead: 1,
        cacheWrite: 1,
        cacheWrite1h: 1,
        output: 1,
        reasoning: 1,
        webSearch: 1,
        ...bySearch,
      };
      const big = (value: number | null): bigint => BigInt(value ?? 0);
      const micro = (kind: keyof typeof own): bigint => BigInt(Math.round((own[kind] ?? 0) * 1e6));
      const written1h = big(known.cacheWrite1hTokens);
      const written = known.cacheWriteTokens === null ? written1h : big(known.cacheWriteTokens);
      const fresh = big(known.inputTokens) - big(known.cacheReadTokens) - written;
      // In millionths of a dollar for a million tokens: a thousandth of a nano-dollar.
      const tokens =
        fresh * micro("input") +
        big(known.cacheReadTokens) * micro("cacheRead") +
        (written - written1h) * micro("cacheWrite") +
        written1h * micro("cacheWrite1h") +
        (big(known.outputTokens) - big(known.reasoningTokens)) * micro("output") +
        big(known.reasoningTokens) * micro("reasoning");
      const calls =
        big(known.webSearches) * micro("webSearch") + ("request" in own ? micro("request" as "input") : 0n);
      const exact = tokens + calls * 1000n;
      const nanoUsd = (exact + 500n) / 1000n;
      fc.pre(nanoUsd < 2n ** 53n - 1n && costOf(known, made({ rates: own }), FACTS) !== null);
      expect(costOf(known, made({ rates: own }), FACTS)?.nanoUsd).toBe(Number(nanoUsd));
    }),
  );
});
