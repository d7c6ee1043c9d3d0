/** Writes into the data folder's database beside a gateway that may write at the same moment. */
import { openStore } from "../ledger/store-file.ts";
import { type Sql, StoreError } from "../store/sql.ts";
import type { CliIo } from "./cli.ts";

/** Longest wait for the lock of the database; a gateway that writes holds it for milliseconds. */
const WRITE_TIMEOUT_MS = 5_000;
const WRITE_POLL_MS = 10;

/**
 * Runs `work` on the store, again and again while another process holds the lock. `work` is one transaction: what was
 * written is not written again. Throws `StoreError`.
 */
export async function writeStore<T>(
  dataDir: string,
  io: Pick<CliIo, "clock">,
  work: (sql: Sql) => T,
): Promise<T> {
  return await whenUnlocked(io, () => {
    const sql = openStore(dataDir);
    try {
      return work(sql);
    } finally {
      sql.close();
    }
  });
}

/** Runs `work`, again and again while another process holds the lock, for a few seconds. Throws `StoreError`. */
export async function whenUnlocked<T>(io: Pick<CliIo, "clock">, work: () => T): Promise<T> {
  const untilMs = io.clock.monotonicMs() + WRITE_TIMEOUT_MS;
  for (;;) {
    try {
      return work();
    } catch (error) {
      const mayPass = error instanceof StoreError && error.fault === "locked";
      if (!mayPass || io.clock.monotonicMs() >= untilMs) throw error;
    }
    await new Promise((wake) => setTimeout(wake, WRITE_POLL_MS));
  }
}
