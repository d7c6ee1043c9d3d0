/** Reports of usage, each of one moment. */
import type { Zone } from "../../core/time-zone.ts";
import { UTC, zoneOfSetting } from "../../core/time-zone.ts";
import type { Sql } from "../../store/sql.ts";
import { makeMoveReader } from "../older-rows.ts";
import { timeOfKey } from "../request-ids.ts";
import { HOUR_MS } from "../roll-up/spans.ts";
import { type Dimension, findView } from "../roll-up/views.ts";
import { Page } from "./page.ts";
import { type NamedPeriod, periodsBetween } from "./periods.ts";
import { type Bounds, RowSource } from "./row-source.ts";
import { SummedReport } from "./summed-report.ts";
import { Totals } from "./totals.ts";
import { type UsagePage, type UsageQuery, UsageQueryError } from "./usage-query.ts";

/** So many hours are two years. */
const MAX_PERIODS = 20_000;

/** Throws `UsageQueryError`, or `StoreError`. */
export function readUsage(sql: Sql, query: UsageQuery): UsagePage {
  const zone = query.period === null ? UTC : zoneOfSetting(query.timeZone);
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
    if (view !== null) return new SummedReport(sql, this.#query, view, totals).read(periods, bounds);
    // While the older rows are moved, a row could leave one table and be missed in the other.
    const isMoving = makeMoveReader(sql)() !== null;
    if (!isMoving) endSnapshot();
    new RowSource(sql, this.#query, totals).addFrom(0, bounds, isMoving, () => true);
    const page = new Page(this.#query);
    page.add(totals.among(totals.sortedNumbers(), 0, periods.length));
    return page.toUsage();
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
