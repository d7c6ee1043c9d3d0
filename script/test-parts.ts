/**
 * Runs the parts of the test suite, each in a process of its own, and adds up what passed and failed. The short form
 * runs two parts at a time, the full form one. A part that crashes, hangs or has no test counts as one failure. The last
 * line of the output is `N passed, N failed`.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TestOutput } from "./test-output.ts";

interface Part {
  readonly name: string;
  readonly folders: readonly string[];
  /** Its files may run beside one another: none of them is about the whole gateway. Such a part has the machine alone. */
  readonly isParallel: boolean;
  /** Parts of script/check; each counts as one test. */
  readonly checks: readonly string[];
  /** Folders and files of other parts, which the full form runs too. */
  readonly more?: readonly string[];
  /** The cases of each property in the full form; absent: as many as in the short form. */
  readonly cases?: number;
}

type Form = "short" | "full";

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
/** Parts of the short form that run at a time. Most of them wait for one another's processes half of their time. */
const LANES = 2;
/** Between two lines that tell how far the parts are whose output is held back. */
const PROGRESS_MS = 30_000;

const PARTS: readonly Part[] = [
  {
    name: "unit",
    folders: ["./src", "./script", "./bench", "./ui"],
    isParallel: true,
    checks: ["format", "lint", "types", "imports", "unused"],
  },
  ...["flow", "matrix", "field", "faults", "security", "usage", "clients", "browser", "network"].map(
    (name) => ({
      name,
      folders: [`./test/${name}`],
      isParallel: false,
      checks: [],
    }),
  ),
  {
    name: "clouds",
    folders: ["./test/clouds"],
    isParallel: false,
    checks: [],
    // The matrix once more, with models on clouds.
    more: ["./test/on-clouds"],
  },
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

type Print = (text: string) => void;

/** Where the output of a part goes, and who is told how many of its tests have ended. */
interface Progress {
  readonly print: Print;
  readonly onTests: (ended: number) => void;
}

/** What an interrupt has to end: each signals the process group of one command. */
const underWay = new Set<(signal: NodeJS.Signals) => void>();

/** Runs a command in a process group of its own, and prints what it prints but for the tests that passed. */
async function run(
  command: readonly string[],
  limitMs: number,
  { print, onTests }: Progress,
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
  underWay.add(signalGroup);
  const [errors, output] = [new TestOutput(), new TestOutput()];
  const onPiece = (text: string): void => {
    print(text);
    onTests(errors.passed + errors.failed + output.passed + output.failed);
  };
  const copied = Promise.all([copy(child.stderr, errors, onPiece), copy(child.stdout, output, onPiece)]);
  await child.exited;
  clearTimeout(onLimit);
  underWay.delete(signalGroup);
  // Processes that a crashed runner has left must not disturb the next part.
  signalGroup("SIGKILL");
  await copied;
  return {
    exitCode: child.signalCode === null ? child.exitCode : null,
    isOutOfTime,
    seen: { passed: errors.passed + output.passed, failed: errors.failed + output.failed, skipped: 0 },
  };
}

async function copy(stream: ReadableStream<Uint8Array>, output: TestOutput, print: Print): Promise<void> {
  const decoder = new TextDecoder();
  for await (const bytes of stream) print(output.push(decoder.decode(bytes, { stream: true })));
  print(output.push(decoder.decode()) + output.end());
}

async function runTests(part: Part, form: Form, progress: Progress): Promise<Count> {
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
      progress,
      {
        ...(form === "full" ? { CLEWLINE_TEST_FULL: "1" } : {}),
        ...(cases === undefined ? {} : { PROPERTY_RUNS: String(cases) }),
      },
    );
    if (isOutOfTime) {
      const ran = seen.passed + seen.failed;
      progress.print(
        `FAILED  ${part.name}: ran out of its ${PART_LIMIT_MS[form] / 1000} s after ${ran} tests\n`,
      );
      return { ...seen, failed: seen.failed + 1 };
    }
    const junit = existsSync(report) ? readFileSync(report, "utf8") : null;
    if (junit === null)
      progress.print(
        `FAILED  ${part.name}: the runner ended (${exitCode ?? "by a signal"}) without a report\n`,
      );
    return countTests(junit, exitCode);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runPart(part: Part, form: Form, progress: Progress): Promise<Count> {
  let count = NOTHING;
  for (const name of part.checks) {
    const { exitCode, isOutOfTime } = await run(["script/check", name], PART_LIMIT_MS[form], progress);
    if (isOutOfTime) progress.print(`FAILED  ${name}: ran out of its ${PART_LIMIT_MS[form] / 1000} s\n`);
    const isGood = exitCode === 0;
    count = add(count, isGood ? { ...NOTHING, passed: 1 } : ONE_FAILED);
  }
  const wanted = form === "full" ? [...part.folders, ...(part.more ?? [])] : part.folders;
  const folders = wanted.filter((folder) => existsSync(join(ROOT, folder)));
  if (folders.length === 0) {
    progress.print(`FAILED  ${part.name}: there is no ${part.folders.join(", ")}\n`);
    return add(count, ONE_FAILED);
  }
  return add(count, await runTests({ ...part, folders }, form, progress));
}

/** Runs one part and prints its heading, its output and its sum; `progress` says where the output goes. */
async function runShown(part: Part, form: Form, progress: Progress): Promise<Count> {
  progress.print(`\n== ${part.name}${form === "full" ? ", in full" : ""}\n`);
  const startedMs = performance.now();
  const count = await runPart(part, form, progress);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
  const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : "";
  progress.print(
    `== ${part.name}: ${count.passed} passed, ${count.failed} failed${skipped} in ${seconds} s\n`,
  );
  return count;
}

const writeOut: Print = (text) => void process.stdout.write(text);

/** Runs parts beside one another. What a part prints is held back until the part ends, so that no output is mixed. */
async function runInLanes(parts: readonly Part[], form: Form): Promise<Count> {
  const waiting = [...parts];
  const testsEnded = new Map<string, number>();
  let total = NOTHING;
  const lane = async (): Promise<void> => {
    for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
      const { name } = part;
      let text = "";
      testsEnded.set(name, 0);
      const count = await runShown(part, form, {
        print: (piece) => {
          text += piece;
        },
        onTests: (ended) => testsEnded.set(name, ended),
      });
      testsEnded.delete(name);
      writeOut(text);
      total = add(total, count);
    }
  };
  const timer = setInterval(() => {
    const parts = [...testsEnded].map(([name, tests]) => `${name} ${tests} tests`);
    writeOut(`   under way: ${parts.join(", ")}\n`);
  }, PROGRESS_MS);
  try {
    await Promise.all(Array.from({ length: LANES }, lane));
  } finally {
    clearInterval(timer);
  }
  return total;
}

async function main(names: readonly string[]): Promise<number> {
  const unknown = names.filter((name) => !PARTS.some((part) => part.name === name));
  if (unknown.length > 0) {
    console.error(
      `no such part: ${unknown.join(", ")}; there are ${PARTS.map((part) => part.name).join(", ")}`,
    );
    return 2;
  }
  const form: Form = names.length === 0 ? "short" : "full";
  const parts = PARTS.filter((part) => names.length === 0 || names.includes(part.name));
  const isAlone = (part: Part): boolean => form === "full" || part.isParallel;
  let total = NOTHING;
  for (const part of parts.filter(isAlone))
    total = add(total, await runShown(part, form, { print: writeOut, onTests: () => {} }));
  total = add(
    total,
    await runInLanes(
      parts.filter((part) => !isAlone(part)),
      form,
    ),
  );
  console.log(`\n${total.passed} passed, ${total.failed} failed`);
  return total.failed === 0 ? 0 : 1;
}

function onInterrupt(): void {
  for (const signal of underWay) signal("SIGKILL");
  process.exit(130);
}

if (import.meta.main) {
  process.on("SIGINT", onInterrupt).on("SIGTERM", onInterrupt);
  process.exitCode = await main(process.argv.slice(2));
}
