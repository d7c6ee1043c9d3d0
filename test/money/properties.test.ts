/** Money adds up: over calls, over halves of a usage, over rows in any grouping; and nothing is rounded twice. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { systemClock } from "../../src/core/clock.ts";
import { makeIds } from "../../src/core/ids.ts";
import { sampleRow } from "../../src/ledger/fixtures/row.ts";
import { firstKey, printId, RequestIds } from "../../src/ledger/request-ids.ts";
import { RollUp } from "../../src/ledger/roll-up/roll-up.ts";
import { DIMENSIONS } from "../../src/ledger/roll-up/views.ts";
import type { LedgerRow } from "../../src/ledger/row.ts";
import { openStore } from "../../src/ledger/store-file.ts";
import { PERIODS } from "../../src/ledger/usage/periods.ts";
import { readUsage } from "../../src/ledger/usage/read-usage.ts";
import { ALL_USAGE } from "../../src/ledger/usage/usage-query.ts";
import { makeLedgerWriter } from "../../src/ledger/writer.ts";
import { addUsage, makeUsage, USAGE_KIND_NAMES, type Usage } from "../../src/neutral/usage.ts";
import { type AnswerCost, addCosts, costOfAnswer } from "../../src/prices/answer-cost.ts";
import { costOf } from "../../src/prices/cost.ts";
import { costParts } from "../../src/prices/fixtures/cost-parts.ts";
import { facts, listedPrice, rates, usage } from "../../src/prices/fixtures/price-cases.ts";
import { PriceBook } from "../../src/prices/price-book.ts";
import { type ListedPrice, NO_PRICES, priceOf } from "../../src/prices/price-list.ts";
import type { Sql } from "../../src/store/sql.ts";
import { IS_FULL } from "../kit/gateway.ts";

const HALF_ATTO = 500_000_000n;
const ATTO_A_NANO = 1_000_000_000n;

const nano = fc.oneof(
  { weight: 4, arbitrary: fc.nat(1000) },
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 10_000_000_000 }) },
  { weight: 1, arbitrary: fc.maxSafeNat() },
);
const cost: fc.Arbitrary<AnswerCost | null> = fc
  .constantFrom("unused", "unpriced", "priced")
  .chain((kind) => {
    if (kind === "unused") return fc.constant(null);
    if (kind === "unpriced")
      return fc.constant<AnswerCost>({ nanoUsd: null, priceVersion: null, gaps: ["price"] });
    return fc.record<AnswerCost>({
      nanoUsd: nano,
      priceVersion: fc.constantFrom("a/x#1", "b/y#2"),
      gaps: fc.constantFrom<AnswerCost["gaps"]>([], ["tier"], ["output", "tier"]),
    });
  });

/** Counts of kinds that do not overlap, so that any part of them is a usage. */
const buckets = fc.array(fc.nat(1_000_000_000), { minLength: 10, maxLength: 10 });

/** The usage of such counts. */
function usageOf(counts: readonly number[]): Usage {
  const [
    fresh = 0,
    read = 0,
    written = 0,
    hour = 0,
    audio = 0,
    output = 0,
    thought = 0,
    speech = 0,
    image = 0,
    found = 0,
  ] = counts;
  return makeUsage({
    inputTokens: fresh + read + written + hour + audio,
    cacheReadTokens: read,
    cacheWriteTokens: written + hour,
    cacheWrite1hTokens: hour,
    // Audio that was not read from the cache needs room beside the rest of the input.
    inputAudioTokens: audio,
    outputTokens: output + thought + speech + image,
    reasoningTokens: thought,
    outputAudioTokens: speech,
    outputImageTokens: image,
    webSearches: found,
  });
}

const attoOf = (used: Usage, listed: ListedPrice): bigint =>
  costParts(used, priceOf("test", listed), { atMs: 0, tier: "standard", region: null }).reduce(
    (sum, { attoUsd }) => sum + attoUsd,
    0n,
  );

describe("calls", () => {
  test("any grouping of calls has the same sum, gaps and all", () => {
    fc.assert(
      fc.property(
        fc.array(cost, { maxLength: 12 }),
        fc.array(fc.nat(3), { minLength: 12, maxLength: 12 }),
        (all, groups) => {
          const sum = (some: readonly (AnswerCost | null)[]): AnswerCost | null =>
            some.reduce<AnswerCost | null>((total, one) => addCosts(total, one), null);
          const parts = [0, 1, 2, 3].map((group) => sum(all.filter((_, i) => groups[i] === group)));
          const [whole, grouped] = [sum(all), sum(parts)];
          expect(grouped?.nanoUsd ?? null).toBe(whole?.nanoUsd ?? null);
          expect([...(grouped?.gaps ?? [])].sort()).toEqual([...(whole?.gaps ?? [])].sort());
          const exact = all.reduce((total, one) => total + BigInt(one?.nanoUsd ?? 0), 0n);
          const isPriced = all.some((one) => one !== null && one.nanoUsd !== null);
          const capped = exact < 2n ** 53n - 1n ? exact : 2n ** 53n - 1n;
          expect(whole?.nanoUsd ?? null).toBe(isPriced ? Number(capped) : null);
        },
      ),
    );
  });

  test("an answer of several parts costs what its parts cost, each rounded by itself", () => {
    fc.assert(
      fc.property(fc.array(usage, { minLength: 1, maxLength: 5 }), listedPrice, (parts, listed) => {
        const book = new PriceBook(NO_PRICES, [{ upstream: null, model: "m", prices: [listed] }]);
        const target = { upstream: "up", place: null, modelUsed: "m" };
        const known = parts.map((part) => makeUsage(part));
        const total = known.reduce(addUsage);
        const found = costOfAnswer(book, target, { usage: total, partUsages: known, model: null }, 0);
        const costs = known.map(
          (part) =>
            costOf(part, priceOf("x", listed), { atMs: 0, tier: null, region: part.region })?.nanoUsd ?? null,
        );
        const priced = costs.filter((cost) => cost !== null);
        const exact = priced.reduce((sum, cost) => sum + BigInt(cost), 0n);
        const capped = exact < 2n ** 53n - 1n ? exact : 2n ** 53n - 1n;
        expect(found?.nanoUsd ?? null).toBe(priced.length === 0 ? null : Number(capped));
      }),
    );
  });
});

