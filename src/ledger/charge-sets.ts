/**
 * What a busy key costs its budgets, without a write to each budget in each commit: the row itself has the number of a
 * set of windows, and the sum of a set is added to its windows every ten seconds. Which rows are not added yet can be
 * read from the database at any time, so a crash loses none of them.
 */

import { type BudgetWindow, type Charge, ChargeWriter } from "../store/budgets.ts";
import type { Migration } from "../store/migrations.ts";
import type { Sql, SqlStatement } from "../store/sql.ts";
import { SUM_COST_SQL } from "./columns.ts";
import { firstKey } from "./request-ids.ts";
import type { LedgerRow } from "./row.ts";

export const CHARGE_SETS: Migration = {
  name: "charges within rows",
  sql: `ALTER TABLE entries ADD COLUMN charge_set INTEGER; -- the cost counts for the windows of this set
CREATE TABLE charge_sets ( -- sets whose rows are not added to their windows yet
  id INTEGER PRIMARY KEY AUTOINCREMENT, -- rows keep the numbers of sets that are gone
  owner TEXT NOT NULL, -- the process that adds to it
  from_key INTEGER NOT NULL, -- no row of the set has a smaller key
  budgets TEXT NOT NULL -- JSON array of the ids of its windows
)`,
};

/** A key that comes again within this time is busy. The rows of others are charged in their own commits. */
const BUSY_MS = 1_000;
/** A start after a crash adds up the rows of about this time. */
const OPEN_MS = 10_000;
/** Older rows, which are the ends of long answers, are charged in their own commits. */
const OLDEST_ROW_MS = 60_000;
/** Sets that one commit adds to their windows, so that no commit takes long. */
const MAX_ADDED = 8;

/** Rows that count for the same windows. */
interface ChargeSet {
  readonly name: string;
  readonly budgets: readonly number[];
  readonly untilMs: number;
  /** The time of the first row that may be in it. */
  readonly fromMs: number;
  lastMs: number;
  /** null: it has no row in the database, because the key is not busy. */
  id: number | null;
  /** Of committed rows. */
  nanoUsd: number;
  /** Of rows of the running transaction. */
  addedNanoUsd: number;
}

/** A set with its windows. */
interface KnownSet {
  readonly windows: readonly BudgetWindow[];
  readonly set: ChargeSet;
}

function isFor({ windows }: KnownSet, charges: readonly Charge[]): boolean {
  if (windows.length !== charges.length) return false;
  for (let i = 0; i < windows.length; i++) if (windows[i] !== charges[i]?.window) return false;
  return true;
}

/** The sets of one writer. All methods but `committed` and `forget` belong to a transaction of the caller. */
export class ChargeSets {
  readonly #owner: string;
  readonly #charges: ChargeWriter;
  readonly #insert: SqlStatement;
  readonly #remove: SqlStatement;
  readonly #sets = new Map<string, ChargeSet>();
  /** By its first window, the set that was asked for last: to put a name together takes longer than all else. */
  readonly #last = new Map<BudgetWindow, KnownSet>();
  #nowMs = 0;
  /** Of the running transaction. */
  #changed: ChargeSet[] = [];
  #made: ChargeSet[] = [];
  #ended: ChargeSet[] = [];

