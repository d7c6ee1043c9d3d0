import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";

/** The machine and the programs that were measured. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly kernel: string;
  readonly bun: string;
  readonly nginx: string;
  readonly commit: string;
  /** Load average before the start; well above 0, other programs were at work. */
  readonly loadBefore: number;
}

export function describeMachine(root: string): Machine {
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    bun: Bun.version,
    nginx: /nginx\/(\S+)/.exec(run("sh", ["-c", "nginx -v 2>&1"], root))?.[1] ?? "unknown",
    commit: run("git", ["describe", "--always", "--dirty"], root),
    loadBefore: loadavg()[0] ?? 0,
  };
}

/** The cores that this process may use, in order. */
export function allowedCores(): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "";
  return list.split(",").flatMap((range) => {
    const [first = 0, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

/** How many files this process and its children may open. */
export function openFilesLimit(): number {
  return Number(/^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1] ?? 0);
}

function run(command: string, commandArguments: string[], folder: string): string {
  try {
    return execFileSync(command, commandArguments, { cwd: folder, encoding: "utf8", stdio: "pipe" }).trim();
  } catch {
    return "unknown"; // a tarball has no git; the figures hold all the same
  }
}
