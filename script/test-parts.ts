/**
 * Runs the parts of the test suite one after another, each in a process of its own, and adds up what passed and failed.
 * A part that crashes, hangs or has no test counts as one failure. The last line of the output is `N passed, N failed`.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

interface Part {
  readonly name: string;
  readonly folders: readonly string[];
  /** For the whole part, in the short form and in full. */
  readonly limitMs: { readonly short: number; readonly full: number };
  /** For a single test. */
  readonly testLimitMs: { readonly short: number; readonly full: number };
  /** Its files may run beside one another: none of them is about the whole gateway. */
  readonly isParallel: boolean;
  /** Parts of script/check; each counts as one test. */
  readonly checks: readonly string[];
}

export interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const ROOT = join(import.meta.dir, "..");
const BUN = process.execPath;
const MINUTE_MS = 60_000;
const FULL_LIMIT_MS = 28 * MINUTE_MS;
/** How long a part that is asked to end may take. */
const GRACE_MS = 5_000;

const PARTS: readonly Part[] = [
  {
    name: "unit",
    folders: ["./src", "./script"],
    limitMs: { short: 4 * MINUTE_MS, full: FULL_LIMIT_MS },
    testLimitMs: { short: 60_000, full: 10 * MINUTE_MS },
    isParallel: true,
    checks: ["format", "lint", "types", "imports"],
  },
  ...["flow", "matrix", "faults", "clients"].map((name) => ({
    name,
    folders: [`./test/${name}`],
    limitMs: { short: 5 * MINUTE_MS, full: FULL_LIMIT_MS },
    testLimitMs: { short: 2 * MINUTE_MS, full: 20 * MINUTE_MS },
    isParallel: false,
    checks: [],
  })),
];

const NOTHING: Count = { passed: 0, failed: 0, skipped: 0 };
const ONE_FAILED: Count = { passed: 0, failed: 1, skipped: 0 };

function add(a: Count, b: Count): Count {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

/**
 * What a run of `bun test` came to, from its JUnit report (null: it wrote none) and its exit code. A bad exit code
 * without a failed test is a failure as well: a file that does not load, an error between two tests, a crash.
 */
export function countTests(junit: string | null, exitCode: number | null): Count {
  const head = /<testsuites\b[^>]*>/.exec(junit ?? "")?.[0] ?? "";
  const read = (name: string): number => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(head)?.[1] ?? 0);
  const [tests, failures, skipped] = [read("tests"), read("failures"), read("skipped")];
  const isBad = exitCode !== 0 || tests - skipped === 0;
  return {
    passed: Math.max(0, tests - failures - skipped),
    failed: isBad ? Math.max(1, failures) : failures,
    skipped,
  };
}

/** Runs a command in a process group of its own; null as exit code: ended by a signal, ours included. */
async function run(
  command: readonly string[],
  limitMs: number,
  env: Readonly<Record<string, string>> = {},
): Promise<number | null> {
  const child = Bun.spawn([...command], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdin: "ignore",
    stdout: "inherit",
    stderr: "inherit",
    detached: true,
  });
  const signalGroup = (signal: NodeJS.Signals): void => {
    try {
      process.kill(-child.pid, signal);
    } catch (error) {
      // Nobody left in the group is what we want.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  };
  const onLimit = setTimeout(() => {
    console.log(`not finished after ${limitMs / 1000} s: ended`);
    signalGroup("SIGTERM");
    setTimeout(() => signalGroup("SIGKILL"), GRACE_MS).unref();
  }, limitMs);
  const onInterrupt = (): void => {
    signalGroup("SIGKILL");
    process.exit(130);
  };
  process.on("SIGINT", onInterrupt).on("SIGTERM", onInterrupt);
  await child.exited;
  clearTimeout(onLimit);
  process.off("SIGINT", onInterrupt).off("SIGTERM", onInterrupt);
  // What a crashed runner has left behind must not disturb the next part.
  signalGroup("SIGKILL");
  return child.signalCode === null ? child.exitCode : null;
}

async function runTests(part: Part, form: "short" | "full"): Promise<Count> {
  const folder = mkdtempSync(join(tmpdir(), "clewline-test-"));
  const report = join(folder, "junit.xml");
  try {
    const exitCode = await run(
      [
        BUN,
        "test",
        "--only-failures",
        ...(part.isParallel ? ["--parallel"] : []),
        `--timeout=${part.testLimitMs[form]}`,
        "--reporter=junit",
        `--reporter-outfile=${report}`,
        ...part.folders,
      ],
      part.limitMs[form],
      form === "full" ? { CLEWLINE_TEST_FULL: "1" } : {},
    );
    const junit = existsSync(report) ? readFileSync(report, "utf8") : null;
    if (junit === null)
      console.log(`FAILED  ${part.name}: the runner ended (${exitCode ?? "by a signal"}) without a report`);
    return countTests(junit, exitCode);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runPart(part: Part, form: "short" | "full"): Promise<Count> {
  let count = NOTHING;
  for (const name of part.checks) {
    const isGood = (await run(["script/check", name], part.limitMs[form])) === 0;
    count = add(count, isGood ? { ...NOTHING, passed: 1 } : ONE_FAILED);
  }
  const folders = part.folders.filter((folder) => existsSync(join(ROOT, folder)));
  if (folders.length === 0) {
    console.log(`FAILED  ${part.name}: there is no ${part.folders.join(", ")}`);
    return add(count, ONE_FAILED);
  }
  return add(count, await runTests({ ...part, folders }, form));
}

async function main(names: readonly string[]): Promise<number> {
  const unknown = names.filter((name) => !PARTS.some((part) => part.name === name));
  if (unknown.length > 0) {
    console.error(
      `no such part: ${unknown.join(", ")}; there are ${PARTS.map((part) => part.name).join(", ")}`,
    );
    return 2;
  }
  const form = names.length === 0 ? "short" : "full";
  let total = NOTHING;
  for (const part of PARTS) {
    if (names.length > 0 && !names.includes(part.name)) continue;
    console.log(`\n== ${part.name}${form === "full" ? ", in full" : ""}`);
    const startedMs = performance.now();
    const count = await runPart(part, form);
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
    const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : "";
    console.log(`== ${part.name}: ${count.passed} passed, ${count.failed} failed${skipped} in ${seconds} s`);
    total = add(total, count);
  }
  console.log(`\n${total.passed} passed, ${total.failed} failed`);
  return total.failed === 0 ? 0 : 1;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
