/** `clewline requests`: the ledger's rows, oldest first. */
import { resolve } from "node:path";
import { COLUMNS } from "../../ledger/columns.ts";
import { readRows } from "../../ledger/queries.ts";
import { isBooking, type LedgerRow } from "../../ledger/row.ts";
import type { RowFilter, StatusFilter } from "../../ledger/row-filter.ts";
import { type CliIo, EXIT } from "../cli.ts";
import { makeCommand, UsageError } from "../command.ts";
import { parseTime, READER_FLAGS, withLedger } from "../ledger-reader.ts";
import { type Column, columnWidths, formatCount, formatMs, tableLine, toJsonLine } from "../table.ts";
import { type CsvValue, csvLine } from "./csv.ts";
import { OutputError, PieceWriter } from "./piece-writer.ts";

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

/** The progress is shown anew after so many rows. */
const PROGRESS_ROWS = 5000;

export const requests = makeCommand(
  {
    name: "requests",
    usage: [
      `[--id ID] [--since WHEN] [--until WHEN] [--key NAME] [--model MODEL] [--status STATUS] [--user USER] [--tag TAG]
         [--limit N] [--json | --csv] [--to FILE]`,
    ],
    about: `Lists the requests on the ledger, oldest first: every one that matches, whether the gateway runs or not. Times are UTC.
Words after the status: err (failed), cut (the upstream broke off), left (the client went away), ref (refused before an
upstream was asked). A count with ~ is an estimate, because the provider gave none. Rows named lost and correction are no
requests: they are money that a crash may have spent, and what clewline keys correct took back of it. --json and --csv show
the cost (cost_nano_usd: billionths of a dollar), the user and the tags, the reason, the parts that translation left out, and
each attempt (end_user, tags, error_kind, drops, attempt_log).`,
    flags: {
      id: { value: "ID", help: "only the request with this id" },
      key: { value: "NAME", help: "only requests of this client key" },
      model: { value: "MODEL", help: "only requests that asked for this model, or were served by it" },
      status: { value: "STATUS", help: "ok, error, a code such as 429, or a class such as 4xx" },
      user: { value: "USER", help: "only requests for this user of the client (user, metadata.user_id)" },
      tag: { value: "TAG", help: "only requests with this tag (x-clewline-tags)" },
      limit: { value: "N", help: "only the newest N" },
      to: { value: "FILE", help: "write into this new file, which only you can read" },
      ...READER_FLAGS,
    },
  },
  ({ flags }, io) => {
    const { id, since, until, key, model, status, user, tag, limit, to } = flags;
    if (flags.json && flags.csv)
      throw new UsageError("--json and --csv exclude each other; give one of them");
    const filter: RowFilter = {
      id,
      sinceMs: since === undefined ? undefined : parseTime("since", since, io.clock.nowMs()),
      untilMs: until === undefined ? undefined : parseTime("until", until, io.clock.nowMs()),
      key,
      model,
      status: status === undefined ? undefined : parseStatus(status),
      user,
      tag,
      limit: limit === undefined ? undefined : parseLimit(limit),
    };
    const form = flags.json ? JSON_FORM : flags.csv ? CSV_FORM : TABLE_FORM;
    return withLedger("requests", flags, io, (sql) => {
      try {
        writeRows(readRows(sql, filter), form, io, to === undefined ? null : resolve(io.cwd, to));
        return EXIT.ok;
      } catch (error) {
        if (!(error instanceof OutputError)) throw error;
        io.err(`clewline requests: ${error.message}\n`);
        return EXIT.failed;
      }
    });
  },
);

interface Form {
  readonly head: string;
  readonly line: (row: LedgerRow) => string;
}

const WIDTHS = columnWidths(COLUMNS_SHOWN, []);
const toLine = (cells: readonly string[]): string => `${tableLine(COLUMNS_SHOWN, WIDTHS, cells)}\n`;
const TABLE_FORM: Form = {
  head: toLine(COLUMNS_SHOWN.map(({ title }) => title)),
  line: (row) => toLine(toCells(row)),
};
const JSON_FORM: Form = { head: "", line: (row) => toJsonLine(toJson(row)) };
const CSV_COLUMNS = Object.entries(COLUMNS);
const CSV_FORM: Form = {
  head: csvLine(["request_id", "at", ...CSV_COLUMNS.flatMap(([, name]) => (isOfRow(name) ? [name] : []))]),
  line: (row) => {
    const fields: Readonly<Record<string, unknown>> = { ...row, ...row.usage };
    const values = CSV_COLUMNS.flatMap(([field, name]) => (isOfRow(name) ? [fields[field]] : []));
    return csvLine([row.id, new Date(row.atMs).toISOString(), ...(values as CsvValue[])]);
  },
};

/** The id and the time have names of their own. */
function isOfRow(column: string): boolean {
  return column !== "id" && column !== "at_ms";
}

function writeRows(rows: Iterable<LedgerRow>, form: Form, io: CliIo, file: string | null): void {
  const writer = new PieceWriter(io, file);
  // Rows on the same terminal show how far the work has come.
  const progress = file === null && io.isTty ? undefined : io.progress;
  let count = 0;
  try {
    writer.write(form.head);
    for (const row of rows) {
      writer.write(form.line(row));
      if (++count % PROGRESS_ROWS === 0)
        progress?.(`${count} rows, ${new Date(row.atMs).toISOString().slice(0, 16)}`);
    }
    writer.end();
  } catch (error) {
    writer.abandon();
    throw error;
  } finally {
    progress?.("");
  }
  if (file !== null) io.out(`${file}: ${count} rows\n`);
}

function parseStatus(text: string): StatusFilter {
  if (text === "ok" || text === "error") return { outcome: text };
  if (/^[1-5]\d\d$/.test(text)) return { code: Number(text) };
  if (/^[1-5]xx$/i.test(text)) return { class: Number(text[0]) };
  throw new UsageError(
    `--status ${text} is not a status; give ok, error, a code such as 429, or a class such as 4xx`,
  );
}

function parseLimit(text: string): number {
  if (!/^\d{1,9}$/.test(text) || Number(text) === 0)
    throw new UsageError(`--limit ${text} is not a limit; give a whole number from 1`);
  return Number(text);
}

/** The value of a JSON text, so that the output does not contain JSON within a string. */
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
  json.tags = nested(row.tags);
  return json;
}

const SHORT_OUTCOME: Readonly<Record<LedgerRow["outcome"], string>> = {
  ok: "",
  error: " err",
  client_left: " left",
  upstream_cut: " cut",
  refused: " ref",
};

function countOf({ usageState }: LedgerRow, count: number | null): string {
  return usageState === "estimated" && count !== null ? `~${formatCount(count)}` : formatCount(count);
}

function toCells(row: LedgerRow): string[] {
  const time = new Date(row.atMs).toISOString().slice(5, 19).replace("T", " ");
  if (isBooking(row.endpoint)) return [time, row.id, row.key, row.endpoint, "-", "-", "-", "-"];
  return [
    time,
    row.id,
    row.key,
    row.modelUsed ?? row.modelAsked ?? "-",
    // A stream that broke off has the status 200 all the same: then the outcome is shown too.
    row.outcome === "error" && row.status >= 400
      ? String(row.status)
      : `${row.status}${SHORT_OUTCOME[row.outcome]}`,
    countOf(row, row.usage.inputTokens),
    countOf(row, row.usage.outputTokens),
    formatMs(row.durationMs),
  ];
}
