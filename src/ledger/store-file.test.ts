import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqlite } from "../store/sqlite.ts";
import { openStore, openStoreReader, setStoreAside, storeFile } from "./store-file.ts";

function inTempDir(work: (dir: string) => void): void {
  const dir = mkdtempSync(join(tmpdir(), "clewline-migrations-"));
  try {
    work(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

test("a reader does not change an older database, and says what to do", () => {
  inTempDir((dir) => {
    openSqlite(storeFile(dir), { mode: "write", busyTimeoutMs: 0 }).close();
    expect(() => openStoreReader(dir)).toThrow(/start the gateway once/);
    openStore(dir).close();
    openStoreReader(dir).close();
  });
});

test("a damaged database is moved aside whole, and a new one can begin", () => {
  inTempDir((dir) => {
    writeFileSync(storeFile(dir), "damaged".repeat(1000));
    writeFileSync(`${storeFile(dir)}-wal`, "its log");
    const aside = setStoreAside(dir, Date.UTC(2026, 10, 23, 8, 30, 1, 5));
    expect(aside).toBe(`${storeFile(dir)}.corrupt-2026-11-23T08-30-01-005Z`);
    expect(readFileSync(aside, "utf8")).toBe("damaged".repeat(1000));
    expect(readdirSync(dir).sort()).toEqual([
      "ledger.db.corrupt-2026-11-23T08-30-01-005Z",
      "ledger.db.corrupt-2026-11-23T08-30-01-005Z-wal",
    ]);
    openStore(dir).close();
  });
});
