import { existsSync } from "node:fs";
import { openStoreReader, storeFile } from "../../ledger/store-file.ts";
import { readStoredKeys, type StoredKey } from "../../store/client-keys.ts";

/** The client keys in a data folder, whether a gateway runs or not; none without a database. Throws `StoreError`. */
export function storedKeysIn(dataDir: string): readonly StoredKey[] {
  if (!existsSync(storeFile(dataDir))) return [];
  const sql = openStoreReader(dataDir);
  try {
    return readStoredKeys(sql);
  } finally {
    sql.close();
  }
}
