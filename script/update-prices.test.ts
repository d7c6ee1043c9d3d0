import { expect, test } from "bun:test";
import type { ListedPrice } from "../src/prices/price-list.ts";
import { type GenaiProvider, readGenaiPrices } from "./genai-prices.ts";
import { disputesOf, entriesOf, entryOf, fill, statedIn, withSearches } from "./litellm-prices.ts";

const TODAY = "2026-11-29";
const dated = (...args: number[]) => ({ is: "StartDateConstraint", start_date: { is: "date", args } });
const stepped = (base: string, start: number, price: string) => ({
  is: "TieredPrices",
  base,
  tiers: [{ is: "Tier", start, price }],
});

type Model = GenaiProvider["models"][number];

const providerOf = (model: Partial<Model>): GenaiProvider => ({
  id: "maker",
  name: "Maker",
  api_pattern: "https://api\\.maker\\.test",
  models: [{ id: "pen", match: { is: "ClauseEquals", equals: "Pen" }, prices: {}, ...model }],
});

const read = (model: Partial<Model>) => {
  const { providers, skipped } = readGenaiPrices([providerOf(model)], TODAY);
  return { model: providers[0]?.models[0], skipped };
};

test("a pattern of addresses becomes hosts and paths, and a new form of one stops the script", () => {
  const at = (api_pattern: string) =>
    readGenaiPrices([{ ...providerOf({}), api_pattern }], TODAY).providers[0]?.addresses;
  expect(at("https://api\\.maker\\.test")).toEqual(["api.maker.test"]);
  expect(at("https://api\\.maker\\.test(?:/|$)")).toEqual(["api.maker.test"]);
  expect(at("https://api\\.maker\\.test/pens(/|$)")).toEqual(["api.maker.test/pens"]);
  expect(at("https://api\\.moonshot\\.")).toEqual(["api.moonshot.ai", "api.moonshot.cn"]);
  for (const pattern of [
    "https://(.*\\.)?maker\\.test",
    "https://api\\.maker\\.",
    "api\\.maker\\.test",
    "https://[^/]+",
  ])
    expect(() => at(pattern)).toThrow("add it to ADDRESSES");
});

test("the clauses of names become patterns", () => {
  const match = {
    is: "ClauseOr",
    or_: [
      { is: "ClauseEquals", equals: "Pen" },
      { is: "ClauseStartsWith", starts_with: "pen-" },
      { is: "ClauseEndsWith", ends_with: "/pen" },
      { is: "ClauseContains", contains: "quill" },
      {
        is: "ClauseAnd",
        and_: [
          { is: "ClauseStartsWith", starts_with: "ink" },
          { is: "ClauseRegex", regex: "^(?!.*-tts)" },
        ],
      },
    ],
  };
  expect(read({ match, prices: { is: "ModelPrice", input_mtok: "1" } }).model?.names).toEqual([
    "pen",
    "pen-*",
    "*/pen",
    "*quill*",
    ["ink*", "/^(?!.*-tts)/"],
  ]);
});

test("a tier that was looked up later holds from the beginning of its standard price, a future one from its day", () => {
  const { model } = read({
    prices: [
      { prices: { is: "ModelPrice", input_mtok: "4", output_mtok: "8" } },
      { constraint: dated(2026, 8, 1), prices: { is: "ModelPrice", input_mtok: "2", output_mtok: "4" } },
    ],
    price_variants: [
      { when: { processing: "batch" }, constraint: dated(2026, 10, 14), prices: { input_mtok: "1" } },
      { when: { service_tier: "flex" }, constraint: dated(2027, 1, 1), prices: { input_mtok: "1.5" } },
    ],
  });
  expect(model?.prices).toEqual([
    { rates: { input: 4, output: 8 } },
    {
      since: "2026-08-01",
      rates: { input: 2, output: 4 },
      tiers: { batch: { rates: { input: 1, output: 4 } } },
    },
    {
      since: "2027-01-01",
      rates: { input: 2, output: 4 },
      tiers: { batch: { rates: { input: 1, output: 4 } }, flex: { rates: { input: 1.5, output: 4 } } },
    },
  ]);
});

test("of two prices of a tier the first that holds decides", () => {
  const { model } = read({
    prices: [{ prices: { is: "ModelPrice", input_mtok: "4", output_mtok: "8" } }],
    price_variants: [
      { when: { service_tier: "flex" }, constraint: dated(2027, 1, 1), prices: { input_mtok: "1" } },
      { when: { service_tier: "flex" }, prices: { input_mtok: "2", output_mtok: "3" } },
    ],
  });
  expect(model?.prices.map(({ since, tiers }) => [since, tiers?.flex?.rates])).toEqual([
    [undefined, { input: 2, output: 3 }],
    ["2027-01-01", { input: 1, output: 3 }],
  ]);
});

test("steps and hours of the day", () => {
  const { model } = read({
    prices: [
      { prices: { is: "ModelPrice", input_mtok: stepped("1", 200_000, "2"), output_mtok: "5" } },
      {
        constraint: {
          is: "TimeOfDateConstraint",
          start_time: { args: [1, 0] },
          end_time: { args: [4, 30] },
        },
        prices: { is: "ModelPrice", input_mtok: "9" },
      },
    ],
  });
  expect(model?.prices).toEqual([
    {
      rates: { input: 1, output: 5 },
      steps: [{ above: 200_000, rates: { input: 2 } }],
      windows: [{ from: "01:00", to: "04:30", rates: { input: 9 } }],
    },
  ]);
});

