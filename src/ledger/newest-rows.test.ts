// Pages of rows, the newest first, are all rows once, whatever is written or moved between two pages.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeOlderLedger } from "../../test/kit/older-ledger.ts";
import { systemClock } from "../core/clock.ts";
import { makeIds } from "../core/ids.ts";
import type { Sql } from "../store/sql.ts";
import { sampleRow } from "./fixtures/row.ts";
import { readNewest } from "./newest-rows.ts";
import { OlderRowsMove } from "./older-rows.ts";
import { readRows } from "./queries.ts";
import { RequestIds } from "./request-ids.ts";
import type { RowFilter } from "./row-filter.ts";
import { openStore } from "./store-file.ts";
import { makeEntryWriter, makeLedgerWriter } from "./writer.ts";

const START_MS = Date.UTC(2026, 10, 1);

let dir = "";
let sql: Sql;
let ids: RequestIds;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "clewline-newest-"));
});
afterEach(() => {
  sql.close();
  rmSync(dir, { recursive: true, force: true });
});

function open(): void {
  sql = openStore(dir);
  ids = new RequestIds(makeIds());
}

function write(count: number, atMs: (i: number) => number): void {
  const rows = Array.from({ length: count }, (_, i) =>
    sampleRow({
      id: ids.ulid(atMs(i)),
      atMs: atMs(i),
      key: `key-${i % 3}`,
      credential: `c-${i % 2}`,
      status: i % 5 === 0 ? 429 : 200,
      outcome: i % 5 === 0 ? "error" : "ok",
    }),
  );
  makeLedgerWriter(sql, ids, systemClock).write(rows, 0, rows.length, []);
}

function allPages(filter: RowFilter, limit: number, between: () => void = () => undefined): string[] {
  const found: string[] = [];
  for (let cursor: string | null = null, isFirst = true; isFirst || cursor !== null; isFirst = false) {
    const page = readNewest(sql, filter, limit, cursor);
    expect(page.rows.length).toBeLessThanOrEqual(limit);
    found.push(...page.rows.map(({ id }) => id));
    cursor = page.next;
    between();
  }
  return found;
}

const newestFirst = (filter: RowFilter = {}): string[] =>
  [...readRows(sql, filter)].map(({ id }) => id).toReversed();

test("pages are all matching rows, the newest first", () => {
  open();
  write(100, (i) => START_MS + i * 60_000);
  const filters: RowFilter[] = [
    {},
    { key: "key-1" },
    { upstream: "openai", credential: "c-1" },
    { upstream: "other" },
    { status: { code: 429 } },
    { status: { outcome: "ok" }, sinceMs: START_MS + 600_000, untilMs: START_MS + 3_000_000 },
  ];
  for (const filter of filters)
    for (const limit of [1, 7, 100, 500]) expect(allPages(filter, limit)).toEqual(newestFirst(filter));
});

test("rows that are written meanwhile do not shift the pages", () => {
  open();
  write(20, (i) => START_MS + i);
  const before = newestFirst();
  expect(allPages({}, 3, () => write(2, (i) => START_MS + 3_600_000 + i))).toEqual(before);
});

test("rows of the older table are there once while they are moved", () => {
  makeOlderLedger(dir, 600);
  open();
  write(30, (i) => Date.now() + i);
  const before = newestFirst();
  const move = new OlderRowsMove(sql, makeEntryWriter(sql, ids));
  let phase = "";
  const found = allPages({}, 50, () => {
    if (phase !== "done") ({ phase } = move.step(100));
  });
  expect(found).toEqual(before);
  expect(allPages({}, 50)).toEqual(before);
});

test("a cursor that is none begins anew", () => {
  open();
  write(3, (i) => START_MS + i);
  for (const cursor of ["", "e.", "x.1", "o.", "e.9'; DROP TABLE entries"])
    expect(readNewest(sql, {}, 10, cursor).rows).toHaveLength(3);
});

test("a text finds the id, and parts of names in any case of letters", () => {
  open();
  write(60, (i) => START_MS + i * 1_000);
  const all = [...readRows(sql)].toReversed();
  const idsOf = (isFound: (row: (typeof all)[number]) => boolean) => all.filter(isFound).map(({ id }) => id);
  const searched = (text: string): string[] => allPages({ text }, 7);
  expect(searched("KEY-1")).toEqual(idsOf(({ key }) => key === "key-1"));
  expect(searched("c-0")).toEqual(idsOf(({ credential }) => credential === "c-0"));
  expect(searched("GPT-5")).toHaveLength(60);
  const [one] = all;
  expect(searched(one?.id ?? "")).toEqual([one?.id as string]);
  expect(searched((one?.id ?? "").toLowerCase())).toEqual([one?.id as string]);
  for (const text of ["nobody", "%", "_", "'", "key-1 ", "*"]) expect(searched(text)).toEqual([]);
});

test("a page of a search looks at so many rows, and the next one goes on behind them until all were looked at", () => {
  open();
  write(100, (i) => START_MS + i * 1_000);
  const all = [...readRows(sql)].toReversed();
  const pagesOf = (filter: RowFilter) => {
    const pages = [readNewest(sql, filter, 50, null, 10)];
    for (let next = pages[0]?.next ?? null; next !== null; next = pages.at(-1)?.next ?? null)
      pages.push(readNewest(sql, filter, 50, next, 10));
    return pages;
  };
  const found = pagesOf({ text: "key-2" });
  expect(found.length).toBeWithin(10, 12);
  expect(found.flatMap(({ rows }) => rows.map(({ id }) => id))).toEqual(
    all.filter(({ key }) => key === "key-2").map(({ id }) => id),
  );
  const none = pagesOf({ text: "nobody" });
  expect(none.length).toBeWithin(10, 12);
  expect(none.flatMap(({ rows }) => rows)).toEqual([]);
  // A time that ends the search ends its pages too.
  expect(pagesOf({ text: "nobody", sinceMs: START_MS + 80_000 }).length).toBeWithin(1, 4);
});
