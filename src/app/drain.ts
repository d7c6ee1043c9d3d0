/** Waits while requests run that were accepted before the end. */
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";

/** The interval at which a drain checks whether the last request has ended. */
const POLL_MS = 20;

export interface Draining {
  readonly gateway: {
    readonly clock: Clock;
    readonly log: Log;
    readonly metrics: { readonly inFlight: number };
  };
  readonly isBusy: () => boolean;
  readonly timeoutMs: number;
  /** Somebody does not want to wait; absent: nobody can say so. */
  readonly hurried: Promise<void> | undefined;
}

/** Resolves when nothing runs, the time-out has passed, or somebody is in a hurry; then with false. */
export async function waitForRequests(draining: Draining): Promise<boolean> {
  const { gateway, isBusy, timeoutMs, hurried } = draining;
  const { clock, log, metrics } = gateway;
  let isHurried = false;
  void hurried?.then(() => {
    isHurried = true;
  });
  const untilMs = clock.monotonicMs() + timeoutMs;
  while (isBusy() && !isHurried && clock.monotonicMs() < untilMs) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  if (metrics.inFlight > 0) {
    const why = isHurried ? "a second signal has come" : "the drain time-out has passed";
    log.warn({ inFlight: metrics.inFlight }, `${why}; running requests are cut`);
  }
  return !isHurried;
}
