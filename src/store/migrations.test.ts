import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { appliedCount, type Migration, migrate } from "./migrations.ts";
import type { Sql } from "./sql.ts";
import { openSqlite } from "./sqlite.ts";

const STEPS: readonly Migration[] = [
  { name: "one", sql: "CREATE TABLE one (a)" },
  { name: "two", sql: "CREATE TABLE two (a); CREATE INDEX two_a ON two (a)" },
];

function inTempDir(work: (dir: string) => void): void {
  const dir = mkdtempSync(join(tmpdir(), "clewline-migrations-"));
  try {
    work(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function withDatabase(work: (sql: Sql, path: string) => void): void {
  inTempDir((dir) => {
    const path = join(dir, "x.db");
    const sql = openSqlite(path, { mode: "write", busyTimeoutMs: 0 });
    try {
      work(sql, path);
    } finally {
      sql.close();
    }
  });
}

const tables = (sql: Sql): unknown[] =>
  sql
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    .all()
    .map((row) => row.name);

test("each step runs once, and a later program adds only what is new", () => {
  withDatabase((sql) => {
    migrate(sql, STEPS.slice(0, 1));
    sql.exec("INSERT INTO one VALUES (1)");
    migrate(sql, STEPS);
    migrate(sql, STEPS);
    expect(tables(sql)).toEqual(["migrations", "one", "two"]);
    expect(sql.prepare("SELECT a FROM one").all()).toEqual([{ a: 1 }]);
    expect(appliedCount(sql, STEPS)).toBe(2);
  });
});

test("a step that fails leaves nothing of itself", () => {
  withDatabase((sql) => {
    const broken = [...STEPS, { name: "three", sql: "CREATE TABLE three (a); CREATE TABLE one (a)" }];
    expect(() => migrate(sql, broken)).toThrow(/one already exists/);
    expect(tables(sql)).toEqual([]);
    migrate(sql, STEPS);
    expect(() => migrate(sql, broken)).toThrow(/one already exists/);
    expect(tables(sql)).toEqual(["migrations", "one", "two"]);
    expect(appliedCount(sql, STEPS)).toBe(2);
  });
});

test("a database of a newer program, or of other steps, is refused with the reason", () => {
  withDatabase((sql) => {
    migrate(sql, STEPS);
    expect(() => migrate(sql, STEPS.slice(0, 1))).toThrow(/newer version/);
    const edited = [{ name: "one", sql: "CREATE TABLE one (a, b)" }, ...STEPS.slice(1)];
    expect(() => migrate(sql, edited)).toThrow(/schema step 0 \(one\)/);
  });
});

test("two programs that start at once do not step on each other", () => {
  withDatabase((sql, path) => {
    const other = openSqlite(path, { mode: "write", busyTimeoutMs: 0 });
    migrate(sql, STEPS.slice(0, 1));
    migrate(other, STEPS);
    migrate(sql, STEPS);
    expect(appliedCount(sql, STEPS)).toBe(2);
    other.close();
  });
});
