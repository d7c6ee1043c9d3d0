import { parseArgs } from "node:util";
import { type AgainstResult, buildCommit, compareBuilds, ROWS } from "./against.ts";
import { allowedCores, describeMachine, type Machine } from "./machine.ts";
import { isReached, renderComparisons, renderTable, type WorkResult } from "./result.ts";
import { clewlineCommand, ROOT, type Stage, startUpstream } from "./targets.ts";
import { WORKS } from "./works.ts";
import { Workspace } from "./workspace.ts";

const MAX_ROUNDS = 50;
/** They explain figures and have no goals, or need a ledger of ten million rows. */
const ONLY_BY_NAME = ["ladder", "stages", "reader"];
/** What is measured of two builds beside nginx: the works with a goal that a change of the request's path may move. */
const WORKS_OF_BUILDS = [
  ...["json", "translated-json", "burst", "translated-burst", "streams"],
  ...["latency", "memory", "translated-open", "start"],
];
const USAGE = `usage: script/bench [NAME…] [--before COMMIT] [--json] [--short] [--rounds N] [--dev]
       script/bench --against COMMIT [--rows ROW,…] [--rounds N] [--limited] [--watched] [--json]

  NAME        ${Object.keys(WORKS).join(" ")}; all of them without a name, but for ${ONLY_BY_NAME.join(", ")}
  --before C  a build of commit C beside this one: both take turns with nginx. Without a name these works:
              ${WORKS_OF_BUILDS.join(" ")}
  --json      one JSON object on standard output instead of the table
  --short     small counts, one round: a smoke test, nothing is judged
  --rounds N  rounds of each comparison, 1 to ${MAX_ROUNDS} (10)
  --dev       measure src/main.ts instead of the compiled binary
  --against C compare the working tree with a build of commit C; exit code 1 when a row is worse
  --rows R    rows of that comparison, with commas: ${Object.keys(ROWS).join(" ")}; all of them when absent
  --limited   with --against: the key of the working tree has limits and budgets, and its model a price; that of C has none
  --watched   with --against: the admin of the working tree is on, and somebody has it open; that of C is off`;

async function main(): Promise<number> {
  const { values, positionals: names } = readArguments();
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const { against, before, short, json } = values;
  const rows = values.rows?.split(",") ?? Object.keys(ROWS);
  const rounds = short ? 1 : Number(values.rounds ?? 10);
  const problem =
    findProblem(names, rows, rounds) ??
    ((against === undefined ? values.rows !== undefined : names.length > 0)
      ? "rows belong to --against, and names of works to a run without it"
      : null) ??
    (against !== undefined && before !== undefined ? "--against and --before exclude each other" : null) ??
    ((values.limited || values.watched) && against === undefined
      ? "--limited and --watched belong to --against"
      : null);
  if (problem !== null) return refuse(problem);

  const beganMs = performance.now();
  const program = clewlineCommand(values.dev, ROOT); // fails now rather than after a minute
  const machine = describeMachine(ROOT);
  const [targetCore, loadCore] = allowedCores();
  const pinned = loadCore !== undefined;
  const workspace = new Workspace();
  const upstreamPort = await startUpstream(workspace, pinned ? loadCore : undefined);
  const treeBefore = before === undefined ? undefined : await buildCommit(workspace, before);
  const stage: Stage = {
    workspace,
    targetCore: pinned ? targetCore : undefined,
    loadCore,
    upstreamPort,
    program,
    treeBefore,
    programBefore: treeBefore === undefined ? undefined : clewlineCommand(values.dev, treeBefore),
    isLimited: values.limited,
    isWatched: values.watched,
  };
  const run: RunFacts = { machine, pinned, rounds };
  if (against !== undefined) {
    const base = clewlineCommand(false, await buildCommit(workspace, against));
    return reportComparisons(await compareBuilds(stage, base, rows, rounds), run, json);
  }
  const results: WorkResult[] = [];
  const judged = Object.keys(WORKS).filter((name) => !ONLY_BY_NAME.includes(name));
  const all = before === undefined ? judged : WORKS_OF_BUILDS;
  const chosen = names.length > 0 ? names : all;
  for (const [index, name] of chosen.entries()) {
    const minutes = ((performance.now() - beganMs) / 60_000).toFixed(1);
    console.error(`${name} (${index + 1} of ${chosen.length}, after ${minutes} minutes) …`);
    results.push(await measureWork(name, stage, { rounds, short }));
  }
  return reportWorks(results, run, json, !short);
}

