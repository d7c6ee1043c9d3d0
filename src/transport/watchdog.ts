/**
 * One timer for all silent upstreams: a timer for each of thousands of streams would cost more than the
 * streams.
 */
import type { Clock } from "../core/clock.ts";

/** Gets a look on every tick. */
export interface Watched {
  /** `nowMs` is the monotonic clock's. Must not throw. */
  check(nowMs: number): void;
}

export interface Watchdog {
  /** The monotonic clock at the last tick: cheap, and exact to `TICK_MS`. */
  readonly nowMs: number;
  add(watched: Watched): void;
  delete(watched: Watched): void;
  stop(): void;
}

/** The time between two ticks, and so the precision of time-outs. */
export const TICK_MS = 100;

/** A check that throws must not keep the others from their check. */
function check(watched: Watched, nowMs: number): void {
  try {
    watched.check(nowMs);
  } catch (cause) {
    queueMicrotask(() => {
      throw cause;
    });
  }
}

export function makeWatchdog(clock: Clock): Watchdog {
  const all = new Set<Watched>();
  let nowMs = clock.monotonicMs();
  const timer = setInterval(() => {
    nowMs = clock.monotonicMs();
    for (const watched of all) check(watched, nowMs);
  }, TICK_MS);
  timer.unref();
  return {
    get nowMs() {
      return nowMs;
    },
    add: (watched) => void all.add(watched),
    delete: (watched) => void all.delete(watched),
    stop: () => clearInterval(timer),
  };
}
