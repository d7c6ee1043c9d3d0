/** Client keys that commands make, in the data folder's database. A key itself is never stored, only its hash. */
import type { Migration } from "./migrations.ts";
import type { Sql, SqlRow, SqlStatement } from "./sql.ts";

export const CLIENT_KEYS: Migration = {
  name: "client keys",
  sql: `CREATE TABLE client_keys (
  name TEXT PRIMARY KEY,
  key_sha256 TEXT NOT NULL UNIQUE,
  prefix TEXT NOT NULL,
  last_four TEXT NOT NULL,
  settings TEXT NOT NULL, -- JSON in the shape of [[keys]]
  created_ms INTEGER NOT NULL,
  revoked_ms INTEGER, -- null: not revoked
  old_sha256 TEXT, -- the key before the last rotation, as long as it may still be used
  old_until_ms INTEGER
) WITHOUT ROWID;
CREATE TABLE client_keys_version (id INTEGER PRIMARY KEY, version INTEGER NOT NULL); -- raised by each change
INSERT INTO client_keys_version VALUES (0, 0)`,
};

export const PAUSED_KEYS: Migration = {
  name: "pauses of client keys",
  sql: "ALTER TABLE client_keys ADD COLUMN paused_ms INTEGER", // null: not paused
};

/** Times are Unix milliseconds. */
export interface StoredKey {
  readonly name: string;
  /** SHA-256 in lower-case hex. */
  readonly keySha256: string;
  /** The first characters of the key, and the last four, for people. */
  readonly prefix: string;
  readonly lastFour: string;
  /** JSON for `parseKeySettings` of `config/client-keys.ts`. */
  readonly settings: string;
  readonly createdMs: number;
  /** null: not revoked. */
  readonly revokedMs: number | null;
  /** Since when it is refused, until a person lets it be used again; null: not paused. */
  readonly pausedMs: number | null;
  /** The key before the last rotation, and the time until which it may be used; null: there is none. */
  readonly old: { readonly sha256: string; readonly untilMs: number } | null;
}

/** The keys within one transaction. */
export interface KeyTable {
  find(name: string): StoredKey | null;
  /** Adds the key, or replaces the one of its name. */
  save(key: StoredKey): void;
}

/** All keys by name. */
export function readStoredKeys(sql: Sql): readonly StoredKey[] {
  return sql.prepare("SELECT * FROM client_keys ORDER BY name").all().map(toStoredKey);
}

/** Reads the number that each change raises; the statement can be kept. */
export function prepareKeysVersion(sql: Sql): SqlStatement {
  return sql.prepare("SELECT version FROM client_keys_version WHERE id = 0");
}

/** Runs `work` in one transaction, after which running gateways read the keys again. `work` throws nothing of its own. */
export function changeStoredKeys<T>(sql: Sql, work: (table: KeyTable) => T): T {
  const find = sql.prepare("SELECT * FROM client_keys WHERE name = ?");
  const save = sql.prepare("INSERT OR REPLACE INTO client_keys VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  const table: KeyTable = {
    find(name) {
      const row = find.get(name);
      return row === null ? null : toStoredKey(row);
    },
    save({ name, keySha256, prefix, lastFour, settings, createdMs, revokedMs, pausedMs, old }) {
      save.run(
        name,
        keySha256,
        prefix,
        lastFour,
        settings,
        createdMs,
        revokedMs,
        old?.sha256 ?? null,
        old?.untilMs ?? null,
        pausedMs,
      );
    },
  };
  return sql.transaction(() => {
    const result = work(table);
    sql.exec("UPDATE client_keys_version SET version = version + 1 WHERE id = 0");
    return result;
  });
}

function toStoredKey(row: SqlRow): StoredKey {
  return {
    name: String(row.name),
    keySha256: String(row.key_sha256),
    prefix: String(row.prefix),
    lastFour: String(row.last_four),
    settings: String(row.settings),
    createdMs: Number(row.created_ms),
    revokedMs: row.revoked_ms === null ? null : Number(row.revoked_ms),
    pausedMs: row.paused_ms === null ? null : Number(row.paused_ms),
    old:
      row.old_sha256 === null || row.old_until_ms === null
        ? null
        : { sha256: String(row.old_sha256), untilMs: Number(row.old_until_ms) },
  };
}