  constructor(sql: Sql, owner: string, charges: ChargeWriter) {
    this.#owner = owner;
    this.#charges = charges;
    this.#insert = sql.prepare(
      "INSERT INTO charge_sets (owner, from_key, budgets) VALUES (?, ?, ?) RETURNING id",
    );
    this.#remove = sql.prepare("DELETE FROM charge_sets WHERE id = ?");
  }

  get isEmpty(): boolean {
    return this.#sets.size === 0;
  }

  begin(nowMs: number): void {
    this.#nowMs = nowMs;
    for (const set of this.#sets.values()) {
      if (set.untilMs > nowMs || this.#ended.length >= MAX_ADDED) return;
      this.#end(set);
    }
  }

  /** The set that a row may be in; null: its charges have to be written in its commit. */
  setOf({ atMs, costNanoUsd }: LedgerRow, charges: readonly Charge[]): ChargeSet | null {
    for (const { nanoUsd, grantNanoUsd, holder } of charges) {
      // A set knows the cost of its rows alone; and a process without a holder may end now.
      if (grantNanoUsd !== 0 || nanoUsd !== costNanoUsd || holder === null) return null;
    }
    const set = this.#find(charges);
    if (set === null) return null;
    const isBusy = this.#nowMs - set.lastMs <= BUSY_MS;
    set.lastMs = this.#nowMs;
    if (atMs < set.fromMs || (set.id === null && !isBusy)) return null;
    set.id ??= this.#make(set);
    return set;
  }

  /** null: it has been made just now, or a window has no row. */
  #find(charges: readonly Charge[]): ChargeSet | null {
    const first = charges[0]?.window;
    const last = first === undefined ? undefined : this.#last.get(first);
    if (last !== undefined && isFor(last, charges)) return last.set;
    let name = "";
    for (const { window } of charges) {
      const id = this.#charges.idOf(window);
      if (id === null) return null;
      name += name === "" ? id : `,${id}`;
    }
    const set = this.#sets.get(name);
    if (set === undefined) {
      this.#add(name);
      return null;
    }
    if (first !== undefined) this.#last.set(first, { windows: charges.map(({ window }) => window), set });
    return set;
  }

  /** A row of the set was written. */
  written(set: ChargeSet, nanoUsd: number): void {
    if (set.addedNanoUsd === 0) this.#changed.push(set);
    set.addedNanoUsd += nanoUsd;
  }

  committed(): void {
    for (const set of this.#changed) {
      set.nanoUsd += set.addedNanoUsd;
      set.addedNanoUsd = 0;
    }
    this.#settle();
  }

  /** The transaction failed. Unless it is certain that nothing was written, the database knows alone what the sets have. */
  forget(isCertain: boolean): void {
    for (const set of this.#changed) set.addedNanoUsd = 0;
    for (const set of this.#made) set.id = null;
    for (const set of this.#ended) this.#sets.set(set.name, set);
    if (!isCertain) this.#sets.clear();
    this.#last.clear();
    this.#settle();
  }

  /** Adds all sets to their windows. */
  endAll(): void {
    for (const set of this.#sets.values()) this.#end(set);
  }

  #add(name: string): void {
    this.#sets.set(name, {
      name,
      budgets: name.split(",").map(Number),
      untilMs: this.#nowMs + OPEN_MS,
      fromMs: this.#nowMs - OLDEST_ROW_MS,
      lastMs: this.#nowMs,
      id: null,
      nanoUsd: 0,
      addedNanoUsd: 0,
    });
  }

  #make(set: ChargeSet): number {
    this.#made.push(set);
    const budgets = JSON.stringify(set.budgets);
    return Number(this.#insert.get(this.#owner, firstKey(set.fromMs), budgets)?.id);
  }

  #end(set: ChargeSet): void {
    this.#sets.delete(set.name);
    this.#last.clear();
    this.#ended.push(set);
    if (set.id === null) return;
    for (const id of set.budgets) this.#charges.addTo(id, set.nanoUsd);
    this.#remove.run(set.id);
  }

  #settle(): void {
    if (this.#changed.length > 0) this.#changed = [];
    if (this.#made.length > 0) this.#made = [];
    if (this.#ended.length > 0) this.#ended = [];
  }
}

/**
 * Adds the rows of sets to their windows, where nobody else will: those of one process, which has lost count of them, or of
 * all, when none lives. In a transaction of its own. Throws `StoreError`.
 */
export function endSets(sql: Sql, owner: string | null): void {
  const isOwn = "(?1 IS NULL OR owner = ?1)";
  const first = sql.prepare(`SELECT min(from_key) AS key FROM charge_sets WHERE ${isOwn}`);
  if ((first.get(owner)?.key ?? null) === null) return;
  sql.transaction(() => {
    const charges = new ChargeWriter(sql);
    // The order of a cross join stays: the rows are read once.
    const costs = sql.prepare(
      `SELECT sets.budgets AS budgets, ${SUM_COST_SQL} AS cost FROM entries e CROSS JOIN charge_sets sets
       ON sets.id = e.charge_set WHERE e.seq >= ?2 AND ${isOwn} GROUP BY sets.id`,
    );
    for (const { budgets, cost } of costs.all(owner, first.get(owner)?.key ?? null)) {
      for (const id of JSON.parse(String(budgets))) charges.addTo(id, Number(cost));
    }
    sql.prepare(`DELETE FROM charge_sets WHERE ${isOwn}`).run(owner);
  });
}

/** What rows have cost a window, and is not added to it yet. Throws `StoreError`. */
export function readUnadded(sql: Sql, window: BudgetWindow): number {
  const id = new ChargeWriter(sql).idOf(window);
  if (id === null) return 0;
  const found = sql.prepare(
    `SELECT ${SUM_COST_SQL} AS cost FROM charge_sets sets, json_each(sets.budgets) budget
     CROSS JOIN entries e ON e.seq >= sets.from_key AND e.charge_set = sets.id WHERE budget.value = ?`,
  );
  return Number(found.get(id)?.cost ?? 0);
}
