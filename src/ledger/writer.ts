/** What the ledger asks of the store: rows and state ids written together or not at all. */
import type { StateId } from "../store/state.ts";
import type { LedgerRow } from "./row.ts";

export interface LedgerWriter {
  /**
   * Commits rows `from` (inclusive) to `to` (exclusive) and the state ids in one transaction. A row that is there
   * already is left as it is. Throws `StoreError`; nothing is written then (or, after an I/O error, perhaps all).
   */
  write(rows: readonly LedgerRow[], from: number, to: number, stateIds: readonly StateId[]): void;
  /** False when the file was deleted or replaced under the connection: close, and open again. */
  isCurrent(): boolean;
  close(): void;
}
