import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
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

/** The files of the data folder, and their text. */
const stateOf = (folder: string): readonly (readonly [string, string])[] =>
  readdirSync(folder)
    .sort()
    .map((name) => [name, readFileSync(join(folder, name), "utf8")]);

test("a hostile file is refused with one line, and leaves the list that was there", async () => {
  const data = join(dir, "data");
  mkdirSync(data);
  await run("update", "--from", await writeList("2999-01-01"), "--data-dir", data);
  const before = stateOf(data);
  expect(before.map(([name]) => name)).toEqual(["prices.json"]);
  const good = readFileSync(await writeList("2999-01-02"), "utf8");
  const file = join(dir, "hostile.json");
  const HOSTILE: readonly (readonly [text: string | Buffer, fault: string])[] = [
    ["", "it is no JSON"],
    [good.slice(0, -1), "it is no JSON"],
    ["[".repeat(1e6), "it is no JSON"],
    [`${good.slice(0, -1)},"x":${"[".repeat(1e5)}${"]".repeat(1e5)}}`, "hostile.json is no price list: "],
    [good.replace('"input":1.5', '"input":NaN'), "it is no JSON"],
    [good.replace('"input":1.5', '"input":1e999'), "rates.input must be"],
    [good.replace('"input":1.5', '"input":-1.5'), "rates.input must not be below 0"],
    [good.replace('"input":1.5', '"input":"1.5"'), "rates.input must be a number of dollars"],
    [good.replace('"input":1.5', '"input":null'), "rates.input must be a number of dollars"],
    [good.replace('"input":1.5', '"__proto__":{"input":1}'), "__proto__ is not a member"],
    [good.replace('"input":1.5', '"constructor":1'), "constructor is not a member"],
    [good.replace('"pen"]', '"/(a+)+$/"]'), "must be a name in lower case"],
    [good.replace("x.test", "*.test"), "addresses[0] must be a host"],
    [good.replace("2999-01-02", "2999-02-30"), "version must be a day"],
    [Buffer.from(good.replace("Maker", "M\u00e4ker"), "latin1"), "it is not UTF-8"],
    [Buffer.alloc(17 * 1024 * 1024, 0x20), "it has 17825792 bytes; a list has 16777216 at most"],
  ];
  for (const [text, fault] of HOSTILE) {
    writeFileSync(file, text);
    const { code, out, err } = await run("update", "--from", file, "--data-dir", data);
    expect([fault, code, out]).toEqual([fault, 1, ""]);
    expect(err).toContain(fault);
    expect(err.trimEnd()).not.toContain("\n");
    expect(stateOf(data)).toEqual(before);
  }
});

test.skipIf(process.platform === "win32")("a folder or a device is no price list", async () => {
  for (const path of [dir, "/dev/zero"])
    expect((await run("update", "--from", path, "--data-dir", dir)).err).toContain(
      "it is not a file but a folder or a device",
    );
});

test("a list that cannot be written leaves nothing half-written", async () => {
  const data = join(dir, "data");
  mkdirSync(join(data, "prices.json", "full"), { recursive: true });
  const { code, out, err } = await run("update", "--from", await writeList("2999-01-01"), "--data-dir", data);
  expect([code, out]).toEqual([1, ""]);
  expect(err).toContain("cannot be written");
  expect(readdirSync(data)).toEqual(["prices.json"]);
});

test("show: a pattern is never a regular expression", async () => {
  for (const pattern of ["/*/", "/(a+)+*$/", "(*", `${"*a".repeat(2000)}*`]) {
    const { code, err } = await run("show", pattern);
    expect([pattern.slice(0, 10), code]).toEqual([pattern.slice(0, 10), 1]);
    expect(err).toContain("no price for");
  }
});
