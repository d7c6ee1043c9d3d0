/** A copy of the database while a gateway writes it: consistent, compact, and a whole database by itself. */
import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { StoreError } from "../store/sql.ts";
import { openSqlite, toStoreError } from "../store/sqlite.ts";
import { storeFile } from "./store-file.ts";

/** Pages that are in use, in bytes: about the size of a copy. Throws `StoreError`. */
export function copyBytes(dataDir: string): number {
  const sql = openSqlite(storeFile(dataDir), { mode: "read", busyTimeoutMs: 1000 });
  try {
    const read = (pragma: string): number => Number(sql.prepare(`PRAGMA ${pragma}`).get()?.[pragma]);
    return (read("page_count") - read("freelist_count")) * read("page_size");
  } finally {
    sql.close();
  }
}

/** Bytes that are free on the disk of a file that is to be made. Throws `StoreError`. */
export function freeBytesFor(file: string): number {
  try {
    const { bavail, bsize } = statfsSync(dirname(file));
    return bavail * bsize;
  } catch (error) {
    throw toStoreError(error);
  }
}

/**
 * Writes a copy into an empty file, and checks it. Blocks the thread for as long as it takes: it belongs into a process of
 * its own. Meanwhile the write-ahead log of the ledger grows. Throws `StoreError`.
 */
export function copyStore(dataDir: string, toFile: string): void {
  const sql = openSqlite(storeFile(dataDir), { mode: "read", busyTimeoutMs: 1000 });
  try {
    // It counts as a write, though the connection cannot write the ledger.
    sql.exec("PRAGMA query_only = OFF");
    sql.exec(`VACUUM INTO '${toFile.replaceAll("'", "''")}'`);
  } finally {
    sql.close();
  }
  checkCopy(toFile);
}

function checkCopy(file: string): void {
  const sql = openSqlite(file, { mode: "read", busyTimeoutMs: 0 });
  try {
    const found = sql.prepare("PRAGMA integrity_check(1)").get()?.integrity_check;
    if (found !== "ok") throw new StoreError("corrupt", `the copy is damaged: ${found}`);
  } finally {
    sql.close();
  }
}
