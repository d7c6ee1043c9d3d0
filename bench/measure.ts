/** Shared by the works: taking turns, and figures from reports. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { type LoadPlan, type LoadReport, runLoad } from "./load.ts";
import { spreadOf } from "./ratio.ts";
import { type Figure, median, type Peer } from "./result.ts";
import { type BuildName, relayOf, type Stage, startTarget, type Target, type TargetName } from "./targets.ts";

/** How long and how often to measure. */
export interface Effort {
  readonly rounds: number;
  /** A smoke test: small counts, one round, nothing is judged. */
  readonly short: boolean;
}

export type Reports = Partial<Record<TargetName, LoadReport[]>>;

/** A target and the load that it gets. */
export interface Subject {
  readonly start: () => Promise<Target>;
  readonly plan: LoadPlan;
}

export interface Measured {
  readonly reports: Reports;
  readonly errors: readonly string[];
  readonly notes: readonly string[];
}

interface Run {
  readonly target: Target;
  readonly plan: LoadPlan;
}

/** With fewer bytes of growth for each request, the ledger cannot have been on. */
const LEAST_LEDGER_BYTES = 50;
/** The runtime goes on to compile what it runs for about so many requests. */
const WARM_UP_REQUESTS = 100_000;
/** A slow target's bound for the warm-up. */
const WARM_UP_SECONDS = 60;

/**
 * Measures targets in turn, each round in the opposite order, so that a drift of the machine affects all of
 * them. All are alive at once, and each is warm before the first round.
 */
export async function measure(stage: Stage, effort: Effort, subjects: readonly Subject[]): Promise<Measured> {
  const reports: Reports = {};
  const errors: string[] = [];
  const runs: Run[] = [];
  try {
    for (const { start, plan } of subjects) runs.push({ target: await start(), plan });
    for (const { target, plan } of runs) errors.push(...(await warmUp(stage, effort, target, plan)));
    for (let round = 0; round < effort.rounds; round++) {
      const shown: string[] = [];
      for (const { target, plan } of round % 2 === 0 ? runs : runs.toReversed()) {
        const report = await runLoad(stage, target, plan);
        reports[target.name] = [...(reports[target.name] ?? []), report];
        errors.push(...errorsOf(target.name, report));
        const each = report.cpu_us / (plan.events === undefined ? report.requests : report.events);
        shown.push(`${target.name} ${target.process === undefined ? report.requests : each.toFixed(2)}`);
      }
      console.error(`  round ${round + 1} of ${effort.rounds}: ${shown.join(", ")}`);
    }
  } finally {
    for (const { target } of runs) await target.stop();
  }
  const facts = runs.map(({ target, plan }) => factsOf(target, plan, reports[target.name] ?? []));
  return {
    reports,
    errors: [...errors, ...facts.flatMap((one) => one.errors)],
    notes: facts.flatMap((one) => one.notes),
  };
}

/** Gives the same load to several targets. */
export function measureAlike(
  stage: Stage,
  effort: Effort,
  names: readonly TargetName[],
  plan: LoadPlan,
): Promise<Measured> {
  return measure(
    stage,
    effort,
    names.map((name) => ({ start: () => startTarget(stage, name), plan })),
  );
}

/** The same load unmeasured: many requests, or as long as a round. */
export async function warmUp(
  stage: Stage,
  effort: Effort,
  target: Target,
  plan: LoadPlan,
): Promise<string[]> {
  if (target.process === undefined || effort.short) return [];
  if (plan.kind !== "json") return errorsOf(target.name, await runLoad(stage, target, plan));
  const { ratePerSecond: _, ...unhurried } = plan;
  const longest = { warmSeconds: 0, measuredSeconds: WARM_UP_SECONDS, requests: WARM_UP_REQUESTS };
  const report = await runLoad(stage, target, { ...unhurried, ...longest, connections: 64 });
  if (report.requests >= WARM_UP_REQUESTS) return errorsOf(target.name, report);
  return [...errorsOf(target.name, report), `${target.name}: only ${report.requests} requests of warm-up`];
}

