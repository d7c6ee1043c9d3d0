/** Where the time of one relayed JSON request goes: bare programs of the same runtime, and a profile of Clewline. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { type LoadPlan, type LoadReport, runLoad } from "./load.ts";
import { cpuFigure, type Effort, errorsOf, measureAlike, only, warmUp } from "./measure.ts";
import { jsonPlan } from "./plans.ts";
import {
  type CpuProfile,
  OTHER_THREADS,
  OUTSIDE,
  PART_STAGES,
  stageShares,
  type TimeWindow,
} from "./profile.ts";
import { spreadOf } from "./ratio.ts";
import { type Figure, median, type WorkResult } from "./result.ts";
import {
  type BuildName,
  buildsOf,
  profiled,
  RUNGS,
  type Stage,
  startTarget,
  type Target,
} from "./targets.ts";

const RUNG_FIGURES = {
  splice: "bytes from socket to socket",
  listen: "Bun.listen answers from memory",
  serve: "Bun.serve answers from memory",
  fetch: "Bun.serve and fetch",
} as const;

/** Bare programs and Clewline under the same load: what the sockets and the runtime cost without a gateway. */
export async function measureLadder(stage: Stage, effort: Effort): Promise<WorkResult> {
  const rungs = ["splice", ...RUNGS] as const;
  const names = ["nginx", ...rungs, ...buildsOf(stage)] as const;
  const { reports, errors, notes } = await measureAlike(stage, effort, names, jsonPlan(effort));
  const besideNginx = { unit: "request", beside: "nginx" } as const;
  return {
    work: "ladder",
    figures: [
      ...rungs.map((rung) => {
        const { clewline, ...figure } = cpuFigure(
          { nginx: reports.nginx ?? [], clewline: reports[rung] ?? [] },
          besideNginx,
        );
        return { ...figure, name: `${RUNG_FIGURES[rung]}, CPU per request`, bare: clewline };
      }),
      cpuFigure(reports, besideNginx),
    ],
    errors,
    notes,
    rounds: reports,
  };
}

const WHOLE = "CPU in all";
/** From the start of the load program until it sends, at most, and as long before it ends. */
const MARGIN_MS = 50;
const PROFILE_TIMEOUT_MS = 20_000;

/** µs for each request, by stage. */
type Costs = Readonly<Record<string, number>>;

/** What one round measured. */
interface Round {
  readonly reports: readonly LoadReport[];
  readonly costs: Costs;
  readonly nginxUs: number;
}

/** The stages of one request, by the samples of profiles. Clewline runs from its source: a binary has no profile. */
export async function measureStages(stage: Stage, effort: Effort): Promise<WorkResult> {
  const staged = profiled(stage);
  const plan = { ...jsonPlan(effort), measuredSeconds: effort.short ? 0.5 : 2 };
  const rounds: Partial<Record<BuildName, Round[]>> = {};
  const errors: string[] = [];
  const targets: (readonly [BuildName, Target])[] = [];
  const nginx = await startTarget(staged, "nginx");
  try {
    for (const build of buildsOf(staged)) targets.push([build, await startTarget(staged, build)]);
    for (const [, target] of targets) errors.push(...(await warmUp(staged, effort, target, plan)));
    for (let round = 0; round < effort.rounds; round++) {
      const beside = await runLoad(staged, nginx, plan);
      const nginxUs = beside.cpu_us / beside.requests;
      const shown = [`nginx ${nginxUs.toFixed(1)}`];
      for (const [build, target] of round % 2 === 0 ? targets : targets.toReversed()) {
        const measured = { ...(await profileRound(staged, target, plan)), nginxUs };
        errors.push(...measured.reports.flatMap((report) => errorsOf(build, report)));
        rounds[build] = [...(rounds[build] ?? []), measured];
        shown.push(`${build} ${measured.costs[WHOLE]?.toFixed(1)}`);
      }
      console.error(`  round ${round + 1} of ${effort.rounds}: ${shown.join(", ")}`);
    }
  } finally {
    for (const target of [nginx, ...targets.map(([, one]) => one)]) await target.stop();
  }
  return { work: "stages", figures: stageFigures(rounds), errors, notes: describeBusy(rounds), rounds };
}

