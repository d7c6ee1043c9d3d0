/**
 * The groups that the roll-up keeps sums of: the values of a view's dimensions, and a number for them. Clients choose
 * models, users and tags, so a day brings so many new groups; what is beyond has one group together.
 */
import type { Sql, SqlStatement } from "../../store/sql.ts";
import { type Dimension, type Value, VIEWS, type ViewName, viewsOf } from "./views.ts";

export interface Group {
  readonly grp: number;
  readonly view: ViewName;
  /** In the order of the view's dimensions. */
  readonly values: readonly Value[];
}

/** New groups a day. `whole` counts for the models of all keys together. */
const NEW_GROUPS_A_DAY: Readonly<Record<ViewName, number>> = {
  endpoint: 1000,
  upstream: 10_000,
  model: 1000,
  key: 10_000,
  endpointModel: 4000,
  keyModel: 20_000,
  upstreamModel: 10_000,
  tag: 200,
  user: 2000,
  keyTag: 1000,
  keyUser: 4000,
  whole: 20_000,
};

/** The dimensions whose values clients choose: beyond the bound these are left out. */
const CHOSEN_BY_CLIENTS: readonly Dimension[] = ["model", "user", "tag"];

/** Groups that are kept in memory. */
const MAX_CACHED = 20_000;
/** Days of views whose groups are counted in memory: rows come from few days at a time. */
const MAX_COUNTED = 100;

/** Finds and makes groups, in transactions of the caller. */
export class Groups {
  readonly #find: SqlStatement;
  readonly #insert: SqlStatement;
  readonly #count: SqlStatement;
  readonly #select: SqlStatement;
  readonly #byName = new Map<string, number>();
  readonly #byNumber = new Map<number, Group>();
  readonly #derived = new Map<number, readonly number[]>();
  /** How many groups of a view are of the day; SQL would count them anew for each one that is made. */
  readonly #made = new Map<string, { count: number }>();

  constructor(sql: Sql) {
    this.#find = sql.prepare("SELECT grp FROM usage_groups WHERE view = ? AND name = ?");
    this.#insert = sql.prepare("INSERT INTO usage_groups (view, name, day) VALUES (?, ?, ?) RETURNING grp");
    this.#count = sql.prepare("SELECT count(*) AS n FROM usage_groups WHERE view = ? AND day = ?");
    this.#select = sql.prepare("SELECT grp, view, name FROM usage_groups WHERE grp = ?");
  }

  /** The number of the group; makes it for a row of this day. */
  numberOf(view: ViewName, values: readonly Value[], day: number): number {
    const name = JSON.stringify(values);
    const cached = this.#byName.get(view + name);
    if (cached !== undefined) return cached;
    const found = this.#find.get(view, name) ?? this.#make(view, values, day);
    const grp = Number(found.grp);
    if (this.#byName.size >= MAX_CACHED) this.forget();
    this.#byName.set(view + name, grp);
    return grp;
  }

  /** The groups of other views that a group of a base view adds to. */
  derivedOf(grp: number, day: number): readonly number[] {
    const cached = this.#derived.get(grp);
    if (cached !== undefined) return cached;
    const { view, values } = this.groupOf(grp);
    const own: readonly Dimension[] = VIEWS[view].dimensions;
    const derived = viewsOf(view).map((name) => {
      const some = VIEWS[name].dimensions.map((dimension) => values[own.indexOf(dimension)] ?? null);
      return this.numberOf(name, some, day);
    });
    this.#derived.set(grp, derived);
    return derived;
  }

  groupOf(grp: number): Group {
    const cached = this.#byNumber.get(grp);
    if (cached !== undefined) return cached;
    const row = this.#select.get(grp);
    if (row === null) throw new Error(`the roll-up has no group ${grp}`);
    const group = readGroup(row);
    this.#byNumber.set(grp, group);
    return group;
  }

  /** After a failed transaction, or when another process may have changed the groups. */
  forget(): void {
    this.#byName.clear();
    this.#byNumber.clear();
    this.#derived.clear();
    this.#made.clear();
  }

  #make(view: ViewName, values: readonly Value[], day: number): { readonly grp: unknown } {
    const made = this.#madeOf(view, day);
    const isBeyond = made.count >= NEW_GROUPS_A_DAY[view];
    const kept = isBeyond ? values.map((value, i) => (isChosenByClients(view, i) ? null : value)) : values;
    const name = JSON.stringify(kept);
    const found = isBeyond ? this.#find.get(view, name) : null;
    if (found !== null) return found as { readonly grp: unknown };
    const inserted = this.#insert.get(view, name, day);
    if (inserted === null) throw new Error("a group of the roll-up was not made");
    made.count++;
    return inserted as { readonly grp: unknown };
  }

  #madeOf(view: ViewName, day: number): { count: number } {
    const name = `${view} ${day}`;
    let made = this.#made.get(name);
    if (made === undefined) {
      if (this.#made.size >= MAX_COUNTED) this.#made.clear();
      made = { count: Number(this.#count.get(view, day)?.n) };
      this.#made.set(name, made);
    }
    return made;
  }
}

function isChosenByClients(view: ViewName, place: number): boolean {
  const dimension = VIEWS[view].dimensions[place];
  return dimension !== undefined && CHOSEN_BY_CLIENTS.includes(dimension);
}

/** A row of `usage_groups`. */
export function readGroup(row: Readonly<Record<string, unknown>>): Group {
  return {
    grp: Number(row.grp),
    view: row.view as ViewName,
    values: JSON.parse(String(row.name)) as Value[],
  };
}
