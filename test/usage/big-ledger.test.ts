/** The reports from the sums agree with the rows of a big ledger, to the last nano-dollar, for each grouping. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Dimension } from "../../src/ledger/roll-up/views.ts";
import { openStoreReader } from "../../src/ledger/store-file.ts";
import { readUsage } from "../../src/ledger/usage/read-usage.ts";
import { ALL_USAGE, type UsageQuery } from "../../src/ledger/usage/usage-query.ts";
import type { Sql } from "../../src/store/sql.ts";
import { BIG_END_MS, makeBigLedger, rollUpBigLedger } from "../kit/big-ledger.ts";
import { IS_FULL } from "../kit/gateway.ts";

const ROWS = IS_FULL ? 10_000_000 : 100_000;
const LIMIT_MS = 60 * 60_000;
const HOUR_MS = 3_600_000;

let dir = "";
let sql: Sql;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "clewline-big-ledger-"));
  const data = process.env.CLEWLINE_TEST_LEDGER ?? dir;
  if (data === dir) {
    makeBigLedger(dir, { rows: ROWS, seed: 1 });
    rollUpBigLedger(dir);
  }
  sql = openStoreReader(data);
}, LIMIT_MS);
afterAll(() => {
  sql.close();
  rmSync(dir, { recursive: true, force: true });
});

/** How SQL says a value, without our own code: from the view that readers of the ledger see. */
const VALUE_SQL: Readonly<Record<Exclude<Dimension, "tag">, string>> = {
  key: "r.key",
  team: "coalesce(r.team, '')",
  model: "coalesce(r.model_used, r.model_asked)",
  upstream: "coalesce(r.upstream, '')",
  credential: "coalesce(r.credential, '')",
  dialect: "r.dialect",
  endpoint: "r.endpoint",
  user: "coalesce(r.end_user, '')",
};
const PERIOD_SQL: Readonly<Record<NonNullable<UsageQuery["period"]>, string>> = {
  hour: "'%Y-%m-%dT%H:00'",
  day: "'%Y-%m-%d'",
  month: "'%Y-%m'",
  week: "'%Y-%m-%d'",
};
/** Berlin's clocks go back on the 25th of October, at 1 o'clock in UTC. */
const OFFSET_SQL: Readonly<Record<string, string>> = {
  UTC: "0",
  "Europe/Berlin": `CASE WHEN r.at_ms < ${Date.UTC(2026, 9, 25, 1)} THEN 7200000 ELSE 3600000 END`,
};

interface Sum {
  readonly requests: number;
  readonly errors: number;
  readonly unpriced: number;
  readonly inputTokens: number;
  readonly webSearches: number | null;
  readonly costNanoUsd: bigint | null;
}

function sumsByRows(query: UsageQuery): Map<string, Sum> {
  const { by, period, timeZone, where } = query;
  const atMs = `r.at_ms + ${OFFSET_SQL[timeZone]}`;
  const back = period === "week" ? `, '-6 days', 'weekday 1'` : "";
  const periodSql =
    period === null ? "''" : `strftime(${PERIOD_SQL[period]}, (${atMs}) / 1000, 'unixepoch'${back})`;
  const values = by.map((name) => (name === "tag" ? "coalesce(t.value, '')" : VALUE_SQL[name]));
  const filters = Object.entries(where).map(
    ([name, wanted]) =>
      `${VALUE_SQL[name as keyof typeof VALUE_SQL]} IN (${wanted.map((value) => `'${value}'`).join(", ")})`,
  );
  const range = `r.at_ms >= ${query.sinceMs ?? 0} AND r.at_ms < ${query.untilMs ?? 2 ** 52}`;
  const groups = ["1", ...values.map((_, i) => String(i + 2))].join(", ");
  const rows = sql
    .prepare(
      `SELECT ${[periodSql, ...values].map((text, i) => `${text} AS v${i}`).join(", ")},
        count(*) AS requests, sum(r.outcome NOT IN ('ok', 'client_left')) AS errors,
        sum(r.upstream IS NOT NULL AND r.cost_nano_usd IS NULL AND r.output_tokens IS NOT NULL) AS unpriced,
        sum(r.input_tokens) AS input, sum(r.web_searches) AS searches, CAST(sum(r.cost_nano_usd) AS TEXT) AS cost
      FROM requests r ${by.includes("tag") ? "LEFT JOIN json_each(r.tags) t" : ""}
      WHERE ${[range, ...filters].join(" AND ")} GROUP BY ${groups}`,
    )
    .all();
  return new Map(
    rows.map((row) => [
      JSON.stringify([row.v0, ...by.map((_, i) => row[`v${i + 1}`])]),
      {
        requests: Number(row.requests),
        errors: Number(row.errors),
        unpriced: Number(row.unpriced),
        inputTokens: Number(row.input),
        webSearches: row.searches as number | null,
        costNanoUsd: row.cost === null ? null : BigInt(row.cost as string),
      },
    ]),
  );
}

