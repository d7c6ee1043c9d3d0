/** `/readyz`: whether the gateway can serve requests, and the reasons if it cannot. */
import type { Problem } from "../config/problem.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { refusalIn } from "../pool/park.ts";
import type { Pool } from "../pool/pool.ts";
import type { Snapshot } from "../snapshot.ts";
import { jsonPage } from "./json-page.ts";

export interface ReadinessSource {
  readonly isDraining: boolean;
  readonly ledger: Pick<Ledger, "isWritable" | "failure" | "pendingRows">;
  readonly pool: Pick<Pool, "list">;
  readonly snapshot: Pick<Snapshot, "upstreams">;
}

/** The disk of the data folder. */
export interface DiskState {
  readonly isLow: boolean;
}

/** The process itself. */
export interface ProcessState {
  /** It stood still for longer than a second when it was looked at last. */
  readonly isStalled: boolean;
  /** No client is accepted, because file descriptors have run out. */
  readonly isShortOfDescriptors: boolean;
}

/**
 * Red only for what no request can mend: while a balancer sends none, nothing else would make it green again. A
 * credential that waits for the end of a limit is as good as a ready one, because the client is told the time.
 *
 * `configProblems`: of a changed configuration that was rejected. The old one still serves, so they make
 * nothing unready. Nor does a disk that is almost full: requests are still recorded. `isDetailed`: who asks may know the
 * reasons; anybody else is told only whether it is ready.
 */
export function readinessPage(
  { isDraining, ledger, pool, snapshot }: ReadinessSource,
  configProblems: readonly Problem[],
  disk: DiskState,
  { isStalled, isShortOfDescriptors }: ProcessState,
  isDetailed: boolean,
): Response {
  const credentials = pool.list();
  const ready = credentials.filter((credential) => credential.state === "ready").length;
  const waiting = credentials.filter(({ untilMs }) => untilMs !== null).length;
  const refused = credentials.filter(({ reason }) => refusalIn(reason) !== null).length;
  const problems: string[] = [];
  if (isDraining) problems.push("draining");
  if (isStalled) problems.push("the process stood still for longer than a second");
  if (isShortOfDescriptors) problems.push("file descriptors have run out; raise the limit (ulimit -n)");
  if (!ledger.isWritable) problems.push(`ledger: ${ledger.failure ?? "not writable"}`);
  if (snapshot.upstreams.size === 0) problems.push("no upstreams; add [[upstreams]] to the configuration");
  else if (ready + waiting === 0) {
    problems.push("no credential can be used until a person acts; see `clewline credentials`");
  }
  const code = problems.length === 0 ? 200 : 503;
  const status = problems.length === 0 ? "ready" : "not ready";
  if (!isDetailed) return jsonPage(code, { status });
  return jsonPage(code, {
    status,
    problems,
    config:
      configProblems.length === 0
        ? { state: "active" }
        : {
            state: "the new file is invalid; the previous configuration is still active",
            problems: configProblems.map(({ line, key, message }) => ({ line, key, message })),
          },
    ledger: { writable: ledger.isWritable, pending_rows: ledger.pendingRows, disk_low: disk.isLow },
    credentials: { ready, waiting, refused, all: credentials.length },
  });
}
