/** What can be asked about usage, and the answer. The command line, the reader process and the admin share these types. */
import type { UsageKind } from "../../neutral/usage.ts";
import type { Dimension, Value } from "../roll-up/views.ts";
import type { PeriodName } from "./periods.ts";

export interface UsageQuery {
  /** The groups are split by these. */
  readonly by: readonly Dimension[];
  /** The groups are split by these as well; null: they are not split by time. */
  readonly period: PeriodName | null;
  /** As `zoneOfSetting` takes it: the zone of the periods. */
  readonly timeZone: string;
  /** Requests that were accepted from then on, Unix milliseconds; null: from the first one on. */
  readonly sinceMs: number | null;
  /** Requests that were accepted before; null: up to the last one. */
  readonly untilMs: number | null;
  /** Only requests with one of these values; `""`: with none. */
  readonly where: Readonly<Partial<Record<Dimension, readonly string[]>>>;
  /** The most groups that a page has; null: all. */
  readonly limit: number | null;
  /** `UsagePage.next` of the page before; null: the first page. */
  readonly cursor: string | null;
}

/** One sum over everything; a question names what it wants otherwise. */
export const ALL_USAGE: UsageQuery = {
  by: [],
  period: null,
  timeZone: "UTC",
  sinceMs: null,
  untilMs: null,
  where: {},
  limit: null,
  cursor: null,
};

/** A request with several tags is in the group of each. Other groups have each request once. */
export interface UsageGroup {
  /** `NamedPeriod.name`; null: the report is not split by time. */
  readonly period: string | null;
  /** The values of the dimensions that the report is split by; null: all values that are too many to be told apart. */
  readonly values: Readonly<Partial<Record<Dimension, Value>>>;
  readonly requests: number;
  /** Requests that ended in an error; requests whose client left are none. */
  readonly errors: number;
  readonly clientLeft: number;
  /** Requests that went to an upstream, but whose usage is not the provider's final count. */
  readonly unsureUsage: number;
  /** Those of them whose usage is an estimate. */
  readonly estimated: number;
  /** Requests with usage that have no cost, because their model has no price. */
  readonly unpriced: number;
  /** Billionths of a dollar, exact: of requests, of losses that a crash left, and of corrections. null: no row has a cost. */
  readonly costNanoUsd: bigint | null;
  /**
   * Billionths of a dollar, exact: what the answers have cost that the response cache gave again. null: no request has saved
   * any that is known.
   */
  readonly savedNanoUsd: bigint | null;
  /** null: no request reported the kind. */
  readonly usage: Readonly<Record<UsageKind, number | null>>;
  /** Milliseconds, within 1 %; null when no request has the figure. */
  readonly durationP50Ms: number | null;
  readonly durationP95Ms: number | null;
  readonly ttfbP50Ms: number | null;
  readonly ttfbP95Ms: number | null;
}

export interface UsagePage {
  /** By time, then by the values in the order of `by`. */
  readonly groups: readonly UsageGroup[];
  /** For the next page; null: this is the last one. */
  readonly next: string | null;
}

/** The question cannot be answered; the message says why, and what to ask instead. */
export class UsageQueryError extends Error {}
