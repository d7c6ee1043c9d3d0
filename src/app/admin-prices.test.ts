import { expect, test } from "bun:test";
import { sampleRow } from "../ledger/fixtures/row.ts";
import type { LedgerRow } from "../ledger/row.ts";
import { makeUsage } from "../neutral/usage.ts";
import { costOfAnswer } from "../prices/answer-cost.ts";
import type { PriceList } from "../prices/price-list.ts";
import { configUnderTest } from "../proxy/fixtures/gateway-under-test.ts";
import { makeSnapshot } from "../snapshot.ts";
import { linesOfRow, priceOfTarget } from "./admin-prices.ts";

const DAY_MS = 86_400_000;
const NOON_MS = DAY_MS / 2;
const SINCE = Date.parse("2026-03-13");
const LIST: PriceList = {
  format: 1,
  version: "2026-11-29",
  sources: [],
  providers: [
    {
      id: "maker",
      name: "Maker",
      addresses: ["api.maker.test", "eu.api.maker.test"],
      models: [
        {
          id: "whole",
          names: ["whole"],
          prices: [
            { rates: { input: 1, output: 4 } },
            {
              since: "2026-03-13",
              rates: { input: 3, output: 15, cacheRead: 0.3, webSearch: 10 },
              steps: [{ above: 200_000, rates: { input: 6 } }],
              windows: [{ from: "16:30", to: "00:30", rates: { input: 2 } }],
              uplifts: { eu: 1.1 },
            },
          ],
        },
        { id: "asked-only", names: ["reported-name"], prices: [{ rates: { input: 1, output: 1 } }] },
        { id: "free", names: ["free"], prices: [{ rates: { input: 0, output: 0 } }] },
        { id: "half", names: ["half"], prices: [{ rates: { input: 1 } }] },
      ],
    },
  ],
};
const snapshot = makeSnapshot(
  configUnderTest({
    upstreams: [
      { name: "up", family: "openai", baseUrl: "https://api.maker.test/v1" },
      { name: "other", family: "openai", baseUrl: "https://nobody.test/v1" },
    ],
  }),
  { prices: LIST },
);

/** A row as the gateway would write it: with the cost of its usage. */
function rowWith(usage: Parameters<typeof makeUsage>[0], change: Partial<LedgerRow> = {}): LedgerRow {
  const row = sampleRow({
    id: "01K00000000000000000000000",
    atMs: SINCE + NOON_MS,
    upstream: "up",
    modelUsed: "whole",
    modelReported: null,
    ...change,
    usage: makeUsage(usage),
  });
  const place = snapshot.upstreams.get(row.upstream ?? "")?.place ?? null;
  const cost = costOfAnswer(
    snapshot.prices,
    { upstream: row.upstream, place, modelUsed: row.modelUsed },
    { usage: row.usage, model: row.modelReported },
    row.atMs,
  );
  return { ...row, costNanoUsd: cost?.nanoUsd ?? null };
}

test("a target's price is that of its day and its hour, in nano-dollars a million tokens", () => {
  expect(priceOfTarget(snapshot, "up", "whole", SINCE - 1)).toMatchObject({
    input: 1_000_000_000,
    output: 4_000_000_000,
    cacheRead: null,
    cacheWrite: null,
  });
  const now = priceOfTarget(snapshot, "up", "whole", SINCE + NOON_MS);
  expect(now).toMatchObject({ input: 3_000_000_000, output: 15_000_000_000, cacheRead: 300_000_000 });
  expect(now?.version).toStartWith("maker/whole@2026-03-13#");
  expect(priceOfTarget(snapshot, "up", "whole", SINCE + DAY_MS - 1)).toMatchObject({ input: 2_000_000_000 });
  expect(priceOfTarget(snapshot, "up", "no-such-model", SINCE)).toBeNull();
  expect(priceOfTarget(snapshot, "other", "whole", SINCE)).toBeNull();
  expect(priceOfTarget(snapshot, "no-such-upstream", "whole", SINCE)).toBeNull();
});

test("the lines of a bill say what was used, at which rate, and add up to the cost of the row", () => {
  const row = rowWith({ inputTokens: 1_000, cacheReadTokens: 400, outputTokens: 50, webSearches: 2 });
  const lines = linesOfRow(snapshot, row);
  expect(lines).toEqual([
    { label: "input", units: 600, rateNanoUsd: 3_000_000_000, per: "million tokens", nanoUsd: 1_800_000 },
    { label: "cache read", units: 400, rateNanoUsd: 300_000_000, per: "million tokens", nanoUsd: 120_000 },
    { label: "output", units: 50, rateNanoUsd: 15_000_000_000, per: "million tokens", nanoUsd: 750_000 },
    {
      label: "web search",
      units: 2,
      rateNanoUsd: 10_000_000_000,
      per: "thousand calls",
      nanoUsd: 20_000_000,
    },
  ]);
  expect(lines?.reduce((sum, { nanoUsd }) => sum + (nanoUsd ?? 0), 0)).toBe(row.costNanoUsd ?? -1);
});

test("a long prompt is billed at the rates of its step, and a region at its uplift", () => {
  expect(linesOfRow(snapshot, rowWith({ inputTokens: 300_000, outputTokens: 1 }))?.[0]).toMatchObject({
    rateNanoUsd: 6_000_000_000,
    nanoUsd: 1_800_000_000,
  });
  const regional = rowWith({ inputTokens: 1_000, outputTokens: 0, region: "eu" });
  expect(regional.costNanoUsd).toBe(3_300_000);
  expect(linesOfRow(snapshot, regional)?.[0]).toMatchObject({
    rateNanoUsd: 3_300_000_000,
    nanoUsd: 3_300_000,
  });
});

test("the model that answered is looked up where the one that was asked for has no price", () => {
  const row = rowWith(
    { inputTokens: 10, outputTokens: 0 },
    { modelUsed: "a-deployment", modelReported: "reported-name" },
  );
  expect(row.costNanoUsd).toBe(10_000);
  expect(linesOfRow(snapshot, row)).toMatchObject([{ label: "input", units: 10 }]);
});

test("a line without a rate has no amount, and a free model has lines of 0", () => {
  expect(
    linesOfRow(snapshot, rowWith({ inputTokens: 10, outputTokens: 7 }, { modelUsed: "half" })),
  ).toMatchObject([
    { label: "input", nanoUsd: 10_000 },
    { label: "output", units: 7, rateNanoUsd: null, nanoUsd: null },
  ]);
  expect(
    linesOfRow(snapshot, rowWith({ inputTokens: 10, outputTokens: 7 }, { modelUsed: "free" })),
  ).toMatchObject([
    { rateNanoUsd: 0, nanoUsd: 0 },
    { rateNanoUsd: 0, nanoUsd: 0 },
  ]);
});

test("no lines are shown that would not be the bill of the row", () => {
  const row = rowWith({ inputTokens: 1_000, outputTokens: 50 });
  const none: readonly Partial<LedgerRow>[] = [
    // Another price was in force, or several calls were billed one by one.
    { costNanoUsd: (row.costNanoUsd ?? 0) + 1 },
    { costNanoUsd: null },
    { upstream: null },
    { upstream: "other" },
    { modelUsed: null, modelReported: null },
    { modelUsed: "no-such-model" },
    { usage: makeUsage({}) },
  ];
  for (const change of none)
    expect([change, linesOfRow(snapshot, { ...row, ...change })]).toEqual([change, null]);
  expect(linesOfRow(snapshot, row)).not.toBeNull();
});
