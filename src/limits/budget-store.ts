/**
 * The way to the table of budgets: it opens the store when it is needed, also after a failure, and turns failures into
 * the refusal of the request that needed the store.
 */
import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import {
  type BudgetSums,
  BudgetTable,
  type BudgetWindow,
  type Portion,
  readOpenBudgets,
  readPresentBudgets,
  type WantedGrant,
  windowId,
} from "../store/budgets.ts";
import type { Presence } from "../store/presence.ts";
import { type Sql, StoreError, type StoreFault } from "../store/sql.ts";

export interface BudgetStoreOptions {
  /** Opens the store for writing; called when a connection is needed, also after one was lost. Throws `StoreError`. */
  readonly open: () => Sql;
  readonly presence: Presence;
  /**
   * Books what ended processes left open. Called once, before the first grant, when no other process is present.
   * `isInForce`: the window is one of a budget that the configuration has. Throws `StoreError`.
   */
  readonly bookLost: (sql: Sql, isInForce: (window: BudgetWindow) => boolean) => void;
  /**
   * What the ledger has for a window that has no row yet; null: it is not counted to the end, ask again. Throws
   * `StoreError`.
   */
  readonly spentBefore: (sql: Sql, window: BudgetWindow) => number | null;
  /** A row that is committed next counts for a window that `spentBefore` counts now: it may have passed the row. */
  readonly addLate: (window: BudgetWindow, rowId: string, nanoUsd: number) => void;
  /** The time of the newest row of the ledger, Unix milliseconds; infinite: not known. */
  readonly latestMs: () => number;
  readonly clock: Clock;
  readonly log: Log;
}

/** The budgets of the configuration. */
export interface BudgetsInForce {
  /** The ids of the windows whose rows they go by now. */
  usedWindows(): ReadonlySet<string>;
  /** Whether the configuration has the budget of a window, perhaps of another time. */
  isInForce(window: BudgetWindow): boolean;
}

/**
 * What tells what is spent of a window. `row`: its row, or the ledger when it has none. `ledger`: the ledger, also when it
 * has a row. `fresh`: its row; without one nothing is spent.
 */
export type Trust = "row" | "ledger" | "fresh";

/** A store that failed is tried again after so long. A lock is held for milliseconds only. */
const RETRY_MS: Readonly<Record<StoreFault, number>> = {
  locked: 10,
  full: 1_000,
  corrupt: 1_000,
  rejected: 1_000,
  unavailable: 1_000,
};
/** A gateway that starts while this one ends holds the lock for milliseconds, again and again. */
const LAST_LOCK_WAIT_MS = 1_000;
/** Between two steps of a count, other work has its turn. */
const COUNT_PAUSE_MS = 5;
/** A request that was refused may come again after so long. */
const RETRY_AFTER_MS = 1_000;
const IS_COUNTED = "what was spent before is being counted";

export class BudgetStore {
  readonly #options: BudgetStoreOptions;
  /** Set by those who know the budgets. */
  inForce: BudgetsInForce = { usedWindows: () => new Set(), isInForce: () => false };
  #table: BudgetTable | null = null;
  #hasFailed = false;
  /** On the monotonic clock. */
  #retryAtMs = Number.NEGATIVE_INFINITY;
  /** Windows that are being counted, and the timers of their next steps. */
  readonly #counts = new Map<string, ReturnType<typeof setTimeout>>();
  /** Windows whose rows have been counted anew, and that nobody has begun since. */
  readonly #counted = new Set<string>();

  constructor(options: BudgetStoreOptions) {
    this.#options = options;
  }

  /**
   * Opens the store before a request needs it, and books what ended processes left open. Without budgets the store is
   * opened only if there are windows of an earlier configuration. Never throws.
   */
  start(hasBudgets: boolean): void {
    const failure = "budgets are opened when a request needs them";
    if (hasBudgets || this.#hasWindows()) this.#runIfPossible(failure, () => undefined);
  }

  /**
   * The sums of a window, which has a row then. A count in the ledger may take several steps, and throws until it is at its
   * end. Throws `GatewayError("ledger_unavailable")` as the other methods do.
   */
  begin(window: BudgetWindow, trust: Trust): BudgetSums {
    const id = windowId(window);
    if (this.#counts.has(id)) throw refusal(IS_COUNTED);
    return this.#run((table) => {
      const known = table.find(window);
      const isCounted = this.#counted.delete(id);
      if (known !== null && (isCounted || (!known.isStale && trust !== "ledger"))) return known;
      if (known === null && trust === "fresh") return table.begin(window, 0);
      const spentNanoUsd = this.#options.spentBefore(table.sql, window);
      if (spentNanoUsd !== null) return table.recount(window, spentNanoUsd);
      this.#counts.set(
        id,
        setTimeout(() => this.#countOn(id, window, trust), COUNT_PAUSE_MS),
      );
      throw refusal(IS_COUNTED);
    });
  }

