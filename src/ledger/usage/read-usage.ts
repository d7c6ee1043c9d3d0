/** Reports of usage: the sums of the roll-up, and the rows that are not in it yet, all of one moment. */
import type { Zone } from "../../core/time-zone.ts";
import { UTC, zoneOf } from "../../core/time-zone.ts";
import { USAGE_KIND_NAMES } from "../../neutral/usage.ts";
import type { Sql, SqlRow } from "../../store/sql.ts";
import { makeMoveReader } from "../older-rows.ts";
import { timeOfKey } from "../request-ids.ts";
import { HOUR_MS, hourOf } from "../roll-up/cells.ts";
import { MarkStore } from "../roll-up/mark.ts";
import { type Dimension, findView, type Value, valuesOf } from "../roll-up/views.ts";
import { CellSource, foldedOf } from "./cell-source.ts";
import { coverOf } from "./cover.ts";
import { type NamedPeriod, periodsBetween } from "./periods.ts";
import { readFragments, readLateRows, readRowsFrom } from "./row-source.ts";
import { type Total, Totals } from "./totals.ts";
import { type UsageGroup, type UsagePage, type UsageQuery, UsageQueryError } from "./usage-query.ts";

/** So many hours are two years. */
const MAX_PERIODS = 20_000;

/** Throws `UsageQueryError`, or `StoreError`. */
export function readUsage(sql: Sql, query: UsageQuery): UsagePage {
  const zone = query.period === null ? UTC : zoneOf(query.timeZone);
  if (zone === null)
    throw new UsageQueryError(`${query.timeZone} is no time zone; give one such as Europe/Berlin or UTC`);
  sql.exec("BEGIN");
  let isOpen = true;
  const end = (): void => {
    if (isOpen) sql.exec("COMMIT");
    isOpen = false;
  };
  try {
    return new Report(sql, query, zone).read(end);
  } finally {
    end();
  }
}

class Report {
  readonly #sql: Sql;
  readonly #query: UsageQuery;
  readonly #zone: Zone;

  constructor(sql: Sql, query: UsageQuery, zone: Zone) {
    this.#sql = sql;
    this.#query = query;
    this.#zone = zone;
  }

  /** `endSnapshot` ends the transaction in which all is read; a report that reads rows alone needs none. */
  read(endSnapshot: () => void): UsagePage {
    const sql = this.#sql;
    const { by, where } = this.#query;
    const bounds = boundsOf(sql, this.#query);
    if (bounds === null) return { groups: [], next: null };
    const periods = this.#periods(bounds);
    const totals = new Totals(periods, by);
    const view = this.#hasSums() ? findView([...by, ...(Object.keys(where) as Dimension[])]) : null;
    const take = (row: SqlRow): void => this.#addRow(totals, row);
    if (view === null) {
      // While the older rows are moved, a row could leave one table and be missed in the other.
      const isMoving = makeMoveReader(sql)() !== null;
      if (!isMoving) endSnapshot();
      for (const row of readRowsFrom(sql, 0, bounds, isMoving)) take(row);
      return this.#page(totals, () => undefined);
    }
    const mark = new MarkStore(sql).read();
    const { cells, rows } = coverOf(periods, foldedOf(mark, view));
    const isSplitByTime = periods.length > 1;
    const source = new CellSource(sql, { view, where, pieces: cells, mark, isSplitByTime }, totals);
    source.addCounts();
    const isInFragment = (atMs: number): boolean =>
      rows.some(({ fromMs, toMs }) => atMs >= fromMs && atMs < toMs);
    readLateRows(sql, (row) => {
      const atMs = Number(row.at_ms);
      if (hourOf(atMs) >= mark.fromHour && !isInFragment(atMs)) take(row);
    });
    for (const piece of rows) readFragments(sql, piece, mark.mark, take);
    for (const row of readRowsFrom(sql, mark.mark, bounds, true)) {
      if (hourOf(Number(row.at_ms)) >= mark.fromHour) take(row);
    }
    return this.#page(totals, (shown) => source.addLatencies(shown));
  }

  /** Requests with one of several tags would be counted once for each. */
  #hasSums(): boolean {
    const { by, where } = this.#query;
    return by.includes("tag") || (where.tag?.length ?? 1) === 1;
  }

