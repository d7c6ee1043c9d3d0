/** The rows that wait for a commit, and the promises of the turns of the event loop that they came in. */
import type { GatewayError } from "../core/errors.ts";
import type { StateId } from "../store/state.ts";
import type { LedgerRow } from "./row.ts";
import type { LedgerWriter } from "./writer.ts";

/** The rows of one turn share a promise, which settles when the last of these rows is committed. */
interface Turn {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: GatewayError) => void;
  /** The number of the turn's first row. Rows are counted from the start of the process. */
  readonly startRow: number;
  /** The number of the row behind the turn's last one. */
  endRow: number;
}

interface PendingStateIds {
  readonly ids: readonly StateId[];
  /** The number of the row that the ids belong to. */
  readonly row: number;
}

export class RowQueue {
  readonly #maxRows: number;
  /** Rows from `#head` on wait; those before it are committed. */
  #rows: LedgerRow[] = [];
  #head = 0;
  /** Rows that have left the queue since the start. */
  #takenRows = 0;
  #stateIds: PendingStateIds[] = [];
  /** Turns whose rows wait, oldest first. New rows join the last one when `#isTurnOpen`. */
  #turns: Turn[] = [];
  #isTurnOpen = false;

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

  /** The promise of the last turn; null when nobody waits for a row. */
  get lastPromise(): Promise<void> | null {
    return this.#turns.at(-1)?.promise ?? null;
  }

  push(row: LedgerRow, stateIds: readonly StateId[] | undefined): void {
    this.#rows.push(row);
    if (stateIds === undefined || stateIds.length === 0) return;
    this.#stateIds.push({ ids: stateIds, row: this.#takenRows + this.length - 1 });
  }

  /**
   * The promise of the row that was pushed last: that of the open turn, which begins here if there is none.
   */
  joinTurn(): Promise<void> {
    const endRow = this.#takenRows + this.length;
    const last = this.#turns.at(-1);
    if (this.#isTurnOpen && last !== undefined) {
      last.endRow = endRow;
      return last.promise;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // The ledger logs each failure, so a caller that does not wait is no unhandled rejection.
    promise.catch(() => undefined);
    this.#turns.push({ promise, resolve, reject, startRow: endRow - 1, endRow });
    this.#isTurnOpen = true;
    return promise;
  }

  /** The next row begins a new turn. */
  closeTurn(): void {
    this.#isTurnOpen = false;
  }

  /**
   * Commits the oldest `count` rows, and settles the turns that end with them. Throws `StoreError`: the rows
   * stay.
   */
  writeTo(writer: LedgerWriter, count: number): void {
    const to = this.#head + count;
    writer.write(this.#rows, this.#head, to, this.#stateIdsUntil(this.#takenRows + count));
    this.#take(count);
  }

  /**
   * Takes the oldest row off unwritten, and rejects the turn that the row belongs to; null resolves the turn.
   */
  dropFirst(error: GatewayError | null): void {
    const turn = this.#turns[0];
    if (turn !== undefined && turn.startRow <= this.#takenRows) {
      this.#turns.shift();
      settle(turn, error);
    }
    this.#take(1);
  }

  /** Settles all turns; their rows stay. null resolves them. */
  settleTurns(error: GatewayError | null): void {
    for (const turn of this.#turns) settle(turn, error);
    this.#turns = [];
  }

  #stateIdsUntil(endRow: number): readonly StateId[] {
    if (this.#stateIds.length === 0) return [];
    return this.#stateIds.filter((pending) => pending.row < endRow).flatMap((pending) => pending.ids);
  }

  #take(count: number): void {
    this.#head += count;
    this.#takenRows += count;
    if (this.#head === this.#rows.length) {
      this.#rows = [];
      this.#head = 0;
    } else if (this.#head > this.#maxRows) {
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
}

function settle(turn: Turn, error: GatewayError | null): void {
  if (error === null) turn.resolve();
  else turn.reject(error);
}
