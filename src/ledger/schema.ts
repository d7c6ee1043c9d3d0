/** The schema of the database that the ledger is kept in. */
import type { UsageKind } from "../neutral/usage.ts";
import type { Migration } from "../store/migrations.ts";
import { CREDENTIAL_STATES, STATE_IDS } from "../store/state.ts";
import { COLUMNS } from "./columns.ts";

/**
 * Invariant: the columns have no constraint but the key, so that no request's data can keep its row out. The ids grow
 * with time: a range of time is a range of the key, and needs no index.
 */
const REQUESTS: Migration = {
  name: "requests",
  sql: `CREATE TABLE requests (
  id TEXT PRIMARY KEY,
  at_ms INTEGER,
  key TEXT,
  dialect TEXT,
  endpoint TEXT,
  client_request_id TEXT,
  model_asked TEXT,
  upstream TEXT,
  upstream_dialect TEXT,
  model_used TEXT,
  model_reported TEXT,
  credential TEXT,
  is_stream INTEGER,
  status INTEGER,
  outcome TEXT,
  error_kind TEXT,
  stop_reason TEXT,
  attempts INTEGER,
  attempt_log TEXT,
  ttfb_ms REAL,
  duration_ms REAL,
  request_bytes INTEGER,
  reply_bytes INTEGER,
  input_tokens INTEGER,
  cache_read_tokens INTEGER,
  cache_write_tokens INTEGER,
  cache_write_1h_tokens INTEGER,
  output_tokens INTEGER,
  reasoning_tokens INTEGER,
  usage_state TEXT,
  cost_nano_usd INTEGER,
  drops TEXT,
  cache TEXT,
  upstream_request_id TEXT,
  client_address TEXT,
  user_agent TEXT
) WITHOUT ROWID`,
};

/** A kind of usage that is younger than the table. */
function usageColumn(kind: UsageKind): Migration {
  return addColumn(COLUMNS[kind], "INTEGER");
}

function addColumn(column: string, type: "INTEGER" | "REAL" | "TEXT"): Migration {
  return { name: `requests.${column}`, sql: `ALTER TABLE requests ADD COLUMN ${column} ${type}` };
}

/** All steps, oldest first. A new step is added at the end. */
export const MIGRATIONS: readonly Migration[] = [
  REQUESTS,
  CREDENTIAL_STATES,
  STATE_IDS,
  usageColumn("inputAudioTokens"),
  usageColumn("inputImageTokens"),
  usageColumn("outputAudioTokens"),
  usageColumn("outputImageTokens"),
  usageColumn("webSearches"),
  addColumn(COLUMNS.serviceTier, "TEXT"),
];
