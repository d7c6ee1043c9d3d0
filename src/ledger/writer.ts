/** Writes rows, what they cost, and state ids into the store, together or not at all. */
import type { Clock } from "../core/clock.ts";
import { type Charge, ChargeWriter } from "../store/budgets.ts";
import { type Sql, StoreError, type StoreFault } from "../store/sql.ts";
import { type StateId, StateIdWriter } from "../store/state.ts";
import { ChargeSets, endSets } from "./charge-sets.ts";
import { EntryWriter } from "./entry-writer.ts";
import { makeMoveReader } from "./older-rows.ts";
import { LANES, type RequestIds } from "./request-ids.ts";
import type { LedgerRow } from "./row.ts";

export interface LedgerWriter {
  /**
   * Commits rows `from` (inclusive) to `to` (exclusive), what each of them cost, and the state ids in one transaction.
   * Leaves a row alone that the table has already, with its charges. `charges` are by the index of their row. Throws
   * `StoreError`: then nothing is written, or, after an I/O error, perhaps all.
   */
  write(
    rows: readonly LedgerRow[],
    from: number,
    to: number,
    stateIds: readonly StateId[],
    charges?: readonly (readonly Charge[])[],
  ): void;
  /** False when somebody has deleted or replaced the file: close, and open again. */
  isCurrent(): boolean;
  /** Charges that are within rows alone are added to their windows, if the store takes them. */
  close(): void;
}

/** The writer owns `sql` from now on. The ids become those of this database. */
export function makeLedgerWriter(sql: Sql, ids: RequestIds, clock: Clock): LedgerWriter {
  const entries = makeEntryWriter(sql, ids);
  const stateIdWriter = new StateIdWriter(sql);
  const chargeWriter = new ChargeWriter(sql);
  const sets = new ChargeSets(sql, ids.process, chargeWriter);
  endSets(sql, ids.process);

  /** A row, and what it costs. */
  const put = (row: LedgerRow, charges: readonly Charge[]): void => {
    const set = sets.setOf(row, charges);
    if (!entries.put(row, set?.id ?? null)) return;
    if (set === null) chargeWriter.add(charges);
    else sets.written(set, row.costNanoUsd ?? 0);
  };

  const inTransaction = (work: () => void): void => {
    try {
      sql.transaction(work);
    } catch (error) {
      entries.forget();
      chargeWriter.forget();
      sets.forget(error instanceof StoreError && CERTAIN_FAULTS.has(error.fault));
      throw error;
    }
    sets.committed();
  };

  return {
    write(rows, from, to, stateIds, charges = []) {
      let hasCharges = false;
      inTransaction(() => {
        const nowMs = clock.nowMs();
        entries.begin(nowMs);
        sets.begin(nowMs);
        for (let i = from; i < to; i++) {
          const ofRow = charges[i];
          if (ofRow === undefined || ofRow.length === 0) {
            entries.put(rows[i] as LedgerRow, null);
          } else {
            hasCharges = true;
            put(rows[i] as LedgerRow, ofRow);
          }
        }
        if (hasCharges) chargeWriter.write();
        if (stateIds.length > 0) stateIdWriter.write(stateIds);
      });
      if (!hasCharges) return;
      for (let i = from; i < to; i++) for (const charge of charges[i] ?? []) charge.holder?.charged(charge);
    },
    isCurrent: () => sql.isCurrent(),
    close() {
      try {
        if (!sets.isEmpty) inTransaction(() => sets.endAll());
      } catch (error) {
        // The rows say what they cost: the next start adds it.
        if (!(error instanceof StoreError)) throw error;
      } finally {
        sql.close();
      }
    },
  };
}

/** After these nothing of the transaction is in the database. */
const CERTAIN_FAULTS: ReadonlySet<StoreFault> = new Set(["locked", "rejected"]);

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
