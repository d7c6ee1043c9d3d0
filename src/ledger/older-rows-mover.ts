/** Moves the rows of the older table while requests are served. A killed process goes on at its next start. */
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Sql, StoreError } from "../store/sql.ts";
import type { EntryWriter } from "./entry-writer.ts";
import { type MoveStep, makeMoveReader, type OlderMove, OlderRowsMove } from "./older-rows.ts";
import { timeOfKey } from "./request-ids.ts";
import { type Step, type StepFunction, Stepper } from "./stepper.ts";

export interface OlderRowsMoverOptions {
  /** Opens the store, which the mover owns from then on. May throw `StoreError`. */
  readonly open: () => Sql;
  readonly makeEntryWriter: (sql: Sql) => EntryWriter;
  /** Bytes of the database file, and bytes that are free on its disk. */
  readonly space: () => { readonly fileBytes: number; readonly freeBytes: number };
  readonly clock: Clock;
  readonly log: Log;
  /** When the mover looks for older rows; 1 s after the start when absent. */
  readonly firstLookMs?: number;
}

/** The new table, and the log and the free pages beside it, fit into so much more than the file. */
const SPACE_FACTOR = 1.2;
/** The first look comes later than the first requests, because it takes time of the start. */
const FIRST_LOOK_MS = 1000;
const MIN_ROWS = 100;
const MAX_ROWS = 2000;
/** The move takes a third of the thread at most. */
const PAUSE_FACTOR = 2;
const PROGRESS_LOG_MS = 10_000;
const MB = 1024 * 1024;

export class OlderRowsMover {
  readonly #options: OlderRowsMoverOptions;
  readonly #stepper: Stepper;
  #moved = 0;
  #startedMs = 0;
  #loggedMs = 0;
  #longestMs = 0;

  constructor(options: OlderRowsMoverOptions) {
    this.#options = options;
    this.#stepper = new Stepper({
      ...options,
      begin: (sql) => this.#begin(sql),
      failed: (error) => this.#fail(error),
      minRows: MIN_ROWS,
      maxRows: MAX_ROWS,
      pauseFactor: PAUSE_FACTOR,
    });
  }

  /** Moves the older rows, if there are any, from a moment later on. */
  start(): void {
    this.#stepper.start(this.#options.firstLookMs ?? FIRST_LOOK_MS);
  }

  /** What is not moved by now is moved after the next start. */
  stop(): void {
    this.#stepper.stop();
  }

  /** A store that fails ends the move until the next start; a lock only delays it. */
  #fail(error: StoreError): "never" {
    this.#options.log.warn(
      { fault: error.fault, detail: error.message, rows: this.#moved },
      "the rows of the older table cannot be moved now; the next start tries again",
    );
    return "never";
  }

  #begin(sql: Sql): StepFunction | null {
    const { makeEntryWriter, clock, log } = this.#options;
    const readMove = makeMoveReader(sql);
    if (readMove() === null || !this.#hasSpace()) return null;
    const move = new OlderRowsMove(sql, makeEntryWriter(sql));
    this.#startedMs = clock.monotonicMs();
    this.#loggedMs = this.#startedMs;
    log.info({}, "moving the rows of the older table to the new one, while requests are served");
    return (rows) => this.#step(move, readMove, rows);
  }

  #hasSpace(): boolean {
    const { fileBytes, freeBytes } = this.#options.space();
    const neededBytes = fileBytes * SPACE_FACTOR;
    if (freeBytes >= neededBytes) return true;
    this.#options.log.warn(
      { neededMb: Math.ceil(neededBytes / MB), freeMb: Math.floor(freeBytes / MB) },
      "the rows of the older table stay there, because the disk has too little space to move them; the next start tries again",
    );
    return false;
  }

  #step(move: OlderRowsMove, readMove: () => OlderMove | null, rows: number): Step {
    const { clock } = this.#options;
    const startMs = clock.monotonicMs();
    const step = move.step(rows);
    const nowMs = clock.monotonicMs();
    this.#longestMs = Math.max(this.#longestMs, nowMs - startMs);
    if (step.phase === "copied") this.#moved += step.rows;
    if (step.phase === "done") {
      this.#logEnd(nowMs);
      return { rows: step.rows, next: "never" };
    }
    if (nowMs - this.#loggedMs >= PROGRESS_LOG_MS) this.#logProgress(step, readMove(), nowMs);
    return { rows: step.rows, next: "soon" };
  }

  #logProgress({ phase }: MoveStep, until: OlderMove | null, nowMs: number): void {
    this.#loggedMs = nowMs;
    this.#options.log.info(
      {
        rows: this.#moved,
        until: until === null ? null : new Date(timeOfKey(until.toSeq)).toISOString(),
        longestStepMs: Math.ceil(this.#longestMs),
      },
      phase === "copied"
        ? "still moving the rows of the older table"
        : "all rows of the older table are moved; it is being emptied",
    );
  }

  #logEnd(nowMs: number): void {
    this.#options.log.info(
      {
        rows: this.#moved,
        seconds: Math.round((nowMs - this.#startedMs) / 1000),
        longestStepMs: Math.ceil(this.#longestMs),
      },
      "the rows of the older table are moved, and the older table is gone",
    );
  }
}
