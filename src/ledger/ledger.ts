/**
 * The durable queue before the ledger's table. One transaction commits all rows of a turn of the event loop right after
 * the turn; then those who wait for the rows are called.
 */
import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Charge } from "../store/budgets.ts";
import { StoreError, type StoreFault } from "../store/sql.ts";
import type { StateId } from "../store/state.ts";
import type { LedgerRow } from "./row.ts";
import { RowQueue, type Settled } from "./row-queue.ts";
import type { LedgerWriter } from "./writer.ts";

/** Counts since the start. */
export interface LedgerStats {
  readonly commits: number;
  readonly rows: number;
  /** Commits that failed, with retries. */
  readonly failures: number;
  /** Rows that are lost: the queue was full, or the store can never hold them. */
  readonly droppedRows: number;
}

export interface Ledger {
  /**
   * `settled` is called once, and never within `append`. It gets null when the row, and the ids of provider-side state
   * that the request made, are committed. It gets `GatewayError("ledger_unavailable")` when the row cannot be written
   * in time: the row stays queued, may still be corrected by `settled`, and is written when the store recovers. When
   * the store is known to be broken, `settled` is called as a microtask. With `onFailure: "serve"` it gets null, unless the ledger is closed.
   * An exception of `settled` is logged, and changes nothing for other rows. `charges`: what the row has cost the budgets
   * of its key; they are committed with the row.
   */
  append(
    row: LedgerRow,
    stateIds: readonly StateId[] | undefined,
    settled: Settled,
    charges?: readonly Charge[],
  ): void;
  /**
   * Calls `listener` with each row that is appended, before it is written; the listener must not keep the event loop. One
   * listener; null while nobody watches, so that a row costs one comparison then.
   */
  onRow(listener: ((row: LedgerRow) => void) | null): void;
  /**
   * False: new requests must be refused, because they cannot be recorded. Always true with `onFailure:
   * "serve"`.
   */
  readonly isWritable: boolean;
  /** The store's fault in public words; null when the store works. */
  readonly failure: string | null;
  readonly pendingRows: number;
  readonly stats: LedgerStats;
  /** Resolves when no row is pending, or when the store is known to be broken. */
  flush(): Promise<void>;
  /** Writes the pending rows if the store takes them, and closes the store. */
  close(): Promise<void>;
}

export interface LedgerOptions {
  /**
   * Opens the store, or throws `StoreError`. Called again after a failure that needs a new connection. With `setAside`
   * the file has proved damaged twice: move the file away first, and begin a new one.
   */
  readonly openWriter: (setAside: boolean) => LedgerWriter;
  readonly clock: Clock;
  readonly log: Log;
  readonly onFailure: "refuse" | "serve";
  /** Rows that may wait for the store. */
  readonly queueRows: number;
  /** Requests are refused when the store stays locked for so long; 2 s when absent. */
  readonly lockWaitMs?: number;
  /** A broken store is tried again after so long; 1 s when absent. */
  readonly probeMs?: number;
}

/**
 * One commit then takes a few milliseconds of the event loop, also when a long queue is written after a
 * recovery.
 */
const COMMIT_ROWS = 1000;
const NO_CHARGES: readonly Charge[] = [];
const LOCK_RETRIES_MS = [2, 5, 10, 25] as const;
const LOCK_RETRY_MS = 50;
const DROP_LOG_EVERY_MS = 10_000;
const FLUSH_POLL_MS = 1;

const FAILURE: Readonly<Record<StoreFault, string>> = {
  locked: "the ledger's database is locked by another process",
  full: "the disk that holds the ledger is full",
  corrupt: "the ledger's database file is damaged",
  rejected: "the ledger's database rejects a row",
  unavailable: "the ledger's database cannot be written",
};

export function makeLedger(options: LedgerOptions): Ledger {
  return new DurableQueue(options);
}

class DurableQueue implements Ledger {
  readonly #options: LedgerOptions;
  readonly #queue: RowQueue;
  readonly #lockWaitMs: number;
  readonly #probeMs: number;
  #writer: LedgerWriter | null = null;

  #timer: ReturnType<typeof setTimeout> | null = null;
  #isScheduled = false;
  #isClosed = false;
  #onRow: ((row: LedgerRow) => void) | null = null;

