import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "..");
const PAGE = readFileSync(join(ROOT, "docs/threats.md"), "utf8");
/** A test file, and a part of the name of a test in it. */
const TEST = /`((?:src|test|script)\/[\w./-]+\.test\.ts)`(?:: "([^"]+)")?/g;

/** The last part has reasons, not tests. */
const [TABLES = ""] = PAGE.split("\n## Figures that are not held");
const rows = TABLES.split("\n").flatMap((line) => {
  const cells = line.split(" | ");
  const number = /^\| ([PATF]\d+)$/.exec(cells[0] ?? "")?.[1];
  return number === undefined ? [] : [{ number, tests: cells.at(-1) ?? "" }];
});

test("every finding, attack, threat and fault names its tests, or says why there is none", () => {
  const bare = rows.filter(({ tests }) => !tests.startsWith("none: ") && !TEST[Symbol.match](tests));
  expect(bare.map(({ number }) => number)).toEqual([]);
  for (const [letter, count] of [
    ["P", 25],
    ["A", 30],
    ["T", 27],
    ["F", 35],
  ] as const) {
    const numbers = rows.flatMap(({ number }) =>
      number.startsWith(letter) ? [Number(number.slice(1))] : [],
    );
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
    expect(numbers.length).toBeGreaterThanOrEqual(count);
  }
});

test("every test that the page names is there", () => {
  const missing = [...PAGE.matchAll(TEST)].filter(([, file, name]) => {
    const path = join(ROOT, file as string);
    return !existsSync(path) || (name !== undefined && !readFileSync(path, "utf8").includes(name));
  });
  expect(missing.map(([all]) => all)).toEqual([]);
});
