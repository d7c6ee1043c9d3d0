/** What a ledger on disk says of costs and budgets. Read beside the gateway, or after it has ended. */
import { Database } from "bun:sqlite";
import { join } from "node:path";

export interface CostRow {
  readonly id: string;
  /** Empty in a row of a team. */
  readonly key: string;
  readonly team: string | null;
  readonly upstream: string | null;
  readonly credential: string | null;
  readonly endpoint: string;
  readonly client_request_id: string | null;
  readonly status: number;
  readonly outcome: string;
  readonly output_tokens: number | null;
  readonly usage_state: string;
  /** null: the row has no cost. */
  readonly cost_nano_usd: number | null;
}

/** One budget in one period. */
export interface BudgetWindow {
  readonly scope: "key" | "team" | "credential";
  readonly name: string;
  readonly spent_nano_usd: number;
  readonly granted_nano_usd: number;
}

export interface BudgetRecords {
  readonly rows: readonly CostRow[];
  readonly windows: readonly BudgetWindow[];
  /** SQLite finds nothing wrong with the database. */
  readonly isSound: boolean;
}

/** Rows from a time on, and all windows. */
export function readRecords(folder: string, sinceMs = 0): BudgetRecords {
  const database = openLedger(folder);
  try {
    const check = JSON.stringify(database.query("PRAGMA integrity_check").all());
    const windows = "SELECT scope, name, spent_nano_usd, granted_nano_usd FROM budgets";
    return {
      rows: rowsOf(database, sinceMs),
      windows: database.query<BudgetWindow, []>(windows).all(),
      isSound: check === '[{"integrity_check":"ok"}]',
    };
  } finally {
    database.close();
  }
}

/** All rows, oldest first. */
export function readRows(folder: string): readonly CostRow[] {
  const database = openLedger(folder);
  try {
    return rowsOf(database, 0);
  } finally {
    database.close();
  }
}

function openLedger(folder: string): Database {
  return new Database(join(folder, "data", "ledger.db"), { readonly: true });
}

function rowsOf(database: Database, sinceMs: number): readonly CostRow[] {
  return database
    .query<CostRow, [number]>(
      `SELECT id, key, team, upstream, credential, endpoint, client_request_id, status, outcome, output_tokens, usage_state, cost_nano_usd
       FROM requests WHERE at_ms >= ? ORDER BY id`,
    )
    .all(sinceMs);
}
