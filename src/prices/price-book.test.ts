import { expect, test } from "bun:test";
import { priceAt } from "./price.ts";
import { PriceBook } from "./price-book.ts";
import type { ListedPrice, PriceList } from "./price-list.ts";

const LIST: PriceList = {
  format: 1,
  version: "2026-11-29",
  sources: [],
  providers: [
    {
      id: "maker",
      name: "Maker",
      addresses: ["api.maker.test"],
      models: [
        { id: "pen-2024-05-13", names: ["pen-2024-05-13"], prices: [{ rates: { input: 9 } }] },
        {
          id: "pen",
          names: ["pen", "pen-2*"],
          prices: [{ rates: { input: 3 } }, { since: "2026-03-01", rates: { input: 2 } }],
        },
        { id: "voice", names: ["voice*"], prices: [] },
        { id: "new", names: ["new"], prices: [{ since: "2027-01-01", rates: { input: 1 } }] },
      ],
    },
    { id: "shop", name: "Shop", addresses: ["shop.test"], resells: ["maker"], models: [] },
  ],
};

interface Target {
  readonly upstream?: string;
  readonly provider?: string | null;
  readonly model?: string;
}

const find = (
  { upstream = "main", provider = "maker", model = "pen" }: Target,
  book = new PriceBook(LIST, []),
) => book.find(upstream, provider, model);

test("the first entry that matches the nearest form of the name", () => {
  expect(find({ model: "pen-2024-05-13" })?.model).toBe("pen-2024-05-13");
  expect(find({ model: "Pen-2025-01-01" })?.model).toBe("pen");
  expect(find({ model: "maker/pen" })?.model).toBe("pen");
  expect(find({ model: "pen-latest" })?.model).toBe("pen");
});

test("an unknown model, provider or unit is unpriced", () => {
  expect(find({ model: "pencil" })).toBeNull();
  expect(find({ model: "pen:free" })).toBeNull();
  expect(find({ model: "voice-1" })).toBeNull();
  expect(find({ provider: null })).toBeNull();
  expect(find({ provider: "nobody" })).toBeNull();
});

test("a provider that resells has the maker's prices", () => {
  expect(find({ provider: "shop" })).toMatchObject({ provider: "maker", model: "pen" });
});

test("a price holds from 00:00 UTC of its day until the next one", () => {
  const pen = find({});
  if (pen === null) throw new Error("no pen");
  const at = (time: string) => priceAt(pen, Date.parse(time));
  expect(at("2026-02-28T23:59:59.999Z")?.standard.rates.input).toBe(3e9);
  expect(at("2026-03-01T00:00:00Z")?.standard.rates.input).toBe(2e9);
  expect(at("2026-03-01T00:00:00Z")?.version).toMatch(/^maker\/pen@2026-03-01#[0-9a-f]{12}$/);
  const unborn = find({ model: "new" });
  expect(unborn === null ? null : priceAt(unborn, Date.parse("2026-12-31T23:59:59Z"))).toBeNull();
});

test("a person's price comes first, for one upstream or for all, by name or pattern", () => {
  const book = new PriceBook(LIST, [
    { upstream: "lab", model: "*", prices: [{ rates: { input: 0, output: 0 } }] },
    { upstream: null, model: "Pen*", prices: [{ rates: { input: 1 } }] },
  ]);
  expect(
    find({ upstream: "lab", provider: null, model: "anything" }, book)?.prices[0]?.standard.rates.input,
  ).toBe(0);
  expect(find({ model: "pen-9" }, book)).toMatchObject({ provider: "configuration", model: "Pen*" });
  expect(find({ model: "ink" }, book)).toBeNull();
});

const versionsOf = (...prices: ListedPrice[]): (string | undefined)[] => {
  const book = new PriceBook(LIST, [{ upstream: null, model: "pen", prices }]);
  return find({}, book)?.prices.map(({ version }) => version) ?? [];
};

test("a person's price has a version that follows from its content", () => {
  const [version] = versionsOf({ rates: { input: 1, output: 2 } });
  expect(version).toMatch(/^configuration\/pen#[0-9a-f]{12}$/);
  expect(versionsOf({ rates: { output: 2, input: 1 } })).toEqual([version]);
  expect(versionsOf({ since: "2026-03-01", rates: { input: 1 } })[0]).toMatch(
    /^configuration\/pen@2026-03-01#[0-9a-f]{12}$/,
  );
  const written = (us: string, eu: string) => ({ rates: { input: 1 }, uplifts: { [us]: 1.1, [eu]: 1.1 } });
  expect(versionsOf(written("us", "eu"))).toEqual(versionsOf(written("eu", "us")));
});

test("prices of different content have different versions", () => {
  const rates = { input: 1, output: 2 };
  const contents: readonly ListedPrice[] = [
    { rates },
    { rates: { ...rates, input: 1.000000001 } },
    { rates: { input: 1 } },
    { rates: { ...rates, cacheRead: 1 } },
    { rates, steps: [{ above: 1000, rates: { input: 2 } }] },
    { rates, steps: [{ above: 1001, rates: { input: 2 } }] },
    { rates, tiers: { batch: { rates: { input: 0.5 } } } },
    { rates, tiers: { flex: { rates: { input: 0.5 } } } },
    { rates, windows: [{ from: "01:00", to: "02:00", rates: { input: 2 } }] },
    { rates, windows: [{ from: "01:00", to: "02:01", rates: { input: 2 } }] },
    { rates, uplifts: { us: 1.1 } },
    { rates, uplifts: { eu: 1.1 } },
    { rates, uplifts: { us: 1.101 } },
    { since: "2026-03-01", rates },
  ];
  const versions = contents.flatMap((content) => versionsOf(content));
  expect(new Set(versions).size).toBe(contents.length);
});

test("a name that is too long is nobody's, also for a person's price", () => {
  const book = new PriceBook(LIST, [{ upstream: null, model: "pen*", prices: [{ rates: { input: 1 } }] }]);
  expect(find({ model: `pen${"x".repeat(253)}` }, book)).not.toBeNull();
  expect(find({ model: `pen${"x".repeat(254)}` }, book)).toBeNull();
  expect(find({ model: `pen-2${"x".repeat(1e6)}` })).toBeNull();
});

test("the number of remembered names has a limit, and what is forgotten is found again", () => {
  const book = new PriceBook(LIST, []);
  for (let i = 0; i < 10_000; i++) expect(find({ model: `unknown-${i}` }, book)).toBeNull();
  expect(find({}, book)?.model).toBe("pen");
});

test("the provider follows from the address; a name before its host is the region", () => {
  const book = new PriceBook(LIST, []);
  expect(book.providerAt("https://api.maker.test/v1")).toEqual({ provider: "maker", region: null });
  expect(book.providerAt("https://eu.api.maker.test/v1")).toEqual({ provider: "maker", region: "eu" });
  expect(book.providerAt("http://127.0.0.1:8000/v1")).toBeNull();
  expect(book.providerAt("http://localhost:8000")).toBeNull();
});
