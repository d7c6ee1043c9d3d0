/** What a ledger on disk says of costs and budgets. Read beside the gateway, or after it has ended. */
import { Database } from "bun:sqlite";
import { join } from "node:path";

export interface CostRow {
  readonly id: string;
  readonly key: string;
  readonly endpoint: string;
  readonly status: number;
  readonly outcome: string;
  readonly output_tokens: number | null;
  readonly usage_state: string;
  /** null: the row has no cost. */
  readonly cost_nano_usd: number | null;
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
      `SELECT id, key, endpoint, status, outcome, output_tokens, usage_state, cost_nano_usd
       FROM requests WHERE at_ms >= ? ORDER BY id`,
    )
    .all(sinceMs);
}
