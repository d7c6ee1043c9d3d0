/** The page of a report that is asked for. */
import { USAGE_KIND_NAMES } from "../../neutral/usage.ts";
import type { Value } from "../roll-up/views.ts";
import { cursorOf, isBehind, type Place, readCursor, type Total } from "./totals.ts";
import type { UsageGroup, UsagePage, UsageQuery } from "./usage-query.ts";

export class Page {
  readonly #query: UsageQuery;
  readonly #found: Total[] = [];
  /** The page begins behind it; null: at the begin of the report. */
  readonly place: Place | null;

  /** Throws `UsageQueryError`. */
  constructor(query: UsageQuery) {
    this.#query = query;
    this.place = query.cursor === null ? null : readCursor(query.cursor, query.by.length);
  }

  /** The next totals in the order of the report. */
  add(totals: readonly Total[]): void {
    const { place } = this;
    for (const total of totals) if (place === null || isBehind(total, place)) this.#found.push(total);
  }

  /** One total more than the page has says that another page follows. */
  get isFull(): boolean {
    return this.#found.length > this.#size;
  }

  get shown(): readonly Total[] {
    return this.isFull ? this.#found.slice(0, this.#size) : this.#found;
  }

  toUsage(): UsagePage {
    const { shown } = this;
    const last = shown.at(-1);
    return {
      groups: shown.map((total) => this.#groupOf(total)),
      next: this.isFull && last !== undefined ? cursorOf(last) : null,
    };
  }

  get #size(): number {
    return this.#query.limit ?? Number.POSITIVE_INFINITY;
  }

  #groupOf({ period, values, tally }: Total): UsageGroup {
    const { usage, duration, ttfb } = tally;
    const { by } = this.#query;
    return {
      period: this.#query.period === null ? null : period.name,
      values: Object.fromEntries(by.map((dimension, i) => [dimension, values[i] as Value])),
      requests: tally.requests,
      errors: tally.errors,
      clientLeft: tally.clientLeft,
      unsureUsage: tally.unsureUsage,
      estimated: tally.estimated,
      unpriced: tally.unpriced,
      costNanoUsd: tally.costNanoUsd,
      savedNanoUsd: tally.savedNanoUsd,
      usage: Object.fromEntries(USAGE_KIND_NAMES.map((kind) => [kind, usage[kind]])) as UsageGroup["usage"],
      durationP50Ms: duration.at(0.5),
      durationP95Ms: duration.at(0.95),
      ttfbP50Ms: ttfb.at(0.5),
      ttfbP95Ms: ttfb.at(0.95),
    };
  }
}
