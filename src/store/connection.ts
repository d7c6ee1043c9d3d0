/** A connection that is opened when it is needed, and opened anew after it was lost. */
import { type Sql, StoreError } from "./sql.ts";

export class Connection<Prepared extends { readonly sql: Sql }> {
  readonly #open: () => Sql;
  readonly #prepare: (sql: Sql) => Prepared;
  #prepared: Prepared | null = null;

  /**
   * `open` opens the store for writing; `prepare` makes what is kept with each connection, such as its statements. Both
   * may throw `StoreError`.
   */
  constructor(open: () => Sql, prepare: (sql: Sql) => Prepared) {
    this.#open = open;
    this.#prepare = prepare;
  }

  /** After a failure other than a lock the connection may be of no use any more, and is closed. Throws `StoreError`. */
  use<Result>(work: (prepared: Prepared) => Result): Result {
    try {
      return work(this.#connected());
    } catch (error) {
      if (error instanceof StoreError && error.fault !== "locked") this.close();
      throw error;
    }
  }

  /** The next use opens it again. */
  close(): void {
    const old = this.#prepared;
    this.#prepared = null;
    old?.sql.close();
  }

  #connected(): Prepared {
    // Somebody may have deleted or replaced the file.
    if (this.#prepared !== null && !this.#prepared.sql.isCurrent()) this.close();
    this.#prepared ??= this.#connect();
    return this.#prepared;
  }

  #connect(): Prepared {
    const sql = this.#open();
    try {
      return this.#prepare(sql);
    } catch (error) {
      sql.close();
      throw error;
    }
  }
}
