/** Goes on with the rates of an earlier process: what its requests took in the last minute is taken. */
import { existsSync } from "node:fs";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import { readTakenSince, type TakenBefore } from "../ledger/last-minute.ts";
import { credentialIdOf } from "../ledger/row.ts";
import { openStoreReader, storeFile } from "../ledger/store-file.ts";
import type { Limiter } from "../limits/limiter.ts";
import type { CredentialSpec } from "../pool/credential.ts";
import type { Pool } from "../pool/pool.ts";
import type { Snapshot } from "../snapshot.ts";
import { StoreError } from "../store/sql.ts";

/** As long as a rate counts. */
const COUNTED_MS = 61_000;

export interface Rated {
  readonly limiter: Pick<Limiter, "hasRates" | "takeBefore">;
  readonly pool: Pick<Pool, "counterOf">;
  readonly snapshot: Pick<Snapshot, "credentialSpecs">;
  readonly clock: Clock;
  readonly log: Log;
}

/** Reads nothing where there are no rates. Never throws: without the ledger the rates begin anew. */
export function restoreRates({ limiter, pool, snapshot, clock, log }: Rated, dataDir: string): void {
  if (!limiter.hasRates && !snapshot.credentialSpecs.some(isRated)) return;
  const nowMs = clock.nowMs();
  const monotonicMs = clock.monotonicMs();
  for (const taken of takenSince(dataDir, nowMs - COUNTED_MS, log)) {
    // The clock may have been set back since.
    const atMonotonicMs = monotonicMs - Math.max(0, nowMs - taken.atMs);
    limiter.takeBefore(taken, atMonotonicMs);
    pool.counterOf(credentialIdOf(taken) ?? "")?.takeBefore(taken.requests, taken.tokens, atMonotonicMs);
  }
}

function isRated({ limits }: CredentialSpec): boolean {
  return (limits?.requestsPerMinute ?? null) !== null || (limits?.tokensPerMinute ?? null) !== null;
}

function takenSince(dataDir: string, sinceMs: number, log: Log): readonly TakenBefore[] {
  try {
    if (!existsSync(storeFile(dataDir))) return [];
    const sql = openStoreReader(dataDir);
    try {
      return readTakenSince(sql, sinceMs);
    } finally {
      sql.close();
    }
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    log.warn({ error: String(error) }, "the requests of the last minute cannot be read, so rates begin anew");
    return [];
  }
}
