/** `clewline requests`: the ledger's rows, oldest first. */
import { parseArgs } from "node:util";
import { COLUMNS } from "../ledger/columns.ts";
import { type RowFilter, readRows, type StatusFilter } from "../ledger/queries.ts";
import type { LedgerRow } from "../ledger/row.ts";
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

const HELP = `Usage: clewline requests [--since WHEN] [--key NAME] [--model MODEL] [--status STATUS] [--limit N] [--json]

Lists the requests on the ledger, oldest first: every one that matches, whether the gateway runs or not. Times are UTC.
Behind the status: err (failed), cut (the upstream broke off), left (the client went away), ref (refused before an upstream was
asked). Why, what was left out in translation and each attempt: --json (error_kind, drops, attempt_log).

  --key NAME       of this client key
  --model MODEL    that asked for this model, or were served by it
  --status STATUS  ok, error, a code such as 429, or a class such as 4xx
  --limit N        only the newest N
${READER_HELP}`;

const COLUMNS_SHOWN: readonly Column[] = [
  { title: "TIME (UTC)", align: "left", maxChars: 14, minChars: 14 },
  { title: "REQUEST ID", align: "left", maxChars: 26, minChars: 26 },
  { title: "KEY", align: "left", maxChars: 8, minChars: 8 },
  { title: "MODEL", align: "left", maxChars: 16, minChars: 16 },
  { title: "STATUS", align: "left", maxChars: 8, minChars: 8 },
  { title: "INPUT", align: "right", maxChars: 7, minChars: 7 },
  { title: "OUTPUT", align: "right", maxChars: 7, minChars: 7 },
  { title: "TIME", align: "right", maxChars: 6, minChars: 6 },
];

/** Output is handed over in pieces of about this size: a call for each line would dominate long listings. */
const PIECE_CHARS = 64 * 1024;

export const requests: Command = async (args, io) => {
  const flags = readFlags(args, io);
  if (flags instanceof Error) {
    io.err(`clewline requests: ${flags.message}\n\n${HELP}`);
    return 2;
  }
  if (flags.values.help) {
    io.out(HELP);
    return 0;
  }
  return await withLedger("requests", flags.values, io, (sql) => {
    const widths = columnWidths(COLUMNS_SHOWN, []);
    let piece = flags.values.json
      ? ""
      : `${tableLine(
          COLUMNS_SHOWN,
          widths,
          COLUMNS_SHOWN.map(({ title }) => title),
        )}\n`;
    for (const row of readRows(sql, flags.filter)) {
      piece += flags.values.json
        ? toJsonLine(toJson(row))
        : `${tableLine(COLUMNS_SHOWN, widths, toCells(row))}\n`;
      if (piece.length < PIECE_CHARS) continue;
      io.out(piece);
      piece = "";
    }
    if (piece !== "") io.out(piece);
  });
};

function readFlags(args: readonly string[], io: CliIo) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        ...READER_FLAGS,
        key: { type: "string" },
        model: { type: "string" },
        status: { type: "string" },
        limit: { type: "string" },
      },
    });
    const filter: RowFilter = {
      sinceMs: values.since === undefined ? undefined : parseSince(values.since, io.clock.nowMs()),
      key: values.key,
      model: values.model,
      status: values.status === undefined ? undefined : parseStatus(values.status),
      limit: values.limit === undefined ? undefined : parseLimit(values.limit),
    };
    return { values, filter };
  } catch (error) {
    if (isUsageError(error)) return error;
    throw error;
  }
}

function parseStatus(text: string): StatusFilter {
  if (text === "ok" || text === "error") return { outcome: text };
  if (/^[1-5]\d\d$/.test(text)) return { code: Number(text) };
  if (/^[1-5]xx$/i.test(text)) return { class: Number(text[0]) };
  throw new UsageError(`--status ${text}: give ok, error, a code such as 429, or a class such as 4xx`);
}

function parseLimit(text: string): number {
  if (!/^\d{1,9}$/.test(text) || Number(text) === 0)
    throw new UsageError(`--limit ${text}: give a number from 1 on`);
  return Number(text);
}

/** JSON text of the ledger as JSON, not as text within JSON. */
function nested(text: string | null): unknown {
  if (text === null) return null;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}

function toJson(row: LedgerRow): Record<string, unknown> {
  const { id, usage, ...rest } = row;
  const json: Record<string, unknown> = { request_id: id, at: new Date(row.atMs).toISOString() };
  for (const [name, value] of Object.entries({ ...rest, ...usage })) {
    json[COLUMNS[name as keyof typeof COLUMNS]] = value;
  }
  json.attempt_log = nested(row.attemptLog);
  json.drops = nested(row.drops);
  return json;
}

const SHORT_OUTCOME: Readonly<Record<LedgerRow["outcome"], string>> = {
  ok: "",
  error: " err",
  client_left: " left",
  upstream_cut: " cut",
  refused: " ref",
};

function toCells(row: LedgerRow): string[] {
  return [
    new Date(row.atMs).toISOString().slice(5, 19).replace("T", " "),
    row.id,
    row.key,
    row.modelUsed ?? row.modelAsked ?? "-",
    // The status of a stream is 200 even when it broke off: then the outcome says so.
    row.outcome === "error" && row.status >= 400
      ? String(row.status)
      : `${row.status}${SHORT_OUTCOME[row.outcome]}`,
    formatCount(row.usage.inputTokens),
    formatCount(row.usage.outputTokens),
    formatMs(row.durationMs),
  ];
}
