/** Where the time of one relayed JSON request goes: bare programs of the same runtime, and a profile of Clewline. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { type LoadPlan, type LoadReport, runLoad } from "./load.ts";
import { cpuFigure, type Effort, errorsOf, measureAlike, only, warmUp } from "./measure.ts";
import { jsonPlan } from "./plans.ts";
import { type CpuProfile, STAGE_NAMES, stageShares, type TimeWindow } from "./profile.ts";
import type { WorkResult } from "./result.ts";
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

const WHOLE = "main thread in all";
const OUTSIDE = "outside JavaScript: sockets, HTTP, timers";
/** From the start of the load program until it sends, at most, and as long before it ends. */
const MARGIN_MS = 50;
const PROFILE_TIMEOUT_MS = 20_000;

type Costs = Readonly<Record<string, number>>;

/** The stages of one request, by the samples of profiles. Clewline runs from its source: a binary has no profile. */
export async function measureStages(stage: Stage, effort: Effort): Promise<WorkResult> {
  const staged = profiled(stage);
  const plan = { ...jsonPlan(effort), measuredSeconds: effort.short ? 0.5 : 2 };
  const costs: Partial<Record<BuildName, Costs[]>> = {};
  const errors: string[] = [];
  const targets: (readonly [BuildName, Target])[] = [];
  try {
    for (const build of buildsOf(staged)) targets.push([build, await startTarget(staged, build)]);
    for (const [, target] of targets) errors.push(...(await warmUp(staged, effort, target, plan)));
    for (let round = 0; round < effort.rounds; round++) {
      const shown: string[] = [];
      for (const [build, target] of round % 2 === 0 ? targets : targets.toReversed()) {
        const { reports, own } = await profileRound(staged, target, plan);
        errors.push(...reports.flatMap((report) => errorsOf(build, report)));
        costs[build] = [...(costs[build] ?? []), own];
        shown.push(`${build} ${own[WHOLE]?.toFixed(1)}`);
      }
      console.error(`  round ${round + 1} of ${effort.rounds}: ${shown.join(", ")}`);
    }
  } finally {
    for (const [, target] of targets) await target.stop();
  }
  // A small stage has few samples in a round, so rounds are added up.
  const mean = (name: string): Partial<Record<BuildName, number>> =>
    Object.fromEntries(
      Object.entries(costs).map(([build, rounds]) => [
        build,
        rounds.reduce((total, own) => total + (own[name] ?? 0), 0) / rounds.length,
      ]),
    );
  const names = [...STAGE_NAMES, OUTSIDE, WHOLE];
  return {
    work: "stages",
    figures: names.map((name) => only(name, "µs", mean(name))),
    errors,
    notes: [],
    rounds: costs,
  };
}

/** The same load twice: at first without a profile, which alone makes a request dearer. */
async function profileRound(
  stage: Stage,
  target: Target,
  plan: LoadPlan,
): Promise<{ readonly reports: readonly LoadReport[]; readonly own: Costs }> {
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
  return { reports: [plain, report], own: stageCosts(profile, window, plain) };
}

/**
 * µs of the main thread for each request and stage. It is busy all the time, so shares of time are shares of CPU.
 * `report` is of the run without a profile.
 */
function stageCosts(profile: CpuProfile, window: TimeWindow, report: LoadReport): Costs {
  const mainUs = Math.max(...Object.values(report.threads_us ?? {}), 0) / report.requests;
  const shares = stageShares(profile, window);
  const inside = Object.values(shares).reduce((total, share) => total + share, 0);
  const costs = Object.entries(shares).map(([name, share]) => [name, share * mainUs]);
  return { ...Object.fromEntries(costs), [OUTSIDE]: (1 - inside) * mainUs, [WHOLE]: mainUs };
}
