/** The rows that wait for a commit, and the callbacks of those who wait for the rows. */
import type { GatewayError } from "../core/errors.ts";
import type { Charge } from "../store/budgets.ts";
import type { StateId } from "../store/state.ts";
import type { LedgerRow } from "./row.ts";
import type { LedgerWriter } from "./writer.ts";

/** Gets null when the row is committed, or the error that the client must get instead. */
export type Settled = (failure: GatewayError | null) => void;

interface PendingStateIds {
  readonly ids: readonly StateId[];
  /** The number of the row that the ids belong to. Rows are counted from the start of the process. */
  readonly row: number;
}

export class RowQueue {
  readonly #maxRows: number;
  /** Rows from `#head` on wait; those before it are committed. */
  #rows: LedgerRow[] = [];
  /** Who waits for the row of the same index; null: nobody does any more. */
  #waiters: (Settled | null)[] = [];
  /** What the row of the same index has cost. */
  #charges: (readonly Charge[])[] = [];
  #head = 0;
  /** Rows that have left the queue since the start. */
  #takenRows = 0;
  #stateIds: PendingStateIds[] = [];

  constructor(maxRows: number) {
    this.#maxRows = maxRows;
  }

  get length(): number {
    return this.#rows.length - this.#head;
  }

  get isFull(): boolean {
    return this.length >= this.#maxRows;
  }

  get first(): LedgerRow | undefined {
    return this.#rows[this.#head];
  }

  push(
    row: LedgerRow,
    stateIds: readonly StateId[] | undefined,
    charges: readonly Charge[],
    settled: Settled | null,
  ): void {
    this.#rows.push(row);
    this.#waiters.push(settled);
    this.#charges.push(charges);
    if (stateIds === undefined || stateIds.length === 0) return;
    this.#stateIds.push({ ids: stateIds, row: this.#takenRows + this.length - 1 });
  }

  /** Commits the oldest `count` rows, which stay until `take`. Throws `StoreError`. */
  writeTo(writer: LedgerWriter, count: number): void {
    const to = this.#head + count;
    const stateIds = this.#stateIdsUntil(this.#takenRows + count);
    writer.write(this.#rows, this.#head, to, stateIds, this.#charges);
  }

  /** Takes the oldest `count` rows off, and returns those who wait for them. */
  take(count: number): readonly (Settled | null)[] {
    const to = this.#head + count;
    const waiters =
      this.#head === 0 && to === this.#rows.length ? this.#waiters : this.#waiters.slice(this.#head, to);
    this.#head = to;
    this.#takenRows += count;
    if (to === this.#rows.length) {
      this.#rows = [];
      this.#waiters = [];
      this.#charges = [];
      this.#head = 0;
    } else if (to > this.#maxRows) {
      this.#rows = this.#rows.slice(to);
      this.#waiters = this.#waiters.slice(to);
      this.#charges = this.#charges.slice(to);
      this.#head = 0;
    }
    if (this.#stateIds.length > 0) {
      this.#stateIds = this.#stateIds.filter((pending) => pending.row >= this.#takenRows);
    }
    return waiters;
  }

  /** Takes all waiters off; their rows stay. */
  takeWaiters(): readonly (Settled | null)[] {
    const waiters = this.#waiters.slice(this.#head);
    this.#waiters.fill(null);
    return waiters;
  }

  #stateIdsUntil(endRow: number): readonly StateId[] {
    if (this.#stateIds.length === 0) return [];
    return this.#stateIds.filter((pending) => pending.row < endRow).flatMap((pending) => pending.ids);
  }
}
