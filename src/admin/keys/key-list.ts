/** The keys of file and database by name. Of ten thousand none is read again as long as nothing has changed. */
import { setImmediate } from "node:timers/promises";
import { configOf } from "../../auth/join-keys.ts";
import { type KeyConfig, parseKeySettings, type SettingsResult } from "../../config/client-keys.ts";
import type { Config } from "../../config/config.ts";
import { prepareKeysVersion, readStoredKeys, type StoredKey } from "../../store/client-keys.ts";
import type { Sql } from "../../store/sql.ts";

export interface ListedKey {
  readonly name: string;
  /** Its settings; null: they cannot be read. */
  readonly config: KeyConfig | null;
  /** null: it is a key of the file. */
  readonly stored: StoredKey | null;
  /** Why a stored key is refused; null: it is not. */
  readonly fault: string | null;
}

/** So many are read in one turn: streams go on meanwhile. */
const AT_ONCE = 200;

export class KeyList {
  #known: { readonly config: Config; readonly version: number; readonly keys: readonly ListedKey[] } | null =
    null;
  #parsed: ReadonlyMap<string, SettingsResult> = new Map();

  /** `use` gives the database to its function. Throws `StoreError`. */
  async read(config: Config, use: <T>(work: (sql: Sql) => T) => T): Promise<readonly ListedKey[]> {
    const version = use((sql) => Number(prepareKeysVersion(sql).get()?.version ?? 0));
    if (this.#known?.config === config && this.#known.version === version) return this.#known.keys;
    const keys: ListedKey[] = config.keys.map((key) => ({
      name: key.name,
      config: key,
      stored: null,
      fault: null,
    }));
    const parsed = new Map<string, SettingsResult>();
    const parse = (json: string): SettingsResult => {
      const result = parsed.get(json) ?? this.#parsed.get(json) ?? parseKeySettings(json);
      parsed.set(json, result);
      return result;
    };
    for (const [index, stored] of use(readStoredKeys).entries()) {
      if (index % AT_ONCE === AT_ONCE - 1) await setImmediate();
      const found = configOf(config, stored, parse);
      const isFault = "message" in found;
      keys.push({
        name: stored.name,
        config: isFault ? null : found,
        stored,
        fault: isFault ? found.message : null,
      });
    }
    keys.sort((a, b) => (a.name < b.name ? -1 : 1));
    this.#parsed = parsed;
    this.#known = { config, version, keys };
    return keys;
  }
}
