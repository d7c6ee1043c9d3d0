/**
 * The narrow interface of an SQL engine, and the kinds of its failures. The engine itself is in `sqlite.ts`.
 */

/** A value of SQL. Integers are exact up to 2^53. */
export type SqlValue = string | number | null;

/** A row: column name to value. */
export type SqlRow = Readonly<Record<string, SqlValue>>;

/** A prepared statement. Parameters are positional. */
export interface SqlStatement {
  /** Runs the statement; returns the number of changed rows. */
  run(...params: SqlValue[]): number;
  get(...params: SqlValue[]): SqlRow | null;
  all(...params: SqlValue[]): SqlRow[];
}

/** One connection. Every method throws `StoreError` when the engine fails. */
export interface Sql {
  /** Runs one or more statements without parameters. */
  exec(sql: string): void;
  prepare(sql: string): SqlStatement;
  /** Runs `work` in one write transaction: either all changes are kept, or, when `work` throws, none. */
  transaction<T>(work: () => T): T;
  /** False when the file at the path is no longer the open file, because it was deleted or replaced. */
  isCurrent(): boolean;
  close(): void;
}

/**
 * The cause of a failure. `locked`: another connection writes, try again soon. `full`: no space on the disk.
 * `corrupt`: the file is damaged or no database. `rejected`: a value cannot be stored, but the store works.
 * `unavailable`: all other causes (permissions, I/O errors, a missing folder).
 */
export type StoreFault = "locked" | "full" | "corrupt" | "rejected" | "unavailable";

export class StoreError extends Error {
  readonly fault: StoreFault;

  constructor(fault: StoreFault, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "StoreError";
    this.fault = fault;
  }
}
