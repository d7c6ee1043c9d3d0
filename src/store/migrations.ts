/** The store's schema, as steps that only go forward. A step that was released is never edited: its checksum is kept. */
import { createHash } from "node:crypto";
import { type Sql, StoreError } from "./sql.ts";

export interface Migration {
  readonly name: string;
  readonly sql: string;
}

/**
 * All steps, oldest first. Invariant: the columns of `requests` carry no constraint but the key, so that no request's data
 * can ever keep its row out. The ids grow with time: a range of time is a range of the key, and no index is needed for it.
 */
export const MIGRATIONS: readonly Migration[] = [
  {
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
  },
  {
    name: "credential states",
    sql: `CREATE TABLE credential_states (
  upstream TEXT NOT NULL,
  credential TEXT NOT NULL,
  model TEXT NOT NULL, -- '' stands for the credential as a whole
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  until_ms INTEGER,
  since_ms INTEGER NOT NULL,
  strikes INTEGER NOT NULL,
  fingerprint TEXT NOT NULL,
  PRIMARY KEY (upstream, credential, model)
) WITHOUT ROWID`,
  },
  {
    name: "state ids",
    sql: `CREATE TABLE state_ids (
  seq INTEGER PRIMARY KEY, -- grows with time: the oldest go first
  upstream TEXT,
  id TEXT,
  credential TEXT,
  at_ms INTEGER,
  UNIQUE (upstream, id)
)`,
  },
];

const HISTORY = `CREATE TABLE IF NOT EXISTS migrations (
  version INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  checksum TEXT NOT NULL
)`;

function checksum(migration: Migration): string {
  return createHash("sha256").update(migration.sql).digest("hex");
}

/**
 * Brings the schema up to date, each step in a transaction of its own. Throws `StoreError` when the database was made by a
 * newer program or by other steps than these.
 */
export function migrate(sql: Sql, migrations: readonly Migration[] = MIGRATIONS): void {
  if (appliedCount(sql, migrations) === migrations.length) return;
  sql.exec(HISTORY);
  for (const [version, migration] of migrations.entries()) {
    sql.transaction(() => {
      // Again under the lock: another process may have been faster.
      if (appliedCount(sql, migrations) > version) return;
      sql.exec(migration.sql);
      sql
        .prepare("INSERT INTO migrations (version, name, checksum) VALUES (?, ?, ?)")
        .run(version, migration.name, checksum(migration));
    });
  }
}

/** How many of the steps the database has; throws `StoreError` when they are not these. */
export function appliedCount(sql: Sql, migrations: readonly Migration[] = MIGRATIONS): number {
  const hasHistory = sql
    .prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'migrations'")
    .get();
  if (hasHistory === null) return 0;
  const applied = sql.prepare("SELECT version, name, checksum FROM migrations ORDER BY version").all();
  for (const [version, row] of applied.entries()) {
    const migration = migrations[version];
    if (migration === undefined) {
      throw new StoreError("unavailable", "the database was made by a newer version of this program");
    }
    if (row.version !== version || row.checksum !== checksum(migration)) {
      throw new StoreError(
        "unavailable",
        `schema step ${version} (${row.name}) is not the one of this program`,
      );
    }
  }
  return applied.length;
}