  #periods(bounds: Bounds): NamedPeriod[] {
    const { period } = this.#query;
    if (period === null) return [{ name: "", calendarMs: 0, startMs: bounds.sinceMs, endMs: bounds.untilMs }];
    const periods = periodsBetween(period, this.#zone, bounds, MAX_PERIODS);
    if (periods.length > MAX_PERIODS)
      throw new UsageQueryError(
        `the time has more than ${MAX_PERIODS} periods of one ${period}; give a shorter time or a longer period`,
      );
    return periods;
  }

  #addRow(totals: Totals, row: SqlRow): void {
    const { by, where } = this.#query;
    const values = valuesOf(row);
    for (const [dimension, wanted] of Object.entries(where) as [Dimension, readonly string[]][]) {
      const value = values[dimension];
      const own = typeof value === "string" ? [value] : value;
      if (!own.some((one) => wanted.includes(one))) return;
    }
    const tags = by.includes("tag") ? values.tag : [""];
    for (const tag of tags) {
      if (by.includes("tag") && where.tag?.includes(tag) === false) continue;
      const group = by.map((dimension) => (dimension === "tag" ? tag : values[dimension]));
      totals.of(Number(row.at_ms), group)?.addRow(row);
    }
  }

  /** `complete` adds to the totals of the page what is read for them alone. */
  #page(totals: Totals, complete: (shown: readonly Total[]) => void): UsagePage {
    const { limit, cursor, period, by } = this.#query;
    const all = totals.sorted();
    const start = cursor === null ? 0 : totals.indexBehind(all, cursor);
    const end = limit === null ? all.length : Math.min(all.length, start + limit);
    const shown = all.slice(start, end);
    complete(shown);
    const groups = shown.map(({ period: name, values, tally }): UsageGroup => {
      const { usage, duration, ttfb } = tally;
      return {
        period: period === null ? null : name.name,
        values: Object.fromEntries(by.map((dimension, i) => [dimension, values[i] as Value])),
        requests: tally.requests,
        errors: tally.errors,
        clientLeft: tally.clientLeft,
        unsureUsage: tally.unsureUsage,
        estimated: tally.estimated,
        unpriced: tally.unpriced,
        costNanoUsd: tally.costNanoUsd,
        usage: Object.fromEntries(USAGE_KIND_NAMES.map((kind) => [kind, usage[kind]])) as UsageGroup["usage"],
        durationP50Ms: duration.at(0.5),
        durationP95Ms: duration.at(0.95),
        ttfbP50Ms: ttfb.at(0.5),
        ttfbP95Ms: ttfb.at(0.95),
      };
    });
    const last = all[end - 1];
    return { groups, next: end < all.length && last !== undefined ? totals.cursorOf(last) : null };
  }
}

interface Bounds {
  readonly sinceMs: number;
  /** Exclusive. */
  readonly untilMs: number;
}

/** The time of the query that has rows or sums; null: none. */
function boundsOf(sql: Sql, query: UsageQuery): Bounds | null {
  const times: number[] = [];
  const note = (text: string, timeOf: (value: number) => number): void => {
    const row = sql.prepare(text).get();
    for (const value of [row?.first, row?.last]) if (typeof value === "number") times.push(timeOf(value));
  };
  const ms = (value: number): number => value;
  note("SELECT (SELECT min(seq) FROM entries) AS first, (SELECT max(seq) FROM entries) AS last", timeOfKey);
  note(
    `SELECT (SELECT min(at_ms) FROM entries WHERE at_ms IS NOT NULL) AS first,
      (SELECT max(at_ms) FROM entries WHERE at_ms IS NOT NULL) AS last`,
    ms,
  );
  note(
    "SELECT (SELECT min(hour) FROM usage_hours) AS first, (SELECT max(hour) + 1 FROM usage_hours) AS last",
    (hour) => hour * HOUR_MS,
  );
  if (makeMoveReader(sql)() !== null)
    note("SELECT min(at_ms) AS first, max(at_ms) AS last FROM older_requests", ms);
  if (times.length === 0) return null;
  const sinceMs = Math.max(query.sinceMs ?? Number.NEGATIVE_INFINITY, Math.min(...times));
  const untilMs = Math.min(query.untilMs ?? Number.POSITIVE_INFINITY, Math.max(...times) + 1);
  return sinceMs < untilMs ? { sinceMs, untilMs } : null;
}
