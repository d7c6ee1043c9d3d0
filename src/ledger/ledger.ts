/**
 * The durable queue in front of the ledger's table. All rows of one turn of the event loop are committed together right
 * after it; a row's promise resolves when its commit is done.
 */
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { StateId } from "../store/state.ts";
import type { LedgerRow } from "./row.ts";
import type { LedgerWriter } from "./writer.ts";

/** Counts since the start. */
export interface LedgerStats {
  readonly commits: number;
  readonly rows: number;
  /** Commits that failed, retries included. */
  readonly failures: number;
  /** Rows that found the queue full. */
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
  /** Opens the store; throws `StoreError` when it cannot. Called again after a failure that needs a new connection. */
  readonly openWriter: () => LedgerWriter;
  readonly clock: Clock;
  readonly log: Log;
  readonly onFailure: "refuse" | "serve";
  /** Most rows that wait for the store. */
  readonly queueRows: number;
}
