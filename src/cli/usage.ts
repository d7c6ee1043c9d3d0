/** `clewline usage`: requests, errors, tokens and latency by key, model and day. */
import { parseArgs } from "node:util";
import { COLUMNS } from "../ledger/columns.ts";
import { readUsage, type UsageDimension, type UsageGroup } from "../ledger/queries.ts";
import { USAGE_KIND_NAMES } from "../neutral/usage.ts";
import type { CliIo, Command } from "./cli.ts";
import {
  isUsageError,
  parseSince,
  READER_FLAGS,
  READER_HELP,
  UsageError,
  withLedger,
} from "./ledger-reader.ts";
import { type Column, columnWidths, formatCount, formatMs, tableLine, toJsonLine } from "./table.ts";

const DIMENSIONS: readonly UsageDimension[] = ["day", "key", "model"];

const HELP = `Usage: clewline usage [--since WHEN] [--by key,model,day] [--json]

Sums up the ledger: requests, errors, tokens and latency (p50 and p95, within 1 %; first: to the first byte). Days are UTC.

  --by LIST        what to split by: key, model, day, or several with commas (default: all three)
${READER_HELP}`;

interface UsageColumn extends Column {
  readonly text: (group: UsageGroup) => string;
}

const DIMENSION_COLUMNS: Readonly<Record<UsageDimension, UsageColumn>> = {
  day: { title: "DAY (UTC)", align: "left", maxChars: 10, text: (group) => group.day ?? "" },
  key: { title: "KEY", align: "left", maxChars: 10, text: (group) => group.key ?? "" },
  model: { title: "MODEL", align: "left", maxChars: 100, text: (group) => group.model || "-" },
};

/** A line is no longer than this: a model's name has the room that the other columns leave, 17 characters at least. */
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

export const usage: Command = async (args, io) => {
  const flags = readFlags(args, io);
  if (flags instanceof Error) {
    io.err(`clewline usage: ${flags.message}\n\n${HELP}`);
    return 2;
  }
  if (flags.values.help) {
    io.out(HELP);
    return 0;
  }
  return await withLedger("usage", flags.values, io, (sql) => {
    const groups = readUsage(sql, flags.by, { sinceMs: flags.sinceMs });
    io.out(
      flags.values.json
        ? groups.map((group) => toJsonLine(toJson(group, flags.by))).join("")
        : render(groups, flags.by),
    );
  });
};

function readFlags(args: readonly string[], io: CliIo) {
  try {
    const { values } = parseArgs({ args: [...args], options: { ...READER_FLAGS, by: { type: "string" } } });
    return {
      values,
      by: values.by === undefined ? DIMENSIONS : parseBy(values.by),
      sinceMs: values.since === undefined ? undefined : parseSince(values.since, io.clock.nowMs()),
    };
  } catch (error) {
    if (isUsageError(error)) return error;
    throw error;
  }
}

function parseBy(text: string): UsageDimension[] {
  const names = text.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !DIMENSIONS.some((dimension) => dimension === name));
  if (unknown !== undefined)
    throw new UsageError(`--by ${unknown}: give key, model, day, or several with commas`);
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

/** Milliseconds with three digits after the point: more would feign a precision that is not there. */
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
