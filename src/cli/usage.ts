/** `clewline usage`: requests, errors, tokens and latency by key, model and day. */
import { COLUMNS } from "../ledger/columns.ts";
import { readUsage, type UsageDimension, type UsageGroup } from "../ledger/queries.ts";
import { USAGE_KIND_NAMES } from "../neutral/usage.ts";
import { makeCommand, UsageError } from "./command.ts";
import { parseSince, READER_FLAGS, withLedger } from "./ledger-reader.ts";
import { type Column, columnWidths, formatCount, formatMs, tableLine, toJsonLine } from "./table.ts";

const DIMENSIONS: readonly UsageDimension[] = ["day", "key", "model"];

interface UsageColumn extends Column {
  readonly text: (group: UsageGroup) => string;
}

const DIMENSION_COLUMNS: Readonly<Record<UsageDimension, UsageColumn>> = {
  day: { title: "DAY (UTC)", align: "left", maxChars: 10, text: (group) => group.day ?? "" },
  key: { title: "KEY", align: "left", maxChars: 10, text: (group) => group.key ?? "" },
  model: { title: "MODEL", align: "left", maxChars: 100, text: (group) => group.model || "-" },
};

/** Longest line. The model's name gets the room that the other columns leave, at least 17 characters. */
const LINE_CHARS = 100;

const FIGURE_COLUMNS: readonly UsageColumn[] = [
  { title: "REQS", align: "right", maxChars: 7, text: (group) => formatCount(group.requests) },
  { title: "ERRORS", align: "right", maxChars: 7, text: (group) => formatCount(group.errors) },
  { title: "INPUT", align: "right", maxChars: 7, text: (group) => formatCount(group.usage.inputTokens) },
  { title: "CACHED", align: "right", maxChars: 7, text: (group) => formatCount(group.usage.cacheReadTokens) },
  { title: "OUTPUT", align: "right", maxChars: 7, text: (group) => formatCount(group.usage.outputTokens) },
  { title: "P50", align: "right", maxChars: 6, text: (group) => formatMs(group.durationP50Ms) },
  { title: "P95", align: "right", maxChars: 6, text: (group) => formatMs(group.durationP95Ms) },
  { title: "FIRST", align: "right", maxChars: 6, text: (group) => formatMs(group.ttfbP50Ms) },
];

export const usage = makeCommand(
  {
    name: "usage",
    usage: ["[--since WHEN] [--by key,model,day] [--json]"],
    about: `Sums up the ledger: requests, errors, tokens and latency (p50 and p95, within 1 %; first: to the first byte). Days are UTC.`,
    flags: {
      by: { value: "LIST", help: "split by key, model, day, or several with commas (default: all three)" },
      ...READER_FLAGS,
    },
  },
  ({ flags }, io) => {
    const by = flags.by === undefined ? DIMENSIONS : parseBy(flags.by);
    const sinceMs = flags.since === undefined ? undefined : parseSince(flags.since, io.clock.nowMs());
    return withLedger("usage", flags, io, (sql) => {
      const groups = readUsage(sql, by, { sinceMs });
      io.out(flags.json ? groups.map((group) => toJsonLine(toJson(group, by))).join("") : render(groups, by));
    });
  },
);

function parseBy(text: string): UsageDimension[] {
  const names = text.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !DIMENSIONS.some((dimension) => dimension === name));
  if (unknown !== undefined)
    throw new UsageError(
      `--by ${unknown} cannot split the sums; give key, model, day, or several with commas`,
    );
  return DIMENSIONS.filter((dimension) => names.includes(dimension));
}

function render(groups: readonly UsageGroup[], by: readonly UsageDimension[]): string {
  if (groups.length === 0) return "No requests in this time.\n";
  const columns = [...by.map((dimension) => DIMENSION_COLUMNS[dimension]), ...FIGURE_COLUMNS];
  const rows = [
    columns.map(({ title }) => title),
    ...groups.map((group) => columns.map(({ text }) => text(group))),
  ];
  const widths = columnWidths(columns, rows);
  const excess = widths.reduce((a, b) => a + b + 1, -1) - LINE_CHARS;
  const model = by.indexOf("model");
  if (excess > 0 && model >= 0) widths[model] = (widths[model] ?? 0) - excess;
  return rows.map((row) => `${tableLine(columns, widths, row)}\n`).join("");
}

/** Milliseconds with three decimals: the measurement is no more precise. */
function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 1000) / 1000;
}

function toJson(group: UsageGroup, by: readonly UsageDimension[]): Record<string, unknown> {
  return {
    ...Object.fromEntries(by.map((dimension) => [dimension, group[dimension]])),
    requests: group.requests,
    errors: group.errors,
    client_left: group.clientLeft,
    ...Object.fromEntries(USAGE_KIND_NAMES.map((kind) => [COLUMNS[kind], group.usage[kind]])),
    requests_with_unsure_usage: group.unsureUsage,
    duration_p50_ms: rounded(group.durationP50Ms),
    duration_p95_ms: rounded(group.durationP95Ms),
    ttfb_p50_ms: rounded(group.ttfbP50Ms),
    ttfb_p95_ms: rounded(group.ttfbP95Ms),
  };
}
