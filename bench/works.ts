import { type LoadPlan, type LoadReport, readRssKb, runLoad } from "./load.ts";
import { openFilesLimit } from "./machine.ts";
import { cpuFigure, type Effort, errorsOf, measure, medianOf, only, type Reports, sum } from "./measure.ts";
import { measureMemory } from "./memory.ts";
import { type Figure, median, type WorkResult } from "./result.ts";
import { prepareClewline, type Stage, startTarget, type TargetName, untilServing } from "./targets.ts";
import { TRANSLATION_WORKS } from "./translation.ts";

type Work = (stage: Stage, effort: Effort) => Promise<WorkResult>;

/** Every work by its name, in the order in which they run. */
export const WORKS: Record<string, Work> = {
  json: async (stage, effort) => {
    const { reports, errors, notes } = await measureAlike(stage, effort, ["nginx", "clewline"], {
      kind: "json",
      connections: 64,
      warmSeconds: effort.short ? 0.5 : 2,
      measuredSeconds: effort.short ? 1 : 6,
    });
    return {
      work: "json",
      figures: [
        cpuFigure(reports, "request", (report) => report.requests, 2.6),
        {
          name: "rate",
          unit: "requests/s",
          clewline: medianOf(reports.clewline, (report) => report.requests / report.seconds),
          nginx: medianOf(reports.nginx, (report) => report.requests / report.seconds),
        },
      ],
      errors,
      notes,
      rounds: reports,
    };
  },

  latency: async (stage, effort) => {
    const { reports, errors, notes } = await measureAlike(stage, effort, ["direct", "nginx", "clewline"], {
      kind: "json",
      connections: 32,
      ratePerSecond: 200,
      warmSeconds: effort.short ? 0.5 : 2,
      measuredSeconds: effort.short ? 2 : 15,
    });
    return {
      work: "latency",
      figures: [
        addedFigure(reports, "added p50", (report) => report.p50_us, 0.4),
        addedFigure(reports, "added p99", (report) => report.p99_us, 2),
      ],
      errors,
      notes,
      rounds: reports,
    };
  },

  burst: async (stage, effort) => {
    const { reports, errors, notes } = await measureAlike(stage, effort, ["nginx", "clewline"], {
      kind: "burst",
      connections: 32,
      events: 100,
      warmSeconds: effort.short ? 0.5 : 2,
      measuredSeconds: effort.short ? 1 : 6,
    });
    const figure = cpuFigure(reports, "event", (report) => report.events, 1.5);
    return { work: "burst", figures: [figure], errors, notes, rounds: reports };
  },

  streams: async (stage, effort) => {
    const intervalMs = 50;
    const [warmSeconds, measuredSeconds] = effort.short ? [1, 1] : [4, 10];
    const { reports, errors, notes } = await measureAlike(stage, effort, ["nginx", "clewline"], {
      kind: "ticks",
      connections: effort.short ? 100 : 1000,
      intervalMs,
      // Each stream outlasts the measured part by 2 s, the first one too.
      events: ((warmSeconds + measuredSeconds + 2) * 1000) / intervalMs,
      warmSeconds,
      measuredSeconds,
    });
    const figure = cpuFigure(reports, "event", (report) => report.events, 1.6);
    return { work: "streams", figures: [figure], errors, notes, rounds: reports };
  },

  body: async (stage, effort) => {
    const { reports, errors, notes } = await measureAlike(
      stage,
      effort,
      ["nginx", "nginx-unbuffered", "clewline"],
      {
        kind: "body",
        connections: 8,
        warmSeconds: effort.short ? 0.5 : 2,
        measuredSeconds: effort.short ? 1 : 6,
      },
    );
    const requests = (report: LoadReport) => report.requests;
    const { goal: _, ...unbuffered } = cpuFigure(reports, "request", requests, 2, "nginx-unbuffered");
    const figures = [
      cpuFigure(reports, "request", requests, 2),
      { ...unbuffered, name: "the same, nginx with proxy_request_buffering off" },
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
    const [parts, requests] = effort.short ? [2, 2_000] : [5, 100_000];
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
          requests,
        } as const;
        reports.push(await runLoad(stage, clewline, plan));
      }
      const seriesMb = reports.map((report) => report.rss_end_kb / 1024);
      const lastMb = seriesMb.at(-1) ?? Number.NaN;
      const middleMb = seriesMb[Math.floor((parts - 1) / 2)] ?? Number.NaN;
      const served = sum(reports, (report) => report.requests);
      const errors = reports.flatMap((report) => errorsOf("clewline", report));
      if (served < parts * requests) errors.push(`only ${served} of ${parts * requests} requests in time`);
      return {
        work: "rss",
        figures: [
          only("idle after start", "MB", idleKb / 1024, 60),
          only(`after ${parts * requests} requests`, "MB", lastMb, 110),
          only("end / middle of them (flat)", "", lastMb / middleMb, 1.1),
        ],
        errors,
        notes: [`RSS after each ${requests} requests, MB: ${seriesMb.map((mb) => mb.toFixed(1)).join(" ")}`],
        rounds: { clewline: reports },
      };
    } finally {
      await clewline.stop();
    }
  },

  memory: measureMemory,

  start: async (stage, effort) => {
    const times = effort.short ? 2 : 10;
    const servedMs: number[] = [];
    const versionMs: number[] = [];
    for (let time = 0; time < times; time++) {
      servedMs.push(await timeFirstServed(stage));
      const beganMs = performance.now();
      await stage.workspace.output([...stage.program, "--version"], { timeoutMs: 10_000 });
      versionMs.push(performance.now() - beganMs);
    }
    return {
      work: "start",
      figures: [
        only("spawn to first served request", "ms", median(servedMs), 300),
        { name: "spawn to end of --version", unit: "ms", clewline: median(versionMs) },
      ],
      errors: [],
      notes: [
        `first served, ms: ${servedMs.map(Math.round).join(" ")} (empty data folder each time, not pinned)`,
      ],
      rounds: {},
    };
  },
  ...TRANSLATION_WORKS,
};

/** Gives the same load to several targets. */
function measureAlike(stage: Stage, effort: Effort, names: TargetName[], plan: LoadPlan) {
  return measure(
    stage,
    effort,
    names.map((name) => ({ start: () => startTarget(stage, name), plan })),
  );
}

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
    clewline: added("clewline"),
    nginx: added("nginx"),
    goal: { of: "value", atMost },
  };
}
