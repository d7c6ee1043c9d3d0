/** The embedded engine behind `sql.ts`: `bun:sqlite` with a write-ahead log. Only this file may import it. */
import { Database, SQLiteError, type Statement } from "bun:sqlite";
import { closeSync, existsSync, mkdirSync, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import {
  type Sql,
  type SqlRow,
  type SqlStatement,
  type SqlValue,
  StoreError,
  type StoreFault,
} from "./sql.ts";

/** The size to which the write-ahead log shrinks after a burst. */
const WAL_KEPT_BYTES = 32 * 1024 * 1024;

/** Pages (4 KiB) in the write-ahead log above which a commit also moves them to the database file. */
const CHECKPOINT_PAGES = 1000;

/** The index of the write-ahead log, which each opening makes, cannot grow. The engine calls that an I/O error. */
const NO_ROOM_FOR_INDEX = "SQLITE_IOERR_SHMSIZE";

const FAULT_BY_CODE: readonly (readonly [prefix: string, fault: StoreFault])[] = [
  ["SQLITE_BUSY", "locked"],
  ["SQLITE_LOCKED", "locked"],
  ["SQLITE_FULL", "full"],
  [NO_ROOM_FOR_INDEX, "full"],
  ["SQLITE_CORRUPT", "corrupt"],
  ["SQLITE_NOTADB", "corrupt"],
  // The file ends before its last page does: it was cut.
  ["SQLITE_IOERR_SHORT_READ", "corrupt"],
  ["SQLITE_CONSTRAINT", "rejected"],
  ["SQLITE_MISMATCH", "rejected"],
  ["SQLITE_TOOBIG", "rejected"],
];

/** Translates a failure of the engine, or of the file system under it. */
export function toStoreError(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  // bun:sqlite throws a plain TypeError for a value that SQL cannot store.
  if (error instanceof TypeError) return new StoreError("rejected", message, error);
  if (code === "ENOSPC" || code === "EDQUOT") return new StoreError("full", message, error);
  if (error instanceof SQLiteError) {
    const known = FAULT_BY_CODE.find(([prefix]) => code.startsWith(prefix));
    const words = code === NO_ROOM_FOR_INDEX ? "the disk is full" : message;
    return new StoreError(known?.[1] ?? "unavailable", `${words} (${code})`, error);
  }
  return new StoreError("unavailable", message, error);
}

function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw toStoreError(error);
  }
}

class SqliteStatement implements SqlStatement {
  readonly #statement: Statement<SqlRow, SqlValue[]>;

  constructor(statement: Statement<SqlRow, SqlValue[]>) {
    this.#statement = statement;
  }

  run(...params: SqlValue[]): number {
    try {
      // As a list, which the engine's types do not know: to spread it again takes 0.2 µs of a row.
      return this.#statement.run(params as unknown as SqlValue).changes;
    } catch (error) {
      throw toStoreError(error);
    }
  }

  get(...params: SqlValue[]): SqlRow | null {
    return guarded(() => this.#statement.get(...params) ?? null);
  }

  all(...params: SqlValue[]): SqlRow[] {
    return guarded(() => this.#statement.all(...params));
  }
}

class SqliteConnection implements Sql {
  readonly #database: Database;
  readonly #path: string;
  readonly #statements: Statement<SqlRow, SqlValue[]>[] = [];
  readonly #device: number;
  readonly #inode: number;
  readonly #begin: Statement;
  readonly #commit: Statement;

  constructor(database: Database, path: string) {
    this.#database = database;
    this.#path = path;
    const { dev, ino } = statSync(path);
    this.#device = dev;
    this.#inode = ino;
    // IMMEDIATE takes the lock here, so that a transaction never fails half-way because the lock is missing.
    this.#begin = database.prepare("BEGIN IMMEDIATE");
    this.#commit = database.prepare("COMMIT");
  }

  exec(sql: string): void {
    guarded(() => this.#database.run(sql));
  }

  prepare(sql: string): SqlStatement {
    const statement = guarded(() => this.#database.prepare<SqlRow, SqlValue[]>(sql));
    this.#statements.push(statement);
    return new SqliteStatement(statement);
  }

  transaction<T>(work: () => T): T {
    try {
      this.#begin.run();
      const result = work();
      this.#commit.run();
      return result;
    } catch (error) {
      // After some failures (a full disk) the engine has already rolled back.
      if (this.#database.inTransaction) guarded(() => this.#database.run("ROLLBACK"));
      throw toStoreError(error);
    }
  }

  isCurrent(): boolean {
    const stat = guarded(() => statSync(this.#path, { throwIfNoEntry: false }));
    return stat !== undefined && stat.ino === this.#inode && stat.dev === this.#device;
  }

  close(): void {
    // An open statement would keep the file and its locks.
    for (const statement of this.#statements) statement.finalize();
    this.#begin.finalize();
    this.#commit.finalize();
    guarded(() => this.#database.close());
  }
}

export interface SqliteOptions {
  readonly mode: "write" | "read" | "lock" | "private";
  /** How long a statement may block the thread while another connection holds the lock. */
  readonly busyTimeoutMs: number;
}

/**
 * Opens a database file. `write` makes the file (0600) and its folder (0700) when they are missing; `read`
 * never writes, and works beside a running writer and after a killed one. `lock` is for a file that is only locked: it
 * has no write-ahead log, so that readers keep out a writer. `private` is for data that must be gone when it is deleted,
 * and may be lost: it has no log beside it, and what is deleted is overwritten. A crash may damage the file.
 */
export function openSqlite(path: string, options: SqliteOptions): Sql {
  return guarded(() => {
    if (options.mode === "read") {
      return configured(new Database(path, { readonly: true }), path, options.busyTimeoutMs, [
        "PRAGMA query_only = ON",
      ]);
    }
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // Only for a missing file: closing a second handle of an open database would drop its locks (POSIX).
    if (!existsSync(path)) closeSync(openSync(path, "a", 0o600));
    if (options.mode === "lock") {
      return configured(new Database(path, { readwrite: true }), path, options.busyTimeoutMs, []);
    }
    if (options.mode === "private") {
      return configured(
        new Database(path, { readwrite: true }),
        path,
        options.busyTimeoutMs,
        PRIVATE_PRAGMAS,
      );
    }
    // It can give back free pages in small steps. An old file would have to be rewritten, and the command would write a page.
    const forNew = statSync(path).size === 0 ? ["PRAGMA auto_vacuum = INCREMENTAL"] : [];
    return configured(new Database(path, { readwrite: true }), path, options.busyTimeoutMs, [
      // With WAL a killed process loses no commit; a power cut may lose the last moments, but never the file. First,
      // because what follows may write.
      "PRAGMA synchronous = NORMAL",
      ...forNew,
      "PRAGMA journal_mode = WAL",
      `PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`,
      `PRAGMA journal_size_limit = ${WAL_KEPT_BYTES}`,
      "PRAGMA temp_store = MEMORY",
    ]);
  });
}

/** A log on disk would keep what is deleted in the database; so would pages that are cut off its end. */
const PRIVATE_PRAGMAS = [
  "PRAGMA auto_vacuum = NONE",
  "PRAGMA journal_mode = MEMORY",
  "PRAGMA secure_delete = ON",
  "PRAGMA synchronous = OFF",
  "PRAGMA temp_store = MEMORY",
];

function configured(
  database: Database,
  path: string,
  busyTimeoutMs: number,
  pragmas: readonly string[],
): Sql {
  try {
    database.run(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    for (const pragma of pragmas) database.run(pragma);
    return new SqliteConnection(database, path);
  } catch (error) {
    database.close();
    throw error;
  }
}