describe("usage", () => {
  test("two halves add up to the whole, kind by kind, and cost as much before they are rounded", () => {
    fc.assert(
      fc.property(buckets, buckets, rates, (one, other, invented) => {
        const whole = usageOf(one.map((count, i) => count + (other[i] ?? 0)));
        const sum = addUsage(usageOf(one), usageOf(other));
        for (const kind of USAGE_KIND_NAMES) expect([kind, sum[kind]]).toEqual([kind, whole[kind]]);
        const { request: _, searchRequest: __, ...linear } = invented;
        const listed: ListedPrice = { rates: linear };
        expect(attoOf(usageOf(one), listed) + attoOf(usageOf(other), listed)).toBe(attoOf(whole, listed));
      }),
    );
  });

  test("a cost is the exact sum of its parts, rounded once, half up", () => {
    fc.assert(
      fc.property(usage, listedPrice, facts, (reported, listed, given) => {
        const price = priceOf("test", listed);
        const cost = costOf(reported, price, given);
        fc.pre(cost !== null);
        const exact = costParts(reported, price, given).reduce((sum, { attoUsd }) => sum + attoUsd, 0n);
        const rounded = (exact + HALF_ATTO) / ATTO_A_NANO;
        expect(BigInt(cost.nanoUsd)).toBe(rounded < 2n ** 53n - 1n ? rounded : 2n ** 53n - 1n);
      }),
    );
  });

  test("a price has one name, however it is written, and another one when anything in it changes", () => {
    fc.assert(
      fc.property(listedPrice, listedPrice, (one, other) => {
        const reversed = JSON.parse(
          JSON.stringify(one, (_, value: unknown) =>
            value !== null && typeof value === "object" && !Array.isArray(value)
              ? Object.fromEntries(Object.entries(value).reverse())
              : value,
          ),
        );
        expect(priceOf("m", reversed).version).toBe(priceOf("m", one).version);
        const { version: oneName, ...oneContent } = priceOf("m", one);
        const { version: otherName, ...otherContent } = priceOf("m", other);
        expect(oneName === otherName).toBe(JSON.stringify(oneContent) === JSON.stringify(otherContent));
      }),
    );
  });
});

describe("rows", () => {
  const HOUR_MS = 3_600_000;
  const START_MS = Date.UTC(2026, 9, 20);
  const ROWS = IS_FULL ? 10_000 : 1000;
  let folder = "";
  let sql: Sql;
  let rows: readonly LedgerRow[] = [];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "clewline-money-"));
    sql = openStore(folder);
    const number = String(sql.prepare("SELECT number FROM identity").get()?.number);
    const text = (...values: string[]): fc.Arbitrary<string> => fc.constantFrom(...values);
    const row = fc.record<Partial<LedgerRow>>({
      key: text("ann", "bob", "ci"),
      team: fc.option(text("research", "shop"), { nil: null }),
      modelUsed: text("gpt-5", "claude-opus-5", "qwen"),
      upstream: text("one", "two"),
      credential: text("main", "spare"),
      endpoint: fc.oneof(
        { weight: 9, arbitrary: text("chat.completions", "messages") },
        { weight: 1, arbitrary: text("lost", "correction") },
      ),
      endUser: fc.option(text("u1", "u2"), { nil: null }),
      tags: fc.option(text('["a"]', '["b"]'), { nil: null }),
      costNanoUsd: fc.option(
        fc.oneof(
          nano,
          nano.map((cost) => -cost),
        ),
        { nil: null },
      ),
    });
    rows = fc.sample(row, ROWS).map((change, i) => {
      const atMs = START_MS + Math.floor((i * 240 * HOUR_MS) / ROWS);
      return sampleRow({ id: printId(firstKey(atMs) + (i % 4096), number), atMs, ...change });
    });
    makeLedgerWriter(sql, new RequestIds(makeIds()), systemClock).write(rows, 0, rows.length, []);
  });
  afterAll(() => {
    sql.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function expectSums(): void {
    const exact = rows.reduce((sum, { costNanoUsd }) => sum + BigInt(costNanoUsd ?? 0), 0n);
    for (const period of [null, ...PERIODS])
      for (const one of [null, ...DIMENSIONS])
        for (const other of [null, ...DIMENSIONS]) {
          const by = [one, other].filter((dimension) => dimension !== null);
          if (one !== null && one === other) continue;
          const { groups } = readUsage(sql, { ...ALL_USAGE, by, period, timeZone: "Europe/Berlin" });
          const sum = groups.reduce((total, { costNanoUsd }) => total + (costNanoUsd ?? 0n), 0n);
          expect([by, period, sum]).toEqual([by, period, exact]);
        }
  }

  test("the sum over any grouping is the sum of the rows, from the rows alone", expectSums, 120_000);

  test("and from sums by the hour and the day, half way and at the end", () => {
    const rollUp = new RollUp(sql);
    while (rollUp.step(500, START_MS + 120 * HOUR_MS).isBehind);
    expectSums();
    while (rollUp.step(500, START_MS + 1000 * HOUR_MS).isBehind);
    expectSums();
  }, 240_000);
});
