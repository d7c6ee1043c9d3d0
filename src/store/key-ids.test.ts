// Which key is the same key after a rotation, a new name, or its end.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "../ledger/store-file.ts";
import { assignKeyIds } from "./key-ids.ts";
import type { Sql } from "./sql.ts";

let folder: string;
let sql: Sql;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "clewline-key-ids-"));
  sql = openStore(folder);
});
afterEach(() => {
  sql.close();
  rmSync(folder, { recursive: true });
});

/** Keys as "name hash". */
const idsOf = (...keys: readonly string[]): number[] => {
  const named = keys.map((key) => {
    const [name = "", keySha256 = ""] = key.split(" ");
    return { name, keySha256 };
  });
  const ids = assignKeyIds(sql, named);
  return named.map(({ keySha256 }) => ids.get(keySha256) as number);
};

test("each key has a number of its own, and keeps it", () => {
  expect(idsOf("ada a", "bob b")).toEqual([1, 2]);
  expect(idsOf("bob b", "ada a", "eve e")).toEqual([2, 1, 3]);
});

test("a rotated key is the same key, also while the one before may still be used", () => {
  expect(idsOf("ada a", "bob b")).toEqual([1, 2]);
  expect(idsOf("ada a2", "ada a", "bob b")).toEqual([1, 1, 2]);
  expect(idsOf("ada a2", "bob b")).toEqual([1, 2]);
  expect(idsOf("ada a3", "bob b")).toEqual([1, 2]);
});

test("a key with another name is the same key, and a new key of the old name is not", () => {
  expect(idsOf("ada a")).toEqual([1]);
  expect(idsOf("lady-ada a", "ada new")).toEqual([1, 2]);
  expect(idsOf("ada a", "lady-ada new")).toEqual([1, 2]);
});

test("a key that was gone does not leave its number to another key of its name", () => {
  expect(idsOf("ada a", "bob b")).toEqual([1, 2]);
  expect(idsOf("bob b")).toEqual([2]);
  expect(idsOf("ada other", "bob b")).toEqual([3, 2]);
  // The key itself comes back.
  expect(idsOf("ada other", "ada-of-old a", "bob b")).toEqual([3, 1, 2]);
});
