import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../core/clock.ts";
import { makeIds } from "../core/ids.ts";
import { builtInPrices } from "../prices/price-files.ts";
import { prices } from "./prices.ts";

const NOW_MS = Date.parse("2026-11-29T12:00:00Z");

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "clewline-prices-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = "";
  let err = "";
  const code = await prices(args, {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    env: { HOME: dir },
    cwd: dir,
    clock: { ...systemClock, nowMs: () => NOW_MS },
    ids: makeIds(),
    stopped: new Promise(() => undefined),
    program: "clewline",
    isTty: false,
    onReload: () => undefined,
    memory: { residentBytes: () => 0, collect: () => undefined, collectAll: () => undefined },
  });
  return { code, out, err };
}

const jsonLines = (text: string): Record<string, unknown>[] =>
  text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));

test("show: provider, rates, steps, tiers, day and sources", async () => {
  const { code, out } = await run("show", "gpt-5.4", "--provider", "openai");
  expect(code).toBe(0);
  const lines = out.split("\n");
  expect(lines[0]).toMatch(/^PROVIDER +MODEL +SINCE +WHEN +INPUT +OUTPUT +CACHE READ/);
  expect(lines[1]).toMatch(/^openai +gpt-5\.4 +- +standard +2\.5 +15 +0\.25 /);
  expect(lines[2]).toMatch(/^ +standard > 272000 +5 +22\.5 +0\.5 /);
  expect(out).toMatch(/\n +batch +1\.25 +7\.5 /);
  expect(out).toMatch(/\n +priority +5 +30 +0\.5 /);
  expect(out).toContain("Prices of 2026-");
  expect(out).toContain("genai-prices");
});

test("show: a price that changed has the day of the one in force", async () => {
  const [line] = jsonLines((await run("show", "gpt-5.6-sol", "--provider", "openai", "--json")).out);
  expect(line).toMatchObject({ model: "gpt-5.6-sol", since: "2026-08-21", is_disputed: false });
  expect(line?.version).toContain("openai/gpt-5.6-sol@2026-08-21");
});

test("show: the names that upstreams use", async () => {
  for (const name of ["models/gemini-2.5-pro", "google/gemini-2.5-pro", "GEMINI-2.5-pro"])
    expect(jsonLines((await run("show", name, "--provider", "google", "--json")).out)).toMatchObject([
      { provider: "google", model: "gemini-2.5-pro" },
    ]);
});

test("show: every disputed price says so, with both values", async () => {
  const list = await builtInPrices();
  const disputed = list.providers.flatMap((provider) =>
    provider.models.flatMap((model) =>
      model.disputes === undefined ? [] : [{ place: `${provider.id}/${model.id}`, disputes: model.disputes }],
    ),
  );
  const { out } = await run("show", "*", "--json");
  const shown = new Map(jsonLines(out).map((line) => [`${line.provider}/${line.model}`, line]));
  expect([...shown.values()].filter((line) => line.is_disputed).length).toBe(disputed.length);
  for (const { place, disputes } of disputed)
    expect(shown.get(place)).toMatchObject({
      is_disputed: true,
      disputes: disputes.map(([rate, first, second]) => ({ rate, first, second })),
    });
  const { out: table } = await run("show", "claude-sonnet-4-5", "--provider", "anthropic");
  expect(table).toContain("claude-sonnet-4-5 (disputed)");
  expect(table).toContain(
    "disputed: anthropic/claude-sonnet-4-5 input above 200k: 6, and 3 in the second source",
  );
});

test("show: an unknown model is no price of 0", async () => {
  const { code, out, err } = await run("show", "claude-opus-55");
  expect([code, out]).toEqual([1, ""]);
  expect(err).toMatch(
    /^clewline prices: no price for claude-opus-55, so its requests count as unpriced; did you mean "claude-opus-/,
  );
});

test("wrong usage", async () => {
  expect((await run()).err).toContain("nothing is no action; give show or update");
  expect((await run("shw", "x")).err).toContain('did you mean "show"?');
  expect((await run("show")).err).toContain("show needs the name of a model");
  expect((await run("show", "a", "b")).err).toContain("b is one argument too many");
  expect((await run("show", "gpt-5", "--provider", "opnai")).err).toContain('did you mean "openai"?');
  expect((await run("update")).err).toContain("update needs --from FILE");
  expect((await run("update", "--from", "https://x.test/p.json")).err).toContain("is a URL; download it");
  expect((await run("update", "--from", "none.json")).err).toContain("does not exist");
});

async function writeList(version: string): Promise<string> {
  const list = await builtInPrices();
  const file = join(dir, "new.json");
  const maker = {
    id: "maker",
    name: "Maker",
    addresses: ["x.test"],
    models: [{ id: "pen", names: ["pen"], prices: [{ rates: { input: 1.5 } }] }],
  };
  writeFileSync(file, JSON.stringify({ ...list, version, providers: [maker] }));
  return file;
}

test("update: a later list holds from then on, an earlier one does not", async () => {
  const file = await writeList("2999-01-01");
  const { code, out } = await run("update", "--from", file, "--data-dir", dir);
  expect([code, out]).toEqual([
    0,
    `${join(dir, "prices.json")}: prices of 2999-01-01, 1 providers, 1 models, 0 disputed\n`,
  ]);
  expect((await run("show", "pen", "--data-dir", dir)).out).toContain(
    `Prices of 2999-01-01 from ${join(dir, "prices.json")}`,
  );
  const older = await run("update", "--from", await writeList("2020-01-01"), "--data-dir", dir);
  expect([older.code, older.err]).toEqual([1, expect.stringContaining("the program's own list is of")]);
});

test("a list that cannot be used changes nothing and is named", async () => {
  const file = join(dir, "bad.json");
  writeFileSync(file, '{"format": 1}');
  const bad = await run("update", "--from", file, "--data-dir", dir);
  expect(bad.code).toBe(1);
  expect(bad.err).toContain("bad.json is no price list: version is missing");
  expect(existsSync(join(dir, "prices.json"))).toBe(false);
  writeFileSync(join(dir, "prices.json"), "{");
  const shown = await run("show", "gpt-5.4", "--provider", "openai", "--data-dir", dir);
  expect(shown.code).toBe(0);
  expect(shown.err).toContain("prices.json cannot be used: it is no JSON");
  expect(readFileSync(join(dir, "prices.json"), "utf8")).toBe("{");
});
