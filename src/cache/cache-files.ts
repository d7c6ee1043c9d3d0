/** The two files of the cache in the data folder: sealed answers, and the secret that opens them. */
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { keepToOwner, shred } from "./answer-file.ts";

export const SECRET_BYTES = 32;

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
  const known = readHex(path);
  if (known !== null) {
    keepToOwner(path);
    return known;
  }
  // What was sealed with another secret is of no use.
  shred(path);
  shred(answerPath(dataDir));
  const fd = openSync(path, "wx", 0o600);
  try {
    writeSync(fd, `${Buffer.from(fresh).toString("hex")}\n`);
  } finally {
    closeSync(fd);
  }
  return fresh;
}

function readHex(path: string): Uint8Array | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8").trim();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw cause;
  }
  return /^[0-9a-f]{64}$/.test(text) ? Buffer.from(text, "hex") : null;
}

/** Overwrites and deletes both. Throws the system's error. */
export function shredCacheFiles(dataDir: string): void {
  shred(secretPath(dataDir));
  shred(answerPath(dataDir));
}
