/** The only source of time. Everything else takes a `Clock`, so that tests can set it. */
export interface Clock {
  /** Milliseconds since the Unix epoch; may jump. For timestamps and reset times. */
  nowMs(): number;
  /** Milliseconds from an arbitrary start, never going back, with fractions. For durations. */
  monotonicMs(): number;
}

/** The clock of this machine. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
