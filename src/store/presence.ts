/**
 * Tells a process whether others use the same data folder. Each holds a shared lock of one file for as long as it lives;
 * the system drops the lock with the process, however it ends.
 */
import { join } from "node:path";
import { type Sql, StoreError } from "./sql.ts";
import { openSqlite } from "./sqlite.ts";

export class Presence {
  readonly #path: string;
  #lock: Sql | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Makes this process present, if it is not yet. Calls `ifAlone` before, when no other process is present, and lets none
   * in until `ifAlone` returns. Throws `StoreError`; then this process is not present.
   */
  enter(ifAlone: () => void): void {
    if (this.#lock !== null) return;
    const lock = openSqlite(this.#path, { mode: "lock", busyTimeoutMs: 0 });
    try {
      if (isTaken(lock)) {
        ifAlone();
        lock.exec("COMMIT");
      }
      lock.exec("BEGIN");
      // The read takes the shared lock, and the open transaction keeps it.
      lock.prepare("SELECT count(*) FROM sqlite_schema").get();
    } catch (error) {
      lock.close();
      throw error;
    }
    this.#lock = lock;
  }

  leave(): void {
    this.#lock?.close();
    this.#lock = null;
  }
}

/** The presence of this process in a data folder. */
export function presenceIn(dataDir: string): Presence {
  return new Presence(join(dataDir, "budgets.lock"));
}

function isTaken(lock: Sql): boolean {
  try {
    lock.exec("BEGIN EXCLUSIVE");
    return true;
  } catch (error) {
    if (error instanceof StoreError && error.fault === "locked") return false;
    throw error;
  }
}
