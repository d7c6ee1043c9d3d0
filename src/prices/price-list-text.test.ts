import { expect, test } from "bun:test";
import fc from "fast-check";
import { PriceListError, readPriceList } from "./price-list-text.ts";

const GOOD = {
  format: 1,
  version: "2026-12-01",
  sources: [{ name: "a", version: "1", origin: "https://a.test", license: "MIT", notice: "text" }],
  providers: [
    {
      id: "maker",
      name: "Maker",
      addresses: ["api.maker.test"],
      models: [{ id: "pen", names: ["pen", ["pen-*", "/x/"]], prices: [{ rates: { input: 1, output: 2 } }] }],
    },
  ],
};

const withPrices = (...prices: unknown[]) => ({
  ...GOOD,
  providers: [{ ...GOOD.providers[0], models: [{ id: "pen", names: ["pen"], prices }] }],
});

function faultOf(value: unknown): string {
  try {
    readPriceList(typeof value === "string" ? value : JSON.stringify(value));
    return "none";
  } catch (error) {
    if (error instanceof PriceListError) return error.message;
    throw error;
  }
}

test("a good list", () => {
  expect(faultOf(GOOD)).toBe("none");
  expect(
    faultOf(
      withPrices(
        { rates: { input: 1 } },
        {
          since: "2026-03-13",
          rates: { input: 1, webSearch: 10 },
          steps: [{ above: 1, rates: {} }],
          tiers: { batch: { rates: { input: 0.5 } } },
          uplifts: { us: 1.1 },
        },
        {
          since: "2026-03-14",
          rates: { input: 9000, output: 0.000000001 },
          windows: [
            { from: "23:00", to: "01:00", rates: { input: 2 } },
            { from: "01:00", to: "23:00", rates: { input: 3 } },
          ],
        },
      ),
    ),
  ).toBe("none");
});

const AT = "providers[0].models[0].prices";

test.each([
  ["{", /^it is no JSON \(.+\); give a price list as script\/update-prices\.ts writes it$/],
  [[], "it is a list; give an object"],
  ["7", /^the file .*Object/],
  [{ ...GOOD, format: 2 }, /^format must be 1: a newer program wrote the file, so update clewline/],
  [{ ...GOOD, version: "2026-02-30" }, /^version must be a day such as 2026-03-13/],
  [{ ...GOOD, extra: 1 }, /^extra is not a member that a price list has/],
  [withPrices({ rates: { input: -1 } }), `${AT}[0].rates.input must not be below 0`],
  [withPrices({ rates: { input: "3" } }), `${AT}[0].rates.input must be a number of dollars, not "3"`],
  [withPrices({ rates: { input: 1e9 } }), `${AT}[0].rates.input must be at most 9000 dollars`],
  [withPrices({ rates: { inputs: 1 } }), `${AT}[0].rates.inputs is not a member that a price list has`],
  [withPrices({}), `${AT}[0].rates is missing`],
  [
    withPrices({
      rates: {},
      steps: [
        { above: 2, rates: {} },
        { above: 1, rates: {} },
      ],
    }),
    `${AT}[0].steps must go from the lowest step to the highest`,
  ],
  [
    withPrices({ since: "2026-02-01", rates: {} }, { since: "2026-01-01", rates: {} }),
    `${AT} must go from the oldest to the newest`,
  ],
  [withPrices({ rates: { input: 1e-10 } }), `${AT}[0].rates.input must have nine decimals at most`],
  [
    withPrices({ rates: {}, uplifts: { us: 1.0001 } }),
    `${AT}[0].uplifts.us must have three decimals at most`,
  ],
  [withPrices({ rates: {}, uplifts: { us: 0 } }), `${AT}[0].uplifts.us must be at least 0.001`],
  [withPrices({ rates: {}, uplifts: { us: -1 } }), `${AT}[0].uplifts.us must be at least 0.001`],
  [withPrices({ rates: {}, uplifts: { US: 1.1 } }), `${AT}[0].uplifts.US must be a region in lower case`],
  [
    withPrices({
      rates: {},
      windows: [
        { from: "22:00", to: "02:00", rates: {} },
        { from: "01:59", to: "03:00", rates: {} },
      ],
    }),
    `${AT}[0].windows must not overlap`,
  ],
  [
    { ...GOOD, providers: [{ ...GOOD.providers[0], name: "Maker\u001b[2J" }] },
    "providers[0].name must not have control characters",
  ],
  [
    { ...GOOD, providers: [{ ...GOOD.providers[0], resells: ["nobody"] }] },
    "providers must resell only from providers of the list",
  ],
  [
    { ...GOOD, providers: [GOOD.providers[0], { ...GOOD.providers[0], id: "other" }] },
    "providers must not have two providers at one address",
  ],
  [
    {
      ...GOOD,
      providers: [
        {
          ...GOOD.providers[0],
          models: [
            { id: "a", names: ["a"], prices: [] },
            { id: "a", names: ["b"], prices: [] },
          ],
        },
      ],
    },
    "providers[0].models must not name a model twice",
  ],
  [withPrices({ rates: {}, windows: {} }), `${AT}[0].windows must be a list of hours`],
  [
    withPrices({ rates: {}, windows: [{ from: "01:00", to: "01:00", rates: {} }] }),
    `${AT}[0].windows[0] must not end when it begins`,
  ],
  [
    withPrices({
      rates: {},
      steps: [{ above: 1, rates: {} }],
      windows: [{ from: "01:00", to: "02:00", rates: {} }],
    }),
    `${AT}[0] must not have steps and windows`,
  ],
  [
    withPrices({ rates: {}, steps: [{ above: 1.5, rates: {} }] }),
    `${AT}[0].steps[0].above must be a whole number`,
  ],
  [
    withPrices({ rates: {}, steps: [{ above: -1, rates: {} }] }),
    `${AT}[0].steps[0].above must be at least 1`,
  ],
  [{ ...GOOD, version: "x".repeat(1e6) }, "version must have 10000 characters at most"],
  [
    withPrices({ rates: {}, windows: [{ from: "24:00", to: "1", rates: {} }] }),
    /windows\[0\]\.from must be a time such as 16:30/,
  ],
  [
    { ...GOOD, providers: [{ ...GOOD.providers[0], addresses: ["*.com"] }] },
    "providers[0].addresses[0] must be a host in lower case, perhaps with a path",
  ],
  [
    { ...GOOD, providers: [GOOD.providers[0], GOOD.providers[0]] },
    "providers must not name a provider twice",
  ],
] as const)("a bad list says where and what: %#", (value, fault) => {
  if (typeof fault === "string") expect(faultOf(value)).toContain(fault);
  else expect(faultOf(value)).toMatch(fault);
});

