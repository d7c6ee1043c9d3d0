import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { PLAIN_SETTINGS } from "./client-keys.ts";
import type { Config } from "./config.ts";
import { nanoUsdOf, parseExpiry } from "./key-values.ts";
import { loadConfig } from "./load.ts";
import { ConfigError, renderProblems } from "./problem.ts";

let cwd = "";

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "clewline-keys-"));
});

afterAll(() => rm(cwd, { recursive: true }));

const sha = (text: string): string => createHash("sha256").update(text).digest("hex");

const UPSTREAM = `[[upstreams]]
name = "up"
family = "openai"
credentials = [{ name = "main", api_key = "sk-1" }]
`;

async function load(keys: string): Promise<Config> {
  const file = join(cwd, "clewline.toml");
  await writeFile(file, UPSTREAM + keys, { mode: 0o600 });
  return (await loadConfig({ file, env: { CI_KEY: "ci-key" }, flags: {}, cwd })).config;
}

async function problemsOf(keys: string): Promise<string> {
  const error = await load(keys).then(
    () => null,
    (cause: unknown) => cause,
  );
  if (!(error instanceof ConfigError)) throw error ?? new Error("the file was taken");
  return renderProblems(error.problems).trimEnd();
}

const NO_LIMITS = {
  requestsPerMinute: null,
  tokensPerMinute: null,
  concurrency: null,
  budgetPerDayNanoUsd: null,
  budgetPerWeekNanoUsd: null,
  budgetPerMonthNanoUsd: null,
};

describe("a good file", () => {
  test("a name and a key are all that a key needs", async () => {
    const { keys, teams } = await load('[[keys]]\nname = "me"\nkey = "abc"\n');
    expect(keys).toEqual([{ ...PLAIN_SETTINGS, name: "me", keySha256: sha("abc") }]);
    expect(teams).toEqual([]);
  });

  test("says everything about a key", async () => {
    const { keys, teams } = await load(`[[keys]]
name = "ci"
key = "env:CI_KEY"
team = "research"
expires = "2027-01-31"
models = ["claude-*", "gpt-5.5"]
upstreams = ["up"]
addresses = ["10.0.0.0/8", "fd00::1"]
report = true
strict = true
requests_per_minute = 60
tokens_per_minute = 200000
concurrency = 8
budget_usd_per_day = "5.00"
budget_usd_per_week = "20"
budget_usd_per_month = "0.000000001"
time_zone = "Europe/Berlin"
[[keys.per_model]]
model = "claude-opus-*"
requests_per_minute = 5
[[teams]]
name = "research"
budget_usd_per_month = "500"
[[teams]]
name = "unlimited"
`);
    expect(keys).toEqual([
      {
        name: "ci",
        keySha256: sha("ci-key"),
        team: "research",
        expiresAtMs: Date.UTC(2027, 1, 1),
        models: ["claude-*", "gpt-5.5"],
        upstreams: ["up"],
        addresses: ["10.0.0.0/8", "fd00::1"],
        mayReport: true,
        strict: true,
        cache: null,
        mayAskForCache: false,
        cacheScope: "key",
        isCaptured: false,
        foreignState: null,
        limits: {
          requestsPerMinute: 60,
          tokensPerMinute: 200_000,
          concurrency: 8,
          budgetPerDayNanoUsd: 5_000_000_000,
          budgetPerWeekNanoUsd: 20_000_000_000,
          budgetPerMonthNanoUsd: 1,
          timeZone: "Europe/Berlin",
          perModel: [{ ...NO_LIMITS, model: "claude-opus-*", requestsPerMinute: 5 }],
        },
      },
    ]);
    expect(teams).toEqual([
      {
        name: "research",
        timeZone: "UTC",
        budgetPerDayNanoUsd: null,
        budgetPerWeekNanoUsd: null,
        budgetPerMonthNanoUsd: 500e9,
      },
      {
        name: "unlimited",
        timeZone: "UTC",
        budgetPerDayNanoUsd: null,
        budgetPerWeekNanoUsd: null,
        budgetPerMonthNanoUsd: null,
      },
    ]);
    expect(Object.isFrozen(keys[0]?.limits?.perModel)).toBe(true);
  });

  test("a hash stands for a key", async () => {
    const { keys } = await load(`[[keys]]\nname = "me"\nkey_hash = "SHA256:${sha("abc").toUpperCase()}"\n`);
    expect(keys[0]?.keySha256).toBe(sha("abc"));
  });

  test("limits of models alone are limits", async () => {
    const { keys } = await load(
      '[[keys]]\nname = "me"\nkey = "abc"\nper_model = [{ model = "*", concurrency = 1 }]\n',
    );
    expect(keys[0]?.limits?.perModel).toEqual([{ ...NO_LIMITS, model: "*", concurrency: 1 }]);
  });
});

