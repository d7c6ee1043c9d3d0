/** Keeps the roll-up up to date while requests are served. */
import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import type { Sql, StoreError } from "../../store/sql.ts";
import { type StepFunction, Stepper } from "../stepper.ts";
import { RollUp } from "./roll-up.ts";

export interface RollerOptions {
  /** Opens the store, which the roller owns from then on. May throw `StoreError`. */
  readonly open: () => Sql;
  readonly clock: Clock;
  readonly log: Log;
  /** When the roller looks for rows, at the start and whenever it has caught up; 10 s when absent. */
  readonly lookMs?: number;
}

const LOOK_MS = 10_000;
/** A step of many rows writes the same sums as one of few: a row of a large step costs half or less. */
const MIN_ROWS = 250;
const MAX_ROWS = 4000;
/** A sum that is folded is added to several others, and takes the time of many rows. */
const MAX_CELLS = 150;
const PAUSE_FACTOR = 3;
const FAILURE_PAUSE_MS = 60_000;

export class Roller {
  readonly #options: RollerOptions;
  readonly #lookMs: number;
  readonly #stepper: Stepper;

  constructor(options: RollerOptions) {
    this.#options = options;
    this.#lookMs = options.lookMs ?? LOOK_MS;
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

  /** Rows that are not in the roll-up by now are added after the next start. */
  stop(): void {
    this.#stepper.stop();
  }

  #begin(sql: Sql): StepFunction {
    const rollUp = new RollUp(sql);
    return (limit) => {
      const { rows, isBehind } = rollUp.step(limit, this.#options.clock.nowMs(), MAX_CELLS);
      return { rows, next: isBehind ? "soon" : this.#lookMs };
    };
  }

  /** Reports read the rows that are not in the roll-up, so nothing is wrong meanwhile. Returns the pause. */
  #fail(error: StoreError): number {
    this.#options.log.warn(
      { fault: error.fault, detail: error.message },
      "the sums of usage cannot be brought up to date now; trying again in a minute",
    );
    return FAILURE_PAUSE_MS;
  }
}
