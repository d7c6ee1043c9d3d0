// Every hard case has a test by its number, or says why not; and the page says the same.
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { HARD_CASES } from "../test/hard-cases.ts";
import { casesOf, FOLDERS, findGaps, readReport, renderPage } from "./hard-cases.ts";

const ROOT = join(import.meta.dir, "..");
const CASES = Array.from({ length: 150 }, (_, i) => i + 1);

/**
 * Numbers at the beginning of a string or template in the source of a test, as in `"H-32, H-36 …` or `["H-7",
 * …`.
 */
const NUMBERED = /["'`](H-\d+(?:(?:,\s*|\s*and\s+|\s+)H-\d+)*)(?=[\s:"'`]|\$\{)/g;

/** Case by case, the files of tests whose sources name it. */
function findNamed(): ReadonlyMap<number, ReadonlySet<string>> {
  const named = new Map<number, Set<string>>();
  for (const folder of FOLDERS) {
    for (const entry of readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })) {
      if (!entry.endsWith(".test.ts")) continue;
      const file = join(folder, entry);
      for (const [, numbers = ""] of readFileSync(join(ROOT, file), "utf8").matchAll(NUMBERED)) {
        for (const number of casesOf(numbers)) named.set(number, (named.get(number) ?? new Set()).add(file));
      }
    }
  }
  return named;
}

const named = findNamed();
const page = readFileSync(join(ROOT, "docs/hard-cases.md"), "utf8");
const rows = new Map(
  [...page.matchAll(/^\| H-(\d+) \| (.*) \| (.*) \| (.*) \|$/gm)].map(
    ([, number, title = "", files = "", result = ""]) => [Number(number), { title, files, result }],
  ),
);

test("the list has all cases, each with words of its own", () => {
  expect(Object.keys(HARD_CASES).map(Number)).toEqual(CASES);
  const titles = Object.values(HARD_CASES).map(({ title }) => title);
  expect(new Set(titles).size).toBe(titles.length);
});

test("every case has a test in the sources, or says why it is open", () => {
  const gaps = CASES.filter((number) => HARD_CASES[number]?.open === undefined && !named.has(number));
  expect(gaps.map((number) => `H-${number}`)).toEqual([]);
});

test("no test names a case that is not in the list", () => {
  expect([...named.keys()].filter((number) => HARD_CASES[number] === undefined)).toEqual([]);
});

test("the page has every case with its title, and none without a test that passed or a reason", () => {
  expect([...rows.keys()]).toEqual(CASES);
  for (const number of CASES) {
    const row = rows.get(number);
    expect([number, row?.title]).toEqual([number, HARD_CASES[number]?.title ?? ""]);
    expect([number, row?.result]).toEqual([number, expect.stringMatching(/^(\d+ passed$|open: )/)]);
  }
});

test("the page names the files whose tests name the cases", () => {
  for (const number of CASES) {
    const shown = [...(rows.get(number)?.files ?? "").matchAll(/`([^`]+)`/g)].map(([, file = ""]) => file);
    const isOpen = rows.get(number)?.result.startsWith("open: ") === true;
    const expected = isOpen ? [] : [...(named.get(number) ?? [])].toSorted();
    expect([`H-${number}`, shown]).toEqual([`H-${number}`, expected]);
  }
});

describe("what the page is made of", () => {
  test.each([
    ["H-32 text, then two calls", [32]],
    ["H-32, H-36 text", [32, 36]],
    ["H-82 H-106 names", [82, 106]],
    ["H-8: a cut", [8]],
    ["H-150", [150]],
    ["a test of H-32", []],
    ["H-32a is no case", []],
    ["h-32 is none either", []],
  ])("the name %j is of %j", (name, cases) => expect([...casesOf(name)]).toEqual(cases));

  test("a report's tests are counted by case; skipped ones are none", () => {
    const report = [
      '<testsuites><testsuite name="a">',
      '<testcase name="H-1, H-2 good &quot;text&quot;" classname="a" file="a.test.ts" />',
      '<testcase name="H-2 bad" file="b.test.ts"><failure type="AssertionError" /></testcase>',
      '<testcase name="H-3 skipped" file="c.test.ts"><skipped /></testcase>',
      '<testcase name="other" file="d.test.ts" />',
      '<testcase name="inner" classname="outer &gt; H-4 all of these" file="e.test.ts" />',
      "</testsuite></testsuites>",
    ].join("\n");
    const tests = readReport(report);
    expect([...tests.keys()].toSorted()).toEqual([1, 2, 4]);
    expect(tests.get(2)).toEqual([
      { file: "a.test.ts", hasPassed: true },
      { file: "b.test.ts", hasPassed: false },
    ]);
    const text = renderPage(tests);
    expect(text).toContain("| `a.test.ts` `b.test.ts` | 1 passed, **1 failed** |");
    expect(text).toMatch(/\| H-3 \|.*\*\*no test\*\*/);
    expect(text).toMatch(/\| H-24 \|.*open: Bedrock/);
    expect(findGaps(tests)).toContain(3);
    expect(findGaps(tests)).not.toContain(24);
  });
});
