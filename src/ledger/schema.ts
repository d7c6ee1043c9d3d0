/** The schema of the database that the ledger is kept in. */

import { CROCKFORD } from "../core/ids.ts";
import type { UsageKind } from "../neutral/usage.ts";
import { ADMIN_ACCESS } from "../store/admin-access.ts";
import { ADMIN_AUDIT } from "../store/admin-audit.ts";
import { ALERTS } from "../store/alerts.ts";
import { BACKGROUND_RESPONSES } from "../store/background.ts";
import { BUDGETS } from "../store/budgets.ts";
import { CLIENT_KEYS, PAUSED_KEYS } from "../store/client-keys.ts";
import { CREDENTIAL_ROOMS } from "../store/credential-rooms.ts";
import { KEY_IDS } from "../store/key-ids.ts";
import type { Migration } from "../store/migrations.ts";
import type { Sql } from "../store/sql.ts";
import { CREDENTIAL_STATES, STATE_IDS, STATES_OF_KEYS } from "../store/state.ts";
import { CHARGE_SETS } from "./charge-sets.ts";
import { COLUMNS, ENTRIES_AND_FACTS, ENTRY_SQL } from "./columns.ts";
import { EPOCH_MS, KEYS_A_MS } from "./request-ids.ts";
import { ROLL_UP, ROLL_UP_ENDPOINT_MODEL, ROLL_UP_SAVED, ROLL_UP_WEEKS } from "./roll-up/schema.ts";

/** The table of the first versions. Its rows are moved to `entries`. */
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

/**
 * Invariant: the columns have no constraint but the keys, so that no request's data can keep its row out. The keys grow
 * with time: a range of time is a range of keys and needs no index, and a row is appended at the end of the table.
 * Views that others made of `requests` stay views of `requests`.
 */
const ENTRIES: Migration = {
  name: "narrow rows",
  sql: `PRAGMA legacy_alter_table = ON;
ALTER TABLE requests RENAME TO older_requests;
PRAGMA legacy_alter_table = OFF;
CREATE TABLE entries (
  seq INTEGER PRIMARY KEY, -- milliseconds since 2020-01-01 UTC, times 4096, plus a count
  id TEXT, -- null: the id is printed from seq and the number of the database
  at_ms INTEGER, -- null: the time within seq
  fact INTEGER,
  ttfb_ms REAL,
  duration_ms REAL,
  request_bytes INTEGER,
  reply_bytes INTEGER,
  input_tokens INTEGER,
  cache_read_tokens INTEGER,
  cache_write_tokens INTEGER,
  output_tokens INTEGER,
  reasoning_tokens INTEGER,
  upstream_request_id TEXT,
  client_address TEXT,
  user_agent TEXT,
  client_request_id TEXT,
  rest TEXT -- JSON of all other columns that are not null
);
CREATE UNIQUE INDEX entries_id ON entries (id) WHERE id IS NOT NULL;
CREATE TABLE facts (
  fact INTEGER PRIMARY KEY,
  key TEXT,
  dialect TEXT,
  endpoint TEXT,
  upstream TEXT,
  upstream_dialect TEXT,
  credential TEXT,
  is_stream INTEGER,
  status INTEGER,
  outcome TEXT,
  error_kind TEXT,
  attempts INTEGER,
  usage_state TEXT,
  model_asked TEXT,
  model_used TEXT,
  model_reported TEXT,
  stop_reason TEXT,
  service_tier TEXT
);
CREATE INDEX facts_key ON facts (key);
CREATE TABLE identity (number TEXT NOT NULL, lane INTEGER NOT NULL);
WITH RECURSIVE digits (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM digits WHERE n < 13)
INSERT INTO identity SELECT group_concat(substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', (random() & 31) + 1, 1), ''), 0
FROM digits;
CREATE TABLE older_move (
  to_id TEXT NOT NULL, -- rows of older_requests up to this id are in entries
  to_seq INTEGER NOT NULL, -- the key of the last one of them
  floor INTEGER NOT NULL -- keys of other rows begin here; 0: not known yet
);
INSERT INTO older_move VALUES ('', 0, 0)`,
};

