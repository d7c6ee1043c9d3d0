/**
 * The file of captured requests: a database of its own beside the ledger's, so that copies of the ledger leave it out. Each
 * request is sealed with the secret in a second file, and what is deleted is overwritten. Unlike the cache's, its journal is
 * on the disk, so that a killed process loses no more than what it had not written: what the journal has of deleted
 * requests is sealed too.
 */
import { existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import type { Ids } from "../core/ids.ts";
import { Connection } from "../store/connection.ts";
import { keepToOwner, readSecretFile, shred, shredSlowly, writeSecretFile } from "../store/private-file.ts";
import { openSealed, SECRET_BYTES, seal } from "../store/sealed.ts";
import { type Sql, type SqlStatement, StoreError } from "../store/sql.ts";
import { openSqlite, toStoreError } from "../store/sqlite.ts";

/** Changes with the table, and with the shape of `CapturedRequest`. */
const VERSION = 1;
const SCHEMA =
  "CREATE TABLE captures (id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, size INTEGER NOT NULL, sealed TEXT NOT NULL)";
/** Has all that the oldest, the count and the sum are found by, so that no request is read for them. */
const INDEX = "CREATE INDEX captures_at ON captures (at_ms, id, size)";

/** So many requests are taken out before others get their turn. */
const MAX_TAKEN_OUT = 64;

export interface CaptureSums {
  readonly count: number;
  readonly bytes: number;
  readonly oldestAtMs: number | null;
}

interface Prepared {
  readonly sql: Sql;
  readonly secret: Uint8Array;
  readonly put: SqlStatement;
  readonly find: SqlStatement;
  readonly forget: SqlStatement;
  readonly oldest: SqlStatement;
}

export interface CaptureText {
  readonly id: string;
  readonly atMs: number;
  /** JSON of a `CapturedRequest`. */
  readonly text: string;
}

/** Every method but `isThere` throws `StoreError` when the file cannot be used. */
export class CaptureFile {
  readonly #path: string;
  readonly #secretPath: string;
  readonly #ids: Pick<Ids, "hex">;
  readonly #connection: Connection<Prepared>;
  #count = 0;
  #bytes = 0;

  constructor(dataDir: string, ids: Pick<Ids, "hex">) {
    this.#path = join(dataDir, "capture.db");
    // Apart from the requests, so that a copy of those alone tells nothing.
    this.#secretPath = join(dataDir, "capture.key");
    this.#ids = ids;
    const open = (): Sql => this.#open();
    this.#connection = new Connection(open, (sql) => this.#prepare(sql));
  }

  get isThere(): boolean {
    return existsSync(this.#path);
  }

  get sums(): CaptureSums {
    return this.#use(({ oldest }) => {
      const row = this.#count === 0 ? null : oldest.get();
      return { count: this.#count, bytes: this.#bytes, oldestAtMs: row === null ? null : Number(row.at_ms) };
    });
  }

  /** Writes all of them, or none. */
  write(captures: readonly CaptureText[]): void {
    this.#use(({ sql, secret, put }) => {
      const rows = captures.map(({ id, atMs, text }) => {
        const sealed = seal(secret, this.#ids, boundTo(id), [Buffer.from(text)]);
        return { id, atMs, sealed };
      });
      sql.transaction(() => {
        for (const { id, atMs, sealed } of rows) put.run(id, atMs, sealed.length, sealed);
      });
      this.#count += rows.length;
      this.#bytes += rows.reduce((sum, { sealed }) => sum + sealed.length, 0);
    });
  }

  /** null: it is not there, or is damaged. */
  read(id: string): Buffer | null {
    return this.#use(({ find, secret }) => {
      const row = find.get(id);
      return row === null ? null : openSealed(secret, boundTo(id), String(row.sealed));
    });
  }

  remove(id: string): boolean {
    return this.#use(({ sql, find, forget }) => {
      const row = find.get(id);
      if (row === null) return false;
      sql.transaction(() => forget.run(id));
      this.#forgot(Number(row.size));
      return true;
    });
  }

  /**
   * Takes out requests from before a time, and the oldest ones beyond a size. False: there are more of them, which wait
   * for another turn.
   */
  sweep(sinceMs: number, maxBytes: number): boolean {
    return this.#use(({ sql, oldest, forget }) => {
      for (let taken = 0; taken < MAX_TAKEN_OUT; taken++) {
        const row = oldest.get();
        if (row === null || (Number(row.at_ms) >= sinceMs && this.#bytes <= maxBytes)) return true;
        sql.transaction(() => forget.run(row.id ?? null));
        this.#forgot(Number(row.size));
      }
      return false;
    });
  }

  /** Afterwards nothing can be read any more; the file is overwritten and deleted beside the event loop. */
  async destroy(): Promise<void> {
    this.close();
    const gone = this.#aside();
    try {
      // Without the secret, what a disk may still hold tells nothing.
      shred(this.#secretPath);
      for (const suffix of ["", JOURNAL]) {
        if (existsSync(this.#path + suffix)) renameSync(this.#path + suffix, gone + suffix);
      }
    } catch (error) {
      throw toStoreError(error);
    }
    for (const suffix of ["", JOURNAL]) await shredSlowly(gone + suffix);
  }

  /** What an earlier process has not come to the end of. Rejects with the system's error. */
  async finishDestroying(): Promise<void> {
    for (const suffix of ["", JOURNAL]) await shredSlowly(this.#aside() + suffix);
  }

  close(): void {
    this.#connection.close();
  }

  #aside(): string {
    return `${this.#path}.deleted`;
  }

  #forgot(bytes: number): void {
    this.#count -= 1;
    this.#bytes -= bytes;
  }

  /** `isFresh`: the file has just been made anew. */
  #use<Result>(work: (prepared: Prepared) => Result, isFresh = false): Result {
    try {
      return this.#connection.use(work);
    } catch (error) {
      if (isFresh || !(error instanceof StoreError) || error.fault !== "corrupt") throw error;
      this.#shredNow();
      return this.#use(work, true);
    }
  }

  #open(): Sql {
    try {
      keepToOwner(this.#path);
    } catch (error) {
      throw toStoreError(error);
    }
    const sql = openSqlite(this.#path, { mode: "private", busyTimeoutMs: 0 });
    sql.exec("PRAGMA journal_mode = TRUNCATE");
    return sql;
  }

  #prepare(sql: Sql): Prepared {
    const known = Number(sql.prepare("PRAGMA user_version").get()?.user_version);
    const tables = sql.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid").all();
    if (
      tables.length > 0 &&
      (known !== VERSION || tables.map((one) => one.sql).join() !== [SCHEMA, INDEX].join())
    )
      throw new StoreError("corrupt", "the file has other tables than this program makes");
    if (tables.length === 0) {
      sql.transaction(() => sql.exec(`${SCHEMA}; ${INDEX}; PRAGMA user_version = ${VERSION}`));
    }
    const secret = this.#readSecret(tables.length === 0);
    const sums = sql
      .prepare("SELECT count(*) AS count, sum(size) AS bytes FROM captures INDEXED BY captures_at")
      .get();
    this.#count = Number(sums?.count ?? 0);
    this.#bytes = Number(sums?.bytes ?? 0);
    return {
      sql,
      secret,
      put: sql.prepare("INSERT OR REPLACE INTO captures (id, at_ms, size, sealed) VALUES (?, ?, ?, ?)"),
      find: sql.prepare("SELECT size, sealed FROM captures WHERE id = ?"),
      forget: sql.prepare("DELETE FROM captures WHERE id = ?"),
      oldest: sql.prepare(
        "SELECT id, at_ms, size FROM captures INDEXED BY captures_at ORDER BY at_ms LIMIT 1",
      ),
    };
  }

  /** Throws `corrupt` when the requests that are there cannot be opened any more. */
  #readSecret(isEmpty: boolean): Uint8Array {
    try {
      const known = readSecretFile(this.#secretPath);
      if (known !== null) return known;
      if (!isEmpty) throw new StoreError("corrupt", "the secret of the file is gone");
      const fresh = Buffer.from(this.#ids.hex(SECRET_BYTES), "hex");
      writeSecretFile(this.#secretPath, fresh);
      return fresh;
    } catch (error) {
      throw toStoreError(error);
    }
  }

  #shredNow(): void {
    this.close();
    try {
      for (const suffix of ["", JOURNAL]) shred(this.#path + suffix);
    } catch (error) {
      throw toStoreError(error);
    }
  }
}

const JOURNAL = "-journal";

function boundTo(id: string): string {
  return `${VERSION} ${id}`;
}