test("no rates are free only where the source says so; other units leave the model unpriced", () => {
  expect(read({ prices: { is: "ModelPrice" } })).toMatchObject({
    model: { prices: [] },
    skipped: ["maker/pen: has no rate"],
  });
  expect(read({ id: "pen:free", prices: { is: "ModelPrice" } }).model?.prices).toEqual([
    { rates: { input: 0, output: 0 } },
  ]);
  expect(read({ prices: { is: "ModelPrice", input_mtok: "1", audio_hours: "3" } })).toMatchObject({
    model: { names: ["pen"], prices: [] },
    skipped: ["maker/pen: is charged by audio_hours"],
  });
});

const entry = (members: Record<string, unknown>) => ({ litellm_provider: "openai", ...members });
const PRICE: ListedPrice = { rates: { input: 2, output: 10, cacheRead: 0.2 } };

test("1 % is no dispute, more is one, with both values and no mean", () => {
  const second = (input: number) => statedIn(entry({ input_cost_per_token: input / 1e6 }));
  expect(disputesOf(PRICE, second(2))).toEqual([]);
  expect(disputesOf(PRICE, second(2.02))).toEqual([]);
  expect(disputesOf(PRICE, second(2.03))).toEqual([["input", 2, 2.03]]);
  expect(disputesOf(PRICE, second(0))).toEqual([["input", 2, 0]]);
});

test("a kind without a rate is compared at the rate that it is charged at", () => {
  const stated = statedIn(
    entry({
      input_cost_per_token: 2e-6,
      cache_creation_input_token_cost: 2.5e-6,
      output_cost_per_reasoning_token: 1e-5,
    }),
  );
  expect(disputesOf(PRICE, stated)).toEqual([["cacheWrite", null, 2.5]]);
});

test("steps are compared, wherever one source draws the line by one token", () => {
  const first: ListedPrice = { ...PRICE, steps: [{ above: 199_999, rates: { input: 4, output: 15 } }] };
  const agreeing = entry({ input_cost_per_token: 2e-6, input_cost_per_token_above_200k_tokens: 4e-6 });
  expect(disputesOf(first, statedIn(agreeing))).toEqual([]);
  expect(disputesOf(first, statedIn(entry({ input_cost_per_token: 2e-6 })))).toEqual([
    ["input above 200k", 4, 2],
  ]);
});

test("what only the second source has is filled in and named, but no tier beside a disputed price", () => {
  const stated = statedIn(
    entry({
      input_cost_per_token: 2e-6,
      input_cost_per_token_batches: 1e-6,
      search_context_cost_per_query: { search_context_size_medium: 0.01 },
      regional_processing_uplift_multiplier_eu: 1.1,
    }),
  );
  expect(fill(PRICE, stated, false)).toEqual({
    price: {
      rates: { input: 2, output: 10, cacheRead: 0.2, webSearch: 10 },
      tiers: { batch: { rates: { input: 1, output: 10, cacheRead: 0.2, webSearch: 10 } } },
      uplifts: { eu: 1.1 },
    },
    filled: ["webSearch", "batch", "uplifts"],
  });
  expect(fill(PRICE, stated, true).filled).toEqual(["webSearch", "uplifts"]);
  const byRequest: ListedPrice = { ...PRICE, rates: { ...PRICE.rates, request: 12 } };
  expect(fill(byRequest, stated, true).price.rates).not.toHaveProperty("webSearch");
  const own: ListedPrice = { ...PRICE, tiers: { batch: { rates: { input: 0.9 } } } };
  expect(fill(own, stated, false).price.tiers?.batch?.rates).toEqual({ input: 0.9, webSearch: 10 });
});

test("searches are charged as the provider does: by the prompt, or with each request", () => {
  const model = (id: string) => ({ id, names: [id], prices: [{ rates: { input: 1, webSearch: 35 } }] });
  const kinds = (provider: string, id: string): unknown =>
    Object.keys(withSearches(provider, model(id)).prices[0]?.rates ?? {});
  expect(kinds("google", "gemini-2.5-pro")).toEqual(["input", "searchRequest"]);
  expect(kinds("google", "gemini-3-flash-preview")).toEqual(["input", "webSearch"]);
  expect(kinds("openai", "gpt-5-search-api")).toEqual(["input", "request"]);
  expect(kinds("openai", "gpt-5")).toEqual(["input", "webSearch"]);
});

test("the entry of a model: its own name first, then the shortest that the model answers to", () => {
  const [provider] = readGenaiPrices(
    [
      {
        ...providerOf({ match: { is: "ClauseStartsWith", starts_with: "pen" }, prices: { input_mtok: "1" } }),
        id: "openai",
      },
    ],
    TODAY,
  ).providers;
  const model = provider?.models[0];
  if (provider === undefined || model === undefined) throw new Error("nothing was read");
  const table = {
    "openai/pen-2026-01-01": entry({ input_cost_per_token: 1 }),
    "pen-2026": entry({ input_cost_per_token: 2 }),
    "azure/pen": { litellm_provider: "azure", input_cost_per_token: 3 },
  };
  expect(entryOf(entriesOf(table, "openai"), provider, model)?.input_cost_per_token).toBe(2);
  const withOwn = { ...table, "openai/pen": entry({ input_cost_per_token: 4 }) };
  expect(entryOf(entriesOf(withOwn, "openai"), provider, model)?.input_cost_per_token).toBe(4);
});
