/**
 * Budgets that survive a restart. A row is a window, one day, week or month of a budget: what is spent of it, and what
 * is granted to processes. A process grants itself a portion before it lets a request begin, so that what a killed
 * process may have spent is known: granted and not spent.
 */
import type { Migration } from "./migrations.ts";
import type { Sql, SqlRow, SqlStatement } from "./sql.ts";

export const BUDGETS: Migration = {
  name: "budgets",
  sql: `CREATE TABLE budgets (
  id INTEGER PRIMARY KEY AUTOINCREMENT, -- a row that comes later never has the id of one that is gone
  scope TEXT NOT NULL,
  name TEXT NOT NULL,
  model TEXT NOT NULL, -- '' stands for all models
  period TEXT NOT NULL,
  start_ms INTEGER NOT NULL,
  end_ms INTEGER NOT NULL,
  spent_nano_usd INTEGER NOT NULL, -- the costs of the ledger's rows that count for it
  granted_nano_usd INTEGER NOT NULL, -- what is spent, and what running requests may spend
  is_stale INTEGER NOT NULL DEFAULT 0, -- 1: it was not in use for a time, so costs may be missing
  UNIQUE (scope, name, model, period, start_ms)
)`,
};

/** Whose budget it is: a client's key, a team, or a credential at a provider. */
export type BudgetScope = "key" | "team" | "credential";

/** One day, week or month of a budget. */
export interface BudgetWindow {
  readonly scope: BudgetScope;
  /** Of a credential: its id, `upstream/name`. */
  readonly name: string;
  /** The pattern of the models that it is for; "": for all. */
  readonly model: string;
  readonly period: string;
  readonly startMs: number;
  /** The first millisecond after it. */
  readonly endMs: number;
}

/** Tells windows apart. */
export function windowId({ scope, name, model, period, startMs }: BudgetWindow): string {
  return JSON.stringify([scope, name, model, period, startMs]);
}

/** The sums of a window, over all processes. What is granted includes what is spent. */
export interface BudgetSums {
  readonly spentNanoUsd: number;
  readonly grantedNanoUsd: number;
}

export interface StoredSums extends BudgetSums {
  /** The window was not in use for a time, so costs may be missing. */
  readonly isStale: boolean;
}

/** What a row of the ledger has cost one window. It is committed with the row, or not at all. */
export interface Charge {
  readonly window: BudgetWindow;
  readonly nanoUsd: number;
  /** Granted by the fact alone, when a request cost more than it held; negative: given back. */
  readonly grantNanoUsd: number;
  /** Hears when the charge is committed; null: nobody does. */
  readonly holder: ChargeHolder | null;
}

/** Hears of the charges that it has made. */
export interface ChargeHolder {
  charged(charge: Charge): void;
}

/** Windows that ended before are deleted. Background responses, which are the oldest that may end, are asked for a day. */
const KEPT_MS = 7 * 24 * 60 * 60 * 1_000;

const WHERE_WINDOW = "WHERE scope = ? AND name = ? AND model = ? AND period = ? AND start_ms = ?";

type WindowParams = [scope: string, name: string, model: string, period: string, startMs: number];

function paramsOf({ scope, name, model, period, startMs }: BudgetWindow): WindowParams {
  return [scope, name, model, period, startMs];
}

/** Writes charges within the transaction of their rows. */
export class ChargeWriter {
  readonly #find: SqlStatement;
  readonly #update: SqlStatement;
  readonly #ids = new WeakMap<BudgetWindow, number>();
  readonly #sums = new Map<BudgetWindow, { nanoUsd: number; grantNanoUsd: number }>();