const ME = '[[keys]]\nname = "me"\nkey = "abc"\n';
const LIMIT = "must be a whole number from 1 to";

/** A line below a good key, and what is said about it, without the place. */
const BAD_LINES: readonly (readonly [line: string, said: string])[] = [
  [
    'team = "research"',
    'keys[0].team = "research": is not the name of one of [[teams]]; add [[teams]] with this name',
  ],
  [
    'team = "reserch"\n[[teams]]\nname = "research"',
    'keys[0].team = "reserch": is not the name of one of [[teams]]; did you mean "research"?',
  ],
  [
    'upstreams = ["up", "other"]',
    'keys[0].upstreams[1] = "other": is not the name of one of [[upstreams]]; upstreams: up',
  ],
  [
    "upstreams = []",
    "keys[0].upstreams: is empty, so the key could use no upstream; name at least one, or remove the line for all",
  ],
  [
    "models = []",
    "keys[0].models: is empty, so the key could use no model; name at least one, or remove the line for all",
  ],
  ['models = "gpt-*"', 'keys[0].models = "gpt-*": must be a list; write the value as in ["one", "two"]'],
  [
    'models = ["gpt 5"]',
    'keys[0].models[0] = "gpt 5": is not a name or a pattern of models; use 1 to 256 characters without spaces, as in "claude-*"',
  ],
  [
    'addresses = ["10.0.0.0/33"]',
    'keys[0].addresses[0] = "10.0.0.0/33": is not an address or CIDR; write the value as in "10.0.0.0/8" or "fd00::1"',
  ],
  [
    "addresses = []",
    "keys[0].addresses: is empty, so the key could use no address; name at least one, or remove the line for all",
  ],
  [
    'expires = "2027-02-30"',
    'keys[0].expires = "2027-02-30": is not a day or a time; write a day, as in "2027-01-31" (until its end, UTC), or a time, as in "2027-01-31T12:00:00Z"',
  ],
  ["expires = 2027-02-28", 'keys[0].expires: must be text; put the text in quotes: expires = "…"'],
  ["requests_per_minute = 0", `keys[0].requests_per_minute = 0: ${LIMIT} 1000000000`],
  ["requests_per_minute = 1.5", `keys[0].requests_per_minute = 1.5: ${LIMIT} 1000000000`],
  [
    'tokens_per_minute = "9"',
    `keys[0].tokens_per_minute = "9": ${LIMIT} 1000000000000; write digits without quotes`,
  ],
  ['cache = "yes"', 'keys[0].cache = "yes": unknown cache; use "off" or "repeatable" or "all"'],
  ["cache = true", 'keys[0].cache = true: unknown cache; use "off" or "repeatable" or "all"'],
  [
    'cache_header = "yes"',
    'keys[0].cache_header = "yes": must be true or false; write true or false without quotes',
  ],
  [
    'cache_scope = "everybody"',
    'keys[0].cache_scope = "everybody": unknown cache_scope; use "key" or "team" or "gateway"',
  ],
  [
    'cache_scope = "team"',
    'keys[0].cache_scope = "team": is "team", but the key has no team; name its team, or write "key" or "gateway"',
  ],
  ["concurrency = -1", `keys[0].concurrency = -1: ${LIMIT} 1000000`],
  [
    "budget_usd_per_day = 5",
    'keys[0].budget_usd_per_day = 5: must be text; put the text in quotes: budget_usd_per_day = "…"',
  ],
  [
    'budget_usd_per_day = "$5"',
    'keys[0].budget_usd_per_day = "$5": is not an amount in dollars; write the digits, with at most nine decimals, as in "5.00"',
  ],
  [
    'budget_usd_per_week = "0.0000000001"',
    'keys[0].budget_usd_per_week = "0.0000000001": is not an amount in dollars; write the digits, with at most nine decimals, as in "5.00"',
  ],
  [
    'budget_usd_per_week = "0.00"',
    'keys[0].budget_usd_per_week = "0.00": is an empty budget, so it would refuse everything; write an amount above 0, or revoke the key',
  ],
  [
    'budget_usd_per_month = "9000000.01"',
    'keys[0].budget_usd_per_month = "9000000.01": is above 9000000 dollars, the largest budget; write a smaller amount, or remove the line for no budget',
  ],
  [
    'time_zone = "Mars/Olympus"',
    'keys[0].time_zone = "Mars/Olympus": is not a time zone that is known; write its name in the IANA list, as in "Europe/Berlin" or "UTC"',
  ],
  [
    'time_zone = "+02:00"',
    'keys[0].time_zone = "+02:00": is not a time zone that is known; write its name in the IANA list, as in "Europe/Berlin" or "UTC"',
  ],
  ['report = "yes"', 'keys[0].report = "yes": must be true or false; write true or false without quotes'],
  ["budget_usd_per_year = 1", 'keys[0].budget_usd_per_year: unknown key; did you mean "budget_usd_per_day"?'],
  ["[[keys.per_model]]\nconcurrency = 1", 'keys[0].per_model[0].model: is missing; add model = "…"'],
  [
    '[[keys.per_model]]\nmodel = "a"',
    "keys[0].per_model[0]: has no limit, so keys[0].per_model[0] does nothing; add a limit, or remove the entry",
  ],
  [
    '[[keys.per_model]]\nmodel = "a"\nconcurrency = 1\n[[keys.per_model]]\nmodel = "a"\nconcurrency = 2',
    'keys[0].per_model[1].model = "a": is also the model of keys[0].per_model[0] (line 9); write both entries as one',
  ],
  [
    'key_hash = "sha256:00"',
    'keys[0].key_hash = "sha256:00": is not the hash of a key; write "sha256:" and the 64 hexadecimal digits of the key\'s SHA-256; printf %s "$KEY" | sha256sum prints them',
  ],
  [
    `key_hash = "sha256:${sha("abc")}"`,
    "keys[0].key_hash = (hidden): cannot be combined with key; keep one of the two",
  ],
  [
    '[[keys]]\nname = "you"\nkey = "abc"',
    "keys[1].key = (hidden): is the same key as keys[0]; give each client a key of its own",
  ],
  [
    `[[keys]]\nname = "you"\nkey_hash = "sha256:${sha("abc")}"`,
    "keys[1].key_hash = (hidden): is the same key as keys[0]; give each client a key of its own",
  ],
  [
    '[[keys]]\nname = "you"',
    'keys[1]: has no key; add key = "env:NAME", "file:PATH" or the text itself, or key_hash',
  ],
  [
    '[[keys]]\nname = "me"\nkey = "def"',
    'keys[1].name = "me": is also the name of keys[0] (line 6); give each entry its own name',
  ],
  [
    '[[teams]]\nname = "a"\n[[teams]]\nname = "a"',
    'teams[1].name = "a": is also the name of teams[0] (line 9); give each entry its own name',
  ],
  [
    '[[teams]]\nname = "a"\nrequests_per_minute = 5',
    "teams[0].requests_per_minute: unknown key; this key belongs in [[upstreams.credentials]] or [[keys]] or [[keys.per_model]]",
  ],
];

