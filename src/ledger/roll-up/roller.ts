/** Keeps the roll-up up to date while requests are served: short steps, with pauses in which the event loop serves. */
import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import { type Sql, StoreError } from "../../store/sql.ts";
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
const FIRST_ROWS = 100;
const MAX_ROWS = 500;
/** The aim for one step. The checkpoint that some steps make comes on top, as it does for other commits. */
const STEP_MS = 4;
/** Pauses between steps, as multiples of the step: the roll-up takes a quarter of the thread at most. */
const PAUSE_FACTOR = 3;
const LOCK_PAUSE_MS = 50;
const FAILURE_PAUSE_MS = 60_000;

export class Roller {
  readonly #options: RollerOptions;
  readonly #lookMs: number;
  #sql: Sql | null = null;
  #rollUp: RollUp | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isStopped = false;
  #rows = FIRST_ROWS;

  constructor(options: RollerOptions) {
    this.#options = options;
    this.#lookMs = options.lookMs ?? LOOK_MS;
  }

  start(): void {
    this.#goOnAfter(this.#lookMs);
  }

  /** Rows that are not in the roll-up by now are added after the next start. */
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
      try {
        this.#goOnAfter(this.#step());
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        this.#goOnAfter(this.#fail(error));
      }
    }, pauseMs);
  }

  /** Returns the pause until the next step. */
  #step(): number {
    const { open, clock } = this.#options;
    // Somebody has replaced the file.
    if (this.#sql?.isCurrent() === false) this.#close();
    this.#sql ??= open();
    this.#rollUp ??= new RollUp(this.#sql);
    const startMs = clock.monotonicMs();
    const { rows, isBehind } = this.#rollUp.step(this.#rows, clock.nowMs());
    const tookMs = clock.monotonicMs() - startMs;
    if (rows === this.#rows || tookMs > STEP_MS) this.#adapt(tookMs);
    return isBehind ? tookMs * PAUSE_FACTOR : this.#lookMs;
  }

  #adapt(tookMs: number): void {
    if (tookMs > STEP_MS) this.#rows = Math.max(FIRST_ROWS, Math.floor(this.#rows / 2));
    else if (tookMs < STEP_MS / 2) this.#rows = Math.min(MAX_ROWS, this.#rows + FIRST_ROWS);
  }

  /** Reports read the rows that are not in the roll-up, so nothing is wrong meanwhile. Returns the pause. */
  #fail(error: StoreError): number {
    if (error.fault === "locked") return LOCK_PAUSE_MS;
    this.#options.log.warn(
      { fault: error.fault, detail: error.message },
      "the sums of usage cannot be brought up to date now; trying again in a minute",
    );
    this.#close();
    return FAILURE_PAUSE_MS;
  }

  #close(): void {
    const sql = this.#sql;
    this.#sql = null;
    this.#rollUp = null;
    try {
      sql?.close();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
    }
  }
}
