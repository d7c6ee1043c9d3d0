import { type LoadReport, readRssKb, runLoad } from "./load.ts";
import { openFilesLimit } from "./machine.ts";
import {
  cpuFigure,
  type Effort,
  errorsOf,
  measureAlike,
  medianOf,
  mediansOf,
  only,
  type Reports,
  sum,
} from "./measure.ts";
import { measureMemory } from "./memory.ts";
import { burstPlan, jsonPlan, streamsPlan } from "./plans.ts";
import { measureProxied } from "./proxied.ts";
import { measureReader } from "./reader.ts";
import { type Figure, median, type WorkResult } from "./result.ts";
import { measureLadder, measureStages } from "./stages.ts";
import {
  type BuildName,
  buildsOf,
  prepareClewline,
  type Stage,
  stageOf,
  startTarget,
  type TargetName,
  untilServing,
} from "./targets.ts";
import { TRANSLATION_WORKS } from "./translation.ts";

type Work = (stage: Stage, effort: Effort) => Promise<WorkResult>;

const requests = (report: LoadReport): number => report.requests;

/** Every work by its name, in the order in which they run. */
export const WORKS: Record<string, Work> = {
  json: async (stage, effort) => {
    const measured = await measureAlike(
      stage,
      effort,
      ["nginx", "splice", ...buildsOf(stage)],
      jsonPlan(effort),
    );
    const { reports, errors, notes } = measured;
    const rate = (of: readonly LoadReport[] | undefined): number | undefined =>
      of === undefined ? undefined : medianOf(of, (report) => report.requests / report.seconds);
    return {
      work: "json",
      figures: [
        cpuFigure(reports, { unit: "request", beside: "nginx", atMost: 2.7 }),
        cpuFigure(reports, { unit: "request", beside: "splice" }),
        {
          name: "rate",
          unit: "requests/s",
          before: rate(reports.before),
          clewline: rate(reports.clewline) ?? Number.NaN,
          nginx: rate(reports.nginx),
          splice: rate(reports.splice),
        },
      ],
      errors,
      notes,
      rounds: reports,
    };
  },

  latency: async (stage, effort) => {
    const { reports, errors, notes } = await measureAlike(
      stage,
      effort,
      ["direct", "nginx", ...buildsOf(stage)],
      {
        ...jsonPlan(effort),
        connections: 32,
        ratePerSecond: 200,
        measuredSeconds: effort.short ? 2 : 4,
      },
    );
    return {
      work: "latency",
      figures: [
        addedFigure(reports, "added p50", (report) => report.p50_us, 0.3),
        addedFigure(reports, "added p99", (report) => report.p99_us, 1.5),
      ],
      errors,
      notes,
      rounds: reports,
    };
  },

  burst: async (stage, effort) => {
    const names: TargetName[] = ["nginx", "splice", ...buildsOf(stage)];
    const { reports, errors, notes } = await measureAlike(stage, effort, names, burstPlan(effort));
    const figures = [
      cpuFigure(reports, { unit: "event", beside: "splice", atMost: 2 }),
      cpuFigure(reports, { unit: "event", beside: "nginx", atMost: 1.2 }),
    ];
    return { work: "burst", figures, errors, notes, rounds: reports };
  },

  streams: async (stage, effort) => {
    const names: TargetName[] = ["nginx", ...buildsOf(stage)];
    const { reports, errors, notes } = await measureAlike(stage, effort, names, streamsPlan(effort));
    const figure = cpuFigure(reports, { unit: "event", beside: "nginx", atMost: 1.35 });
    return { work: "streams", figures: [figure], errors, notes, rounds: reports };
  },

  body: async (stage, effort) => {
    const names: TargetName[] = ["nginx", "nginx-buffering", ...buildsOf(stage)];
    const { reports, errors, notes } = await measureAlike(stage, effort, names, {
      ...jsonPlan(effort),
      kind: "body",
      connections: 8,
      measuredSeconds: effort.short ? 1 : 2,
    });
    const figures = [
      cpuFigure(reports, {
        name: "CPU per request, nginx with its default buffers",
        unit: "request",
        beside: "nginx-buffering",
        atMost: 2,
      }),
      cpuFigure(reports, { unit: "request", beside: "nginx" }),
    ];
    return { work: "body", figures, errors, notes, rounds: reports };
  },

  open: async (stage, effort) => {
    const clewline = await holdStreams(stage, effort, "clewline");
    const nginx = await holdStreams(stage, effort, "nginx");
    return {
      work: "open",
      figures: [
        { ...only("errors", "", clewline.report.errors, 0), nginx: nginx.report.errors },
        { ...only("RSS per stream over idle", "kB", clewline.perStreamKb, 40), nginx: nginx.perStreamKb },
        { ...only("RSS afterwards / idle", "", clewline.settledRatio, 1.5), nginx: nginx.settledRatio },
      ],
      errors: [...clewline.errors, ...nginx.errors],
      notes: [clewline.note, nginx.note],
      rounds: { clewline: [clewline.report], nginx: [nginx.report] },
    };
  },

  rss: async (stage, effort) => {
    const [parts, count] = effort.short ? [2, 2_000] : [5, 100_000];
    const clewline = await startTarget(stage, "clewline");
    try {
      await Bun.sleep(effort.short ? 500 : 3_000);
      const idleKb = await readRssKb(stage, clewline.process);
      const reports: LoadReport[] = [];
      for (let part = 0; part < parts; part++) {
        const plan = {
          kind: "json",
          connections: 64,
          warmSeconds: 0,
          measuredSeconds: 120,
          requests: count,
        } as const;
        reports.push(await runLoad(stage, clewline, plan));
      }
      const seriesMb = reports.map((report) => report.rss_end_kb / 1024);
      const lastMb = seriesMb.at(-1) ?? Number.NaN;
      const middleMb = seriesMb[Math.floor((parts - 1) / 2)] ?? Number.NaN;
      const served = sum(reports, requests);
      const errors = reports.flatMap((report) => errorsOf("clewline", report));
      if (served < parts * count) errors.push(`only ${served} of ${parts * count} requests in time`);
      return {
        work: "rss",
        figures: [
          only("idle after start", "MB", idleKb / 1024, 60),
          only(`after ${parts * count} requests`, "MB", lastMb, 110),
          only("end / middle of them (flat)", "", lastMb / middleMb, 1.1),
        ],
        errors,
        notes: [`RSS after each ${count} requests, MB: ${seriesMb.map((mb) => mb.toFixed(1)).join(" ")}`],
        rounds: { clewline: reports },
      };
    } finally {
      await clewline.stop();
    }
  },

  memory: measureMemory,

  start: async (stage, effort) => {
    const times = effort.short ? 2 : 10;
    const servedMs: Partial<Record<BuildName, number[]>> = {};
    const versionMs: Partial<Record<BuildName, number[]>> = {};
    for (let time = 0; time < times; time++) {
      for (const build of buildsOf(stage)) {
        const own = stageOf(stage, build);
        const beganMs = performance.now();
        await stage.workspace.output([...own.program, "--version"], { timeoutMs: 10_000 });
        versionMs[build] = [...(versionMs[build] ?? []), performance.now() - beganMs];
        servedMs[build] = [...(servedMs[build] ?? []), await timeFirstServed(own)];
      }
    }
    const notes = Object.entries(servedMs).map(
      ([build, ms]) =>
        `${build}: first served, ms: ${ms.map(Math.round).join(" ")} (empty data folder, not pinned)`,
    );
    return {
      work: "start",
      figures: [
        only("spawn to first served request", "ms", mediansOf(servedMs), 180),
        only("spawn to end of --version", "ms", mediansOf(versionMs)),
      ],
      errors: [],
      notes,
      rounds: {},
    };
  },
  reader: measureReader,

  proxied: measureProxied,

  ...TRANSLATION_WORKS,

  ladder: measureLadder,

  stages: measureStages,
};

