/**
 * Compares ways to write the ledger's rows: CPU per row at 16 rows a commit.
 *
 *     node_modules/.bin/bun bench/micro/ledger-insert.ts
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeIds } from "../../src/core/ids.ts";
import { COLUMN_LIST, INSERT_ROW, rowParams } from "../../src/ledger/columns.ts";
import { sampleRow } from "../../src/ledger/fixtures/row.ts";
import type { LedgerRow } from "../../src/ledger/row.ts";
import { MIGRATIONS } from "../../src/ledger/schema.ts";
import type { Sql } from "../../src/store/sql.ts";
import { openSqlite } from "../../src/store/sqlite.ts";

const ROWS = 48_000;
const ROWS_A_COMMIT = 16;
const ROUNDS = 5;

const schema = MIGRATIONS[0]?.sql ?? "";
const ids = makeIds();
const rows = Array.from({ length: ROWS }, (_, i) => {
  const atMs = Date.now() + Math.floor(i / 30);
  return sampleRow({ id: ids.ulid(atMs), atMs });
});

interface Variant {
  readonly name: string;
  readonly schema: string;
  readonly pragma?: string;
  /** Prepares the statements and returns a function that writes one group within a transaction. */
  readonly prepare: (sql: Sql) => (group: readonly LedgerRow[]) => void;
}

function singly(sql: Sql): (group: readonly LedgerRow[]) => void {
  const insert = sql.prepare(INSERT_ROW);
  return (group) => {
    for (const row of group) insert.run(...rowParams(row));
  };
}

function together(sql: Sql): (group: readonly LedgerRow[]) => void {
  const values = /\(\?.*\?\)/.exec(INSERT_ROW)?.[0] ?? "";
  const text = INSERT_ROW.replace(values, Array(ROWS_A_COMMIT).fill(values).join(", "));
  const insert = sql.prepare(text);
  return (group) => void insert.run(...group.flatMap(rowParams));
}

function asJson(sql: Sql): (group: readonly LedgerRow[]) => void {
  const fields = COLUMN_LIST.split(",").map((_, i) => `value ->> ${i}`);
  const insert = sql.prepare(
    `INSERT INTO requests (${COLUMN_LIST}) SELECT ${fields.join(", ")} FROM json_each(?) WHERE 1 ON CONFLICT (id) DO NOTHING`,
  );
  return (group) => void insert.run(JSON.stringify(group.map(rowParams)));
}

const VARIANTS: readonly Variant[] = [
  { name: "a statement a row, clustered by id (chosen)", schema, prepare: singly },
  {
    name: "a statement a row, own row numbers and an index on id",
    schema: schema.replace(" WITHOUT ROWID", ""),
    prepare: singly,
  },
  { name: "16 rows a statement", schema, prepare: together },
  { name: "16 rows as one JSON text", schema, prepare: asJson },
  {
    name: "chosen, checkpoint each 8000 pages",
    schema,
    pragma: "PRAGMA wal_autocheckpoint = 8000",
    prepare: singly,
  },
  { name: "chosen, synchronous = OFF (unsafe)", schema, pragma: "PRAGMA synchronous = OFF", prepare: singly },
  {
    name: "chosen, locking_mode = EXCLUSIVE (no reports)",
    schema,
    pragma: "PRAGMA locking_mode = EXCLUSIVE",
    prepare: singly,
  },
];

function measure(variant: Variant): { cpuUs: number; longestMs: number } {
  const dir = mkdtempSync(join(tmpdir(), "clewline-bench-"));
  const sql = openSqlite(join(dir, "x.db"), { mode: "write", busyTimeoutMs: 0 });
  sql.exec(variant.schema);
  if (variant.pragma !== undefined) sql.exec(variant.pragma);
  const write = variant.prepare(sql);
  let longestMs = 0;
  const before = process.cpuUsage();
  for (let i = 0; i < ROWS; i += ROWS_A_COMMIT) {
    const startMs = performance.now();
    sql.transaction(() => write(rows.slice(i, i + ROWS_A_COMMIT)));
    longestMs = Math.max(longestMs, performance.now() - startMs);
  }
  const { user, system } = process.cpuUsage(before);
  sql.close();
  rmSync(dir, { recursive: true });
  return { cpuUs: (user + system) / ROWS, longestMs };
}

const best = new Map<string, { cpuUs: number; longestMs: number }>();
for (let round = 0; round < ROUNDS; round++) {
  for (const variant of VARIANTS) {
    const figure = measure(variant);
    const known = best.get(variant.name);
    if (known === undefined || figure.cpuUs < known.cpuUs) best.set(variant.name, figure);
  }
}
console.log("CPU µs/row (best of 5)   longest commit ms");
for (const [name, { cpuUs, longestMs }] of best) {
  console.log(`${cpuUs.toFixed(2).padStart(22)}   ${longestMs.toFixed(1).padStart(17)}   ${name}`);
}
