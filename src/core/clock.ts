/** The only source of time. All other code takes a `Clock`, so that tests can set the time. */
export interface Clock {
  /** Milliseconds since the Unix epoch; may jump. For time stamps and reset times. */
  nowMs(): number;
  /** Milliseconds since an arbitrary start, with fractions; never goes back. For durations. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
