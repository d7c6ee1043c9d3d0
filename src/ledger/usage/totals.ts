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

  /** How many numbers there are. */
  get count(): number {
    return this.#values.length;
  }

  /** All numbers whose values are behind the place, in the order of their values. */
  sortedNumbers(place: Place | null = null): number[] {
    const valuesOf = (number: number): readonly Value[] => this.#values[number] as readonly Value[];
    const isWanted = (number: number): boolean =>
      place === null || compareValues(valuesOf(number), place.values) > 0;
    return [...this.#values.keys()].filter(isWanted).sort((a, b) => compareValues(valuesOf(a), valuesOf(b)));
  }

  /** The totals with these numbers and periods (`to` exclusive), by time, then by the values. */
  among(numbers: Iterable<number>, from: number, to: number): Total[] {
    const all: Total[] = [];
    for (const number of numbers) {
      const values = this.#values[number] as readonly Value[];
      for (const [index, tally] of this.#tallies[number] as Map<number, Tally>) {
        if (index < from || index >= to) continue;
        all.push({ period: this.#periods[index] as NamedPeriod, number, values, tally });
      }
    }
    return all.sort(compareTotals);
  }
}

/** Where a page ends. */
export interface Place {
  readonly calendarMs: number;
  readonly values: readonly Value[];
}

export function cursorOf({ period, values }: Total): string {
  return Buffer.from(JSON.stringify([period.calendarMs, ...values])).toString("base64url");
}

export function isBehind({ period, values }: Total, place: Place): boolean {
  if (period.calendarMs !== place.calendarMs) return period.calendarMs > place.calendarMs;
  return compareValues(values, place.values) > 0;
}

function compareTotals(a: Total, b: Total): number {
  return a.period.calendarMs - b.period.calendarMs || compareValues(a.values, b.values);
}

/** What is not told apart comes last. */
function compareValues(a: readonly Value[], b: readonly Value[]): number {
  for (let i = 0; i < a.length; i++) {
    const left = a[i] as Value;
    const right = b[i] ?? null;
    if (left === right) continue;
    if (left === null) return 1;
    if (right === null) return -1;
    return left < right ? -1 : 1;
  }
  return 0;
}

/** The place of a cursor; a value for each dimension of the report. Throws `UsageQueryError`. */
export function readCursor(cursor: string, values: number): Place {
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
  const [calendarMs, ...own] = read as [number, ...Value[]];
  return { calendarMs, values: own };
}
