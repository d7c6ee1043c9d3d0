/** What the store asks of an SQL engine, and how its failures are told apart. The engine itself is in `sqlite.ts`. */

/** A value as SQL holds it. Integers are exact up to 2^53. */
export type SqlValue = string | number | null;

/** A row as read: column name to value. */
export type SqlRow = Readonly<Record<string, SqlValue>>;

/** A statement, prepared once and run often. Parameters are positional. */
export interface SqlStatement {
  /** Runs it and returns the count of changed rows. */
  run(...params: SqlValue[]): number;
  get(...params: SqlValue[]): SqlRow | null;
  all(...params: SqlValue[]): SqlRow[];
}

/** One connection. Every method throws `StoreError` when the engine fails. */
export interface Sql {
  /** Runs one or more statements without parameters. */
  exec(sql: string): void;
  prepare(sql: string): SqlStatement;
  /** Runs `work` in one write transaction: all of it is kept, or, when it throws, nothing. */
  transaction<T>(work: () => T): T;
  /** False when the file at the path is no longer the one that is open: deleted or replaced by somebody. */
  isCurrent(): boolean;
  close(): void;
}

/**
 * Why the engine failed. locked: another connection writes, try again soon. full: no room on the disk. corrupt: the file is
 * damaged or no database. rejected: a value cannot be stored, the store itself is well. unavailable: everything else (rights,
 * I/O errors, a folder that is gone).
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
