/**
 * The durable queue in front of the ledger's table. All rows of one turn of the event loop are committed together right
 * after it; a row's promise resolves when its commit is done.
 */
import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { StoreError, type StoreFault } from "../store/sql.ts";
import type { StateId } from "../store/state.ts";
import type { LedgerRow } from "./row.ts";
import type { LedgerWriter } from "./writer.ts";

/** Counts since the start. */
export interface LedgerStats {
  readonly commits: number;
  readonly rows: number;
  /** Commits that failed, retries included. */
  readonly failures: number;
  /** Rows that were lost: the queue was full, or the store can never hold them. */
  readonly droppedRows: number;
}

export interface Ledger {
  /**
   * Resolves when the commit that holds the row (and the ids of provider-side state that it made) is done. Rejects with
   * `GatewayError("ledger_unavailable")` when it cannot be written in time: the row stays queued, and is written when the
   * store recovers. With `onFailure: "serve"` it never rejects. Rows of one turn share one promise.
   */
  append(row: LedgerRow, stateIds?: readonly StateId[]): Promise<void>;
  /** False: refuse new requests, for they could not be recorded. Always true with `onFailure: "serve"`. */
  readonly isWritable: boolean;
  /** What is wrong with the store, in public words; null when it is well. */
  readonly failure: string | null;
  readonly pendingRows: number;
  readonly stats: LedgerStats;
  /** Resolves when nothing is pending any more, or the store is known to be broken. */
  flush(): Promise<void>;
  /** Writes what can be written and closes the store. */
  close(): Promise<void>;
}

export interface LedgerOptions {
  /**
   * Opens the store; throws `StoreError` when it cannot. Called again after a failure that needs a new connection. With
   * `setAside` the file has proved damaged twice: move it away first and begin a new one.
   */
  readonly openWriter: (setAside: boolean) => LedgerWriter;
  readonly clock: Clock;
  readonly log: Log;
  readonly onFailure: "refuse" | "serve";
  /** Most rows that wait for the store. */
  readonly queueRows: number;
  /** How long a locked store is waited for before requests are refused; 2 s. */
  readonly lockWaitMs?: number;
  /** How often a broken store is tried again; 1 s. */
  readonly probeMs?: number;
}

/** Keeps one commit to a few milliseconds of the event loop, also when a long queue is written after a recovery. */
const COMMIT_ROWS = 1000;
const LOCK_RETRIES_MS = [2, 5, 10, 25] as const;
const LOCK_RETRY_MS = 50;
const DROP_LOG_EVERY_MS = 10_000;

const FAILURE: Readonly<Record<StoreFault, string>> = {
  locked: "the ledger's database is locked by another process",
  full: "the disk that holds the ledger is full",
  corrupt: "the ledger's database file is damaged",
  rejected: "the ledger's database rejects a row",
  unavailable: "the ledger's database cannot be written",
};

/** The rows of one turn: they share a promise, settled once the last of them is committed. */
interface Turn {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: GatewayError) => void;
  /** Numbers of its first row and of the row after its last one, counted from the start. */
  readonly startRow: number;
  endRow: number;
}

interface PendingStateIds {
  readonly ids: readonly StateId[];
  /** Number of the row that they belong to. */
  readonly row: number;
}

const DONE = Promise.resolve();

export function makeLedger(options: LedgerOptions): Ledger {
  return new DurableQueue(options);
}

class DurableQueue implements Ledger {
  readonly #options: LedgerOptions;
  readonly #lockWaitMs: number;
  readonly #probeMs: number;
  #writer: LedgerWriter | null = null;

  /** Rows that wait, from `#head` on; what is before is committed. */
  #rows: LedgerRow[] = [];
  #head = 0;
  /** How many rows were taken off the queue since the start: row numbers count from there. */
  #takenRows = 0;
  #stateIds: PendingStateIds[] = [];
  /** Turns whose rows wait, oldest first. The last one is open when `#isTurnOpen`. */
  #turns: Turn[] = [];
  #isTurnOpen = false;

  #timer: ReturnType<typeof setTimeout> | null = null;
  #isScheduled = false;
  #isClosed = false;

  #failure: string | null = null;
  /** Locked since, on the monotonic clock; null when the last try found it free. */
  #lockedSinceMs: number | null = null;
  #lockRetries = 0;
  #corruptInARow = 0;
  #commitRows = COMMIT_ROWS;
  #lastDropLogMs = Number.NEGATIVE_INFINITY;

  #commits = 0;
  #committedRows = 0;
  #failures = 0;
  #droppedRows = 0;

  constructor(options: LedgerOptions) {
    this.#options = options;
    this.#lockWaitMs = options.lockWaitMs ?? 2000;
    this.#probeMs = options.probeMs ?? 1000;
    this.#commit();
  }