  constructor(sql: Sql) {
    this.#find = sql.prepare(`SELECT id FROM budgets ${WHERE_WINDOW}`);
    this.#update = sql.prepare(
      `UPDATE budgets SET spent_nano_usd = spent_nano_usd + ?, granted_nano_usd = granted_nano_usd + ? WHERE id = ?`,
    );
  }

  add(charges: readonly Charge[]): void {
    for (const { window, nanoUsd, grantNanoUsd } of charges) {
      const sum = this.#sums.get(window);
      if (sum === undefined) this.#sums.set(window, { nanoUsd, grantNanoUsd });
      else {
        sum.nanoUsd += nanoUsd;
        sum.grantNanoUsd += grantNanoUsd;
      }
    }
  }

  /** Writes what was added: one update for each window. */
  write(): void {
    for (const [window, { nanoUsd, grantNanoUsd }] of this.#sums) {
      const known = this.#ids.get(window);
      if (known !== undefined && this.#update.run(nanoUsd, grantNanoUsd, known) > 0) continue;
      const id = this.#findId(window);
      // Without a row, the file was replaced: the next grant writes the row with all that is known.
      if (id !== null) this.#update.run(nanoUsd, grantNanoUsd, id);
    }
    this.#sums.clear();
  }

  /** After a failed transaction. */
  forget(): void {
    this.#sums.clear();
  }

  /** The id of a window's row; null: it has none. */
  idOf(window: BudgetWindow): number | null {
    return this.#ids.get(window) ?? this.#findId(window);
  }

  /** Adds to what is spent of the window with this id, in a transaction of the caller. */
  addTo(id: number, nanoUsd: number): void {
    this.#update.run(nanoUsd, 0, id);
  }

  #findId(window: BudgetWindow): number | null {
    const found = this.#find.get(...paramsOf(window));
    if (found === null) return null;
    const id = Number(found.id);
    this.#ids.set(window, id);
    return id;
  }
}

/** A part of what was granted to a process. */
export interface Portion {
  readonly window: BudgetWindow;
  readonly nanoUsd: number;
}

/** The portion that a process asks for, in nano-dollars. */
export interface WantedGrant {
  /** With less than this, nothing is granted. */
  readonly leastNanoUsd: number;
  readonly bestNanoUsd: number;
  /** Most that may be granted of the window in all. */
  readonly limitNanoUsd: number;
}

/** The table of budgets in an open store. Every method throws `StoreError`. */
export class BudgetTable {
  readonly #sql: Sql;
  readonly #find: SqlStatement;
  readonly #insert: SqlStatement;
  readonly #grant: SqlStatement;
  readonly #set: SqlStatement;