test.each(Object.getOwnPropertyNames(Object.prototype))("%s is no member of a list", (name) => {
  const at = (json: string) => JSON.stringify(GOOD).replace(json, `{"${name}":{"input":1},${json.slice(1)}`);
  for (const json of ['{"format"', '{"id":"maker"', '{"id":"pen"', '{"rates"', '{"input"'])
    expect(faultOf(at(json))).toStartWith(`${name} is not a member that a price list has`);
});

test.each([
  ["deep lists", "[".repeat(1e6)],
  ["deep objects", '{"a":'.repeat(1e6)],
  [
    "a deep member",
    JSON.stringify(GOOD).replace('"format":1', `"format":${"[".repeat(1e5)}${"]".repeat(1e5)}`),
  ],
  [
    "a rate beyond a number",
    JSON.stringify(withPrices({ rates: { input: 1 } })).replace('"input":1', '"input":1e999'),
  ],
  ["NaN", JSON.stringify(withPrices({ rates: { input: 1 } })).replace('"input":1', '"input":NaN')],
  ["a byte order mark", `\ufeff${JSON.stringify(GOOD)}`],
  ["a long text in place of a rate", JSON.stringify(withPrices({ rates: { input: "x".repeat(1e6) } }))],
  ["a long name of a member", JSON.stringify(withPrices({ rates: { ["x".repeat(1e6)]: 1 } }))],
  ["lines in place of a rate", JSON.stringify(withPrices({ rates: { input: "a\n\u001b[2Jb" } }))],
  ["a long word", "x".repeat(1e6)],
  ["a thousand faults", JSON.stringify(withPrices(...Array.from({ length: 1000 }, () => ({ rates: 1 }))))],
  ["nothing", ""],
])("%s: a fault of one short line", (_, json) => {
  const fault = faultOf(json);
  expect(fault).not.toBe("none");
  expect(fault).not.toMatch(/\p{Cc}/u);
  expect(fault.length).toBeLessThan(1500);
});

const COSTLY = [
  "(a+)+$",
  "(a*)*b",
  "(a|a)(a|a)(a|a)b",
  "a?a?a?a?aaaa",
  "(?:a{1,9}){1,9}b",
  ".*.*.*x",
  "(a|aa){30}$",
  "a".repeat(300),
];

test.each(COSTLY)("an expression that may take long is refused: %s", (source) => {
  const list = {
    ...GOOD,
    providers: [{ ...GOOD.providers[0], models: [{ id: "a", names: [`/${source}/`], prices: [] }] }],
  };
  expect(faultOf(list)).toStartWith("providers[0].models[0].names[0] must be a name in lower case");
});

test("any JSON is a list or a PriceListError", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => void faultOf(value)));
});
