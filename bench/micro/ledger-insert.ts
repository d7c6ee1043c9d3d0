/**
 * Compares ways to store the ledger's rows: CPU per row at 16 rows a commit, and bytes per row.
 *
 *     node_modules/.bin/bun bench/micro/ledger-insert.ts
 *
 * The values of the rows are made beforehand, except for the chosen way, whose figure has that work in it.
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeIds } from "../../src/core/ids.ts";
import { COLUMNS } from "../../src/ledger/columns.ts";
import { sampleRow } from "../../src/ledger/fixtures/row.ts";
import { RequestIds } from "../../src/ledger/request-ids.ts";
import type { LedgerRow } from "../../src/ledger/row.ts";
import { openStore } from "../../src/ledger/store-file.ts";
import { makeEntryWriter } from "../../src/ledger/writer.ts";
import type { Sql, SqlValue } from "../../src/store/sql.ts";

const ROWS = 16_000;
const ROWS_A_COMMIT = 16;
const ROUNDS = 9;

const ids = new RequestIds(makeIds());

/** Rows whose texts are not shared, as those of requests are not. */
function makeRows(): LedgerRow[] {
  const fresh = (text: string): string => Buffer.from(text).toString("latin1");
  return Array.from({ length: ROWS }, (_, i) => {
    const atMs = Date.now() + Math.floor(i / 30);
    const row = sampleRow({
      id: ids.ulid(atMs),
      atMs,
      ttfbMs: 1 + Math.random(),
      durationMs: 2 + Math.random(),
    });
    for (const name of ["modelAsked", "modelUsed", "modelReported", "stopReason", "userAgent"] as const) {
      row[name] = fresh(row[name] ?? "");
    }
    return row;
  });
}

const NAMES = Object.keys(COLUMNS) as readonly (keyof typeof COLUMNS)[];
const TEXTS = new Set<keyof typeof COLUMNS>([
  "key",
  "dialect",
  "endpoint",
  "modelAsked",
  "upstream",
  "upstreamDialect",
  "modelUsed",
  "modelReported",
  "credential",
  "outcome",
  "errorKind",
  "stopReason",
  "usageState",
  "serviceTier",
]);

function valuesOf(row: LedgerRow): SqlValue[] {
  const all = { ...row, ...row.usage, isStream: row.isStream ? 1 : 0 };
  return NAMES.map((name) => all[name]);
}

/** Writes the commit that begins with the row `from`. */
type Write = (from: number) => void;

interface Variant {
  readonly name: string;
  readonly prepare: (sql: Sql, rows: readonly LedgerRow[]) => Write;
}

/** A table with a column for each field. */
function wide(head: string, tail: string, values: (row: LedgerRow, index: number) => SqlValue[]) {
  return (sql: Sql, rows: readonly LedgerRow[]): Write => {
    const columns = NAMES.map((name) => COLUMNS[name]).filter((column) => column !== "id");
    sql.exec(`CREATE TABLE wide (${head}, ${columns.join(", ")}) ${tail}`);
    const params = rows.map(values);
    const marks = params[0]?.map(() => "?").join(", ");
    const insert = sql.prepare(`INSERT INTO wide VALUES (${marks}) ON CONFLICT DO NOTHING`);
    return (from) => {
      for (let i = from; i < from + ROWS_A_COMMIT; i++) insert.run(...(params[i] as SqlValue[]));
    };
  };
}

const numbers = new Map<SqlValue, number>();
function numberOf(text: SqlValue): number | null {
  if (text === null) return null;
  const number = numbers.get(text) ?? numbers.size;
  numbers.set(text, number);
  return number;
}

const VARIANTS: readonly Variant[] = [
  {
    name: "facts, and a whole number as key (chosen)",
    prepare(sql, rows) {
      const writer = makeEntryWriter(sql, ids);
      return (from) => {
        for (let i = from; i < from + ROWS_A_COMMIT; i++) writer.put(rows[i] as LedgerRow, null);
      };
    },
  },
  {
    name: "a number for each text, and a whole number as key",
    prepare: wide("seq INTEGER PRIMARY KEY", "", (row, index) => {
      const values = valuesOf(row).map((value, i) =>
        TEXTS.has(NAMES[i] as keyof typeof COLUMNS) ? numberOf(value) : value,
      );
      return [index, ...values.slice(1)];
    }),
  },
  {
    name: "texts, and a whole number as key",
    prepare: wide("seq INTEGER PRIMARY KEY", "", (row, index) => [index, ...valuesOf(row).slice(1)]),
  },
  {
    name: "texts, clustered by the id (the first versions)",
    prepare: wide("id TEXT PRIMARY KEY", "WITHOUT ROWID", valuesOf),
  },
];

function measure(variant: Variant): { cpuUs: number; bytes: number; longestMs: number } {
  const dir = mkdtempSync(join(tmpdir(), "clewline-bench-"));
  const sql = openStore(dir);
  // The ids become those of this database first, as they are in a gateway.
  makeEntryWriter(sql, ids);
  const write = variant.prepare(sql, makeRows());
  let longestMs = 0;
  const before = process.cpuUsage();
  for (let from = 0; from < ROWS; from += ROWS_A_COMMIT) {
    const startMs = performance.now();
    sql.transaction(() => write(from));
    longestMs = Math.max(longestMs, performance.now() - startMs);
  }
  const { user, system } = process.cpuUsage(before);
  sql.close();
  const bytes = statSync(join(dir, "ledger.db")).size / ROWS;
  rmSync(dir, { recursive: true });
  return { cpuUs: (user + system) / ROWS, bytes, longestMs };
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

// The variants take turns, so that other work on the machine costs each of them the same. The first round warms up.
const figures = VARIANTS.map(() => [] as ReturnType<typeof measure>[]);
for (let round = 0; round <= ROUNDS; round++) {
  for (const [i, variant] of VARIANTS.entries()) {
    const figure = measure(variant);
    if (round > 0) figures[i]?.push(figure);
  }
}
console.log("CPU µs/row (median)   bytes/row   longest commit ms (median)");
for (const [i, { name }] of VARIANTS.entries()) {
  const of = (pick: (figure: ReturnType<typeof measure>) => number): number =>
    median((figures[i] ?? []).map(pick));
  console.log(
    [
      of(({ cpuUs }) => cpuUs)
        .toFixed(2)
        .padStart(19),
      of(({ bytes }) => bytes)
        .toFixed(0)
        .padStart(11),
      of(({ longestMs }) => longestMs)
        .toFixed(1)
        .padStart(28),
      `  ${name}`,
    ].join(" "),
  );
}
