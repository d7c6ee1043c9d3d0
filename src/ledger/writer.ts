/** Writes rows and state ids into the store, together or not at all. */
import type { Sql } from "../store/sql.ts";
import { type StateId, StateIdWriter } from "../store/state.ts";
import { INSERT_ROW, rowParams } from "./columns.ts";
import type { LedgerRow } from "./row.ts";

export interface LedgerWriter {
  /**
   * Commits rows `from` (inclusive) to `to` (exclusive) and the state ids in one transaction. Leaves a row alone that
   * the table has already. Throws `StoreError`: then nothing is written, or, after an I/O error, perhaps all.
   */
  write(rows: readonly LedgerRow[], from: number, to: number, stateIds: readonly StateId[]): void;
  /** False when somebody has deleted or replaced the file: close, and open again. */
  isCurrent(): boolean;
  close(): void;
}

/** The writer owns `sql` from now on. */
export function makeLedgerWriter(sql: Sql): LedgerWriter {
  const insert = sql.prepare(INSERT_ROW);
  const stateIdWriter = new StateIdWriter(sql);
  return {
    write(rows, from, to, stateIds) {
      sql.transaction(() => {
        for (let i = from; i < to; i++) insert.run(...rowParams(rows[i] as LedgerRow));
        if (stateIds.length > 0) stateIdWriter.write(stateIds);
      });
    },
    isCurrent: () => sql.isCurrent(),
    close: () => sql.close(),
  };
}
