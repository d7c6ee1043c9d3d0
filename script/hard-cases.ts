/**
 * Runs the tests of the hard cases (their names begin with `H-n`) and writes docs/hard-cases.md: each case
 * with its tests and their result, and what is open, why. Exit code 1 when a test fails or a case has neither
 * a test nor a reason.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HARD_CASES } from "../test/hard-cases.ts";
import { readReportedTests } from "./junit.ts";

const ROOT = join(import.meta.dir, "..");
const PAGE = join(ROOT, "docs/hard-cases.md");
/** Where tests of hard cases may stand. */
export const FOLDERS = [
  "./src",
  "./test/matrix",
  "./test/clouds",
  "./test/flow",
  "./test/field",
  "./test/faults",
  "./test/clients",
];

/** One test that names cases. */
export interface CaseTest {
  readonly file: string;
  readonly hasPassed: boolean;
}

/** The cases that the name of a test begins with: `H-32, H-36 text …`. */
export function casesOf(name: string): readonly number[] {
  const head = /^(?:H-\d+(?:,\s*|\s*and\s+|\s+|:|$))+/.exec(name)?.[0] ?? "";
  return [...head.matchAll(/H-(\d+)/g)].map((match) => Number(match[1]));
}

/** Tests by case, from a JUnit report. */
export function readReport(junit: string): ReadonlyMap<number, readonly CaseTest[]> {
  const tests = new Map<number, CaseTest[]>();
  for (const { name, around, file, result } of readReportedTests(junit)) {
    if (result === "skipped") continue;
    // A `describe` may be about a case as a whole.
    for (const number of new Set([name, ...around].flatMap(casesOf))) {
      const list = tests.get(number) ?? [];
      list.push({ file, hasPassed: result === "passed" });
      tests.set(number, list);
    }
  }
  return tests;
}

/** The page. */
export function renderPage(tests: ReadonlyMap<number, readonly CaseTest[]>): string {
  const lines = [
    "# Hard cases",
    "",
    "<!-- Written by script/hard-cases; do not edit. -->",
    "",
    "What has broken gateways before, case by case, with the tests that hold Clewline to it. Their names begin with the case's number:",
    '`script/hard-cases` runs them all and writes this page; `bun test -t "H-32 "` runs those of one case.',
    "",
    "| Case | What | Tests | Result |",
    "|---|---|---|---|",
  ];
  for (const [key, { title, open }] of Object.entries(HARD_CASES)) {
    const found = tests.get(Number(key)) ?? [];
    const files = [...new Set(found.map(({ file }) => file))].sort().map((file) => `\`${file}\``);
    const failed = found.filter(({ hasPassed }) => !hasPassed).length;
    const passed = `${found.length - failed} passed${failed === 0 ? "" : `, **${failed} failed**`}`;
    const result = found.length > 0 ? passed : open === undefined ? "**no test**" : `open: ${open}`;
    lines.push(`| H-${key} | ${title} | ${files.join(" ")} | ${result} |`);
  }
  return `${lines.join("\n")}\n`;
}

/** Cases with neither a test nor a reason. */
export function findGaps(tests: ReadonlyMap<number, readonly CaseTest[]>): readonly number[] {
  return Object.entries(HARD_CASES)
    .filter(([key, { open }]) => open === undefined && !tests.has(Number(key)))
    .map(([key]) => Number(key));
}

async function main(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "clewline-hard-cases-"));
  try {
    const report = join(folder, "report.xml");
    const child = Bun.spawn(
      [
        process.execPath,
        "test",
        "--timeout=120000",
        "-t",
        "H-\\d+",
        "--reporter=junit",
        `--reporter-outfile=${report}`,
        ...FOLDERS,
      ],
      { cwd: ROOT, stdin: "ignore", stdout: "ignore", stderr: "inherit" },
    );
    await child.exited;
    const tests = readReport(readFileSync(report, "utf8"));
    writeFileSync(PAGE, renderPage(tests));
    const gaps = findGaps(tests);
    const failed = [...tests.values()].flat().filter(({ hasPassed }) => !hasPassed).length;
    console.log(
      `${tests.size} cases with tests, ${failed} failed; without test or reason: ${gaps.map((gap) => `H-${gap}`).join(", ") || "none"}`,
    );
    return failed + gaps.length === 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) process.exit(await main());
