/**
 * Writes `docs/field.md`: each kind of fault of `test/field/kinds`, its sources, its tests and how they ended. Runs
 * `bun test test/field` for that; `--from REPORT` reads a JUnit report of such a run instead.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FieldKind } from "../test/field/kind.ts";
import { readReportedTests } from "./junit.ts";

const ROOT = join(import.meta.dir, "..");
const KINDS = join(ROOT, "test/field/kinds");
const PAGE = join(ROOT, "docs/field.md");
/** Tests of the reported inputs begin with it; see `test/field/kind.ts`. */
const REPORTED = "reported:";
/** `describeKind` puts it before the id of a kind. */
const DESCRIBED = "field ";

export interface FieldTest {
  readonly kind: string;
  readonly name: string;
  readonly result: "passed" | "failed" | "skipped";
}

/** The tests of kinds in a JUnit report of `bun test`. */
export function readReport(junit: string): readonly FieldTest[] {
  return readReportedTests(junit).flatMap(({ name, around, result }) => {
    const kind = around.find((title) => title.startsWith(DESCRIBED))?.slice(DESCRIBED.length);
    return kind === undefined ? [] : [{ kind, name, result }];
  });
}

/** The page for kinds in the order given, and the tests of a run. */
export function pageOf(kinds: readonly FieldKind[], tests: readonly FieldTest[]): string {
  const sections = kinds.map((kind) => {
    const own = tests.filter(({ kind: id }) => id === kind.id);
    const reported = own.filter(({ name }) => name.startsWith(REPORTED));
    const beyond = own.filter(({ name }) => !name.startsWith(REPORTED));
    return [
      `## ${kind.title}`,
      "",
      kind.promise,
      "",
      ...(kind.sources.length === 0 ? [] : [`Reported in ${kind.sources.join(", ")}.`, ""]),
      ...listOf("Reported inputs", reported),
      ...listOf("Beyond them", beyond),
      ...(kind.open.length === 0 ? [] : ["Left open:", "", ...kind.open.map((one) => `- ${one}`), ""]),
      `Tests: [\`test/field/${kind.id}.test.ts\`](../test/field/${kind.id}.test.ts)`,
    ].join("\n");
  });
  const failed = tests.filter(({ result }) => result !== "passed").length;
  const head = [
    "# The field",
    "",
    "Servers and clients that are not by the book, as people who run gateways report them in public, and what a user of",
    `Clewline gets instead. ${kinds.length} kinds, ${tests.length} tests${failed === 0 ? ", all passed" : `, ${failed} not passed`}. Written by \`bun script/field-page.ts\` from a run of`,
    "`script/test field`; do not edit it.",
  ].join("\n");
  return `${[head, ...sections].join("\n\n")}\n`;
}

function listOf(title: string, tests: readonly FieldTest[]): readonly string[] {
  if (tests.length === 0) return [];
  const lines = tests.map(
    ({ name, result }) => `- ${result === "passed" ? "✓" : result}: ${plainName(name)}`,
  );
  return [`${title}:`, "", ...lines, ""];
}

function plainName(name: string): string {
  const text = name.startsWith(REPORTED) ? name.slice(REPORTED.length).trim() : name;
  return text.replace(/[<|]/g, "\\$&");
}

export async function loadKinds(): Promise<readonly FieldKind[]> {
  const files = readdirSync(KINDS).sort();
  const modules = await Promise.all(
    files.map((file) => import(join(KINDS, file)) as Promise<{ readonly kind: FieldKind }>),
  );
  return modules.map(({ kind }) => kind).sort((a, b) => a.title.localeCompare(b.title));
}

async function runTests(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "clewline-field-"));
  try {
    const report = join(folder, "junit.xml");
    const child = Bun.spawn(
      [
        process.execPath,
        "test",
        "--timeout=1200000",
        "--reporter=junit",
        `--reporter-outfile=${report}`,
        "./test/field",
      ],
      { cwd: ROOT, env: { ...process.env, CLEWLINE_TEST_FULL: "1" }, stdout: "inherit", stderr: "inherit" },
    );
    await child.exited;
    return readFileSync(report, "utf8");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const from = process.argv.indexOf("--from");
  const junit = from === -1 ? await runTests() : readFileSync(process.argv[from + 1] as string, "utf8");
  writeFileSync(PAGE, pageOf(await loadKinds(), readReport(junit)));
  console.error(`wrote ${PAGE}`);
}
