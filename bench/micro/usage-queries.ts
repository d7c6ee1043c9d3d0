/**
 * How long reports of usage take on a big ledger: `node_modules/.bin/bun bench/micro/usage-queries.ts FOLDER [--rounds N]`, with a
 * folder that `script/make-ledger` has made. Each round opens the database anew, as each report does. Prints a table.
 */
import { parseArgs } from "node:util";
import { openStoreReader } from "../../src/ledger/store-file.ts";
import { readUsage } from "../../src/ledger/usage/read-usage.ts";
import { ALL_USAGE, type UsageQuery } from "../../src/ledger/usage/usage-query.ts";
import { BIG_END_MS } from "../../test/kit/big-ledger.ts";

const DAY_MS = 86_400_000;
const PAGE = 500;

const QUERIES: readonly (readonly [name: string, query: Partial<UsageQuery>])[] = [
  ["none", {}],
  ["key", { by: ["key"] }],
  ["team", { by: ["team"] }],
  ["model", { by: ["model"] }],
  ["upstream, credential", { by: ["upstream", "credential"] }],
  ["dialect, endpoint", { by: ["dialect", "endpoint"] }],
  ["user", { by: ["user"] }],
  ["tag", { by: ["tag"] }],
  ["key, model", { by: ["key", "model"] }],
  ["team, upstream, model", { by: ["team", "upstream", "model"] }],
  ["hour", { period: "hour" }],
  ["day", { period: "day" }],
  ["week", { period: "week" }],
  ["month, team", { period: "month", by: ["team"] }],
  ["day, key", { period: "day", by: ["key"] }],
  ["day, model", { period: "day", by: ["model"] }],
  ["day, user", { period: "day", by: ["user"] }],
  ["day, key, model", { period: "day", by: ["key", "model"] }],
  ["day in Berlin", { period: "day", timeZone: "Europe/Berlin" }],
  ["day in Berlin, key", { period: "day", by: ["key"], timeZone: "Europe/Berlin" }],
  ["week in Berlin, key, model", { period: "week", by: ["key", "model"], timeZone: "Europe/Berlin" }],
  ["model of one key", { by: ["model"], where: { key: ["key-003"] } }],
  ["day, model of one key", { period: "day", by: ["model"], where: { key: ["key-003"] } }],
  ["key, since 36.5 hours", { by: ["key"], sinceMs: BIG_END_MS - 36.5 * 3_600_000 }],
  [
    "key, model, 7.3 days in the middle",
    { by: ["key", "model"], sinceMs: BIG_END_MS - 30.3 * DAY_MS, untilMs: BIG_END_MS - 23 * DAY_MS },
  ],
  // From here on the sums of many hours are read, or the rows themselves.
  ["slow: day in Berlin, key, model", { period: "day", by: ["key", "model"], timeZone: "Europe/Berlin" }],
  ["slow: day in Kolkata", { period: "day", timeZone: "Asia/Kolkata" }],
  ["slow: key, user (rows)", { by: ["key", "user"] }],
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: "string", default: "5" } },
});
const [folder] = positionals;
if (folder === undefined) throw new Error("give the folder of a ledger that script/make-ledger has made");
const rounds = Number(values.rounds);

console.log(
  `${"split by".padEnd(38)} ${"groups".padStart(7)} ${"median ms".padStart(10)} ${"worst ms".padStart(10)}`,
);
for (const [name, change] of QUERIES) {
  const times: number[] = [];
  let groups = 0;
  for (let round = 0; round < (name.startsWith("slow") ? 1 : rounds); round++) {
    const startMs = performance.now();
    const sql = openStoreReader(folder);
    groups = readUsage(sql, { ...ALL_USAGE, ...change, limit: PAGE }).groups.length;
    sql.close();
    times.push(performance.now() - startMs);
  }
  times.sort((a, b) => a - b);
  const [median = 0, worst = 0] = [times[Math.floor(times.length / 2)], times.at(-1)];
  console.log(
    `${name.padEnd(38)} ${String(groups).padStart(7)} ${median.toFixed(1).padStart(10)} ${worst.toFixed(1).padStart(10)}`,
  );
}
