/** Reads the next rows for the roll-up, and finds the groups of each: rows of one fact have the same ones. */
import type { Sql, SqlRow, SqlStatement } from "../../store/sql.ts";
import { ENTRIES } from "../row-filter.ts";
import type { Adder } from "./adder.ts";
import { FactBook, type KnownFact, NARROW_ROW_SQL } from "./fact-book.ts";
import { dayOf, hourOf } from "./spans.ts";
import type { GroupList, Sums } from "./sums.ts";
import { valuesOf } from "./views.ts";

/** So many facts have their groups remembered, and so many combinations of a fact with a user and tags. */
const MAX_KNOWN = 50_000;

export class FactRows {
  readonly #adder: Adder;
  readonly #read: SqlStatement;
  readonly #book: FactBook;
  /** Of rows that have neither user nor tags, by fact. */
  readonly #plain = new Map<number, GroupList>();
  /** By fact, user and tags. */
  readonly #owned = new Map<string, GroupList>();

  constructor(sql: Sql, adder: Adder) {
    this.#adder = adder;
    this.#book = new FactBook(sql);
    this.#read = sql.prepare(
      `SELECT ${NARROW_ROW_SQL} FROM entries e WHERE ${ENTRIES.where} ORDER BY e.seq LIMIT ?`,
    );
  }

  /** Rows from one key to another one (exclusive), with `seq`, `at_ms`, and what `addTo` needs. */
  read(fromKey: number, endKey: number, limit: number): SqlRow[] {
    return this.#read.all(fromKey, endKey, limit);
  }

  /** Adds a row that `read` has given. */
  addTo(sums: Sums, row: SqlRow): void {
    const known = this.#book.of(row);
    if (known === null) {
      const whole = this.#book.wholeOf(row);
      this.#adder.tallyOf(whole, sums).addRow(whole);
      return;
    }
    const hour = hourOf(row.at_ms as number);
    const hasRare = row.rest !== null;
    sums.of(hour, this.#groupsOf(known, row, dayOf(hour))).addRowOf(known.traits, row, hasRare);
  }

  /** After a failed transaction. */
  forget(): void {
    this.#book.forget();
    this.#plain.clear();
    this.#owned.clear();
    this.#adder.forget();
  }

  #groupsOf(known: KnownFact, row: SqlRow, day: number): GroupList {
    const isPlain = row.end_user === null && row.tags === null;
    if (isPlain) return remembered(this.#plain, known.fact, () => this.#adder.groupsOf(known.values, day));
    const name = `${known.fact} ${row.end_user ?? ""}\n${row.tags ?? ""}`;
    return remembered(this.#owned, name, () => {
      const { user, tag } = valuesOf(row);
      return this.#adder.groupsOf({ ...known.values, user, tag }, day);
    });
  }
}

function remembered<Name>(lists: Map<Name, GroupList>, name: Name, find: () => GroupList): GroupList {
  const found = lists.get(name);
  if (found !== undefined) return found;
  const groups = find();
  if (lists.size >= MAX_KNOWN) lists.clear();
  lists.set(name, groups);
  return groups;
}
