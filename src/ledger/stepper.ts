/**
 * Work on the store that is done while requests are served: short steps, with pauses between them in which the event loop
 * serves.
 */
import type { Clock } from "../core/clock.ts";
import { type Sql, StoreError } from "../store/sql.ts";

/** What a step did, and when the next one is due: `soon` after a pause, after so many milliseconds, or never. */
export interface Step {
  readonly rows: number;
  readonly next: "soon" | "never" | number;
}

/** Handles about so many rows. */
export type StepFunction = (rows: number) => Step;

export interface StepperOptions {
  /** Opens the store, which the stepper owns from then on. May throw `StoreError`. */
  readonly open: () => Sql;
  readonly clock: Clock;
  /** Makes the steps of a store that was just opened. null: there is nothing to do. */
  readonly begin: (sql: Sql) => StepFunction | null;
  /** The store fails, for another reason than a lock; it is opened anew for the next step. Returns when that is due. */
  readonly failed: (error: StoreError) => "never" | number;
  /** Rows of a step, at least and at most. */
  readonly minRows: number;
  readonly maxRows: number;
  /** Pauses between steps, as multiples of the step: with 3 the work takes a quarter of the thread at most. */
  readonly pauseFactor: number;
}

/** The aim for one step. The checkpoint that some steps make comes on top, as it does for other commits. */
const STEP_MS = 4;
const LOCK_PAUSE_MS = 50;

export class Stepper {
  readonly #options: StepperOptions;
  #sql: Sql | null = null;
  #step: StepFunction | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isStopped = false;
  #rows: number;

  constructor(options: StepperOptions) {
    this.#options = options;
    this.#rows = options.minRows;
  }

  /** The first step is due after so many milliseconds. */
  start(pauseMs: number): void {
    this.#goOnAfter(pauseMs);
  }

  /** What is not done by now is done after the next start. */
  stop(): void {
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#close();
  }

  #goOnAfter(pauseMs: number): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      const next = this.#try();
      if (next === "never") this.stop();
      else this.#goOnAfter(next);
    }, pauseMs);
  }

  #try(): "never" | number {
    try {
      return this.#takeStep();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (error.fault === "locked") return LOCK_PAUSE_MS;
      const next = this.#options.failed(error);
      this.#close();
      return next;
    }
  }

  #takeStep(): "never" | number {
    const { open, clock, begin, pauseFactor } = this.#options;
    // Somebody has replaced the file.
    if (this.#sql?.isCurrent() === false) this.#close();
    this.#sql ??= open();
    this.#step ??= begin(this.#sql);
    if (this.#step === null) return "never";
    const startMs = clock.monotonicMs();
    const { rows, next } = this.#step(this.#rows);
    const tookMs = clock.monotonicMs() - startMs;
    if (rows >= this.#rows || tookMs > STEP_MS) this.#adapt(tookMs);
    return next === "soon" ? tookMs * pauseFactor : next;
  }

  #adapt(tookMs: number): void {
    const { minRows, maxRows } = this.#options;
    if (tookMs > STEP_MS) this.#rows = Math.max(minRows, Math.floor(this.#rows / 2));
    else if (tookMs < STEP_MS / 2) this.#rows = Math.min(maxRows, this.#rows + minRows);
  }

  #close(): void {
    const sql = this.#sql;
    this.#sql = null;
    this.#step = null;
    try {
      sql?.close();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
    }
  }
}
