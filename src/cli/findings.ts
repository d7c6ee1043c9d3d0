/** What doctor finds, for people and programs; `clewline check --live` shows the part about upstreams. */
import type { Config } from "../config/config.ts";
import type { Problem } from "../config/problem.ts";
import { examine } from "../doctor/doctor.ts";
import type { Finding } from "../doctor/finding.ts";
import { examineUpstreams } from "../doctor/upstream-checks.ts";
import { makeSnapshot } from "../snapshot.ts";
import { makeHttp1Transport } from "../transport/http1/client.ts";
import { makeWatchdog } from "../transport/watchdog.ts";
import type { CliIo } from "./cli.ts";

const SIGNS: Readonly<Record<Finding["level"], string>> = {
  ok: "ok      ",
  warning: "warning ",
  problem: "PROBLEM ",
};

/** Looks at all of it, or at one upstream. */
export async function lookAtAll(
  config: Config,
  warnings: readonly Problem[],
  upstream: string | null,
  io: CliIo,
): Promise<readonly Finding[]> {
  return await withTransport(io, (transport) =>
    examine({
      snapshot: makeSnapshot(config),
      transport,
      clock: io.clock,
      warnings,
      isServing: false,
      upstream,
    }),
  );
}

/** Looks at the upstreams alone: their names, the ways to them, their keys and models. */
export async function lookAtUpstreams(config: Config, io: CliIo): Promise<readonly Finding[]> {
  return await withTransport(io, (transport) =>
    examineUpstreams({ snapshot: makeSnapshot(config), transport, clock: io.clock }, null),
  );
}

/** For a look at the network, and no longer. */
export async function withTransport<Result>(
  io: CliIo,
  look: (transport: ReturnType<typeof makeHttp1Transport>) => Promise<Result>,
): Promise<Result> {
  const transport = makeHttp1Transport(io.clock, makeWatchdog(io.clock));
  try {
    return await look(transport);
  } finally {
    transport.stop();
  }
}

export function countOf(findings: readonly Finding[], level: Finding["level"]): number {
  return findings.filter((one) => one.level === level).length;
}

/** A line for each finding and each repair, and how many there are. */
export function findingsText(findings: readonly Finding[]): string {
  const counts = [
    counted(countOf(findings, "problem"), "problem"),
    counted(countOf(findings, "warning"), "warning"),
  ];
  return `${findings.map(lineOf).join("")}\n${counts.join(", ")}\n`;
}

function lineOf({ check, about, level, message, repair }: Finding): string {
  const what = `${check.replaceAll("_", " ")}${about === "" ? "" : ` ${about}`}`;
  const line = `${SIGNS[level]} ${what}: ${message}\n`;
  return repair === null || repair === "" ? line : `${line}          → ${repair}\n`;
}

function counted(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? "" : "s"}`;
}