/** What is wrong with the arguments, or with the machine. */
function findProblem(names: readonly string[], rows: readonly string[], rounds: number): string | null {
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > MAX_ROUNDS)
    return `--rounds takes a whole number from 1 to ${MAX_ROUNDS}`;
  const name = names.find((one) => !Object.hasOwn(WORKS, one));
  if (name !== undefined) return `no work is named ${name}`;
  const row = rows.find((one) => !Object.hasOwn(ROWS, one));
  if (row !== undefined) return `no row is named ${row}`;
  return process.platform === "linux"
    ? null
    : "the harness reads /proc and pins with taskset: it needs Linux";
}

/** The facts of a run that its figures depend on. */
interface RunFacts {
  readonly machine: Machine;
  readonly pinned: boolean;
  readonly rounds: number;
}

/** Prints the comparison of two builds; returns the exit code. */
function reportComparisons({ comparisons, errors }: AgainstResult, run: RunFacts, json: boolean): number {
  if (json)
    console.log(
      JSON.stringify({ command: commandLine(), atMs: Date.now(), ...run, results: comparisons, errors }),
    );
  else {
    console.log(renderComparisons(comparisons));
    for (const error of errors) console.log(`ERROR ${error}`);
    console.log(`\n${commandLine()} · ${describeRun(run)}`);
  }
  const isWorse = comparisons.some(({ summary }) => summary.verdict === "worse");
  return isWorse || errors.length > 0 ? 1 : 0;
}

/** Prints the results of the works; returns the exit code. */
function reportWorks(results: readonly WorkResult[], run: RunFacts, json: boolean, judge: boolean): number {
  if (json) {
    const withVerdicts = results.map((result) => ({
      ...result,
      figures: result.figures.map((figure) => ({
        ...figure,
        reached: (judge ? isReached(figure, result) : undefined) ?? null,
      })),
    }));
    console.log(JSON.stringify({ command: commandLine(), atMs: Date.now(), ...run, results: withVerdicts }));
  } else {
    console.log(renderTable(results, judge));
    for (const { work, notes, errors } of results) {
      for (const note of notes) console.log(`${work}: ${note}`);
      for (const error of errors) console.log(`${work}: ERROR ${error}`);
    }
    console.log(`\n${commandLine()} · ${describeRun(run)}`);
  }
  return results.some((result) => result.errors.length > 0) ? 1 : 0;
}

const commandLine = (): string => ["script/bench", ...process.argv.slice(2)].join(" ");

function describeRun({ machine, rounds, pinned }: RunFacts): string {
  return (
    `${rounds} ${rounds === 1 ? "round" : "rounds"} · ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB · ` +
    `Linux ${machine.kernel} · Bun ${machine.bun} · nginx ${machine.nginx} · ${machine.commit} · ` +
    `load before ${machine.loadBefore.toFixed(1)}${pinned ? "" : " · NOT PINNED: one core"}`
  );
}

/** A work that cannot be measured is an error of its own; the others go on. */
async function measureWork(name: string, stage: Stage, effort: { rounds: number; short: boolean }) {
  const work = WORKS[name];
  if (work === undefined) throw new Error(`no work is named ${name}`);
  try {
    return await work(stage, effort);
  } catch (error) {
    const cause =
      error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message.trim()})` : "";
    const reason = `${error instanceof Error ? error.message : error}${cause}`;
    console.error(`  ${reason}`);
    return { work: name, figures: [], errors: [reason], notes: [], rounds: {} };
  }
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        json: { type: "boolean", default: false },
        short: { type: "boolean", default: false },
        rounds: { type: "string" },
        against: { type: "string" },
        before: { type: "string" },
        rows: { type: "string" },
        limited: { type: "boolean", default: false },
        watched: { type: "boolean", default: false },
        dev: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    return process.exit(refuse(error instanceof Error ? error.message : String(error)));
  }
}

function refuse(reason: string): number {
  console.error(`script/bench: ${reason}\n\n${USAGE}`);
  return 2;
}

process.exit(
  await main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error));
    return 1;
  }),
);
