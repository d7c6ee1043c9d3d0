/** Sees within half a second that a command has changed the client keys in the database. */
import type { Log } from "../core/log.ts";
import { changeStoredKeys, prepareKeysVersion, readStoredKeys, type StoredKey } from "./client-keys.ts";
import { Connection } from "./connection.ts";
import { type Sql, type SqlStatement, StoreError } from "./sql.ts";

/** A change must be in force within a second. A look is one read of one row. */
const LOOK_MS = 500;

export interface KeyWatchOptions {
  /** Opens the store for writing; called when a connection is needed, also after one was lost. */
  readonly open: () => Sql;
  readonly log: Log;
  /** Called after the keys have changed, but not by the first look. */
  readonly onChange: () => void;
}

interface WatchedKeys {
  readonly sql: Sql;
  readonly readVersion: SqlStatement;
  /** null: no look has succeeded on this connection. */
  version: number | null;
}

export class KeyWatch {
  readonly #options: KeyWatchOptions;
  readonly #connection: Connection<WatchedKeys>;
  #keys: readonly StoredKey[] = [];
  #timer: ReturnType<typeof setInterval> | null = null;
  #hasFailed = false;

  constructor(options: KeyWatchOptions) {
    this.#options = options;
    this.#connection = new Connection(options.open, (sql) => ({
      sql,
      readVersion: prepareKeysVersion(sql),
      version: null,
    }));
    this.#look();
  }

  /** The keys that were read last; those of before as long as the store cannot be read. */
  get keys(): readonly StoredKey[] {
    return this.#keys;
  }

  start(): void {
    this.#timer = setInterval(() => {
      if (this.#look()) this.#options.onChange();
    }, LOOK_MS);
    this.#timer.unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#connection.close();
  }

  /** Whether the keys have changed. */
  #look(): boolean {
    try {
      const hasChanged = this.#connection.use((watched) => this.#read(watched));
      if (this.#hasFailed) this.#options.log.info({}, "the keys in the database can be read again");
      this.#hasFailed = false;
      return hasChanged;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (!this.#hasFailed) {
        this.#options.log.warn(
          { fault: error.fault, detail: error.message },
          "the keys in the database cannot be read now; those that are known stay in force",
        );
      }
      this.#hasFailed = true;
      return false;
    }
  }

  #read(watched: WatchedKeys): boolean {
    const { sql, readVersion } = watched;
    const version = Number(readVersion.get()?.version ?? 0);
    if (version === watched.version) return false;
    const before = this.#keys;
    if (version === 0 && before.length > 0) this.#restore(sql, before);
    else this.#keys = readStoredKeys(sql);
    // A change since then has raised the number again, and the next look sees it.
    watched.version = version;
    return JSON.stringify(before) !== JSON.stringify(this.#keys);
  }

  /** The file is a new one, because the one before was damaged or deleted: its keys must not end with it. */
  #restore(sql: Sql, keys: readonly StoredKey[]): void {
    changeStoredKeys(sql, (table) => {
      for (const key of keys) table.save(key);
    });
    this.#options.log.warn(
      { keys: keys.length },
      "the database is a new one; the client keys were written into it",
    );
  }
}
