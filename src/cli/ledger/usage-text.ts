/** Groups of usage as a table, as JSON and as comma-separated values. */
import { usdText } from "../../core/money.ts";
import { COLUMNS } from "../../ledger/columns.ts";
import type { Dimension, Value } from "../../ledger/roll-up/views.ts";
import type { UsageGroup, UsageQuery } from "../../ledger/usage/usage-query.ts";
import { USAGE_KIND_NAMES } from "../../neutral/usage.ts";
import { type Column, columnWidths, formatCount, formatMs, tableLine, toJsonLine } from "../table.ts";
import { csvLine } from "./csv.ts";

interface UsageColumn extends Column {
  readonly text: (group: UsageGroup) => string;
}

/** Longest line, unless the columns need more at their smallest. */
const LINE_CHARS = 100;
const MIN_VALUE_CHARS = 8;
const MAX_VALUE_CHARS = 100;

/** Shown where something was saved. */
const SAVED = "SAVED";

const FIGURE_COLUMNS: readonly UsageColumn[] = [
  { title: "REQS", align: "right", maxChars: 7, text: (group) => formatCount(group.requests) },
  { title: "ERRORS", align: "right", maxChars: 7, text: (group) => formatCount(group.errors) },
  { title: "INPUT", align: "right", maxChars: 7, text: (group) => formatCount(group.usage.inputTokens) },
  { title: "CACHED", align: "right", maxChars: 7, text: (group) => formatCount(group.usage.cacheReadTokens) },
  { title: "OUTPUT", align: "right", maxChars: 7, text: (group) => formatCount(group.usage.outputTokens) },
  // An amount is never cut.
  { title: "USD", align: "right", maxChars: 40, text: costText },
  { title: SAVED, align: "right", maxChars: 40, text: ({ savedNanoUsd }) => amountText(savedNanoUsd) },
  { title: "P50", align: "right", maxChars: 6, text: (group) => formatMs(group.durationP50Ms) },
  { title: "P95", align: "right", maxChars: 6, text: (group) => formatMs(group.durationP95Ms) },
];

/** `+`: some requests have no price, and are not in the amount. */
function costText({ costNanoUsd, unpriced }: UsageGroup): string {
  if (costNanoUsd === null) return unpriced > 0 ? "unpriced" : "-";
  return `${usdText(costNanoUsd)}${unpriced > 0 ? "+" : ""}`;
}

function amountText(nanoUsd: bigint | null): string {
  return nanoUsd === null ? "-" : usdText(nanoUsd);
}

function valueText(value: Value | undefined): string {
  if (value === null) return "(others)";
  return value === undefined || value === "" ? "-" : value;
}

export function renderTable(groups: readonly UsageGroup[], { by, period, timeZone }: UsageQuery): string {
  if (groups.length === 0) return "No requests in this time.\n";
  const valueColumns = by.map(
    (dimension): UsageColumn => ({
      title: dimension.toUpperCase(),
      align: "left",
      maxChars: MAX_VALUE_CHARS,
      text: (group) => valueText(group.values[dimension]),
    }),
  );
  const time: UsageColumn[] =
    period === null
      ? []
      : [
          {
            title: timeZone === "UTC" ? `${period.toUpperCase()} (UTC)` : period.toUpperCase(),
            align: "left",
            maxChars: 22,
            text: (group) => group.period ?? "",
          },
        ];
  const hasSaved = groups.some(({ savedNanoUsd }) => savedNanoUsd !== null);
  const figures = FIGURE_COLUMNS.filter(({ title }) => title !== SAVED || hasSaved);
  const columns = [...time, ...valueColumns, ...figures];
  const rows = [
    columns.map(({ title }) => title),
    ...groups.map((group) => columns.map(({ text }) => text(group))),
  ];
  const widths = columnWidths(columns, rows);
  narrow(widths, time.length, valueColumns.length);
  return rows.map((row) => `${tableLine(columns, widths, row)}\n`).join("") + notesOf(groups);
}

/** Takes characters from the widest columns of values until the line fits. */
function narrow(widths: number[], from: number, count: number): void {
  let excess = widths.reduce((sum, width) => sum + width + 1, -1) - LINE_CHARS;
  while (excess > 0) {
    const own = widths.slice(from, from + count);
    const widest = own.indexOf(Math.max(...own));
    if (widest < 0 || (own[widest] ?? 0) <= MIN_VALUE_CHARS) return;
    widths[from + widest] = (own[widest] ?? 0) - 1;
    excess--;
  }
}

function notesOf(groups: readonly UsageGroup[]): string {
  const sum = (count: (group: UsageGroup) => number): number =>
    groups.reduce((total, group) => total + count(group), 0);
  const unpriced = sum((group) => group.unpriced);
  const estimated = sum((group) => group.estimated);
  const notes: string[] = [];
  if (unpriced > 0) notes.push(`+ without the cost of requests whose model has no price: ${unpriced}`);
  if (estimated > 0)
    notes.push(`requests whose usage is an estimate, because the provider gave none: ${estimated}`);
  return notes.length === 0 ? "" : `\n${notes.map((note) => `${note}\n`).join("")}`;
}

/** The fields of a group in their order, for JSON and for comma-separated values. */
function fieldsOf(group: UsageGroup, { by, period }: UsageQuery): Record<string, string | number | null> {
  const values = by.map((dimension: Dimension) => [dimension, group.values[dimension] ?? null] as const);
  return {
    ...(period === null ? {} : { [period]: group.period }),
    ...Object.fromEntries(values),
    requests: group.requests,
    errors: group.errors,
    client_left: group.clientLeft,
    ...Object.fromEntries(USAGE_KIND_NAMES.map((kind) => [COLUMNS[kind], group.usage[kind]])),
    cost_usd: group.costNanoUsd === null ? null : usdText(group.costNanoUsd),
    saved_usd: group.savedNanoUsd === null ? null : usdText(group.savedNanoUsd),
    requests_without_price: group.unpriced,
    requests_with_unsure_usage: group.unsureUsage,
    requests_with_estimated_usage: group.estimated,
    duration_p50_ms: rounded(group.durationP50Ms),
    duration_p95_ms: rounded(group.durationP95Ms),
    ttfb_p50_ms: rounded(group.ttfbP50Ms),
    ttfb_p95_ms: rounded(group.ttfbP95Ms),
  };
}

/** Milliseconds with three decimals: the measurement is no more precise. */
function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 1000) / 1000;
}

export function renderJson(groups: readonly UsageGroup[], query: UsageQuery): string {
  return groups.map((group) => toJsonLine(fieldsOf(group, query))).join("");
}

const NO_GROUP: UsageGroup = {
  period: null,
  values: {},
  requests: 0,
  errors: 0,
  clientLeft: 0,
  unsureUsage: 0,
  estimated: 0,
  unpriced: 0,
  costNanoUsd: null,
  savedNanoUsd: null,
  usage: Object.fromEntries(USAGE_KIND_NAMES.map((kind) => [kind, null])) as UsageGroup["usage"],
  durationP50Ms: null,
  durationP95Ms: null,
  ttfbP50Ms: null,
  ttfbP95Ms: null,
};

export function renderCsv(groups: readonly UsageGroup[], query: UsageQuery): string {
  const lines = groups.map((group) => csvLine(Object.values(fieldsOf(group, query))));
  return csvLine(Object.keys(fieldsOf(NO_GROUP, query))) + lines.join("");
}
