/** The memory of one process through a sequence of works, and what it gives back afterwards. */
import { readFileSync, writeFileSync } from "node:fs";
import { type LoadPlan, readRssKb, runLoad } from "./load.ts";
import { type Effort, errorsOf, mediansOf, only } from "./measure.ts";
import type { Figure, WorkResult } from "./result.ts";
import { type BuildName, buildsOf, type Stage, startTranslating } from "./targets.ts";
import type { Running } from "./workspace.ts";

/** Resident memory in MB: at rest before the sequence, the peak of each part, at rest after it. */
export interface MemorySeries {
  readonly idleMb: number;
  readonly peaksMb: Readonly<Record<string, number>>;
  readonly soonAfterMb: number;
  readonly lateAfterMb: number;
}

const MOST_IDLE_MB = 60;
const MOST_SOON_AFTER_MB = 150;
const MOST_LATE_AFTER_MB = 100;

/** JSON, many streams, translated JSON and large bodies, one after the other in one process. */
export async function measureMemory(stage: Stage, effort: Effort): Promise<WorkResult> {
  const times = effort.short ? 1 : 2;
  const [soonS, lateS] = effort.short ? [1, 2] : [2, 15];
  const errors: string[] = [];
  const rounds: Partial<Record<BuildName, MemorySeries[]>> = {};
  for (let time = 0; time < times; time++) {
    for (const build of buildsOf(stage)) {
      const series = await runSequence(stage, effort, build, [soonS, lateS], errors);
      rounds[build] = [...(rounds[build] ?? []), series];
      console.error(`  ${build}: ${describeSeries(series)}`);
    }
  }
  const figure = (
    name: string,
    mb: (series: MemorySeries) => number | undefined,
    atMost?: number,
  ): Figure => {
    const values = Object.entries(rounds).map(([build, all]) => [
      build,
      all.map((series) => mb(series) ?? Number.NaN),
    ]);
    return only(name, "MB", mediansOf(Object.fromEntries(values)), atMost);
  };
  return {
    work: "memory",
    figures: [
      figure("RSS idle", ({ idleMb }) => idleMb, MOST_IDLE_MB),
      ...Object.keys(sequenceOf(effort)).map((name) =>
        figure(`peak in ${name}`, ({ peaksMb }) => peaksMb[name]),
      ),
      figure(`RSS ${soonS} s after`, ({ soonAfterMb }) => soonAfterMb, MOST_SOON_AFTER_MB),
      figure(`RSS ${lateS} s after`, ({ lateAfterMb }) => lateAfterMb, MOST_LATE_AFTER_MB),
    ],
    errors,
    notes: [],
    rounds,
  };
}

async function runSequence(
  stage: Stage,
  effort: Effort,
  build: BuildName,
  [soonS, lateS]: readonly [number, number],
  errors: string[],
): Promise<MemorySeries> {
  const target = await startTranslating(stage, build);
  try {
    await Bun.sleep(effort.short ? 500 : 3_000);
    const idleMb = (await readRssKb(stage, target.process)) / 1024;
    const peaksMb: Record<string, number> = {};
    for (const [name, plan] of Object.entries(sequenceOf(effort))) {
      forgetPeak(target.process);
      const report = await runLoad(stage, target, plan);
      errors.push(...errorsOf(build, report));
      if (report.requests < (plan.requests ?? 0))
        errors.push(`${build}: only ${report.requests} requests of ${name} in time`);
      peaksMb[name] = readPeakMb(target.process);
    }
    await Bun.sleep(soonS * 1_000);
    const soonAfterMb = (await readRssKb(stage, target.process)) / 1024;
    await Bun.sleep((lateS - soonS) * 1_000);
    const lateAfterMb = (await readRssKb(stage, target.process)) / 1024;
    return { idleMb, peaksMb, soonAfterMb, lateAfterMb };
  } finally {
    await target.stop();
  }
}

/** Counts rather than times, so that a slower build or a busy machine does not get less to do. */
function sequenceOf({ short }: Effort): Readonly<Record<string, LoadPlan>> {
  const json = { kind: "json", connections: 64, warmSeconds: 0, measuredSeconds: 60 } as const;
  const [streams, streamSeconds] = short ? [100, 1] : [3_000, 8];
  return {
    JSON: { ...json, requests: short ? 2_000 : 60_000 },
    [`${streams} streams`]: {
      kind: "ticks",
      connections: streams,
      intervalMs: 500,
      // Streams open within the first half of the warm-up; the last of them end a second after the measured part.
      events: (2 * streamSeconds + 1) * 2,
      warmSeconds: streamSeconds,
      measuredSeconds: streamSeconds,
    },
    "translated JSON": {
      ...json,
      dialect: "chat",
      model: "bench-messages",
      requests: short ? 1_000 : 30_000,
    },
    "5 MB bodies": { ...json, kind: "body", connections: 4, requests: short ? 10 : 300 },
  };
}

function describeSeries({ idleMb, peaksMb, soonAfterMb, lateAfterMb }: MemorySeries): string {
  const peaks = Object.entries(peaksMb).map(([name, mb]) => `${mb.toFixed(1)} in ${name}`);
  return `RSS ${idleMb.toFixed(1)} MB idle; peaks ${peaks.join(", ")}; ${soonAfterMb.toFixed(1)} soon after, ${lateAfterMb.toFixed(1)} later`;
}

/** Starts the kernel's high-water mark of a process anew, from what is resident now. */
function forgetPeak(running: Running | undefined): void {
  writeFileSync(`/proc/${running?.pid}/clear_refs`, "5");
}

function readPeakMb(running: Running | undefined): number {
  const status = readFileSync(`/proc/${running?.pid}/status`, "utf8");
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN) / 1024;
}
