/** Shared by the works: taking turns, and figures from reports. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { type LoadPlan, type LoadReport, runLoad } from "./load.ts";
import { type Figure, median } from "./result.ts";
import type { Stage, Target, TargetName } from "./targets.ts";

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

/** With fewer bytes of growth for each request, the ledger cannot have been on. */
const LEAST_LEDGER_BYTES = 50;

/**
 * Measures targets in turn, each round in the opposite order, so that a drift of the machine affects all of
 * them.
 */
export async function measure(stage: Stage, effort: Effort, subjects: readonly Subject[]): Promise<Measured> {
  const reports: Reports = {};
  const errors: string[] = [];
  const runs: { target: Target; plan: LoadPlan }[] = [];
  try {
    for (const { start, plan } of subjects) runs.push({ target: await start(), plan });
    for (let round = 0; round < effort.rounds; round++) {
      for (const { target, plan } of round % 2 === 0 ? runs : runs.toReversed()) {
        const report = await runLoad(stage, target, plan);
        reports[target.name] = [...(reports[target.name] ?? []), report];
        errors.push(...errorsOf(target.name, report));
        const cpu = Math.round(report.cpu_us / 1000);
        console.error(
          `  round ${round + 1} ${target.name}: ${report.requests} requests, ${report.events} events, ${cpu} ms CPU`,
        );
      }
    }
  } finally {
    for (const { target } of runs) await target.stop();
  }
  const own = runs.find(({ target }) => target.name === "clewline");
  const dataDir = own?.target.dataDir;
  const notes: string[] = [];
  // A stream is one request of many events and may still be open at the end, so only whole requests count.
  if (dataDir !== undefined && own?.plan.kind === "json") {
    const bytes = folderBytes(dataDir) / sum(reports.clewline ?? [], (report) => report.requests);
    notes.push(`ledger: ${Math.round(bytes)} bytes a request in the data folder`);
    if (bytes < LEAST_LEDGER_BYTES) errors.push("clewline: its data folder did not grow: is the ledger on?");
  }
  return { reports, errors, notes };
}

/** CPU of Clewline for each counted thing, and its ratio to a peer's, which must be at most `atMost`. */
export function cpuFigure(
  reports: Reports,
  unit: string,
  count: (report: LoadReport) => number,
  atMost: number,
  peer: "nginx" | "nginx-unbuffered" | "relay" = "nginx",
): Figure {
  const each = (report: LoadReport) => report.cpu_us / count(report);
  const ratios = (reports.clewline ?? []).map((report, round) => {
    const beside = reports[peer]?.[round];
    return beside === undefined ? Number.NaN : each(report) / each(beside);
  });
  return {
    name: `CPU per ${unit}`,
    unit: "µs",
    clewline: medianOf(reports.clewline, each),
    [peer === "relay" ? "relay" : "nginx"]: medianOf(reports[peer], each),
    ratio: median(ratios),
    goal: { of: "ratio", atMost },
  };
}

/** A figure of Clewline alone. */
export function only(name: string, unit: string, clewline: number, atMost: number): Figure {
  return { name, unit, clewline, goal: { of: "value", atMost } };
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
  return report.errors === 0 ? [] : [`${name}: ${report.errors} errors, the first: ${report.first_error}`];
}

/** Bytes of all files below a folder. */
function folderBytes(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((path) => statSync(join(folder, path)))
    .reduce((total, entry) => total + (entry.isFile() ? entry.size : 0), 0);
}
