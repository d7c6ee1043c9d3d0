/** What `[[prices]]` takes and refuses. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makePriceOverrides } from "../../prices/price-overrides.ts";
import type { Config } from "../config.ts";
import { loadConfig } from "../load.ts";
import { ConfigError, renderProblems } from "../problem.ts";

let cwd = "";
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "clewline-prices-"));
});
afterAll(() => rm(cwd, { recursive: true }));

const HEAD = `[[upstreams]]
name = "up"
family = "openai"
credentials = [{ name = "main", api_key = "sk-1" }]
[[keys]]
name = "me"
key = "abc"
`;
const HEAD_LINES = HEAD.split("\n").length - 1;

async function load(prices: string): Promise<Config> {
  const file = join(cwd, "clewline.toml");
  await writeFile(file, HEAD + prices, { mode: 0o600 });
  return (await loadConfig({ file, env: {}, flags: {}, cwd })).config;
}

/** The problems, with the lines of `prices` counted from 1. */
async function problemsOf(prices: string): Promise<string> {
  const error = await load(prices).then(
    () => null,
    (cause: unknown) => cause,
  );
  if (!(error instanceof ConfigError)) throw error ?? new Error("the file was taken");
  return renderProblems(error.problems)
    .trimEnd()
    .replaceAll(/clewline\.toml:(\d+)/g, (_, line: string) => String(Number(line) - HEAD_LINES))
    .replaceAll(/\(line (\d+)\)/g, (_, line: string) => `(line ${Number(line) - HEAD_LINES})`);
}

describe("a good file", () => {
  test("an entry with a model and a rate is a price", async () => {
    const { prices } = await load('[[prices]]\nmodel = "llama-*"\ninput = 0.25\noutput = 1\n');
    expect(makePriceOverrides(prices)).toEqual([
      {
        upstream: null,
        model: "llama-*",
        prices: [{ rates: { input: 0.25, output: 1 }, tiers: {}, uplifts: {} }],
      },
    ]);
  });

  test("conditions are entries of their own, and inherit what they do not say", async () => {
    const { prices } = await load(`
[[prices]]
model = "m"
above_tokens = 500000
input = 8
[[prices]]
model = "m"
input = 2
output = 10
cache_write_1h = 4
web_search = 10
[[prices]]
model = "m"
above_tokens = 200000
input = 4
[[prices]]
model = "m"
tier = "batch"
input = 1
[[prices]]
model = "m"
tier = "batch"
above_tokens = 200000
output = 7
[[prices]]
model = "m"
region = "eu"
factor = 1.1
[[prices]]
model = "m"
since = "2027-01-01"
input = 1
[[prices]]
model = "m"
since = "2027-01-01"
hours = "16:30-00:30"
input = 0.5
[[prices]]
model = "m"
since = "2027-01-01"
hours = "00:30-02:00"
input = 0.75
`);
    const rates = { input: 2, output: 10, cacheWrite1h: 4, webSearch: 10 };
    expect(makePriceOverrides(prices)[0]?.prices).toEqual([
      {
        rates,
        steps: [
          { above: 200_000, rates: { input: 4 } },
          { above: 500_000, rates: { input: 8 } },
        ],
        tiers: {
          batch: { rates: { ...rates, input: 1 }, steps: [{ above: 200_000, rates: { output: 7 } }] },
        },
        uplifts: { eu: 1.1 },
      },
      {
        since: "2027-01-01",
        rates: { input: 1 },
        windows: [
          { from: "16:30", to: "00:30", rates: { input: 0.5 } },
          { from: "00:30", to: "02:00", rates: { input: 0.75 } },
        ],
        tiers: {},
        uplifts: {},
      },
    ]);
  });

  test("an upstream's own price goes first, then a name, then the longest pattern", async () => {
    const { prices } = await load(
      [["*"], ["gpt-*"], ["gpt-5"], ["gpt-5-*"], ["*", "up"], ["gpt-5", "up"]]
        .map(
          ([model, upstream]) =>
            `[[prices]]\nmodel = "${model}"\n${upstream === undefined ? "" : `upstream = "${upstream}"\n`}input = 1\n`,
        )
        .join(""),
    );
    expect(makePriceOverrides(prices).map(({ upstream, model }) => [upstream, model])).toEqual([
      ["up", "gpt-5"],
      ["up", "*"],
      [null, "gpt-5"],
      [null, "gpt-5-*"],
      [null, "gpt-*"],
      [null, "*"],
    ]);
  });
});

const entry = (...lines: string[]): string => `[[prices]]\n${lines.join("\n")}\n`;
const BASE = entry('model = "m"', "input = 1");