/** Invariant: as in `ENTRIES`, no constraint. */
const MONEY: Migration = {
  name: "costs, teams, users and tags",
  sql: `ALTER TABLE entries ADD COLUMN cost_nano_usd INTEGER;
ALTER TABLE entries ADD COLUMN end_user TEXT;
ALTER TABLE entries ADD COLUMN tags TEXT;
ALTER TABLE facts ADD COLUMN team TEXT;
ALTER TABLE facts ADD COLUMN price_version TEXT`,
};

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
  ENTRIES,
  MONEY,
  ALERTS,
  ROLL_UP,
  BUDGETS,
  CLIENT_KEYS,
  BACKGROUND_RESPONSES,
  CHARGE_SETS,
  ROLL_UP_WEEKS,
  CREDENTIAL_ROOMS,
  ADMIN_ACCESS,
  ROLL_UP_SAVED,
  ADMIN_AUDIT,
  ROLL_UP_ENDPOINT_MODEL,
  PAUSED_KEYS,
  KEY_IDS,
  STATES_OF_KEYS,
];

/** The columns of the older table, in their order. */
const OLDER_COLUMNS = `id at_ms key dialect endpoint client_request_id model_asked upstream upstream_dialect
model_used model_reported credential is_stream status outcome error_kind stop_reason attempts attempt_log ttfb_ms
duration_ms request_bytes reply_bytes input_tokens cache_read_tokens cache_write_tokens cache_write_1h_tokens
output_tokens reasoning_tokens usage_state cost_nano_usd drops cache upstream_request_id client_address
user_agent input_audio_tokens input_image_tokens output_audio_tokens output_image_tokens web_searches
service_tier`.split(/\s/);

/** The columns of the older table first, so that a younger one changes no place. */
const VIEW_COLUMNS = [...new Set([...OLDER_COLUMNS, ...Object.values(COLUMNS)])];

/** The SQL of a column of the view in the older table, which has no column that is younger than the table. */
export function olderSql(column: string): string {
  return OLDER_COLUMNS.includes(column) ? column : "NULL";
}

/** `printId` in SQL. */
function idSql(): string {
  const digit = (value: string): string => `substr('${CROCKFORD}', (${value} & 31) + 1, 1)`;
  const ms = `(e.seq / ${KEYS_A_MS} + ${EPOCH_MS})`;
  const time = Array.from({ length: 10 }, (_, i) => digit(`${ms} >> ${45 - 5 * i}`));
  const count = Array.from({ length: 3 }, (_, i) => digit(`e.seq % ${KEYS_A_MS} >> ${10 - 5 * i}`));
  return `coalesce(e.id, ${[...time, ...count].join(" || ")} || (SELECT number FROM identity))`;
}

function viewSql(hasOlder: boolean): string {
  const columns = VIEW_COLUMNS.map((name) => `${name === "id" ? idSql() : ENTRY_SQL[name]} AS ${name}`);
  const entries = `SELECT ${columns.join(", ")} FROM ${ENTRIES_AND_FACTS}`;
  if (!hasOlder) return `CREATE VIEW requests AS ${entries}`;
  const older = VIEW_COLUMNS.map((name) => `${olderSql(name)} AS ${name}`);
  return `CREATE VIEW requests AS SELECT ${older.join(", ")} FROM older_requests
    WHERE id > (SELECT to_id FROM older_move) UNION ALL ${entries}`;
}

/** Whether the database has the view of this program. */
export function hasView(sql: Sql, hasOlder: boolean): boolean {
  const found = sql.prepare("SELECT sql FROM sqlite_schema WHERE type = 'view' AND name = 'requests'").get();
  return found?.sql === viewSql(hasOlder);
}

/** Makes the view `requests` anew, in a transaction of the caller. */
export function makeView(sql: Sql, hasOlder: boolean): void {
  sql.exec(`DROP VIEW IF EXISTS requests; ${viewSql(hasOlder)}`);
}
