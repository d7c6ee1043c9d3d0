/** Sees within half a second that a command has changed the client keys in the database. */
import type { Log } from "../core/log.ts";
import { changeStoredKeys, prepareKeysVersion, readStoredKeys, type StoredKey } from "./client-keys.ts";
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

export class KeyWatch {
  readonly #options: KeyWatchOptions;
  #keys: readonly StoredKey[] = [];
  /** null: no look has succeeded on this connection. */
  #version: number | null = null;
  #connection: { readonly sql: Sql; readonly version: SqlStatement } | null = null;
  #timer: ReturnType<typeof setInterval> | null = null;
  #hasFailed = false;

  constructor(options: KeyWatchOptions) {
    this.#options = options;
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
    this.#disconnect();
  }

  /** Whether the keys have changed. */
  #look(): boolean {
    try {
      const hasChanged = this.#read();
      if (this.#hasFailed) this.#options.log.info({}, "the keys in the database can be read again");
      this.#hasFailed = false;
      return hasChanged;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (error.fault !== "locked") this.#disconnect();
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

  #read(): boolean {
    const { sql, version: statement } = this.#connected();
    const version = Number(statement.get()?.version ?? 0);
    if (version === this.#version) return false;
    const before = this.#keys;
    if (version === 0 && before.length > 0) this.#restore(sql, before);
    else this.#keys = readStoredKeys(sql);
    this.#version = Number(statement.get()?.version ?? 0);
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

  #connected(): { readonly sql: Sql; readonly version: SqlStatement } {
    if (this.#connection !== null && !this.#connection.sql.isCurrent()) this.#disconnect();
    if (this.#connection === null) {
      const sql = this.#options.open();
      this.#connection = { sql, version: prepareKeysVersion(sql) };
      this.#version = null;
    }
    return this.#connection;
  }

  #disconnect(): void {
    const old = this.#connection;
    this.#connection = null;
    old?.sql.close();
  }
}