test.each(BAD_LINES)("%s", async (line, said) => {
  const text = await problemsOf(`${ME}${line}\n`);
  expect(text.split("\n").map((problem) => problem.replace(/^clewline\.toml(:\d+)* /, ""))).toContain(said);
});

test("dollars are exact", () => {
  fc.assert(
    fc.property(fc.nat(8_999_999), fc.nat(999_999_999), (dollars, nano) => {
      const text = `${dollars}.${String(nano).padStart(9, "0")}`;
      expect(nanoUsdOf(text)).toBe(dollars * 1e9 + nano);
    }),
  );
});

test.each(["", ".5", "5.", "-1", "+1", "1e3", "1_000", "1,5", " 1", "1.0000000000", "10000000000", "NaN"])(
  "%j is no amount",
  (text) => expect(nanoUsdOf(text)).toBeNull(),
);

test.each<[string, number | null]>([
  ["2027-01-31", Date.UTC(2027, 1, 1)],
  ["2028-02-29", Date.UTC(2028, 2, 1)],
  ["2027-02-29", null],
  ["2027-13-01", null],
  ["2027-1-1", null],
  ["31.01.2027", null],
  ["2027-01-31T12:00:00Z", Date.UTC(2027, 0, 31, 12)],
  ["2027-01-31t12:00z", Date.UTC(2027, 0, 31, 12)],
  ["2027-01-31 12:00:00.5+02:00", Date.UTC(2027, 0, 31, 10, 0, 0, 500)],
  ["2027-01-31T12:00:00", null],
  ["2027-01-31T24:00:00Z", null],
  ["2027-01-31T12:60:00Z", null],
  ["2027-02-30T12:00:00Z", null],
  ["never", null],
  ["", null],
])("the key that expires at %j ends at %p", (text, atMs) => expect(parseExpiry(text)).toBe(atMs));
