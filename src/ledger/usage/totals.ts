/** The groups of a report, by period and values. */
import { Tally } from "../roll-up/tally.ts";
import type { Dimension, Value } from "../roll-up/views.ts";
import type { NamedPeriod } from "./periods.ts";
import { UsageQueryError } from "./usage-query.ts";

export interface Total {
  readonly period: NamedPeriod;
  /** As `numberOf` gives it. */
  readonly number: number;
  readonly values: readonly Value[];
  readonly tally: Tally;
}

export class Totals {
  readonly #periods: readonly NamedPeriod[];
  readonly #by: readonly Dimension[];
  readonly #numbers = new Map<string, number>();
  readonly #values: (readonly Value[])[] = [];
  /** By the number of the values, then by the period. */
  readonly #tallies: Map<number, Tally>[] = [];

  constructor(periods: readonly NamedPeriod[], by: readonly Dimension[]) {
    this.#periods = periods;
    this.#by = by;
  }

  get by(): readonly Dimension[] {
    return this.#by;
  }

  /** The sums of the values at this time; null: it is in no period. */
  of(atMs: number, values: readonly Value[]): Tally | null {
    const period = this.periodOf(atMs);
    return period === null ? null : this.at(period, this.numberOf(values));
  }

  /** The index of the period; null: none. */
  periodOf(atMs: number): number | null {
    const periods = this.#periods;
    let low = 0;
    let high = periods.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((periods[middle] as NamedPeriod).startMs <= atMs) low = middle + 1;
      else high = middle;
    }
    const found = periods[low - 1];
    return found !== undefined && atMs < found.endMs ? low - 1 : null;
  }

  /** A number that stands for the values. */
  numberOf(values: readonly Value[]): number {
    const name = JSON.stringify(values);
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = this.#values.push(values) - 1;
      this.#numbers.set(name, number);
      this.#tallies.push(new Map());
    }
    return number;
  }

  at(period: number, number: number): Tally {
    const tallies = this.#tallies[number] as Map<number, Tally>;
    let tally = tallies.get(period);
    if (tally === undefined) {
      tally = new Tally();
      tallies.set(period, tally);
    }
    return tally;
  }

  /** By time, then by the values. */
  sorted(): Total[] {
    const all: Total[] = [];
    for (const [number, tallies] of this.#tallies.entries()) {
      const values = this.#values[number] as readonly Value[];
      for (const [index, tally] of tallies)
        all.push({ period: this.#periods[index] as NamedPeriod, number, values, tally });
    }
    return all.sort(compareTotals);
  }

  cursorOf({ period, values }: Total): string {
    return Buffer.from(JSON.stringify([period.calendarMs, ...values])).toString("base64url");
  }

  /** The index of the first total behind the one of the cursor. */
  indexBehind(all: readonly Total[], cursor: string): number {
    const [calendarMs, ...values] = readCursor(cursor, this.#by.length);
    const index = all.findIndex((total) => {
      if (total.period.calendarMs !== calendarMs) return total.period.calendarMs > calendarMs;
      return compareValues(total.values, values) > 0;
    });
    return index < 0 ? all.length : index;
  }
}

function compareTotals(a: Total, b: Total): number {
  return a.period.calendarMs - b.period.calendarMs || compareValues(a.values, b.values);
}

/** What is not told apart comes last. */
function compareValues(a: readonly Value[], b: readonly Value[]): number {
  for (const [i, left] of a.entries()) {
    const right = b[i] ?? null;
    if (left === right) continue;
    if (left === null) return 1;
    if (right === null) return -1;
    return left < right ? -1 : 1;
  }
  return 0;
}

function readCursor(cursor: string, values: number): readonly [number, ...Value[]] {
  const wrong = new UsageQueryError("the cursor is of another question; leave it out to begin anew");
  let read: unknown;
  try {
    read = JSON.parse(Buffer.from(cursor, "base64url").toString());
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw wrong;
  }
  const isValue = (value: unknown): boolean => value === null || typeof value === "string";
  if (!Array.isArray(read) || read.length !== values + 1) throw wrong;
  if (typeof read[0] !== "number" || !read.slice(1).every(isValue)) throw wrong;
  return read as [number, ...Value[]];
}
