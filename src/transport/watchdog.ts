/**
 * One timer for all silent upstreams: a timer for each of thousands of streams would cost more than the
 * streams.
 */
import type { Clock } from "../core/clock.ts";

/**
 * Gets a look on every tick, as long as a watchdog has it. The links make adding and taking out cheap for
 * each request: a `Set` would hash the object twice and grow.
 */
export abstract class Watched {
  /** The neighbours in the watchdog's ring; null: not in it. Only the watchdog sets them. */
  previousWatched: Watched | null = null;
  nextWatched: Watched | null = null;

  /** `nowMs` is the monotonic clock's. Must not throw. */
  abstract check(nowMs: number): void;
}

export interface Watchdog {
  /** The monotonic clock at the last tick: cheap, and exact to `TICK_MS`. */
  readonly nowMs: number;
  /** The first look comes with the next tick. Adding again changes nothing. */
  add(watched: Watched): void;
  /** Ends the looks at once. Deleting again changes nothing. */
  delete(watched: Watched): void;
  stop(): void;
}

/** The time between two ticks, and so the precision of time-outs. */
export const TICK_MS = 100;
/**
 * The process did not run for so long: what came meanwhile is read before anything is called silent. No time-out is exact
 * then.
 */
const STANDSTILL_MS = 1_000;

export function makeWatchdog(clock: Clock): Watchdog {
  return new RingWatchdog(clock);
}

/** Where the ring begins and ends. */
class RingEnd extends Watched {
  check(): void {}
}

class RingWatchdog implements Watchdog {
  nowMs: number;
  readonly #clock: Clock;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #end: Watched = new RingEnd();
  /** The one that the running tick looks at next. */
  #upcoming: Watched = this.#end;
  /** The last tick left the looks out. */
  #hasWaited = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.nowMs = clock.monotonicMs();
    link(this.#end, this.#end);
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  /** Adds in front of all others, so that the running tick does not come to it. */
  add(watched: Watched): void {
    if (watched.nextWatched !== null) return;
    const next = this.#end.nextWatched as Watched;
    link(this.#end, watched);
    link(watched, next);
  }

  delete(watched: Watched): void {
    const { previousWatched, nextWatched } = watched;
    if (previousWatched === null || nextWatched === null) return;
    if (this.#upcoming === watched) this.#upcoming = nextWatched;
    link(previousWatched, nextWatched);
    watched.previousWatched = null;
    watched.nextWatched = null;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const nowMs = this.#clock.monotonicMs();
    // Once only: a process that is always late must still end what is silent.
    this.#hasWaited = !this.#hasWaited && nowMs - this.nowMs > STANDSTILL_MS;
    this.nowMs = nowMs;
    if (this.#hasWaited) return;
    let watched = this.#end.nextWatched as Watched;
    while (watched !== this.#end) {
      this.#upcoming = watched.nextWatched as Watched;
      check(watched, nowMs);
      watched = this.#upcoming;
    }
  }
}

function link(previous: Watched, next: Watched): void {
  previous.nextWatched = next;
  next.previousWatched = previous;
}

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
