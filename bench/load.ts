import { readFileSync } from "node:fs";
import { LOAD_BINARY, type Stage, type Target } from "./targets.ts";

/** What the load program reports of one run; CPU and memory are the target's, over the measured part. */
export interface LoadReport {
  readonly requests: number;
  readonly errors: number;
  readonly first_error?: string;
  readonly events: number;
  readonly seconds: number;
  readonly p50_us: number;
  readonly p99_us: number;
  readonly cpu_us: number;
  readonly rss_start_kb: number;
  readonly rss_end_kb: number;
  readonly open_at_end: number;
}

/** One run of the load program. */
export interface LoadPlan {
  readonly kind: "json" | "burst" | "ticks" | "body";
  readonly connections: number;
  readonly warmSeconds: number;
  /** With `requests` this is the bound. */
  readonly measuredSeconds: number;
  readonly requests?: number;
  readonly ratePerSecond?: number;
  readonly events?: number;
  readonly intervalMs?: number;
}

/** Sends load to a target and waits for its end. */
export async function runLoad(stage: Stage, target: Target, plan: LoadPlan): Promise<LoadReport> {
  const port = plan.kind === "burst" || plan.kind === "ticks" ? target.ssePort : target.jsonPort;
  const flags: Record<string, string | number | undefined> = {
    address: `127.0.0.1:${port}`,
    kind: plan.kind,
    connections: plan.connections,
    warm: `${plan.warmSeconds}s`,
    measured: `${plan.measuredSeconds}s`,
    requests: plan.requests,
    rate: plan.ratePerSecond,
    events: plan.events,
    "interval-ms": plan.intervalMs,
    watch: target.process?.pid,
  };
  const given = Object.entries(flags).filter(([, value]) => value !== undefined);
  const line = await stage.workspace
    .output([LOAD_BINARY, "run", ...given.flatMap(([name, value]) => [`-${name}`, String(value)])], {
      core: stage.loadCore,
      timeoutMs: (plan.warmSeconds + plan.measuredSeconds + 120) * 1000,
    })
    .catch((error: unknown) => {
      const said =
        target.process === undefined ? "" : readFileSync(target.process.logPath, "utf8").slice(-1000);
      throw new Error(`load on ${target.name} failed; the target said last: ${said}`, { cause: error });
    });
  return JSON.parse(line) as LoadReport;
}

/** Resident memory of a target's process and its children. */
export async function readRssKb(stage: Stage, target: Target): Promise<number> {
  const pid = String(target.process?.pid ?? 0);
  const options = { core: stage.loadCore, timeoutMs: 10_000 };
  return Number(await stage.workspace.output([LOAD_BINARY, "rss", pid], options));
}
