import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../core/clock.ts";
import { makeIds } from "../../core/ids.ts";
import type { Sql } from "../../store/sql.ts";
import { SAMPLE_USAGE, sampleRow } from "../fixtures/row.ts";
import { RequestIds } from "../request-ids.ts";
import type { LedgerRow } from "../row.ts";
import { openStore } from "../store-file.ts";
import { makeLedgerWriter } from "../writer.ts";
import { readStrips } from "./strips.ts";

const HOUR_MS = 3_600_000;
const START = Date.UTC(2026, 10, 28, 13);
const DAY = { sinceMs: START, hours: 24 };

let dir: string;
let sql: Sql;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "clewline-strips-"));
  sql = openStore(dir);
});
afterEach(() => {
  sql.close();
  rmSync(dir, { recursive: true, force: true });
});

function write(...changes: readonly Partial<LedgerRow>[]): void {
  const ids = new RequestIds(makeIds());
  const rows = changes
    .map((change) => ({ atMs: START, ...change }))
    .toSorted((a, b) => a.atMs - b.atMs)
    .map((change) => sampleRow({ id: ids.ulid(change.atMs), ...change }));
  makeLedgerWriter(sql, ids, systemClock).write(rows, 0, rows.length, []);
}

const stripOf = (credential: string) =>
  readStrips(sql, DAY).find((strip) => strip.upstream === "openai" && strip.credential === credential);
const hours = (counts: Record<number, number>): number[] =>
  Array.from({ length: 24 }, (_, hour) => counts[hour] ?? 0);

test("each request counts in its hour, from the first moment of the day to the last, and no other one", () => {
  write(
    { atMs: START - 1 },
    { atMs: START },
    { atMs: START + HOUR_MS - 1 },
    { atMs: START + HOUR_MS },
    { atMs: START + 24 * HOUR_MS - 1, status: 502, outcome: "error", errorKind: "upstream_overloaded" },
    { atMs: START + 24 * HOUR_MS },
  );
  expect(stripOf("main")).toMatchObject({ ok: hours({ 0: 2, 1: 1 }), failed: hours({ 23: 1 }) });
});

test("credentials of one name at two upstreams are two, and requests without a credential are none's", () => {
  write({}, { upstream: "other" }, { upstream: null, credential: null, outcome: "refused", status: 429 });
  const ids = readStrips(sql, DAY).map(({ upstream, credential }) => `${upstream}/${credential}`);
  expect(ids.toSorted()).toEqual(["openai/main", "other/main"]);
});

test("tokens and money are summed exactly, beyond what a number holds", () => {
  const usage = { ...SAMPLE_USAGE, inputTokens: 100, cacheReadTokens: 40 };
  const costNanoUsd = 2 ** 53 - 1;
  write(...[0, 5, 9].map((hour) => ({ atMs: START + hour * HOUR_MS, usage, costNanoUsd })));
  expect(stripOf("main")).toMatchObject({
    inputTokens: 300,
    cacheReadTokens: 120,
    costNanoUsd: String(3n * (2n ** 53n - 1n)),
  });
});

test("what nobody has told is unknown, and not 0", () => {
  const usage = { ...SAMPLE_USAGE, inputTokens: null, cacheReadTokens: null };
  write({ usage, costNanoUsd: null });
  expect(stripOf("main")).toMatchObject({ inputTokens: null, cacheReadTokens: null, costNanoUsd: null });
  expect(readStrips(sql, { sinceMs: 0, hours: 24 })).toEqual([]);
});
