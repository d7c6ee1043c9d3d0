/**
 * Brings a database's schema up to date in steps that only go forward; each room that has tables lists its
 * own steps.
 */
import { sha256Hex } from "../core/hash.ts";
import { type Sql, StoreError } from "./sql.ts";

/** A step of the schema. A step that was released is never edited: databases hold its checksum. */
export interface Migration {
  readonly name: string;
  readonly sql: string;
}

const HISTORY = `CREATE TABLE IF NOT EXISTS migrations (
  version INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  checksum TEXT NOT NULL
)`;

function checksum(migration: Migration): string {
  return sha256Hex(migration.sql);
}

/**
 * Applies the steps that the database lacks, each in a transaction of its own, and those of a new database in one. Throws `StoreError` when a
 * newer program made the database, or when the database has other steps than these.
 */
export function migrate(sql: Sql, migrations: readonly Migration[]): void {
  const count = appliedCount(sql, migrations);
  if (count === migrations.length) return;
  if (count === 0) {
    // A step writes the same pages as the step before it: at a first start all together take a fifth of the time.
    sql.transaction(() => {
      sql.exec(HISTORY);
      apply(sql, migrations, migrations.length);
    });
    return;
  }
  for (const version of migrations.keys()) sql.transaction(() => apply(sql, migrations, version + 1));
}

/** Applies the steps up to `end` that the database lacks under the lock: another process may have been faster. */
function apply(sql: Sql, migrations: readonly Migration[], end: number): void {
  for (let version = appliedCount(sql, migrations); version < end; version++) {
    const migration = migrations[version] as Migration;
    sql.exec(migration.sql);
    sql
      .prepare("INSERT INTO migrations (version, name, checksum) VALUES (?, ?, ?)")
      .run(version, migration.name, checksum(migration));
  }
}

/**
 * The number of steps that the database has. Throws `StoreError` when the database has other steps than
 * these.
 */
export function appliedCount(sql: Sql, migrations: readonly Migration[]): number {
  const hasHistory = sql
    .prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'migrations'")
    .get();
  if (hasHistory === null) return 0;
  const applied = sql.prepare("SELECT version, name, checksum FROM migrations ORDER BY version").all();
  for (const [version, row] of applied.entries()) {
    const migration = migrations[version];
    if (migration === undefined) {
      throw new StoreError(
        "unavailable",
        "a newer version of this program made the database; start that version",
      );
    }
    if (row.version !== version || row.checksum !== checksum(migration)) {
      throw new StoreError(
        "unavailable",
        `schema step ${version} (${row.name}) differs from the step of this program`,
      );
    }
  }
  return applied.length;
}
