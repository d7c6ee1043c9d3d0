/**
 * The kernel's policy for work that has a core only while nothing else wants it. A process of the usual policy keeps its
 * core for milliseconds after another one has become ready, however low its priority is; one of this policy gives it up
 * at once (docs/decisions/0041-reading-beside-serving.md).
 */
import { dlopen } from "bun:ffi";
import { readdirSync, readFileSync } from "node:fs";

/** `SCHED_IDLE` of Linux. Every process may choose it. */
const SCHED_IDLE = 5;
/** Of glibc, and of musl. */
const LIBRARIES = ["libc.so.6", "libc.so"];
/** A process that has waited for cores so many times longer than it has had one would get none with that policy. */
const CROWDED = 3;

/**
 * Gives way to all other work, unless the cores are taken all the time: then the work would never end, and the usual
 * policy with its low priority stays.
 */
export function giveWay(): void {
  if (!isCrowded(readOwn("schedstat"))) takeIdlePolicy();
}

/** Chooses the policy for all threads of this process, and those that they start. False: the system does not offer it. */
export function takeIdlePolicy(libraries: readonly string[] = LIBRARIES): boolean {
  for (const library of libraries) {
    try {
      const { symbols } = dlopen(library, {
        sched_setscheduler: { args: ["i32", "i32", "buffer"], returns: "i32" },
      });
      const noPriority = new Int32Array(1);
      return readdirSync("/proc/self/task")
        .map((thread) => symbols.sched_setscheduler(Number(thread), SCHED_IDLE, noPriority))
        .every((result) => result === 0);
    } catch {
      // Another library, or another system.
    }
  }
  return false;
}

/** `schedstat`: nanoseconds on a core, nanoseconds that it waited for one, and how often it had one. */
export function isCrowded(schedstat: string): boolean {
  const [ran = 0, waited = 0] = schedstat.trim().split(" ").map(Number);
  return waited > CROWDED * ran;
}

/** `""` where the system does not tell. */
function readOwn(file: string): string {
  try {
    return readFileSync(`/proc/self/${file}`, "utf8");
  } catch {
    return "";
  }
}
