import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { migrate } from "../store/migrations.ts";
import { openSqlite } from "../store/sqlite.ts";
import { COLUMNS } from "./columns.ts";
import { MIGRATIONS } from "./schema.ts";

test("the table of requests has a column for each field of a row and each kind of usage, and no other", () => {
  const folder = mkdtempSync(join(tmpdir(), "clewline-schema-"));
  const sql = openSqlite(join(folder, "ledger.db"), { mode: "write", busyTimeoutMs: 0 });
  migrate(sql, MIGRATIONS);
  const columns = sql.prepare("SELECT name FROM pragma_table_info('requests')").all();
  expect(columns.map(({ name }) => String(name)).sort()).toEqual(Object.values(COLUMNS).sort());
  sql.close();
  rmSync(folder, { recursive: true });
});

/** Databases hold these checksums: a changed one would keep the gateway from opening them. */
test("steps that databases have already are never edited", () => {
  const sums = MIGRATIONS.map(({ name, sql }) => [name, createHash("sha256").update(sql).digest("hex")]);
  expect(sums.slice(0, 3)).toEqual([
    ["requests", "2f22d30229209ece49f8499f38dfcaf406f42afffa2c894bcfe2e1da5aacb4eb"],
    ["credential states", "2d75d91889c6355190f0fd48da349898a083e43a81b1befa63fb1a33b8775b1c"],
    ["state ids", "d1e73ab7251668107fc035fa2255c297e7d48eba663f73115cc1626ed3165752"],
  ]);
});