async function holdStreams(stage: Stage, effort: Effort, name: TargetName) {
  const [streams, intervalMs, warmSeconds, measuredSeconds, slackSeconds, settleMs] = effort.short
    ? [200, 250, 0.5, 0.5, 0.5, 1_000]
    : [5_000, 2_000, 8, 10, 4, 30_000];
  const needed = 2 * streams + 1_000;
  if (openFilesLimit() < needed) throw new Error(`needs ${needed} open files: raise ulimit -n`);
  const target = await startTarget(stage, name);
  try {
    await Bun.sleep(effort.short ? 500 : 3_000);
    const idleKb = await readRssKb(stage, target.process);
    const report = await runLoad(stage, target, {
      kind: "ticks",
      connections: streams,
      intervalMs,
      events: ((warmSeconds + measuredSeconds + slackSeconds) * 1000) / intervalMs,
      warmSeconds,
      measuredSeconds,
    });
    await Bun.sleep(settleMs);
    const settledKb = await readRssKb(stage, target.process);
    const errors = errorsOf(name, report);
    if (report.open_at_end !== streams)
      errors.push(`${name}: ${report.open_at_end} streams open of ${streams}`);
    const [idle, open, settled] = [idleKb, report.rss_end_kb, settledKb].map((kb) => (kb / 1024).toFixed(1));
    const note = `${name}: RSS ${idle} MB idle, ${open} MB with ${streams} open, ${settled} MB ${settleMs / 1000} s after`;
    console.error(`  ${note}`);
    return {
      report,
      errors,
      note,
      perStreamKb: (report.rss_end_kb - idleKb) / streams,
      settledRatio: settledKb / idleKb,
    };
  } finally {
    await target.stop();
  }
}

async function timeFirstServed(stage: Stage): Promise<number> {
  const { configPath, port, folder } = await prepareClewline(stage);
  const beganMs = performance.now();
  const running = stage.workspace.start([...stage.program, "serve", "--config", configPath], {
    folder,
  });
  try {
    await untilServing(running, port);
    return performance.now() - beganMs;
  } finally {
    await running.stop();
  }
}

/** Added to the direct way of the same round. */
function addedFigure(
  reports: Reports,
  name: string,
  us: (report: LoadReport) => number,
  atMost: number,
): Figure {
  const added = (target: TargetName) =>
    median(
      (reports[target] ?? []).map((report, round) => {
        const beside = reports.direct?.[round];
        return beside === undefined ? Number.NaN : (us(report) - us(beside)) / 1000;
      }),
    );
  return {
    name: `${name} over direct`,
    unit: "ms",
    before: reports.before === undefined ? undefined : added("before"),
    clewline: added("clewline"),
    nginx: added("nginx"),
    goal: { of: "value", atMost },
  };
}