/** What a build of Clewline shows besides its figures: that its ledger was on, and which threads worked. */
function factsOf(
  { name, dataDir }: Target,
  { kind, ratePerSecond }: LoadPlan,
  reports: readonly LoadReport[],
): Pick<Measured, "errors" | "notes"> {
  // A stream is one request of many events and may still be open at the end, so only whole requests count.
  if (dataDir === undefined || kind !== "json" || reports.length === 0) return { errors: [], notes: [] };
  const bytes = folderBytes(dataDir) / sum(reports, (report) => report.requests);
  const errors =
    bytes < LEAST_LEDGER_BYTES ? [`${name}: its data folder did not grow: is the ledger on?`] : [];
  const notes =
    ratePerSecond === undefined ? [`${name}: CPU by thread, µs a request: ${threadShares(reports)}`] : [];
  return { errors, notes };
}

/** The threads of all rounds with their CPU for each request, the busiest first. */
export function threadShares(reports: readonly Pick<LoadReport, "threads_us" | "requests">[]): string {
  const totals: Record<string, number> = {};
  let requests = 0;
  for (const report of reports) {
    requests += report.requests;
    for (const [name, us] of Object.entries(report.threads_us ?? {})) totals[name] = (totals[name] ?? 0) + us;
  }
  return Object.entries(totals)
    .map(([name, us]) => [name, us / requests] as const)
    .filter(([, us]) => us >= 0.05)
    .sort(([, a], [, b]) => b - a)
    .map(([name, us]) => `${name} ${us.toFixed(1)}`)
    .join(", ");
}

/** What CPU is counted by, what it is compared with, and the limit of the ratio. */
export interface CpuFigurePlan {
  readonly unit: "request" | "event" | "token";
  readonly beside: Peer | "nginx-buffering";
  readonly atMost?: number;
  readonly name?: string;
}

/** CPU of each build of Clewline for each counted thing, and its ratio to a peer's. */
export function cpuFigure(reports: Reports, { unit, beside, atMost, name }: CpuFigurePlan): Figure {
  const each = (report: LoadReport) => report.cpu_us / (unit === "request" ? report.requests : report.events);
  const ratioOf = (build: BuildName) => {
    const peer = reports[beside === "relay" ? relayOf(build) : beside];
    return spreadOf(
      (reports[build] ?? []).map((report, round) => {
        const other = peer?.[round];
        return other === undefined ? Number.NaN : each(report) / each(other);
      }),
    );
  };
  const own = reports.before === undefined ? {} : { before: medianOf(reports.before, each) };
  return {
    name: name ?? `CPU per ${unit}`,
    unit: "µs",
    ...own,
    clewline: medianOf(reports.clewline, each),
    [beside === "nginx-buffering" ? "nginx" : beside]: medianOf(reports[beside], each),
    ratio: ratioOf("clewline"),
    ...(reports.before === undefined ? {} : { ratioBefore: ratioOf("before") }),
    ...(atMost === undefined ? {} : { goal: { of: "ratio", atMost } }),
  };
}

/** A figure of Clewline alone. */
export function only(
  name: string,
  unit: string,
  values: number | Readonly<Partial<Record<BuildName, number>>>,
  atMost?: number,
): Figure {
  const { clewline = Number.NaN, before } = typeof values === "number" ? { clewline: values } : values;
  return {
    name,
    unit,
    before,
    clewline,
    ...(atMost === undefined ? {} : { goal: { of: "value", atMost } }),
  };
}

/** The median of each build that was measured. */
export function mediansOf(
  values: Readonly<Partial<Record<BuildName, readonly number[]>>>,
): Partial<Record<BuildName, number>> {
  return Object.fromEntries(Object.entries(values).map(([build, own]) => [build, median(own)]));
}

export function medianOf(
  reports: readonly LoadReport[] | undefined,
  value: (report: LoadReport) => number,
): number {
  return median((reports ?? []).map(value));
}

export function sum(reports: readonly LoadReport[], value: (report: LoadReport) => number): number {
  return reports.reduce((total, report) => total + value(report), 0);
}

/** The errors that the load program reports, for the table. */
export function errorsOf(name: TargetName, report: LoadReport): string[] {
  if (report.errors > 0) return [`${name}: ${report.errors} errors, the first: ${report.first_error}`];
  // A machine under other load can stand still for as long as a round lasts.
  return report.requests + report.events > 0 ? [] : [`${name}: nothing came in ${report.seconds} s`];
}

/** Bytes of all files below a folder. */
function folderBytes(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((path) => statSync(join(folder, path)))
    .reduce((total, entry) => total + (entry.isFile() ? entry.size : 0), 0);
}
