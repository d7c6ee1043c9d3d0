import { expect, test } from "bun:test";
import { cacheSaving } from "./cache-saving.ts";
import type { Price, PricedModel } from "./price.ts";
import { ratesOf, type UsdRates } from "./rates.ts";

const JULY = Date.parse("2026-07-01");

function priced(
  rates: UsdRates,
  more: Partial<Price> = {},
  steps: Price["standard"]["steps"] = [],
): PricedModel {
  const standard = { rates: ratesOf(rates), steps };
  const price = { version: "v", sinceMs: null, standard, windows: [], tiers: {}, uplifts: {}, ...more };
  return { provider: "p", model: "m", prices: [price], disputes: [], filled: [] };
}

test.each<[what: string, model: PricedModel, usd: number]>([
  ["the price of input less that of cached input", priced({ input: 3, output: 15, cacheRead: 0.3 }), 2.7],
  ["nothing where cached input has no price of its own", priced({ input: 3, output: 15 }), 0],
  ["nothing where input has no price", priced({ output: 15, cacheRead: 0.3 }), 0],
  ["nothing where cached input is dearer", priced({ input: 1, cacheRead: 2 }), 0],
  ["nothing before the first price", priced({ input: 3, cacheRead: 0.3 }, { sinceMs: JULY + 1 }), 0],
  [
    "the rates of a long prompt",
    priced({ input: 3, cacheRead: 0.3 }, {}, [
      { aboveTokens: 99_999, rates: ratesOf({ input: 6, cacheRead: 0.6 }) },
    ]),
    5.4,
  ],
])("a prompt in the cache saves %s", (_, model, usd) => {
  expect(cacheSaving(model, 100_000, JULY)).toBe(Math.round(usd * 1e9));
});
