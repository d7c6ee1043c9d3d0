/** Sums over a range of time, beside the range before. The ledger's reader computes all of it. */
import { zoneOfSetting } from "../core/time-zone.ts";
import type { ReaderUsageQuery } from "../ledger/reader/protocol.ts";
import type { Dimension } from "../ledger/roll-up/views.ts";
import { type NamedPeriod, type PeriodName, periodsBetween } from "../ledger/usage/periods.ts";
import { ALL_USAGE, type UsageGroup, type UsagePage } from "../ledger/usage/usage-query.ts";
import { AdminError } from "./admin-error.ts";
import { attentionOf } from "./attention.ts";
import type { AdminContext } from "./context.ts";
import type { ReplyOf } from "./contract.ts";
import type { Handlers } from "./handler.ts";
import { inTime } from "./ledger-fault.ts";

type Overview = ReplyOf<"getOverview">;
type Sums = Overview["totals"];
type Top = Overview["top"]["models"][number];

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** So many points are more than a chart shows. */
const MAX_POINTS = 400;
const TOP = 10;
/** Series that a chart can tell apart. */
const SPLIT_TOP = 6;

export function makeOverviewHandlers(context: AdminContext): Pick<Handlers, "getOverview" | "getAttention"> {
  return {
    getAttention: () => ({ attention: attentionOf(context) }),
    getOverview: ({ query }) =>
      inTime(context, async () => {
        const toMs = query.toMs ?? context.clock.nowMs();
        const fromMs = query.fromMs ?? toMs - DAY_MS;
        const range = rangeOf(fromMs, toMs, query.zone);
        const [totals, before, series, models, keys, credentials] = (await context.reader.usages([
          { ...range.all, period: null },
          { ...range.all, period: null, sinceMs: Math.max(0, 2 * fromMs - toMs), untilMs: fromMs },
          range.all,
          { ...range.all, period: null, by: ["model"], top: TOP },
          { ...range.all, period: null, by: ["key"], top: TOP },
          { ...range.all, period: null, by: ["upstream", "credential"], top: TOP },
        ])) as readonly [UsagePage, UsagePage, UsagePage, UsagePage, UsagePage, UsagePage];
        return {
          fromMs,
          toMs,
          zone: query.zone,
          period: range.period,
          totals: sumsOf(totals.groups[0]),
          before: sumsOf(before.groups[0]),
          series: seriesOf(range.periods, series.groups),
          split: query.by === undefined ? null : await split(context, range, query.by),
          top: {
            models: models.groups.map((group) => topOf(group, group.values.model)),
            keys: keys.groups.map((group) => topOf(group, group.values.key)),
            credentials: credentials.groups.map((group) => topOf(group, credentialIn(group))),
          },
          attention: attentionOf(context),
        };
      }),
  };
}

interface Range {
  readonly period: PeriodName;
  readonly periods: readonly NamedPeriod[];
  /** The question about all of it, by time. */
  readonly all: ReaderUsageQuery;
}

/** Throws `bad_request`. */
function rangeOf(fromMs: number, toMs: number, zoneName: string): Range {
  const zone = zoneOfSetting(zoneName);
  if (zone === null)
    throw new AdminError("bad_request", '"zone" is not a time zone that is known', { path: "zone" });
  if (fromMs >= toMs)
    throw new AdminError("bad_request", '"fromMs" is not before "toMs"', { path: "fromMs" });
  const days = (toMs - fromMs) / DAY_MS;
  const period: PeriodName = days <= 3 ? "hour" : days <= 100 ? "day" : days <= 1_000 ? "week" : "month";
  const periods = periodsBetween(period, zone, { sinceMs: fromMs, untilMs: toMs }, MAX_POINTS);
  if (periods.length > MAX_POINTS)
    throw new AdminError("bad_request", "the range has too many months", { path: "fromMs" });
  const all = { ...ALL_USAGE, sinceMs: fromMs, untilMs: toMs, period, timeZone: zoneName };
  return { period, periods, all };
}

/** The series of the values that cost most, and of what all others have beside them. */
async function split(context: AdminContext, range: Range, by: Dimension): Promise<Overview["split"]> {
  const dimensions: readonly Dimension[] = by === "credential" ? ["upstream", "credential"] : [by];
  const question = { ...range.all, by: dimensions };
  const [top] = await context.reader.usages([{ ...question, period: null, top: SPLIT_TOP }]);
  const groups = top?.groups ?? [];
  if (groups.length === 0) return [];
  const pages = await context.reader.usages(
    groups.map(({ values }) => ({
      ...question,
      where: Object.fromEntries(dimensions.map((name) => [name, [values[name] ?? ""]])),
    })),
  );
  return groups.map((group, i) => ({
    value: by === "credential" ? credentialIn(group) : (group.values[by] ?? null),
    series: seriesOf(range.periods, pages[i]?.groups ?? []),
  }));
}

function seriesOf(periods: readonly NamedPeriod[], groups: readonly UsageGroup[]): Overview["series"] {
  const byName = new Map(groups.map((group) => [group.period, group]));
  return periods.map(({ name, startMs, endMs }) => ({ startMs, endMs, ...sumsOf(byName.get(name)) }));
}

function topOf(group: UsageGroup, value: string | null | undefined): Top {
  return { value: value ?? null, ...sumsOf(group) };
}

function credentialIn({ values: { upstream, credential } }: UsageGroup): string | null {
  if (upstream == null || credential == null) return null;
  return upstream === "" || credential === "" ? "" : `${upstream}/${credential}`;
}

const NOTHING: Sums = {
  requests: 0,
  errors: 0,
  clientLeft: 0,
  tokens: { fresh: null, cacheRead: null, cacheWrite: null, output: null },
  costNanoUsd: null,
  unpriced: 0,
  latencyP50Ms: null,
  latencyP95Ms: null,
  firstTokenP50Ms: null,
  firstTokenP95Ms: null,
};

function sumsOf(group: UsageGroup | undefined): Sums {
  if (group === undefined) return NOTHING;
  const { requests, errors, clientLeft, unpriced, usage, costNanoUsd } = group;
  const { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens } = usage;
  return {
    requests,
    errors,
    clientLeft,
    tokens: {
      fresh: freshOf(inputTokens, cacheReadTokens, cacheWriteTokens),
      cacheRead: cacheReadTokens,
      cacheWrite: cacheWriteTokens,
      output: outputTokens,
    },
    costNanoUsd: costNanoUsd === null ? null : String(costNanoUsd),
    unpriced,
    latencyP50Ms: group.durationP50Ms,
    latencyP95Ms: group.durationP95Ms,
    firstTokenP50Ms: group.ttfbP50Ms,
    firstTokenP95Ms: group.ttfbP95Ms,
  };
}

/** Input that was neither read from a cache nor written to one; null: no input was reported. */
export function freshOf(input: number | null, read: number | null, written: number | null): number | null {
  return input === null ? null : Math.max(0, input - (read ?? 0) - (written ?? 0));
}
