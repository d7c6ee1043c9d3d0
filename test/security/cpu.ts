/** What work costs, in CPU time: other processes on the machine do not count. */

import { readFileSync } from "node:fs";

/** Ticks of the kernel's clock in its accounts, on every Linux. */
const TICKS_PER_S = 100;

/** Milliseconds of CPU of another process, on all cores, since its start. */
export function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name of the program, in parentheses, may hold blanks.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1_000) / TICKS_PER_S;
}

/** Milliseconds of CPU of this process. */
function cpuMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

/** Below it a cost says more about the compiler and the collector than about the work. */
const LEAST_MS = 8;
/** Linear work on four times as much costs four times as much; quadratic work sixteen times. */
const MOST_GROWTH = 9;
const TRIES = 3;

/**
 * How many times more the work costs on four times as much: at most `MOST_GROWTH` is linear. A pause of the collector
 * can spoil one look, so a bad one is repeated.
 */
export function growthOf(work: (times: 1 | 4) => void): number {
  let least = Number.POSITIVE_INFINITY;
  for (let tried = 0; tried < TRIES && least > MOST_GROWTH; tried++) {
    const one = cpuMs(() => work(1));
    const four = cpuMs(() => work(4));
    least = Math.min(least, four / Math.max(one, LEAST_MS));
  }
  return least;
}

export function isLinear(growth: number): boolean {
  return growth <= MOST_GROWTH;
}
