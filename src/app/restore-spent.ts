/** Tells the pool what the ledger has of the cost of credentials with a budget. */
import { existsSync } from "node:fs";
import type { Log } from "../core/log.ts";
import { openStoreReader, storeFile } from "../ledger/store-file.ts";
import { readUsage } from "../ledger/usage/read-usage.ts";
import { ALL_USAGE } from "../ledger/usage/usage-query.ts";
import type { Pool } from "../pool/pool.ts";
import { type Sql, StoreError } from "../store/sql.ts";

/** Reads nothing when no budget is new. A ledger that cannot be read now is asked at the next reload. */
export function restoreSpent(pool: Pick<Pool, "restoreSpent">, dataDir: string, log: Log): void {
  let sql: Sql | null = null;
  try {
    pool.restoreSpent((upstream, credential, sinceMs) => {
      if (sql === null && !existsSync(storeFile(dataDir))) return 0;
      sql ??= openStoreReader(dataDir);
      const where = { upstream: [upstream], credential: [credential] };
      const { groups } = readUsage(sql, { ...ALL_USAGE, sinceMs, where });
      return Number(groups[0]?.costNanoUsd ?? 0);
    });
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    log.error(
      { error: String(error) },
      "what credentials have spent cannot be read, so their budgets begin anew",
    );
  } finally {
    (sql as Sql | null)?.close();
  }
}
