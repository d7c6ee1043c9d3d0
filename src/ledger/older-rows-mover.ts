/**
 * Moves the rows of the older table while requests are served: short steps, with pauses between them in which the event
 * loop serves. A killed process goes on at its next start.
 */
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import { type Sql, StoreError } from "../store/sql.ts";
import type { EntryWriter } from "./entry-writer.ts";
import { type MoveStep, makeMoveReader, OlderRowsMove } from "./older-rows.ts";
import { timeOfKey } from "./request-ids.ts";

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
const FIRST_ROWS = 100;
const MAX_ROWS = 2000;
/** The aim for one step. The checkpoint that some steps make comes on top, as it does for other commits. */
const STEP_MS = 4;
/** Pauses between steps, as multiples of the step: the move takes a third of the thread at most. */
const PAUSE_FACTOR = 2;
const LOCK_PAUSE_MS = 50;
const PROGRESS_LOG_MS = 10_000;
const MB = 1024 * 1024;

export class OlderRowsMover {
  readonly #options: OlderRowsMoverOptions;
  #sql: Sql | null = null;
  #move: OlderRowsMove | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #rows = FIRST_ROWS;
  #moved = 0;
  #startedMs = 0;
  #loggedMs = 0;
  #longestMs = 0;

  constructor(options: OlderRowsMoverOptions) {
    this.#options = options;
  }

  /** Moves the older rows, if there are any, from a moment later on. */
  start(): void {
    this.#goOnAfter(this.#options.firstLookMs ?? FIRST_LOOK_MS);
  }

  /** What is not moved by now is moved after the next start. */
  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#move = null;
    const sql = this.#sql;
    this.#sql = null;
    try {
      sql?.close();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
    }
  }

  /** A store that fails ends the move until the next start; a lock only delays it. */
  #goOnAfter(pauseMs: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = null;
      try {
        if (this.#move === null) this.#begin();
        else this.#step(this.#move);
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        this.#fail(error);
      }
    }, pauseMs);
  }

  #fail(error: StoreError): void {
    if (error.fault === "locked") {
      this.#goOnAfter(LOCK_PAUSE_MS);
      return;
    }
    this.#options.log.warn(
      { fault: error.fault, detail: error.message, rows: this.#moved },
      "the rows of the older table cannot be moved now; the next start tries again",
    );
    this.stop();
  }

  #begin(): void {
    const { open, makeEntryWriter, clock, log } = this.#options;
    this.#sql ??= open();
    if (makeMoveReader(this.#sql)() === null || !this.#hasSpace()) {
      this.stop();
      return;
    }
    this.#move = new OlderRowsMove(this.#sql, makeEntryWriter(this.#sql));
    this.#startedMs = clock.monotonicMs();
    this.#loggedMs = this.#startedMs;
    log.info({}, "moving the rows of the older table to the new one, while requests are served");
    this.#goOnAfter(0);
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

  #step(move: OlderRowsMove): void {
    const { clock } = this.#options;
    // Somebody has replaced the file.
    if (this.#sql?.isCurrent() !== true) {
      this.stop();
      return;
    }
    const startMs = clock.monotonicMs();
    const step = move.step(this.#rows);
    const nowMs = clock.monotonicMs();
    const tookMs = nowMs - startMs;
    this.#longestMs = Math.max(this.#longestMs, tookMs);
    this.#adapt(tookMs);
    if (step.phase === "copied") this.#moved += step.rows;
    if (step.phase === "done") {
      this.#finish(nowMs);
      return;
    }
    if (nowMs - this.#loggedMs >= PROGRESS_LOG_MS) this.#logProgress(step, nowMs);
    this.#goOnAfter(tookMs * PAUSE_FACTOR);
  }

  #adapt(tookMs: number): void {
    if (tookMs > STEP_MS) this.#rows = Math.max(FIRST_ROWS, Math.floor(this.#rows / 2));
    else if (tookMs < STEP_MS / 2) this.#rows = Math.min(MAX_ROWS, this.#rows + FIRST_ROWS);
  }

  #logProgress(step: MoveStep, nowMs: number): void {
    this.#loggedMs = nowMs;
    const until = this.#sql === null ? null : makeMoveReader(this.#sql)();
    this.#options.log.info(
      {
        rows: this.#moved,
        until: until === null ? null : new Date(timeOfKey(until.toSeq)).toISOString(),
        longestStepMs: Math.ceil(this.#longestMs),
      },
      step.phase === "copied"
        ? "still moving the rows of the older table"
        : "all rows of the older table are moved; it is being emptied",
    );
  }

  #finish(nowMs: number): void {
    this.#options.log.info(
      {
        rows: this.#moved,
        seconds: Math.round((nowMs - this.#startedMs) / 1000),
        longestStepMs: Math.ceil(this.#longestMs),
      },
      "the rows of the older table are moved, and the older table is gone",
    );
    this.stop();
  }
}