describe("a bad file", () => {
  const cases: readonly (readonly [title: string, text: string, problems: string])[] = [
    ["a price of nothing", entry("input = 1"), '1:1 prices[0].model: is missing; add model = "…"'],
    [
      "a price without a rate",
      entry('model = "m"'),
      "1:1 prices[0]: has no rate; add one at least, as in input = 2.5 (dollars for a million tokens)",
    ],
    [
      "a name with a space",
      entry('model = "my model"', "input = 1"),
      '2:9 prices[0].model = "my model": is not a name or a pattern of models; use 1 to 256 characters without spaces, as in "claude-*"',
    ],
    [
      "an upstream that is not there",
      entry('model = "m"', 'upstream = "upp"', "input = 1"),
      '3:12 prices[0].upstream = "upp": is not the name of one of [[upstreams]]; did you mean "up"?',
    ],
    [
      "a rate as a text",
      entry('model = "m"', 'input = "1"'),
      '3:9 prices[0].input = "1": must be a number from 0 to 9000; write digits without quotes',
    ],
    [
      "a rate below zero",
      entry('model = "m"', "input = -1"),
      "3:9 prices[0].input = -1: must be a number from 0 to 9000",
    ],
    [
      "a rate that would be rounded",
      entry('model = "m"', "input = 0.0000000001"),
      "3:9 prices[0].input = 1e-10: has more than 9 decimals; write fewer, because a price is never rounded",
    ],
    [
      "a rate that is no number",
      entry('model = "m"', "input = nan"),
      "3:9 prices[0].input = NaN: must be a number from 0 to 9000",
    ],
    [
      "a day that is none",
      `${entry('model = "m"', 'since = "2027-02-30"', "input = 1")}`,
      '3:9 prices[0].since = "2027-02-30": is not a day; write the value as in "2027-01-31"; the day begins at 00:00 UTC',
    ],
    [
      "a condition alone",
      entry('model = "m"', 'tier = "batch"', "input = 1"),
      "1:1 prices[0]: has a condition, and no entry has the rates without one; add an entry for the same upstream, model and day without tier, above_tokens, hours and region",
    ],
    [
      "the same twice",
      BASE + BASE,
      "4:1 prices[1]: is for the same requests as prices[0] (line 1); write both entries as one",
    ],
    [
      "two conditions",
      BASE + entry('model = "m"', 'tier = "flex"', 'hours = "01:00-02:00"', "input = 1"),
      '7:9 prices[1].hours = "01:00-02:00": cannot be combined with tier; write an entry for each',
    ],
    [
      "hours that never end",
      BASE + entry('model = "m"', 'hours = "01:00-01:00"', "input = 1"),
      '6:9 prices[1].hours = "01:00-01:00": is not a part of the day; write two times in UTC, as in "16:30-00:30"',
    ],
    [
      "hours that overlap",
      BASE +
        entry('model = "m"', 'hours = "23:00-01:00"', "input = 1") +
        entry('model = "m"', 'hours = "00:59-02:00"', "input = 1"),
      '10:9 prices[2].hours = "00:59-02:00": overlaps the hours of another entry; let one begin when the other ends',
    ],
    [
      "hours beside long requests",
      BASE +
        entry('model = "m"', "above_tokens = 5", "input = 1") +
        entry('model = "m"', 'hours = "00:59-02:00"', "input = 1"),
      '10:9 prices[2].hours = "00:59-02:00": cannot stand beside above_tokens; keep one of the two: nothing says what a long request costs in these hours',
    ],
    [
      "long requests of a tier alone",
      BASE + entry('model = "m"', 'tier = "flex"', "above_tokens = 5", "input = 1"),
      '6:8 prices[1].tier = "flex": has rates for long requests alone; add an entry for the tier without above_tokens',
    ],
    [
      "a factor of no region",
      BASE + entry('model = "m"', "factor = 1.1", 'tier = "flex"', "input = 1"),
      '6:10 prices[1].factor = 1.1: has no region; add region, as in region = "eu"',
    ],
    [
      "a region without a factor",
      BASE + entry('model = "m"', 'region = "eu"'),
      '6:10 prices[1].region = "eu": has no factor; add factor, as in factor = 1.1',
    ],
    [
      "a region with a rate",
      BASE + entry('model = "m"', 'region = "eu"', "factor = 1.1", "output = 2"),
      "8:10 prices[1].output = 2: cannot be combined with region; give region and factor an entry of their own",
    ],
    [
      "a factor that would be rounded",
      BASE + entry('model = "m"', 'region = "eu"', "factor = 1.0001"),
      "7:10 prices[1].factor = 1.0001: has more than 3 decimals; write fewer, because a price is never rounded",
    ],
    [
      "a rate of a list that the configuration spells otherwise",
      entry('model = "m"', "cacheRead = 1", "input = 1"),
      '3:1 prices[0].cacheRead: unknown key; did you mean "cache_read"?',
    ],
  ];
  for (const [title, text, problems] of cases)
    test(title, async () => {
      expect(await problemsOf(text)).toBe(problems);
    });
});