  constructor(sql: Sql) {
    this.#sql = sql;
    this.#find = sql.prepare(
      `SELECT spent_nano_usd, granted_nano_usd, is_stale FROM budgets ${WHERE_WINDOW}`,
    );
    this.#insert = sql.prepare(
      `INSERT INTO budgets (scope, name, model, period, start_ms, end_ms, spent_nano_usd, granted_nano_usd)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#set = sql.prepare(
      `UPDATE budgets SET spent_nano_usd = ?, granted_nano_usd = ?, is_stale = 0 ${WHERE_WINDOW}`,
    );
    this.#grant = sql.prepare(`UPDATE budgets SET granted_nano_usd = granted_nano_usd + ? ${WHERE_WINDOW}`);
  }

  get sql(): Sql {
    return this.#sql;
  }

  /** From now on a write waits so long for the lock of another process. */
  waitForLock(ms: number): void {
    this.#sql.exec(`PRAGMA busy_timeout = ${ms}`);
  }

  /** null: the window has no row. */
  find(window: BudgetWindow): StoredSums | null {
    const row = this.#find.get(...paramsOf(window));
    return row === null ? null : sumsOf(row);
  }

  /** Makes the row of a window, unless another process was faster; returns what the row has. */
  begin(window: BudgetWindow, spentNanoUsd: number): BudgetSums {
    return this.#sql.transaction(() =>
      this.#findOrInsert(window, { spentNanoUsd, grantedNanoUsd: spentNanoUsd }),
    );
  }

  /** The row of a window, with what the ledger has for it, so that it is not stale. What is open stays open. */
  recount(window: BudgetWindow, spentNanoUsd: number): BudgetSums {
    return this.#sql.transaction(() => {
      const known = this.#findOrInsert(window, { spentNanoUsd, grantedNanoUsd: spentNanoUsd });
      const grantedNanoUsd = known.grantedNanoUsd + spentNanoUsd - known.spentNanoUsd;
      this.#set.run(spentNanoUsd, grantedNanoUsd, ...paramsOf(window));
      return { spentNanoUsd, grantedNanoUsd };
    });
  }

  /**
   * Grants a portion, in one transaction, so that two processes never get the same room. Returns what the row has then,
   * and the portion: 0 when there is not enough room. A row that is missing is written with what is `known`.
   */
  grant(
    window: BudgetWindow,
    known: BudgetSums,
    { leastNanoUsd, bestNanoUsd, limitNanoUsd }: WantedGrant,
  ): BudgetSums & { readonly portionNanoUsd: number } {
    return this.#sql.transaction(() => {
      const { spentNanoUsd, grantedNanoUsd } = this.#findOrInsert(window, known);
      const room = limitNanoUsd - Math.max(grantedNanoUsd, spentNanoUsd);
      const portionNanoUsd = room < leastNanoUsd ? 0 : Math.min(Math.max(leastNanoUsd, bestNanoUsd), room);
      if (portionNanoUsd > 0) this.#grant.run(portionNanoUsd, ...paramsOf(window));
      return { spentNanoUsd, grantedNanoUsd: grantedNanoUsd + portionNanoUsd, portionNanoUsd };
    });
  }

  /**
   * Present windows that no budget of this process uses become stale: its costs will not be added to them any more. Their
   * rows stay, because another process may use them. `used` are ids of windows.
   */
  disuse(used: ReadonlySet<string>, nowMs: number): void {
    const mark = this.#sql.prepare(`UPDATE budgets SET is_stale = 1 ${WHERE_WINDOW}`);
    this.#sql.transaction(() => {
      for (const window of readPresentBudgets(this.#sql, nowMs)) {
        if (!used.has(windowId(window))) mark.run(...paramsOf(window));
      }
      // No request of so long ago runs still, and what is spent of a day that is over decides nothing.
      this.#sql
        .prepare("DELETE FROM budgets WHERE end_ms < ? AND granted_nano_usd = spent_nano_usd")
        .run(nowMs - KEPT_MS);
    });
  }

  giveBack(portions: readonly Portion[]): void {
    this.#sql.transaction(() => {
      for (const { window, nanoUsd } of portions) this.#grant.run(-nanoUsd, ...paramsOf(window));
    });
  }

  #findOrInsert(window: BudgetWindow, known: BudgetSums): BudgetSums {
    const found = this.find(window);
    if (found !== null) return found;
    this.#insert.run(...paramsOf(window), window.endMs, known.spentNanoUsd, known.grantedNanoUsd);
    return known;
  }
}

/** A window as its row stands. */
export interface OpenBudget extends BudgetWindow {
  /** Granted and not spent. */
  readonly openNanoUsd: number;
}

/** The windows of which a part is granted and not spent, the oldest first. */
export function readOpenBudgets(sql: Sql): OpenBudget[] {
  return sql
    .prepare("SELECT * FROM budgets WHERE granted_nano_usd > spent_nano_usd ORDER BY start_ms, id")
    .all()
    .map(openBudgetOf);
}

/** Those that hold a moment. */
export function readPresentBudgets(sql: Sql, atMs: number): OpenBudget[] {
  return sql
    .prepare("SELECT * FROM budgets WHERE start_ms <= ? AND end_ms > ?")
    .all(atMs, atMs)
    .map(openBudgetOf);
}

function openBudgetOf(row: SqlRow): OpenBudget {
  return {
    scope: scopeOf(row.scope),
    name: String(row.name),
    model: String(row.model),
    period: String(row.period),
    startMs: Number(row.start_ms),
    endMs: Number(row.end_ms),
    openNanoUsd: Number(row.granted_nano_usd) - Number(row.spent_nano_usd),
  };
}

function scopeOf(value: SqlRow[string] | undefined): BudgetScope {
  return value === "team" || value === "credential" ? value : "key";
}

function sumsOf(row: SqlRow): StoredSums {
  return {
    spentNanoUsd: Number(row.spent_nano_usd),
    grantedNanoUsd: Number(row.granted_nano_usd),
    isStale: row.is_stale === 1,
  };
}

/** Whose budgets a cost counts for. */
export interface CostOwner {
  /** "": no key, or none that is known. */
  readonly key: string;
  readonly team: string | null;
  /** `upstream/name`; null: it counts for no credential. */
  readonly credentialId: string | null;
  /** The moment that decides the day: when the request was accepted, Unix milliseconds. */
  readonly atMs: number;
}

/**
 * The windows of a key, its team and a credential that hold a moment, for all models and for some, whatever is granted of
 * them.
 */
export function readBudgetsOf(sql: Sql, { key, team, credentialId, atMs }: CostOwner): OpenBudget[] {
  return sql
    .prepare(
      `SELECT * FROM budgets WHERE start_ms <= ? AND end_ms > ?
       AND (scope = 'key' AND name = ? OR scope = 'team' AND name = ? OR scope = 'credential' AND name = ?)`,
    )
    .all(atMs, atMs, key, team, credentialId)
    .map(openBudgetOf);
}

/** A cost that ended processes may have had, with charges that leave none of its budgets open. */
export interface LostCost extends CostOwner {
  /** The pattern of the models that it is for; null: for all. */
  readonly model: string | null;
  readonly nanoUsd: number;
  readonly charges: readonly Charge[];
}