function sumsByReport(query: UsageQuery): Map<string, Sum> {
  return new Map(
    readUsage(sql, query).groups.map((group) => [
      JSON.stringify([
        group.period?.replace(/(T\d\d:00).*/, "$1") ?? "",
        ...query.by.map((name) => group.values[name]),
      ]),
      {
        requests: group.requests,
        errors: group.errors,
        unpriced: group.unpriced,
        inputTokens: group.usage.inputTokens ?? 0,
        webSearches: group.usage.webSearches,
        costNanoUsd: group.costNanoUsd,
      },
    ]),
  );
}

const GROUPINGS: readonly Partial<UsageQuery>[] = [
  {},
  { by: ["key"] },
  { by: ["team"] },
  { by: ["model"] },
  { by: ["upstream"] },
  { by: ["upstream", "credential"] },
  { by: ["dialect", "endpoint"] },
  { by: ["user"] },
  { by: ["tag"] },
  { by: ["key", "model"] },
  { by: ["team", "upstream", "model"] },
  { period: "hour" },
  { period: "day" },
  { period: "week" },
  { period: "month" },
  { period: "day", by: ["key", "model"] },
  { period: "day", by: ["team"], timeZone: "Europe/Berlin" },
  { period: "week", by: ["user"], timeZone: "Europe/Berlin" },
  { by: ["model"], where: { key: ["key-003", "key-040"] } },
  { by: ["key"], where: { team: [""] }, period: "month" },
  { by: ["key"], sinceMs: BIG_END_MS - 90 * HOUR_MS - 1_234_567, untilMs: BIG_END_MS - 7_654_321 },
];

for (const grouping of GROUPINGS) {
  const query: UsageQuery = { ...ALL_USAGE, ...grouping };
  const name = JSON.stringify(grouping);
  test(
    `the sums of ${name} are those of the rows`,
    () => {
      const expected = sumsByRows(query);
      expect(expected.size).toBeGreaterThan(0);
      expect(sumsByReport(query)).toEqual(expected);
    },
    LIMIT_MS,
  );
}

test(
  "all rows are in the sums, and the sums over any grouping are the whole",
  () => {
    expect(sql.prepare("SELECT count(*) AS n FROM usage_late").get()?.n).toBe(0);
    const [whole] = readUsage(sql, ALL_USAGE).groups;
    expect(whole?.requests).toBe(Number(sql.prepare("SELECT count(*) AS n FROM entries").get()?.n));
    for (const { by = [], period = null } of GROUPINGS.filter(({ where, sinceMs }) => !where && !sinceMs)) {
      if (by.includes("tag")) continue;
      const { groups } = readUsage(sql, { ...ALL_USAGE, by, period });
      expect(groups.reduce((sum, { costNanoUsd }) => sum + (costNanoUsd ?? 0n), 0n)).toBe(
        whole?.costNanoUsd as bigint,
      );
    }
  },
  LIMIT_MS,
);
