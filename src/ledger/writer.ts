/** Writes rows and state ids into the store, together or not at all. */
import { type Clock, systemClock } from "../core/clock.ts";
import type { Sql } from "../store/sql.ts";
import { type StateId, StateIdWriter } from "../store/state.ts";
import { EntryWriter } from "./entry-writer.ts";
import { makeMoveReader } from "./older-rows.ts";
import { LANES, type RequestIds } from "./request-ids.ts";
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

/** The writer owns `sql` from now on. The ids become those of this database. */
export function makeLedgerWriter(sql: Sql, ids: RequestIds, clock: Clock = systemClock): LedgerWriter {
  const entries = makeEntryWriter(sql, ids);
  const stateIdWriter = new StateIdWriter(sql);
  return {
    write(rows, from, to, stateIds) {
      try {
        sql.transaction(() => {
          entries.begin(clock.nowMs());
          for (let i = from; i < to; i++) entries.put(rows[i] as LedgerRow);
          if (stateIds.length > 0) stateIdWriter.write(stateIds);
        });
      } catch (error) {
        entries.forget();
        throw error;
      }
    },
    isCurrent: () => sql.isCurrent(),
    close: () => sql.close(),
  };
}

/** A writer of this database's rows; the ids become those of this database. */
export function makeEntryWriter(sql: Sql, ids: RequestIds): EntryWriter {
  const floor = makeMoveReader(sql)()?.floor ?? 0;
  const number = String(sql.prepare("SELECT number FROM identity").get()?.number);
  const highest = Number(sql.prepare("SELECT max(seq) AS seq FROM entries").get()?.seq ?? 0);
  const highestKey = Math.max(highest, floor - 1);
  const lane = ids.isOf(number) ? ids.lane : nextLane(sql);
  ids.adopt({ number, lane, highestKey });
  return new EntryWriter(sql, ids, { number, floor });
}

function nextLane(sql: Sql): number {
  const next = sql.prepare(`UPDATE identity SET lane = (lane + 1) % ${LANES} RETURNING lane`);
  return sql.transaction(() => Number(next.get()?.lane));
}