  #failure: string | null = null;
  /** On the monotonic clock; null: the store was not locked at the last try. */
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
    this.#queue = new RowQueue(options.queueRows);
    this.#lockWaitMs = options.lockWaitMs ?? 2000;
    this.#probeMs = options.probeMs ?? 1000;
    this.#commit();
  }

  get isWritable(): boolean {
    if (this.#options.onFailure === "serve") return true;
    // The other half of the queue is for requests that have begun already.
    return this.#failure === null && this.pendingRows * 2 <= this.#options.queueRows;
  }

  get failure(): string | null {
    return this.#failure;
  }

  get pendingRows(): number {
    return this.#queue.length;
  }

  get stats(): LedgerStats {
    return {
      commits: this.#commits,
      rows: this.#committedRows,
      failures: this.#failures,
      droppedRows: this.#droppedRows,
    };
  }

  append(
    row: LedgerRow,
    stateIds: readonly StateId[] | undefined,
    settled: Settled,
    charges: readonly Charge[] = NO_CHARGES,
  ): void {
    if (this.#onRow !== null) this.#onRow(row);
    if (this.#isClosed) {
      this.#tellSoon(settled, this.#error("the ledger is closed"));
    } else if (this.#queue.isFull) {
      this.#dropNew(row, settled);
    } else if (this.#failure !== null) {
      this.#queue.push(row, stateIds, charges, null);
      this.#tellSoon(settled, this.#refusal(this.#failure));
    } else {
      this.#queue.push(row, stateIds, charges, settled);
      this.#schedule();
    }
  }

  onRow(listener: ((row: LedgerRow) => void) | null): void {
    this.#onRow = listener;
  }

  async flush(): Promise<void> {
    while (this.pendingRows > 0 && this.#failure === null) {
      await new Promise((resolve) => setTimeout(resolve, FLUSH_POLL_MS));
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

  /** Commits right after this turn of the event loop, unless a later try is planned. */
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

  /**
   * Commits the oldest rows. With an empty queue it only tries whether the store works. Returns the fault, or
   * null.
   */
  #write(): StoreFault | null {
    const rows = Math.min(this.#queue.length, this.#commitRows);
    try {
      this.#queue.writeTo(this.#currentWriter(), rows);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.#failures++;
      return this.#afterFailure(error, rows);
    }
    this.#lockedSinceMs = null;
    this.#lockRetries = 0;
    this.#corruptInARow = 0;
    this.#commitRows = COMMIT_ROWS;
    if (rows === 0) return null;
    this.#commits++;
    this.#committedRows += rows;
    this.#tellAll(this.#queue.take(rows), null);
    return null;
  }

  #afterFailure(error: StoreError, triedRows: number): StoreFault {
    this.#options.log.debug({ fault: error.fault, detail: error.message }, "a ledger commit failed");
    if (error.fault === "locked") return "locked";
    if (error.fault === "rejected" && triedRows > 0) {
      // Halve the commit until it is the one row that the store cannot hold, so that the other rows are
      // written.
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

  #breakDown(fault: StoreFault): void {
    this.#failure = FAILURE[fault];
    const { log, onFailure } = this.#options;
    log.error(
      { failure: this.#failure, onFailure, pendingRows: this.pendingRows },
      onFailure === "refuse"
        ? "the ledger cannot be written: requests are refused until it can"
        : "the ledger cannot be written: requests are served and their rows kept in memory until it can",
    );
    this.#scheduleLater(this.#probeMs);
    this.#tellAll(this.#queue.takeWaiters(), this.#refusal(this.#failure));
  }

  #recover(): void {
    this.#options.log.info(
      { failure: this.#failure, pendingRows: this.pendingRows, droppedRows: this.#droppedRows },
      "the ledger can be written again",
    );
    this.#failure = null;
  }

  #dropNew(row: LedgerRow, settled: Settled): void {
    this.#droppedRows++;
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#lastDropLogMs >= DROP_LOG_EVERY_MS) {
      this.#lastDropLogMs = nowMs;
      this.#options.log.error(
        { droppedRows: this.#droppedRows, queueRows: this.#options.queueRows, requestId: row.id },
        "the ledger's queue is full: rows are lost",
      );
    }
    this.#tellSoon(settled, this.#refusal(this.#failure ?? "the ledger's queue is full"));
  }

  #dropFirst(error: StoreError): void {
    this.#droppedRows++;
    this.#options.log.error(
      { requestId: this.#queue.first?.id, detail: error.message },
      "a row can never be stored and is dropped: this is a mistake in the gateway",
    );
    this.#commitRows = COMMIT_ROWS;
    this.#tellAll(this.#queue.take(1), this.#refusal(FAILURE.rejected));
  }

  #tellAll(waiters: readonly (Settled | null)[], failure: GatewayError | null): void {
    for (const settled of waiters) if (settled !== null) this.#tell(settled, failure);
  }

  #tellSoon(settled: Settled, failure: GatewayError | null): void {
    queueMicrotask(() => this.#tell(settled, failure));
  }

  #tell(settled: Settled, failure: GatewayError | null): void {
    try {
      settled(failure);
    } catch (error) {
      this.#options.log.error(
        { error: error instanceof Error ? (error.stack ?? error.message) : String(error) },
        "the end of a request failed after its row was settled: this is a mistake in the gateway",
      );
    }
  }

  /** The error for the clients of requests that cannot be recorded; null when such requests are served. */
  #refusal(reason: string): GatewayError | null {
    return this.#options.onFailure === "serve" ? null : this.#error(reason);
  }

  #error(reason: string): GatewayError {
    return new GatewayError(
      "ledger_unavailable",
      `Requests cannot be recorded now (${reason}), and what is not recorded is not served. Try again in a moment.`,
      { retryAfterMs: this.#probeMs },
    );
  }
}
