/** The two files of the cache in the data folder: sealed answers, and the secret that opens them. */
import { join } from "node:path";
import { readSecretFile, shred, writeSecretFile } from "../store/private-file.ts";

export function answerPath(dataDir: string): string {
  return join(dataDir, "cache.db");
}

/** Apart from the answers, so that a copy of those alone tells nothing. */
function secretPath(dataDir: string): string {
  return join(dataDir, "cache.key");
}

/** The secret of the data folder; `fresh` becomes it when there is none, or none that can be used. Throws the system's error. */
export function readSecret(dataDir: string, fresh: Uint8Array): Uint8Array {
  const path = secretPath(dataDir);
  const known = readSecretFile(path);
  if (known !== null) return known;
  // What was sealed with another secret is of no use.
  shred(answerPath(dataDir));
  writeSecretFile(path, fresh);
  return fresh;
}

/** Overwrites and deletes both. Throws the system's error. */
export function shredCacheFiles(dataDir: string): void {
  shred(secretPath(dataDir));
  shred(answerPath(dataDir));
}
