/** Keeps requests away from an upstream that fails for all credentials. */
import type { Clock } from "../core/clock.ts";

/** After so many failures in a row the upstream counts as down. */
const FAILURES_TO_OPEN = 20;
const PROBE_INTERVAL_MS = 1_000;

export interface Breaker {
  /**
   * Whether a request may go to the upstream now. While the breaker is open, one request a second may, as a
   * probe.
   */
  allows(upstream: string): boolean;
  /** The upstream answered, whatever it said about the request or the credential. */
  success(upstream: string): void;
  /** The upstream was overloaded, broken, or could not be reached. */
  failure(upstream: string): void;
  /** Failures have opened the breaker, and no success has closed it yet. */
  isOpen(upstream: string): boolean;
}

export function makeBreaker(clock: Clock): Breaker {
  /** Only upstreams whose last attempt failed; the configuration bounds their number. */
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
      if (failing.size > 0) failing.delete(upstream);
    },
    failure(upstream) {
      const state = failing.get(upstream);
      if (state === undefined) failing.set(upstream, { failures: 1, probedAtMs: 0 });
      else if (++state.failures === FAILURES_TO_OPEN) state.probedAtMs = clock.monotonicMs();
    },
    isOpen,
  };
}