  get isWritable(): boolean {
    if (this.#options.onFailure === "serve") return true;
    // The other half of the queue is for requests that are under way already.
    return this.#failure === null && this.pendingRows * 2 <= this.#options.queueRows;
  }

  get failure(): string | null {
    return this.#failure;
  }

  get pendingRows(): number {
    return this.#rows.length - this.#head;
  }

  get stats(): LedgerStats {
    return {
      commits: this.#commits,
      rows: this.#committedRows,
      failures: this.#failures,
      droppedRows: this.#droppedRows,
    };
  }

  append(row: LedgerRow, stateIds?: readonly StateId[]): Promise<void> {
    if (this.#isClosed) return Promise.reject(this.#error("the ledger is closed"));
    if (this.pendingRows >= this.#options.queueRows) return this.#dropNew(row);
    this.#rows.push(row);
    const endRow = this.#takenRows + this.pendingRows;
    if (stateIds !== undefined && stateIds.length > 0)
      this.#stateIds.push({ ids: stateIds, row: endRow - 1 });
    if (this.#failure !== null) {
      return this.#options.onFailure === "serve" ? DONE : Promise.reject(this.#error(this.#failure));
    }
    const turn = this.#openTurn();
    turn.endRow = endRow;
    return turn.promise;
  }

  async flush(): Promise<void> {
    while (this.pendingRows > 0 && this.#failure === null) {
      const last = this.#turns.at(-1);
      // Without a turn these are rows from before a recovery, which nobody waits for.
      if (last === undefined) await new Promise((resolve) => setTimeout(resolve, 1));
      else await last.promise.catch(() => undefined);
    }
  }

  async close(): Promise<void> {
    await this.flush();
    if (this.#isClosed) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    while (this.pendingRows > 0 && this.#write() === null);
    this.#isClosed = true;
    if (this.pendingRows > 0) {
      this.#options.log.error(
        { rows: this.pendingRows, failure: this.#failure },
        "closing the ledger with rows that could not be written: they are lost",
      );
    }
    this.#closeWriter();
  }

  #openTurn(): Turn {
    const last = this.#turns.at(-1);
    if (this.#isTurnOpen && last !== undefined) return last;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // The failure is logged here in any case, so a caller that does not wait is no unhandled rejection.
    promise.catch(() => undefined);
    const startRow = this.#takenRows + this.pendingRows - 1;
    const turn: Turn = { promise, resolve, reject, startRow, endRow: startRow };
    this.#turns.push(turn);
    this.#isTurnOpen = true;
    this.#schedule();
    return turn;
  }

  /** The next commit is right after this turn of the event loop, unless a later try is planned for a reason. */
  #schedule(): void {
    if (this.#isScheduled || this.#timer !== null) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      if (this.#timer === null && !this.#isClosed) this.#commit();
    });
  }

  #scheduleLater(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (!this.#isClosed) this.#commit();
    }, ms);
  }

  #commit(): void {
    this.#isTurnOpen = false;
    const fault = this.#write();
    if (fault === null) {
      if (this.#failure !== null) this.#recover();
      if (this.pendingRows > 0) this.#schedule();
      return;
    }
    if (this.#failure !== null) {
      this.#failure = FAILURE[fault];
      this.#scheduleLater(this.#probeMs);
      return;
    }
    if (fault === "rejected" || (fault === "corrupt" && this.#corruptInARow <= 2)) {
      this.#schedule();
      return;
    }
    const nowMs = this.#options.clock.monotonicMs();
    this.#lockedSinceMs ??= nowMs;
    if (fault === "locked" && nowMs - this.#lockedSinceMs < this.#lockWaitMs) {
      this.#scheduleLater(LOCK_RETRIES_MS[this.#lockRetries++] ?? LOCK_RETRY_MS);
      return;
    }
    this.#breakDown(fault);
  }

  /** One commit of the oldest rows (of none, just to see whether it works, when nothing waits). Returns what went wrong. */
  #write(): StoreFault | null {
    const from = this.#head;
    const to = Math.min(this.#rows.length, from + this.#commitRows);
    const endRow = this.#takenRows + (to - from);
    try {
      this.#currentWriter().write(this.#rows, from, to, this.#stateIdsUntil(endRow));
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.#failures++;
      return this.#afterFailure(error, to - from);
    }
    if (to > from) this.#commits++;
    this.#committedRows += to - from;
    this.#lockedSinceMs = null;
    this.#lockRetries = 0;
    this.#corruptInARow = 0;
    this.#commitRows = COMMIT_ROWS;
    this.#take(to - from);
    return null;
  }

  #afterFailure(error: StoreError, triedRows: number): StoreFault {
    this.#options.log.debug({ fault: error.fault, detail: error.message }, "a ledger commit failed");
    if (error.fault === "locked") return "locked";
    if (error.fault === "rejected" && triedRows > 0) {
      // Halve until the one row is found that the store cannot hold: it must not keep the others out.
      if (triedRows > 1) this.#commitRows = Math.ceil(triedRows / 2);
      else this.#dropFirst(error);
      return "rejected";
    }
    if (error.fault === "corrupt") this.#corruptInARow++;
    this.#closeWriter();
    if (this.#failure === null && error.fault !== "corrupt") {
      this.#options.log.warn({ fault: error.fault, detail: error.message }, "the ledger's database failed");
    }
    return error.fault;
  }

  #currentWriter(): LedgerWriter {
    if (this.#writer !== null && !this.#writer.isCurrent()) {
      this.#options.log.error(
        {},
        "the ledger's database file was deleted or replaced while in use: opening it anew",
      );
      this.#closeWriter();
    }
    this.#writer ??= this.#options.openWriter(this.#corruptInARow > 1);
    return this.#writer;
  }

  #closeWriter(): void {
    const writer = this.#writer;
    this.#writer = null;
    try {
      writer?.close();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.#options.log.warn(
        { fault: error.fault, detail: error.message },
        "the ledger's database could not be closed",
      );
    }
  }

  #stateIdsUntil(endRow: number): readonly StateId[] {
    if (this.#stateIds.length === 0) return [];
    return this.#stateIds.filter((pending) => pending.row < endRow).flatMap((pending) => pending.ids);
  }

  /** Takes rows off the queue and settles the turns that end with them. */
  #take(count: number): void {
    this.#head += count;
    this.#takenRows += count;
    if (this.#head === this.#rows.length) {
      this.#rows = [];
      this.#head = 0;
    } else if (this.#head > this.#options.queueRows) {
      this.#rows = this.#rows.slice(this.#head);
      this.#head = 0;
    }
    if (this.#stateIds.length > 0) {
      this.#stateIds = this.#stateIds.filter((pending) => pending.row >= this.#takenRows);
    }
    let settled = 0;
    for (const turn of this.#turns) {
      if (turn.endRow > this.#takenRows) break;
      turn.resolve();
      settled++;
    }
    if (settled > 0) this.#turns.splice(0, settled);
  }

  #breakDown(fault: StoreFault): void {
    this.#failure = FAILURE[fault];
    const { log, onFailure } = this.#options;
    log.error(
      { failure: this.#failure, onFailure, pendingRows: this.pendingRows },
      onFailure === "refuse"
        ? "the ledger cannot be written: requests are refused until it can"
        : "the ledger cannot be written: requests are served and their rows kept in memory until it can",
    );
    const error = this.#error(this.#failure);
    for (const turn of this.#turns) {
      if (onFailure === "serve") turn.resolve();
      else turn.reject(error);
    }
    this.#turns = [];
    this.#scheduleLater(this.#probeMs);
  }

  #recover(): void {
    this.#options.log.info(
      { failure: this.#failure, pendingRows: this.pendingRows, droppedRows: this.#droppedRows },
      "the ledger can be written again",
    );
    this.#failure = null;
  }

  #dropNew(row: LedgerRow): Promise<void> {
    this.#droppedRows++;
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#lastDropLogMs >= DROP_LOG_EVERY_MS) {
      this.#lastDropLogMs = nowMs;
      this.#options.log.error(
        { droppedRows: this.#droppedRows, queueRows: this.#options.queueRows, requestId: row.id },
        "the ledger's queue is full: rows are lost",
      );
    }
    if (this.#options.onFailure === "serve") return DONE;
    return Promise.reject(this.#error(this.#failure ?? "the ledger's queue is full"));
  }

  #dropFirst(error: StoreError): void {
    this.#droppedRows++;
    this.#options.log.error(
      { requestId: this.#rows[this.#head]?.id, detail: error.message },
      "a row can never be stored and is dropped: this is a mistake in the gateway",
    );
    const turn = this.#turns[0];
    if (turn !== undefined && turn.startRow <= this.#takenRows) {
      this.#turns.shift();
      if (this.#options.onFailure === "serve") turn.resolve();
      else turn.reject(this.#error(FAILURE.rejected));
    }
    this.#commitRows = COMMIT_ROWS;
    this.#take(1);
  }

  #error(reason: string): GatewayError {
    return new GatewayError(
      "ledger_unavailable",
      `Requests cannot be recorded now (${reason}), and what is not recorded is not served. Try again in a moment.`,
      { retryAfterMs: this.#probeMs },
    );
  }
}
