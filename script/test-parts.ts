/**
 * Runs the parts of the test suite one after another, each in a process of its own, and adds up what passed
 * and failed. A part that crashes, hangs or has no test counts as one failure. The last line of the output is
 * `N passed, N failed`.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TestOutput } from "./test-output.ts";

interface Part {
  readonly name: string;
  readonly folders: readonly string[];
  /** Its files may run beside one another: none of them is about the whole gateway. */
  readonly isParallel: boolean;
  /** Parts of script/check; each counts as one test. */
  readonly checks: readonly string[];
  /** Folders and files of other parts, which the full form runs too. */
  readonly more?: readonly string[];
  /** The cases of each property in the full form; absent: as many as in the short form. */
  readonly cases?: number;
}

export interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const ROOT = join(import.meta.dir, "..");
const BUN = process.execPath;
const MINUTE_MS = 60_000;
/** For a whole part. The limits end what hangs; a busy machine does not come near them. */
const PART_LIMIT_MS = { short: 20 * MINUTE_MS, full: 60 * MINUTE_MS };
/** For a single test that has no limit of its own. */
const TEST_LIMIT_MS = { short: 5 * MINUTE_MS, full: 20 * MINUTE_MS };
/** How long a part that is asked to end may take. */
const GRACE_MS = 5_000;

const PARTS: readonly Part[] = [
  {
    name: "unit",
    folders: ["./src", "./script", "./bench", "./ui"],
    isParallel: true,
    checks: ["format", "lint", "types", "imports", "unused"],
  },
  ...["flow", "matrix", "field", "faults", "usage", "clients", "browser"].map((name) => ({
    name,
    folders: [`./test/${name}`],
    isParallel: false,
    checks: [],
  })),
  {
    name: "money",
    folders: ["./test/money"],
    isParallel: false,
    checks: [],
    more: [
      "./test/flow/money.test.ts",
      "./src/prices",
      "./src/neutral/usage.test.ts",
      "./src/proxy/costs.test.ts",
      "./src/cli/prices/apply.test.ts",
    ],
    cases: 10_000,
  },
  // Properties of a room, without a gateway: its files may run beside one another.
  { name: "limits", folders: ["./test/limits"], isParallel: true, checks: [], cases: 10_000 },
];

const NOTHING: Count = { passed: 0, failed: 0, skipped: 0 };
const ONE_FAILED: Count = { passed: 0, failed: 1, skipped: 0 };

function add(a: Count, b: Count): Count {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

/**
 * Counts the tests of a run of `bun test` by its JUnit report (null: it wrote none) and its exit code. A bad
 * exit code without a failed test is a failure as well: a file that does not load, an error between two
 * tests, a crash.
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

interface Run {
  /** null: ended by a signal, ours included. */
  readonly exitCode: number | null;
  readonly isOutOfTime: boolean;
  /** Tests that the command named as passed and as failed. */
  readonly seen: Count;
}

/** Runs a command in a process group of its own, and prints what it prints but for the tests that passed. */
async function run(
  command: readonly string[],
  limitMs: number,
  env: Readonly<Record<string, string>> = {},
): Promise<Run> {
  const child = Bun.spawn([...command], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    detached: true,
  });
  const signalGroup = (signal: NodeJS.Signals): void => {
    try {
      process.kill(-child.pid, signal);
    } catch (error) {
      // The group has no process any more: nothing is left to do.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  };
  let isOutOfTime = false;
  const onLimit = setTimeout(() => {
    isOutOfTime = true;
    signalGroup("SIGTERM");
    setTimeout(() => signalGroup("SIGKILL"), GRACE_MS).unref();
  }, limitMs);
  const onInterrupt = (): void => {
    signalGroup("SIGKILL");
    process.exit(130);
  };
  process.on("SIGINT", onInterrupt).on("SIGTERM", onInterrupt);
  const [errors, output] = [new TestOutput(), new TestOutput()];
  const copied = Promise.all([copy(child.stderr, errors), copy(child.stdout, output)]);
  await child.exited;
  clearTimeout(onLimit);
  process.off("SIGINT", onInterrupt).off("SIGTERM", onInterrupt);
  // Processes that a crashed runner has left must not disturb the next part.
  signalGroup("SIGKILL");
  await copied;
  return {
    exitCode: child.signalCode === null ? child.exitCode : null,
    isOutOfTime,
    seen: { passed: errors.passed + output.passed, failed: errors.failed + output.failed, skipped: 0 },
  };
}

async function copy(stream: ReadableStream<Uint8Array>, output: TestOutput): Promise<void> {
  const decoder = new TextDecoder();
  for await (const bytes of stream)
    process.stdout.write(output.push(decoder.decode(bytes, { stream: true })));
  process.stdout.write(output.push(decoder.decode()) + output.end());
}

async function runTests(part: Part, form: "short" | "full"): Promise<Count> {
  const folder = mkdtempSync(join(tmpdir(), "clewline-test-"));
  const report = join(folder, "junit.xml");
  const cases = form === "full" ? part.cases : undefined;
  try {
    const { exitCode, isOutOfTime, seen } = await run(
      [
        BUN,
        "test",
        ...(part.isParallel ? ["--parallel"] : []),
        ...(cases === undefined ? [] : ["--preload", "./test/kit/property-seed.ts"]),
        `--timeout=${TEST_LIMIT_MS[form]}`,
        "--reporter=junit",
        `--reporter-outfile=${report}`,
        ...part.folders,
      ],
      PART_LIMIT_MS[form],
      {
        ...(form === "full" ? { CLEWLINE_TEST_FULL: "1" } : {}),
        ...(cases === undefined ? {} : { PROPERTY_RUNS: String(cases) }),
      },
    );
    if (isOutOfTime) {
      const ran = seen.passed + seen.failed;
      console.log(`FAILED  ${part.name}: ran out of its ${PART_LIMIT_MS[form] / 1000} s after ${ran} tests`);
      return { ...seen, failed: seen.failed + 1 };
    }
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
    const { exitCode, isOutOfTime } = await run(["script/check", name], PART_LIMIT_MS[form]);
    if (isOutOfTime) console.log(`FAILED  ${name}: ran out of its ${PART_LIMIT_MS[form] / 1000} s`);
    const isGood = exitCode === 0;
    count = add(count, isGood ? { ...NOTHING, passed: 1 } : ONE_FAILED);
  }
  const wanted = form === "full" ? [...part.folders, ...(part.more ?? [])] : part.folders;
  const folders = wanted.filter((folder) => existsSync(join(ROOT, folder)));
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
