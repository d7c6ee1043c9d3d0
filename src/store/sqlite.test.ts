import { afterEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Sql, StoreError } from "./sql.ts";
import { openSqlite } from "./sqlite.ts";

const dirs: string[] = [];
const open: Sql[] = [];

function tempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), "clewline-sqlite-"));
  dirs.push(dir);
  return dir;
}

function openAt(path: string, mode: "write" | "read" = "write"): Sql {
  const sql = openSqlite(path, { mode, busyTimeoutMs: 0 });
  open.push(sql);
  return sql;
}

function faultOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof StoreError) return error.fault;
    throw error;
  }
  return "none";
}

afterEach(() => {
  for (const sql of open.splice(0)) sql.close();
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});

test("a new database and its folder are for their owner alone", () => {
  const dir = join(tempDir(), "a", "b");
  const sql = openAt(join(dir, "x.db"));
  sql.exec("CREATE TABLE t (a)");
  expect(statSync(dir).mode & 0o777).toBe(0o700);
  for (const suffix of ["", "-wal", "-shm"]) {
    expect(statSync(join(dir, `x.db${suffix}`)).mode & 0o777).toBe(0o600);
  }
});

test("values come back as they were", () => {
  const sql = openAt(join(tempDir(), "x.db"));
  sql.exec("CREATE TABLE t (a, b, c, d)");
  const params = ["a\u0000b é 😀", 2 ** 53 - 1, 1.5, null];
  expect(sql.prepare("INSERT INTO t VALUES (?, ?, ?, ?)").run(...params)).toBe(1);
  expect(sql.prepare("SELECT * FROM t").get()).toEqual({
    a: params[0],
    b: params[1],
    c: params[2],
    d: params[3],
  } as never);
});

test("a transaction that throws leaves nothing behind and the connection usable", () => {
  const sql = openAt(join(tempDir(), "x.db"));
  sql.exec("CREATE TABLE t (a)");
  const insert = sql.prepare("INSERT INTO t VALUES (?)");
  expect(
    faultOf(() =>
      sql.transaction(() => {
        insert.run(1);
        insert.run(Symbol("no value of SQL") as never);
      }),
    ),
  ).toBe("rejected");
  sql.transaction(() => insert.run(2));
  expect(sql.prepare("SELECT a FROM t").all()).toEqual([{ a: 2 }]);
});

test("a lock held by somebody else is told at once", () => {
  const path = join(tempDir(), "x.db");
  const sql = openAt(path);
  sql.exec("CREATE TABLE t (a)");
  const other = openAt(path);
  other.exec("BEGIN IMMEDIATE");
  expect(faultOf(() => sql.transaction(() => 1))).toBe("locked");
  other.exec("COMMIT");
  expect(faultOf(() => sql.transaction(() => 1))).toBe("none");
});

test("no room is told apart, and gone when there is room again", () => {
  const sql = openAt(join(tempDir(), "x.db"));
  sql.exec("CREATE TABLE t (a)");
  sql.exec("PRAGMA max_page_count = 4");
  const insert = sql.prepare("INSERT INTO t VALUES (?)");
  const fill = (): unknown => sql.transaction(() => insert.run("x".repeat(20_000)));
  expect(faultOf(fill)).toBe("full");
  sql.exec("PRAGMA max_page_count = 1000");
  expect(faultOf(fill)).toBe("none");
  expect(sql.prepare("SELECT count(*) AS n FROM t").get()).toEqual({ n: 1 });
});

test("a file that is no database is damaged, a folder that cannot be is unavailable", () => {
  const dir = tempDir();
  const path = join(dir, "x.db");
  writeFileSync(path, "not a database, and long enough to be looked at as one".repeat(100));
  expect(faultOf(() => openAt(path))).toBe("corrupt");
  expect(faultOf(() => openAt(join(path, "y.db")))).toBe("unavailable");
  expect(faultOf(() => openAt(join(dir, "missing.db"), "read"))).toBe("unavailable");
});

test("a file that ends in the middle of a long value is damaged", () => {
  const path = join(tempDir(), "x.db");
  const sql = openAt(path);
  sql.exec("CREATE TABLE t (a)");
  sql.prepare("INSERT INTO t VALUES (?)").run("x".repeat(20_000));
  sql.close();
  truncateSync(path, statSync(path).size - 1_000);
  expect(faultOf(() => openAt(path).prepare("SELECT a FROM t").get())).toBe("corrupt");
});

test("a deleted or replaced file is noticed", () => {
  const path = join(tempDir(), "x.db");
  const sql = openAt(path);
  expect(sql.isCurrent()).toBe(true);
  renameSync(path, `${path}.old`);
  expect(sql.isCurrent()).toBe(false);
  openAt(path);
  expect(sql.isCurrent()).toBe(false);
});

test("a reader sees commits while a writer works and never writes itself", () => {
  const path = join(tempDir(), "x.db");
  const writer = openAt(path);
  writer.exec("CREATE TABLE t (a)");
  const reader = openAt(path, "read");
  const insert = writer.prepare("INSERT INTO t VALUES (?)");
  writer.transaction(() => {
    insert.run(1);
    expect(reader.prepare("SELECT a FROM t").all()).toEqual([]);
  });
  expect(reader.prepare("SELECT a FROM t").all()).toEqual([{ a: 1 }]);
  expect(faultOf(() => reader.exec("DELETE FROM t"))).toBe("unavailable");
});

test("a reader works when no writer runs, whether it closed or was killed", async () => {
  const path = join(tempDir(), "x.db");
  const killed = Bun.spawn(
    [
      process.execPath,
      "-e",
      `import { openSqlite } from ${JSON.stringify(join(import.meta.dir, "sqlite.ts"))};
       const sql = openSqlite(${JSON.stringify(path)}, { mode: "write", busyTimeoutMs: 0 });
       sql.exec("CREATE TABLE t (a)");
       sql.transaction(() => sql.prepare("INSERT INTO t VALUES (1)").run());
       process.kill(process.pid, "SIGKILL");`,
    ],
    { stderr: "inherit" },
  );
  await killed.exited;
  expect(existsSync(`${path}-wal`)).toBe(true);
  const read = (): unknown => {
    const reader = openSqlite(path, { mode: "read", busyTimeoutMs: 0 });
    try {
      return reader.prepare("SELECT a FROM t").all();
    } finally {
      reader.close();
    }
  };
  expect(read()).toEqual([{ a: 1 }]);
  openSqlite(path, { mode: "write", busyTimeoutMs: 0 }).close();
  expect(existsSync(`${path}-wal`)).toBe(false);
  expect(read()).toEqual([{ a: 1 }]);
});

test("closing lets go of the file", () => {
  const path = join(tempDir(), "x.db");
  const sql = openSqlite(path, { mode: "write", busyTimeoutMs: 0 });
  sql.exec("CREATE TABLE t (a)");
  sql.prepare("SELECT a FROM t").all();
  sql.close();
  // The last connection that closes takes the write-ahead log with it.
  expect(existsSync(`${path}-wal`)).toBe(false);
});
