import { readFileSync } from "node:fs";
import { LOAD_BINARY, type Stage, type Target } from "./targets.ts";
import type { Running } from "./workspace.ts";

/** The load program's report of one run; CPU and memory are the target's, over the measured part. */
export interface LoadReport {
  readonly requests: number;
  readonly errors: number;
  readonly first_error?: string;
  readonly events: number;
  readonly seconds: number;
  readonly p50_us: number;
  readonly p99_us: number;
  readonly cpu_us: number;
  /** By thread name, of the target's first process. */
  readonly threads_us?: Readonly<Record<string, number>>;
  readonly rss_start_kb: number;
  readonly rss_end_kb: number;
  readonly open_at_end: number;
}

/** The dialects that the load program speaks, as client and as upstream. */
export type WireName = "chat" | "messages";

/** The report of `load pause`: a value for each request, in milliseconds. */
export interface PauseReport {
  readonly pauses_ms: readonly number[];
  readonly requests_ms: readonly number[];
  readonly quiet_ms: number;
  readonly errors: number;
  readonly first_error?: string;
}

/** One run of the load program. */
export interface LoadPlan {
  readonly kind: "json" | "burst" | "ticks" | "body";
  /** The client's dialect; chat when absent. */
  readonly dialect?: WireName;
  /** With a model, a message holds the script, and tokens are counted in place of events. */
  readonly model?: string;
  readonly connections: number;
  readonly warmSeconds: number;
  /** With `requests`, the longest time of the measured part. */
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
    dialect: plan.dialect,
    model: plan.model,
    connections: plan.connections,
    warm: `${plan.warmSeconds}s`,
    measured: `${plan.measuredSeconds}s`,
    requests: plan.requests,
    rate: plan.ratePerSecond,
    events: plan.events,
    "interval-ms": plan.intervalMs,
    watch: target.process?.pid,
  };
  const line = await runCommand(stage, target, "run", flags, plan.warmSeconds + plan.measuredSeconds + 120);
  return JSON.parse(line) as LoadReport;
}

/**
 * Sends large requests one after the other and measures the longest time in which the target answers nothing
 * else.
 */
export async function runPauses(
  stage: Stage,
  target: Target,
  plan: { readonly dialect: WireName; readonly model: string; readonly requests: number },
): Promise<PauseReport> {
  const flags = { address: `127.0.0.1:${target.jsonPort}`, ...plan };
  return JSON.parse(await runCommand(stage, target, "pause", flags, plan.requests * 10 + 120)) as PauseReport;
}

async function runCommand(
  stage: Stage,
  target: Target,
  command: "run" | "pause",
  flags: Readonly<Record<string, string | number | undefined>>,
  timeoutSeconds: number,
): Promise<string> {
  const given = Object.entries(flags).filter(([, value]) => value !== undefined);
  return stage.workspace
    .output([LOAD_BINARY, command, ...given.flatMap(([name, value]) => [`-${name}`, String(value)])], {
      core: stage.loadCore,
      timeoutMs: timeoutSeconds * 1000,
    })
    .catch((error: unknown) => {
      const said =
        target.process === undefined ? "" : readFileSync(target.process.logPath, "utf8").slice(-1000);
      throw new Error(`load on ${target.name} failed; the target said last: ${said}`, { cause: error });
    });
}

/** Resident memory of a process and its children. */
export async function readRssKb(stage: Stage, running: Running | undefined): Promise<number> {
  const pid = String(running?.pid ?? 0);
  const options = { core: stage.loadCore, timeoutMs: 10_000 };
  return Number(await stage.workspace.output([LOAD_BINARY, "rss", pid], options));
}
