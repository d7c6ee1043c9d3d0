import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Log } from "../core/log.ts";
import { builtInPrices } from "./price-files.ts";
import { PricesInForce } from "./prices-in-force.ts";

let dir = "";
let logged: string[] = [];
const log: Log = {
  debug: () => undefined,
  info: (_, message) => void logged.push(`info: ${message}`),
  warn: (_, message) => void logged.push(`warn: ${message}`),
  error: (_, message) => void logged.push(`error: ${message}`),
};

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "clewline-in-force-"));
  logged = [];
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

async function write(version: string): Promise<void> {
  writeFileSync(
    join(dir, "prices.json"),
    JSON.stringify({ ...(await builtInPrices()), version, providers: [] }),
  );
}

test("a list comes, is spoiled, is replaced and goes: the last good one holds", async () => {
  const builtIn = (await builtInPrices()).version;
  const prices = await PricesInForce.load(dir, log);
  expect([prices.list.version, logged]).toEqual([builtIn, []]);
  expect(prices.readFile).toEqual({ path: join(dir, "prices.json"), version: "ENOENT" });

  await write("2999-01-01");
  await prices.reload();
  expect(prices.list.version).toBe("2999-01-01");
  expect(logged.splice(0)).toEqual(["info: the prices of another list hold from now on"]);
  const { version } = prices.readFile;
  expect(version).toMatch(/^\d+ \d+ /);

  writeFileSync(join(dir, "prices.json"), "{");
  await prices.reload();
  expect(prices.list.version).toBe("2999-01-01");
  expect(logged.splice(0)).toEqual([
    expect.stringMatching(
      /^error: .*prices\.json cannot be used: it is no JSON.*; the prices of 2999-01-01 hold$/,
    ),
  ]);
  expect(prices.readFile.version).not.toBe(version);

  await write("2999-01-02");
  await prices.reload();
  expect(prices.list.version).toBe("2999-01-02");
  rmSync(join(dir, "prices.json"));
  await prices.reload();
  expect(prices.list.version).toBe(builtIn);
});

test("a file that cannot be used at the start is told, and the program's list holds", async () => {
  writeFileSync(join(dir, "prices.json"), '{"format": 2}');
  const prices = await PricesInForce.load(dir, log);
  const builtIn = (await builtInPrices()).version;
  expect(prices.list.version).toBe(builtIn);
  expect(logged).toEqual([
    expect.stringMatching(new RegExp(`cannot be used.*the prices of ${builtIn} hold$`)),
  ]);
});

test("an older list in the data folder does not hold a newer program back", async () => {
  await write("2020-01-01");
  const prices = await PricesInForce.load(dir, log);
  expect([prices.list.version, logged]).toEqual([(await builtInPrices()).version, []]);
});
