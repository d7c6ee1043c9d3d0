import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Config } from "../config.ts";
import { CREDENTIAL_DEFAULTS } from "../fixtures/defaults.ts";
import { loadConfig } from "../load.ts";
import { DIRECT } from "../network/via.ts";
import { ConfigError, renderProblems } from "../problem.ts";
import { parseHours } from "./active-hours.ts";

let cwd = "";

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "clewline-credentials-"));
});

afterAll(() => rm(cwd, { recursive: true }));

const FILE = `[[keys]]
name = "me"
key = "sk-me"
[[upstreams]]
name = "up"
family = "openai"
[[upstreams.credentials]]
name = "a"
api_key = "sk-1"
`;

async function load(lines: string): Promise<Config> {
  const file = join(cwd, "clewline.toml");
  await writeFile(file, FILE + lines, { mode: 0o600 });
  return (await loadConfig({ file, env: {}, flags: {}, cwd })).config;
}

test("a credential has no limits unless its entry sets them", async () => {
  const { upstreams } = await load("");
  expect(upstreams[0]?.credentials).toEqual([{ ...CREDENTIAL_DEFAULTS, name: "a", apiKey: "sk-1" }]);
});

test("says everything about a credential", async () => {
  const { upstreams } = await load(`weight = 3
models = ["gpt-5*"]
active_hours = "22:00-06:00"
time_zone = "Europe/Berlin"
concurrency = 2
requests_per_minute = 60
tokens_per_minute = 30000
budget_usd_per_day = "5.00"
budget_usd_per_month = "99.999999999"
`);
  expect(upstreams[0]?.credentials).toEqual([
    {
      name: "a",
      apiKey: "sk-1",
      via: DIRECT,
      priority: 0,
      scope: null,
      weight: 3,
      models: ["gpt-5*"],
      activeHours: "22:00-06:00",
      timeZone: "Europe/Berlin",
      concurrency: 2,
      requestsPerMinute: 60,
      tokensPerMinute: 30_000,
      budgetUsdPerDay: "5.00",
      budgetUsdPerMonth: "99.999999999",
      project: null,
      region: null,
    },
  ]);
});

test.each([
  ["weight = 0", "must be a whole number from 1 to 100"],
  ["weight = 1.5", "must be a whole number from 1 to 100"],
  ["models = []", "is empty, so the credential could serve no model; name at least one"],
  ['models = ["a b"]', "is not a name or a pattern of models"],
  ['active_hours = "8-18"', "is not a span of hours; write the beginning and the end"],
  ['active_hours = "08:00-08:00"', "is not a span of hours"],
  ['active_hours = "24:00-06:00"', "is not a span of hours"],
  ["active_hours = 8", "active_hours"],
  ['time_zone = "Mars"', "is not a time zone that is known"],
  ["concurrency = 0", "must be a whole number from 1 to 1000000"],
  ["requests_per_minute = -1", "must be a whole number from 1"],
  ["tokens_per_minute = 0", "must be a whole number from 1"],
  ["budget_usd_per_day = 5", "budget_usd_per_day"],
  ['budget_usd_per_day = "0"', "is an empty budget"],
  ['budget_usd_per_month = "1,50"', "is not an amount in dollars"],
  ['budget_usd_per_week = "1"', "did you mean"],
  ["request_per_minute = 5", 'did you mean "requests_per_minute"?'],
])("%s is refused with its place and a repair", async (line, said) => {
  const error = await load(`${line}\n`).then(
    () => null,
    (cause: unknown) => cause,
  );
  if (!(error instanceof ConfigError)) throw error ?? new Error("the file was taken");
  const text = renderProblems(error.problems);
  expect(text).toContain("clewline.toml:10");
  expect(text).toContain("upstreams[0].credentials[0]");
  expect(text).toContain(said);
});

test.each([
  ["00:00-24:00", { fromMinute: 0, toMinute: 1_440 }],
  ["23:59-00:00", { fromMinute: 1_439, toMinute: 0 }],
  ["08:30-17:45", { fromMinute: 510, toMinute: 1_065 }],
  ["8:30-17:45", null],
  ["08:30 - 17:45", null],
  ["08:30-17:60", null],
  ["", null],
])("%p are the hours %p", (text, hours) => {
  expect(parseHours(text)).toEqual(hours);
});
