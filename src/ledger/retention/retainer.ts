/** Keeps the ledger within its limits of age and size while requests are served. */
import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import type { Sql, StoreError } from "../../store/sql.ts";
import { type Step, type StepFunction, Stepper } from "../stepper.ts";
import { ClockBelief } from "./clock-belief.ts";
import { Retention, type RetentionRule } from "./retention.ts";

export interface RetainerOptions {
  /** Opens the store, which the retainer owns from then on. May throw `StoreError`. */
  readonly open: () => Sql;
  /** Asked before each step: the configuration and the budgets may have changed. */
  readonly rule: () => RetentionRule;
  readonly clock: Clock;
  readonly log: Log;
  /** When the retainer looks for rows, at the start and whenever none has to go; 10 minutes when absent. */
  readonly lookMs?: number;
}

const LOOK_MS = 600_000;
const MIN_ROWS = 100;
const MAX_ROWS = 2_000;
/** The deletion takes a quarter of the thread at most. */
const PAUSE_FACTOR = 3;
const FAILURE_PAUSE_MS = 60_000;

export class Retainer {
  readonly #options: RetainerOptions;
  readonly #lookMs: number;
  readonly #stepper: Stepper;
  /** Of the deletion that is under way. */
  #deleted = 0;
  #isAnnounced = false;
  #isToldTooLarge = false;
  readonly #belief: ClockBelief;

  constructor(options: RetainerOptions) {
    this.#options = options;
    this.#lookMs = options.lookMs ?? LOOK_MS;
    this.#belief = new ClockBelief(options.clock, options.log);
    this.#stepper = new Stepper({
      ...options,
      begin: (sql) => this.#begin(sql),
      failed: (error) => this.#fail(error),
      minRows: MIN_ROWS,
      maxRows: MAX_ROWS,
      pauseFactor: PAUSE_FACTOR,
    });
  }

  start(): void {
    this.#stepper.start(this.#lookMs);
  }

  /** Rows that are still there go after the next start. */
  stop(): void {
    this.#stepper.stop();
  }

  #begin(sql: Sql): StepFunction {
    const retention = new Retention(sql);
    return (rows) => this.#step(retention, rows);
  }

  #step(retention: Retention, rows: number): Step {
    const { rule, clock, log } = this.#options;
    const wanted = this.#belief.isSane(() => retention.newestMs()) ? rule() : { ...rule(), keepDays: 0 };
    const { deleted, beforeMs, isBehind, isTooLarge } = retention.step(rows, wanted, clock.nowMs());
    const { keepDays, keepBytes } = wanted;
    if (beforeMs !== null && !this.#isAnnounced) {
      this.#isAnnounced = true;
      log.warn(
        { before: new Date(beforeMs).toISOString(), keepDays, keepBytes },
        "deleting the oldest rows of the ledger, as ledger.keep_days and ledger.keep_bytes say; their sums stay",
      );
    }
    if (isTooLarge && !this.#isToldTooLarge) {
      log.warn(
        { keepBytes },
        "the ledger takes more than ledger.keep_bytes, and no row may go: the rest is sums, or rows of an open budget",
      );
    }
    this.#isToldTooLarge = isTooLarge;
    this.#deleted += deleted;
    if (isBehind) return { rows: deleted, next: "soon" };
    if (this.#deleted > 0) log.info({ rows: this.#deleted }, "the oldest rows of the ledger are deleted");
    this.#deleted = 0;
    return { rows: deleted, next: this.#lookMs };
  }

  /** Returns the pause. */
  #fail(error: StoreError): number {
    this.#options.log.warn(
      { fault: error.fault, detail: error.message },
      "the oldest rows of the ledger cannot be deleted now; trying again in a minute",
    );
    return FAILURE_PAUSE_MS;
  }
}
