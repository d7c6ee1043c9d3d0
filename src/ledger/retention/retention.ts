/** Deletes the oldest rows of the ledger, a step a call. The sums of usage outlive the rows. */
import type { Sql, SqlStatement } from "../../store/sql.ts";
import { makeMoveReader } from "../older-rows.ts";
import { firstKey, timeOfKey } from "../request-ids.ts";
import { MarkStore } from "../roll-up/mark.ts";
import { isRebuilding } from "../roll-up/rebuild.ts";
import { HOUR_MS, hourOf } from "../roll-up/spans.ts";

/** Which rows go. */
export interface RetentionRule {
  /** Rows that are older go; 0: none for its age. */
  readonly keepDays: number;
  /** The oldest rows go while the database takes more; 0: none for its size. */
  readonly keepBytes: number;
  /** Rows from this time on are needed by an open budget, Unix milliseconds; null: no budget is open. */
  readonly neededSinceMs: number | null;
}

/** What a step did. */
export interface RetentionStep {
  /** Rows that are gone now. */
  readonly deleted: number;
  /** Rows that were accepted before are the ones that go; null: none has to. */
  readonly beforeMs: number | null;
  /** There is more to do at once. */
  readonly isBehind: boolean;
  /** The database takes more than `keepBytes`, and no row may go. */
  readonly isTooLarge: boolean;
}

const DAY_MS = 86_400_000;
/** A row may still wait for its charges, and a client look at the request that just failed. */
const YOUNGEST_MS = HOUR_MS;
/** Free pages that are left for the next rows: giving pages back and taking them again is work for nothing. */
const SPARE_PAGES = 1_024;
/** A step gives back so many pages, which takes about as long as deleting some hundred rows. */
const PAGES_A_STEP = 64;
/** `PRAGMA auto_vacuum` of a file that can give pages back. */
const INCREMENTAL = 2;

export class Retention {
  readonly #sql: Sql;
  readonly #marks: MarkStore;
  readonly #isMoving: () => boolean;
  readonly #delete: SqlStatement;
  readonly #firstLate: SqlStatement;
  readonly #canShrink: boolean;

  constructor(sql: Sql) {
    this.#sql = sql;
    this.#marks = new MarkStore(sql);
    const readMove = makeMoveReader(sql);
    this.#isMoving = () => readMove() !== null;
    this.#delete = sql.prepare(
      "DELETE FROM entries WHERE seq IN (SELECT seq FROM entries WHERE seq < ? ORDER BY seq LIMIT ?)",
    );
    this.#firstLate = sql.prepare("SELECT min(seq) AS seq FROM usage_late");
    this.#canShrink = this.#pragma("auto_vacuum") === INCREMENTAL;
  }

  /** The time of the newest row, Unix milliseconds; null: there is none. Throws `StoreError`. */
  newestMs(): number | null {
    const key = this.#sql.prepare("SELECT max(seq) AS seq FROM entries").get()?.seq ?? null;
    return key === null ? null : timeOfKey(Number(key));
  }

  /** Deletes up to `limit` rows in one transaction, or gives back some pages. Throws `StoreError`: nothing was done. */
  step(limit: number, rule: RetentionRule, nowMs: number): RetentionStep {
    const done = this.#sql.transaction(() => this.#deleteRows(limit, rule, nowMs));
    if (done.isBehind || !this.#canShrink || this.#freePages() <= SPARE_PAGES) return done;
    const before = this.#freePages();
    this.#sql.exec(`PRAGMA incremental_vacuum(${PAGES_A_STEP})`);
    return { ...done, isBehind: this.#freePages() < before };
  }

  #deleteRows(limit: number, rule: RetentionRule, nowMs: number): RetentionStep {
    const mayGo = this.#firstNeeded(rule, nowMs);
    const isTooLarge = rule.keepBytes > 0 && this.#usedBytes() > rule.keepBytes;
    const tooOld = rule.keepDays === 0 ? 0 : keyOfHour(nowMs - rule.keepDays * DAY_MS);
    const before = isTooLarge ? mayGo : Math.min(mayGo, tooOld);
    const deleted = before > 0 ? this.#delete.run(before, limit) : 0;
    return {
      deleted,
      beforeMs: deleted === 0 ? null : timeOfKey(before),
      isBehind: deleted > 0 && (deleted === limit || isTooLarge),
      isTooLarge: isTooLarge && deleted === 0,
    };
  }

  /** The key of the first row that must stay: for the sums, for an open budget, or because it is young. */
  #firstNeeded({ neededSinceMs }: RetentionRule, nowMs: number): number {
    const mark = this.#marks.read();
    // Meanwhile reports read the rows, and the sums are made of them.
    if (isRebuilding(mark) || this.#isMoving()) return 0;
    const late = this.#firstLate.get()?.seq ?? null;
    return Math.min(
      mark.mark,
      late === null ? Number.POSITIVE_INFINITY : Number(late),
      keyOfHour(Math.min(nowMs - YOUNGEST_MS, neededSinceMs ?? Number.POSITIVE_INFINITY)),
    );
  }

  #usedBytes(): number {
    return (this.#pragma("page_count") - this.#freePages()) * this.#pragma("page_size");
  }

  #freePages(): number {
    return this.#pragma("freelist_count");
  }

  #pragma(name: string): number {
    return Number(this.#sql.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);
  }
}

/** Whole hours go, because the sums are by the hour. */
function keyOfHour(ms: number): number {
  return firstKey(hourOf(ms) * HOUR_MS);
}

/** The time from which on all rows are there, Unix milliseconds, where sums are older; null: no row was deleted. */
export function rowsDeletedBefore(sql: Sql): number | null {
  const first = (text: string): number | null => {
    const value = sql.prepare(text).get()?.first ?? null;
    return value === null ? null : Number(value);
  };
  const sumHour = first("SELECT min(hour) AS first FROM usage_hours");
  const key = first("SELECT min(seq) AS first FROM entries");
  if (sumHour === null || makeMoveReader(sql)() !== null) return null;
  if (key === null) return (sumHour + 1) * HOUR_MS;
  const rowHour = hourOf(timeOfKey(key));
  return sumHour < rowHour ? rowHour * HOUR_MS : null;
}
