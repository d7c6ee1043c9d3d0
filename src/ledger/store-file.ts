/** The database file in the data folder. Opening it for writing makes it and brings its schema up to date. */
import { renameSync, statfsSync, statSync } from "node:fs";
import { join } from "node:path";
import { appliedCount, migrate } from "../store/migrations.ts";
import { type Sql, StoreError } from "../store/sql.ts";
import { openSqlite, toStoreError } from "../store/sqlite.ts";
import { prepareOlderRows } from "./older-rows.ts";
import { MIGRATIONS } from "./schema.ts";

/** Path of the database file within the data folder. */
export function storeFile(dataDir: string): string {
  return join(dataDir, "ledger.db");
}

/**
 * Opens the store for writing, with the schema of this program. Never waits for a lock (throws `StoreError` "locked"
 * instead), so that the event loop may call it.
 */
export function openStore(dataDir: string): Sql {
  const sql = openSqlite(storeFile(dataDir), { mode: "write", busyTimeoutMs: 0 });
  try {
    migrate(sql, MIGRATIONS);
    prepareOlderRows(sql);
    return sql;
  } catch (error) {
    sql.close();
    throw toStoreError(error);
  }
}

/** Opens the store for reading, whether a gateway runs or not. */
export function openStoreReader(dataDir: string): Sql {
  return withCurrentSchema(openSqlite(storeFile(dataDir), { mode: "read", busyTimeoutMs: 1000 }));
}

function withCurrentSchema(sql: Sql): Sql {
  try {
    if (appliedCount(sql, MIGRATIONS) < MIGRATIONS.length) {
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

/** Opens the store for a command that changes rows while a gateway may write. Waits for short locks only. */
export function openStoreForChanges(dataDir: string): Sql {
  return withCurrentSchema(openSqlite(storeFile(dataDir), { mode: "write", busyTimeoutMs: 100 }));
}

/** Bytes of the database file with its log, and bytes that are free on its disk. Throws `StoreError`. */
export function spaceOfStore(dataDir: string): { fileBytes: number; freeBytes: number } {
  const file = storeFile(dataDir);
  try {
    const sizes = ["", "-wal"].map((suffix) => statSync(file + suffix, { throwIfNoEntry: false })?.size ?? 0);
    const { bavail, bsize } = statfsSync(dataDir);
    return { fileBytes: sizes.reduce((sum, size) => sum + size, 0), freeBytes: bavail * bsize };
  } catch (error) {
    throw toStoreError(error);
  }
}

/**
 * Moves a damaged database and the files that belong to it out of the way, and returns the new path. Nothing is deleted:
 * the rows are money, and tools such as `sqlite3 .recover` may still read them.
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
