/** Where the store lives and how it is opened: one file in the data folder, made and brought up to date as needed. */
import { renameSync } from "node:fs";
import { join } from "node:path";
import { appliedCount, MIGRATIONS, migrate } from "./migrations.ts";
import { type Sql, StoreError } from "./sql.ts";
import { openSqlite, toStoreError } from "./sqlite.ts";

/** Path of the database file within the data folder. */
export function storeFile(dataDir: string): string {
  return join(dataDir, "ledger.db");
}

/**
 * Opens the store for writing, with the schema of this program. It never waits for a lock (`StoreError` "locked"
 * instead), so that it may be used on the event loop.
 */
export function openStore(dataDir: string): Sql {
  const sql = openSqlite(storeFile(dataDir), { mode: "write", busyTimeoutMs: 0 });
  try {
    migrate(sql);
    return sql;
  } catch (error) {
    sql.close();
    throw toStoreError(error);
  }
}

/** Opens the store for reading, beside a running gateway or without one. */
export function openStoreReader(dataDir: string): Sql {
  const sql = openSqlite(storeFile(dataDir), { mode: "read", busyTimeoutMs: 1000 });
  try {
    if (appliedCount(sql) < MIGRATIONS.length) {
      throw new StoreError(
        "unavailable",
        "the database is of an older version: start the gateway once to update it",
      );
    }
    return sql;
  } catch (error) {
    sql.close();
    throw toStoreError(error);
  }
}

/**
 * Moves a damaged database out of the way, with the files that belong to it, and returns its new path. Nothing is deleted:
 * its rows are money, and tools such as `sqlite3 .recover` may still read them.
 */
export function setStoreAside(dataDir: string, nowMs: number): string {
  const file = storeFile(dataDir);
  const aside = `${file}.corrupt-${new Date(nowMs).toISOString().replaceAll(/[:.]/g, "-")}`;
  try {
    renameSync(file, aside);
    for (const suffix of ["-wal", "-shm"]) {
      try {
        renameSync(file + suffix, aside + suffix);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      }
    }
  } catch (error) {
    throw toStoreError(error);
  }
  return aside;
}
