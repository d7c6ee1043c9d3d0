/** Keeps requests off an upstream that fails for everybody, whatever credential is shown. */
import type { Clock } from "../core/clock.ts";

/** Failures in a row, without any success, after which an upstream is believed to be down. */
const FAILURES_TO_OPEN = 20;
const PROBE_INTERVAL_MS = 1_000;

export interface Breaker {
  /** Whether a request may be sent to the upstream now. While open, one a second may: that one is the probe. */
  allows(upstream: string): boolean;
  /** The upstream answered, whatever it said about the request or the credential. */
  success(upstream: string): void;
  /** The upstream was overloaded, broken, or could not be reached. */
  failure(upstream: string): void;
  /** Failures have opened it, and no success has closed it yet. */
  isOpen(upstream: string): boolean;
}

export function makeBreaker(clock: Clock): Breaker {
  /** Only upstreams whose last answer was a failure; their names come from the config. */
  const failing = new Map<string, { failures: number; probedAtMs: number }>();
  const isOpen = (upstream: string): boolean => (failing.get(upstream)?.failures ?? 0) >= FAILURES_TO_OPEN;

  return {
    allows(upstream) {
      if (failing.size === 0) return true;
      const state = failing.get(upstream);
      if (state === undefined || state.failures < FAILURES_TO_OPEN) return true;
      const nowMs = clock.monotonicMs();
      if (nowMs - state.probedAtMs < PROBE_INTERVAL_MS) return false;
      state.probedAtMs = nowMs;
      return true;
    },
    success(upstream) {
      failing.delete(upstream);
    },
    failure(upstream) {
      const state = failing.get(upstream);
      if (state === undefined) failing.set(upstream, { failures: 1, probedAtMs: 0 });
      else if (++state.failures === FAILURES_TO_OPEN) state.probedAtMs = clock.monotonicMs();
    },
    isOpen,
  };
}
