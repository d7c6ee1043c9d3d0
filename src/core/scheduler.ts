/** Calls back after a time. Who owns a timer takes a scheduler, so that a test or a simulation can let the time pass. */
export interface Scheduler {
  /** Calls `run` once, in `delayMs` or a little later. The result takes the call back; it may be called late. */
  after(delayMs: number, run: () => void): () => void;
}

/** The process need not live on for what it calls. */
export const systemScheduler: Scheduler = {
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
