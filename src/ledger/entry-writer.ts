/** Writes rows into the table `entries`, each under a key that no other row has. */
import type { Sql, SqlStatement } from "../store/sql.ts";
import {
  INSERT_CHARGED,
  INSERT_PLAIN,
  INSERT_WHOLE,
  INSERT_WITH_REST,
  plainParams,
  restOf,
} from "./columns.ts";
import { type Fact, Facts } from "./facts.ts";
import { keyOfId, type RequestIds, timeOfKey } from "./request-ids.ts";
import { LateRows } from "./roll-up/late-rows.ts";
import type { LedgerRow } from "./row.ts";

/** A row with another id than the one that its key prints has its id as text. */
export class EntryWriter {
  readonly #ids: RequestIds;
  readonly #number: string;
  /** Smaller keys belong to rows of older versions. */
  readonly #floor: number;
  readonly #facts: Facts;
  readonly #late: LateRows;
  readonly #insertPlain: SqlStatement;
  readonly #insertWithRest: SqlStatement;
  readonly #insertCharged: SqlStatement;
  readonly #insertWhole: SqlStatement;
  readonly #findKey: SqlStatement;
  readonly #findId: SqlStatement;

  constructor(sql: Sql, ids: RequestIds, database: { readonly number: string; readonly floor: number }) {
    this.#ids = ids;
    this.#number = database.number;
    this.#floor = database.floor;
    this.#facts = new Facts(sql);
    this.#late = new LateRows(sql);
    this.#insertPlain = sql.prepare(INSERT_PLAIN);
    this.#insertWithRest = sql.prepare(INSERT_WITH_REST);
    this.#insertCharged = sql.prepare(INSERT_CHARGED);
    this.#insertWhole = sql.prepare(INSERT_WHOLE);
    this.#findKey = sql.prepare(
      "SELECT at_ms, duration_ms, request_bytes FROM entries WHERE seq = ? AND id IS NULL",
    );
    this.#findId = sql.prepare("SELECT seq FROM entries WHERE id = ?");
  }

  /** A transaction of the caller begins. */
  begin(nowMs: number): void {
    this.#late.begin(nowMs);
  }

  /**
   * Writes a row, in a transaction of the caller; false: the table has the row already, and it stays as it is. `chargeSet`:
   * the set of windows that its cost counts for.
   */
  put(row: LedgerRow, chargeSet: number | null): boolean {
    const fact = this.#facts.of(row);
    const key = keyOfId(row.id);
    const isOwn = row.id.endsWith(this.#number);
    if (
      key !== null &&
      key >= this.#floor &&
      this.#insertAt(row, key, isOwn ? null : row.id, fact, chargeSet)
    )
      return true;
    if (this.#findId.get(row.id) !== null) return false;
    if (key !== null && isOwn && this.#isAt(row, key)) return false;
    // Another process has taken the key, or the id is of another database.
    while (!this.#insertAt(row, this.#ids.nextKey(row.atMs), row.id, fact, chargeSet));
    return true;
  }

  /**
   * Writes a row of an older version at the given key, or at the next free one; returns the key. In a transaction
   * of the caller.
   */
  putOlder(row: LedgerRow, wantedKey: number): number {
    const fact = this.#facts.of(row);
    let key = wantedKey;
    while (!this.#insertAt(row, key, row.id, fact, null)) {
      if (this.#findId.get(row.id) !== null) return wantedKey;
      key++;
    }
    return key;
  }

  /** After a failed transaction. */
  forget(): void {
    this.#facts.forget();
  }

  #insertAt(
    row: LedgerRow,
    key: number,
    id: string | null,
    fact: Fact | null,
    chargeSet: number | null,
  ): boolean {
    const params = plainParams(row, key, fact);
    const atMs = row.atMs === timeOfKey(key) ? null : row.atMs;
    const rest = restOf(row, fact);
    const { endUser, tags } = row;
    const isPlain = id === null && atMs === null && endUser === null && tags === null;
    let insert = this.#insertPlain;
    if (!isPlain) {
      insert = this.#insertWhole;
      params.push(chargeSet, endUser, tags, id, atMs, rest);
    } else if (rest !== null) {
      insert = this.#insertWithRest;
      params.push(chargeSet, rest);
    } else if (chargeSet !== null) {
      insert = this.#insertCharged;
      params.push(chargeSet);
    }
    if (insert.run(...params) === 0) return false;
    this.#late.written(key);
    return true;
  }

  /**
   * Whether this row itself is at the key. Its status and outcome may have been corrected since it was
   * written.
   */
  #isAt(row: LedgerRow, key: number): boolean {
    const found = this.#findKey.get(key);
    return (
      found !== null &&
      (found.at_ms === null || found.at_ms === row.atMs) &&
      found.duration_ms === row.durationMs &&
      found.request_bytes === row.requestBytes
    );
  }
}
