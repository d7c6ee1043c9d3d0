/** `script/bench --against COMMIT`: the same work for two builds of Clewline, in turn, on the same core. */
import { existsSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { type LoadPlan, type LoadReport, readRssKb, runLoad, type WireName } from "./load.ts";
import { warmUp } from "./measure.ts";
import { summarizeRatios } from "./ratio.ts";
import { type Comparison, median } from "./result.ts";
import {
  prepareClewline,
  ROOT,
  type Stage,
  startTarget,
  startTranslating,
  type Target,
  untilServing,
} from "./targets.ts";
import type { Workspace } from "./workspace.ts";

const BUILD_TIMEOUT_MS = 300_000;
/**
 * Then both builds are started anew: two processes of one build differ in their memory, and a little in the code
 * that is compiled while they run.
 */
const ROUNDS_OF_A_PROCESS = 3;

export interface AgainstResult {
  readonly comparisons: readonly Comparison[];
  readonly errors: readonly string[];
}

/** One build under measurement. */
interface Subject {
  /** Runs and compiles the code that the rounds use. */
  warmUp(): Promise<void>;
  /** A value for each figure of the row. */
  measure(): Promise<readonly number[]>;
  stop(): Promise<void>;
}

type Side = "base" | "ours";

interface Row {
  readonly figures: readonly (readonly [name: string, unit: string])[];
  readonly open: (stage: Stage) => Promise<Subject>;
}

const PER_REQUEST = ["CPU per request", "µs"] as const;
const PER_EVENT = ["CPU per event", "µs"] as const;
const perRequest = (report: LoadReport): number => report.cpu_us / report.requests;
const perEvent = (report: LoadReport): number => report.cpu_us / report.events;
const rssMb = (report: LoadReport): number => report.rss_end_kb / 1024;

const JSON_PLAN = { kind: "json", connections: 64, warmSeconds: 0.3, measuredSeconds: 1.2 } as const;
const BURST_PLAN = { ...JSON_PLAN, kind: "burst", connections: 32, events: 100 } as const;
const BODY_PLAN = { ...JSON_PLAN, kind: "body", connections: 8 } as const;
const LATENCY_PLAN = { ...JSON_PLAN, connections: 32, ratePerSecond: 200, measuredSeconds: 1.5 } as const;
const STREAMS_PLAN = {
  kind: "ticks",
  connections: 1_000,
  intervalMs: 50,
  warmSeconds: 1,
  measuredSeconds: 1.5,
  // Each stream outlasts the measured part by half a second, the first one too.
  events: 3 * 20,
} as const;

/** Every row by its name, in the order in which they run. */
export const ROWS: Readonly<Record<string, Row>> = {
  json: loadRow(JSON_PLAN, { figures: [PER_REQUEST, ["RSS after it", "MB"]], of: [perRequest, rssMb] }),
  "translated-json": loadRow(JSON_PLAN, { figures: [PER_REQUEST], of: [perRequest] }, "chat", "messages"),
  "translated-json-back": loadRow(
    JSON_PLAN,
    { figures: [PER_REQUEST], of: [perRequest] },
    "messages",
    "chat",
  ),
  burst: loadRow(BURST_PLAN, { figures: [PER_EVENT], of: [perEvent] }),
  "translated-burst": loadRow(BURST_PLAN, { figures: [PER_EVENT], of: [perEvent] }, "chat", "messages"),
  "translated-burst-back": loadRow(BURST_PLAN, { figures: [PER_EVENT], of: [perEvent] }, "messages", "chat"),
  streams: loadRow(STREAMS_PLAN, {
    figures: [PER_EVENT, ["RSS with 1,000 open", "MB"]],
    of: [perEvent, rssMb],
  }),
  "translated-streams": loadRow(
    STREAMS_PLAN,
    { figures: [PER_EVENT, ["RSS with 1,000 open", "MB"]], of: [perEvent, rssMb] },
    "chat",
    "messages",
  ),
  "translated-streams-back": loadRow(
    STREAMS_PLAN,
    { figures: [PER_EVENT, ["RSS with 1,000 open", "MB"]], of: [perEvent, rssMb] },
    "messages",
    "chat",
  ),
  body: loadRow(BODY_PLAN, { figures: [PER_REQUEST], of: [perRequest] }),
  latency: { figures: [["added p50 over direct", "ms"]], open: openLatency },
  start: {
    figures: [
      ["spawn to first served request", "ms"],
      ["RSS a second later", "MB"],
    ],
    open: async (stage) => ({
      warmUp: async () => void (await measureStart(stage)),
      measure: () => measureStart(stage),
      stop: async () => undefined,
    }),
  },
};

function loadRow(
  plan: LoadPlan,
  { figures, of }: Pick<Row, "figures"> & { readonly of: readonly ((report: LoadReport) => number)[] },
  client?: WireName,
  upstream?: WireName,
): Row {
  const given = client === undefined ? plan : { ...plan, dialect: client, model: `bench-${upstream}` };
  return {
    figures,
    open: async (stage) => {
      const target =
        client === undefined
          ? await startTarget(stage, "clewline")
          : await startTranslating(stage, "clewline");
      const measure = async (): Promise<readonly number[]> => {
        const report = await runLoad(stage, target, given);
        if (report.errors > 0) throw new Error(`${report.errors} errors, the first: ${report.first_error}`);
        return of.map((value) => value(report));
      };
      return { warmUp: () => warm(stage, target, given), measure, stop: () => target.stop() };
    },
  };
}

/** As in all other works: a process that is measured earlier shows how much code a build has, not what it costs. */
async function warm(stage: Stage, target: Target, plan: LoadPlan): Promise<void> {
  const [error] = await warmUp(stage, { rounds: 1, short: false }, target, plan);
  if (error !== undefined) throw new Error(error);
}

async function openLatency(stage: Stage): Promise<Subject> {
  const [direct, target] = [await startTarget(stage, "direct"), await startTarget(stage, "clewline")];
  const p50Ms = async (of: typeof target): Promise<number> => {
    const report = await runLoad(stage, of, LATENCY_PLAN);
    if (report.errors > 0) throw new Error(`${report.errors} errors, the first: ${report.first_error}`);
    return report.p50_us / 1_000;
  };
  return {
    warmUp: () => warm(stage, target, LATENCY_PLAN),
    measure: async () => {
      const without = await p50Ms(direct);
      return [(await p50Ms(target)) - without];
    },
    stop: () => target.stop(),
  };
}

async function measureStart(stage: Stage): Promise<readonly number[]> {
  const { configPath, port, folder } = await prepareClewline(stage);
  const beganMs = performance.now();
  const running = stage.workspace.start([...stage.program, "serve", "--config", configPath], {
    core: stage.targetCore,
    folder,
  });
  try {
    await untilServing(running, port);
    const servedMs = performance.now() - beganMs;
    await Bun.sleep(1_000);
    return [servedMs, (await readRssKb(stage, running)) / 1024];
  } finally {
    await running.stop();
  }
}

/** Builds a commit in a folder of the workspace; returns the folder. */
export async function buildCommit(workspace: Workspace, commit: string): Promise<string> {
  const folder = join(workspace.folder, "base");
  const run = (command: string[]): Promise<string> =>
    workspace.output(command, { timeoutMs: BUILD_TIMEOUT_MS });
  await run(["git", "clone", "--quiet", "--shared", "--no-checkout", ROOT, folder]);
  const sha = (await run(["git", "-C", ROOT, "rev-parse", "--verify", `${commit}^{commit}`])).trim();
  await run(["git", "-C", folder, "checkout", "--quiet", "--detach", sha]);
  // The same packages need not be installed twice.
  const lock = (of: string): string => readFileSync(join(of, "package-lock.json"), "utf8");
  if (lock(folder) === lock(ROOT) && existsSync(join(ROOT, "node_modules")))
    symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  await run([join(folder, "script/build")]);
  return folder;
}

/** Measures the rows in turn; within a row the two builds take turns, in the opposite order each round. */
export async function compareBuilds(
  stage: Stage,
  baseProgram: readonly string[],
  names: readonly string[],
  rounds: number,
): Promise<AgainstResult> {
  const comparisons: Comparison[] = [];
  const errors: string[] = [];
  for (const [index, name] of names.entries()) {
    console.error(`${name} (${index + 1} of ${names.length}) …`);
    try {
      comparisons.push(...(await compareRow(stage, baseProgram, name, rounds)));
    } catch (error) {
      errors.push(`${name}: ${error instanceof Error ? error.message : error}`);
      console.error(`  ${errors.at(-1)}`);
    }
  }
  return { comparisons, errors };
}

async function compareRow(
  stage: Stage,
  baseProgram: readonly string[],
  name: string,
  rounds: number,
): Promise<readonly Comparison[]> {
  const { figures, open } = ROWS[name] as Row;
  const values: Record<Side, (readonly number[])[]> = { base: [], ours: [] };
  const measureRound = async (subjects: readonly [Side, Subject][]): Promise<void> => {
    const round = values.ours.length;
    const turns = round % 2 === 0 ? subjects : subjects.toReversed();
    for (const [side, subject] of turns) values[side].push(await subject.measure());
    const shown = figures.map(([figure], at) => `${figure} ${ratioOf(values, round, at).toFixed(3)}`);
    console.error(`  round ${round + 1} of ${rounds}: ${shown.join(", ")}`);
  };
  while (values.ours.length < rounds) {
    const subjects: [Side, Subject][] = [];
    try {
      subjects.push([
        "base",
        await open({ ...stage, program: baseProgram, isLimited: false, isWatched: false }),
      ]);
      subjects.push(["ours", await open(stage)]);
      for (const [, subject] of subjects) await subject.warmUp();
      const until = Math.min(values.ours.length + ROUNDS_OF_A_PROCESS, rounds);
      while (values.ours.length < until) await measureRound(subjects);
    } finally {
      for (const [, subject] of subjects) await subject.stop();
    }
  }
  return figures.map(([figure, unit], at) => ({
    row: name,
    figure,
    unit,
    base: median(values.base.map((round) => round[at] ?? Number.NaN)),
    ours: median(values.ours.map((round) => round[at] ?? Number.NaN)),
    summary: summarizeRatios(values.ours.map((_, round) => ratioOf(values, round, at))),
  }));
}

function ratioOf(
  { base, ours }: Readonly<Record<Side, readonly (readonly number[])[]>>,
  round: number,
  figure: number,
): number {
  return (ours[round]?.[figure] ?? Number.NaN) / (base[round]?.[figure] ?? Number.NaN);
}