  /** See `BudgetStoreOptions.addLate`. */
  addLate(window: BudgetWindow, rowId: string, nanoUsd: number): void {
    if (this.#counts.has(windowId(window))) this.#options.addLate(window, rowId, nanoUsd);
  }

  /** null: the window has no row, because its file was replaced. */
  find(window: BudgetWindow): BudgetSums | null {
    return this.#run((table) => table.find(window));
  }

  grant(
    window: BudgetWindow,
    known: BudgetSums,
    wanted: WantedGrant,
  ): BudgetSums & { readonly portionNanoUsd: number } {
    return this.#run((table) => table.grant(window, known, wanted));
  }

  /** From then on every request of a budget that is made now will be charged to it. */
  chargedSinceMs(): number {
    return Math.max(this.#options.clock.nowMs(), this.#options.latestMs());
  }

  /** The configuration has changed. Never throws: without it, a budget that comes back later may miss costs. */
  disuse(): void {
    this.#runIfPossible("budgets that are gone could not be marked", (table) => this.#disuse(table));
  }

  /** Never throws: what cannot be given back now is booked as spent at the next start. */
  giveBack(portions: readonly Portion[]): void {
    const some = portions.filter(({ nanoUsd }) => nanoUsd > 0);
    if (some.length === 0) return;
    this.#runIfPossible("granted money could not be given back: it counts as spent", (table) =>
      table.giveBack(some),
    );
  }

  /** What comes next is the end of the process: it waits for a lock rather than leave money open. */
  beginEnd(): void {
    this.#retryAtMs = Number.NEGATIVE_INFINITY;
    this.#table?.waitForLock(LAST_LOCK_WAIT_MS);
  }

  close(): void {
    for (const timer of this.#counts.values()) clearTimeout(timer);
    this.#counts.clear();
    this.#disconnect();
    this.#options.presence.leave();
  }

  #countOn(id: string, window: BudgetWindow, trust: Trust): void {
    this.#counts.delete(id);
    try {
      this.begin(window, trust);
      this.#counted.add(id);
    } catch (error) {
      // Not at its end yet, or the store fails: then the next request goes on.
      if (!(error instanceof GatewayError)) throw error;
    }
  }

  #hasWindows(): boolean {
    try {
      const sql = this.#options.open();
      try {
        const present = readPresentBudgets(sql, this.#options.clock.nowMs());
        return present.length > 0 || readOpenBudgets(sql).length > 0;
      } finally {
        sql.close();
      }
    } catch (error) {
      // The ledger tells of its database, and budgets that come later open it.
      if (!(error instanceof StoreError)) throw error;
      return false;
    }
  }

  #runIfPossible(failure: string, work: (table: BudgetTable) => void): void {
    try {
      this.#run(work);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.#options.log.warn({ detail: error.detail }, failure);
    }
  }

  #run<Result>(work: (table: BudgetTable) => Result): Result {
    const { clock, log } = this.#options;
    const nowMs = clock.monotonicMs();
    if (nowMs < this.#retryAtMs) throw refusal("the ledger's database failed a moment ago");
    try {
      const result = work(this.#connected());
      if (this.#hasFailed) log.info({}, "budgets can be kept again");
      this.#hasFailed = false;
      return result;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (error.fault !== "locked") this.#disconnect();
      this.#retryAtMs = nowMs + RETRY_MS[error.fault];
      if (!this.#hasFailed && error.fault !== "locked") {
        this.#hasFailed = true;
        log.error(
          { fault: error.fault, detail: error.message },
          "budgets cannot be kept: keys with a budget are refused until they can",
        );
      }
      throw refusal("the ledger's database cannot be written", error);
    }
  }

  #disuse(table: BudgetTable): void {
    table.disuse(this.inForce.usedWindows(), this.#options.clock.nowMs());
  }

  #connected(): BudgetTable {
    if (this.#table !== null && !this.#table.sql.isCurrent()) this.#disconnect();
    if (this.#table !== null) return this.#table;
    const { open, presence, bookLost } = this.#options;
    const sql = open();
    try {
      const table = new BudgetTable(sql);
      presence.enter(() => bookLost(sql, (window) => this.inForce.isInForce(window)));
      this.#disuse(table);
      this.#table = table;
      return table;
    } catch (error) {
      sql.close();
      throw error;
    }
  }

  #disconnect(): void {
    const table = this.#table;
    this.#table = null;
    try {
      table?.sql.close();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.#options.log.warn(
        { fault: error.fault, detail: error.message },
        "the database could not be closed",
      );
    }
  }
}

function refusal(reason: string, cause?: StoreError): GatewayError {
  return new GatewayError(
    "ledger_unavailable",
    `The budget of this key cannot be kept now (${reason}), and what is not kept is not served. Try again in a moment.`,
    cause === undefined
      ? { retryAfterMs: RETRY_AFTER_MS }
      : { retryAfterMs: RETRY_AFTER_MS, detail: cause.message, cause },
  );
}