/** A line for each part with its ratio to nginx, and one for each stage within it. */
function stageFigures(rounds: Partial<Record<BuildName, readonly Round[]>>): readonly Figure[] {
  const figure = (name: string, stages: readonly string[], isPart: boolean): Figure => {
    const sum = ({ costs }: Round): number => stages.reduce((total, stage) => total + (costs[stage] ?? 0), 0);
    // A small stage has few samples in a round, so rounds are added up.
    const means = Object.entries(rounds).map(([build, all]) => [build, mean(all.map(sum))]);
    const ratio = (build: BuildName) =>
      rounds[build] === undefined || !isPart
        ? undefined
        : spreadOf(rounds[build].map((round) => sum(round) / round.nginxUs));
    const ratios = { ratioBefore: ratio("before"), ratio: ratio("clewline") };
    return { ...only(name, "µs", Object.fromEntries(means)), ...ratios };
  };
  return [
    ...PART_STAGES.flatMap(([part, stages]) => [
      figure(part, stages, true),
      ...(stages.length > 1 ? stages.map((one) => figure(`· ${one}`, [one], false)) : []),
    ]),
    figure(WHOLE, [WHOLE], true),
  ];
}

function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}

function describeBusy(rounds: Partial<Record<BuildName, readonly Round[]>>): readonly string[] {
  return Object.entries(rounds).map(([build, all]) => {
    const shares = all.flatMap(({ reports }) => reports.map(busyShare));
    const percent = Math.round(100 * median(shares));
    return `${build}: the main thread ran for ${percent} % of the time; below 90, others had its core, and the shares are worth little`;
  });
}

async function profileRound(stage: Stage, target: Target, plan: LoadPlan): Promise<Omit<Round, "nginxUs">> {
  const running = target.process;
  if (running === undefined) throw new Error(`${target.name} has no process to profile`);
  const plain = await runLoad(stage, target, plan);
  process.kill(running.pid, "SIGUSR2");
  const fromMs = Date.now() + plan.warmSeconds * 1_000 + MARGIN_MS;
  const report = await runLoad(stage, target, plan);
  process.kill(running.pid, "SIGUSR2");
  const path = join(dirname(running.logPath), "whole.cpuprofile");
  const deadlineMs = performance.now() + PROFILE_TIMEOUT_MS;
  while (!existsSync(path)) {
    if (performance.now() > deadlineMs) throw new Error(`${target.name} wrote no profile`);
    await Bun.sleep(20);
  }
  const profile = JSON.parse(readFileSync(path, "utf8")) as CpuProfile;
  rmSync(path);
  const window = { fromMs, toMs: fromMs + report.seconds * 1_000 - 2 * MARGIN_MS };
  return { reports: [plain, report], costs: stageCosts(profile, window, plain) };
}

/**
 * The main thread is busy all the time, so shares of time are shares of its CPU. `report` is of the run without a
 * profile.
 */
function stageCosts(profile: CpuProfile, window: TimeWindow, report: LoadReport): Costs {
  const [mainUs, allUs] = [mainThreadUs(report) / report.requests, report.cpu_us / report.requests];
  const shares = stageShares(profile, window);
  const inside = Object.values(shares).reduce((total, share) => total + share, 0);
  const costs = Object.entries(shares).map(([name, share]) => [name, share * mainUs]);
  return {
    ...Object.fromEntries(costs),
    [OUTSIDE]: (1 - inside) * mainUs,
    [OTHER_THREADS]: allUs - mainUs,
    [WHOLE]: allUs,
  };
}

function busyShare(report: LoadReport): number {
  return mainThreadUs(report) / (report.seconds * 1_000_000);
}

/** The busiest thread is the main one. */
function mainThreadUs({ threads_us = {} }: LoadReport): number {
  return Math.max(...Object.values(threads_us), 0);
}
