/**
 * How long reports of usage take on a big ledger: `node_modules/.bin/bun bench/micro/usage-queries.ts FOLDER [--rounds N] [--quick]`,
 * with a folder that `script/make-ledger` has made. Each round opens the database anew, as each report does. Prints a table.
 */
import { parseArgs } from "node:util";
import { openStoreReader } from "../../src/ledger/store-file.ts";
import { readUsage } from "../../src/ledger/usage/read-usage.ts";
import { ALL_USAGE, type UsageQuery } from "../../src/ledger/usage/usage-query.ts";
import { BIG_END_MS } from "../../test/kit/big-ledger.ts";

const DAY_MS = 86_400_000;
/** As an API asks; `clewline usage` prints all groups, and takes longer where there are more. */
const PAGE = 100;

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
  ["day in Berlin, key, model", { period: "day", by: ["key", "model"], timeZone: "Europe/Berlin" }],
  ["upstream, model", { by: ["upstream", "model"] }],
  [
    "month in Berlin, upstream, model",
    { period: "month", by: ["upstream", "model"], timeZone: "Europe/Berlin" },
  ],
  ["key, user", { by: ["key", "user"] }],
  ["team, tag", { by: ["team", "tag"] }],
  [
    "month in Berlin, dialect, model",
    { period: "month", by: ["dialect", "model"], timeZone: "Europe/Berlin" },
  ],
  // From here on the sums of many combinations are read, or the rows themselves.
  [
    "slow: month in Berlin, dialect, key",
    { period: "month", by: ["dialect", "key"], timeZone: "Europe/Berlin" },
  ],
  ["slow: day in Kolkata (some rows)", { period: "day", timeZone: "Asia/Kolkata" }],
  ["slow: model, user (all rows)", { by: ["model", "user"] }],
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: "string", default: "5" }, quick: { type: "boolean", default: false } },
});
const [folder] = positionals;
if (folder === undefined) throw new Error("give the folder of a ledger that script/make-ledger has made");
const rounds = Number(values.rounds);

const line = (name: string, ...cells: readonly string[]): void =>
  console.log(name.padEnd(38) + cells.map((cell) => cell.padStart(10)).join(" "));

line("split by", "groups", "median ms", "worst ms", "CPU ms");
for (const [name, change] of QUERIES) {
  const isSlow = name.startsWith("slow");
  if (isSlow && values.quick) continue;
  const times: number[] = [];
  const cpuTimes: number[] = [];
  let groups = 0;
  for (let round = 0; round < (isSlow ? 1 : rounds); round++) {
    const startMs = performance.now();
    const startCpu = process.cpuUsage();
    const sql = openStoreReader(folder);
    groups = readUsage(sql, { ...ALL_USAGE, ...change, limit: PAGE }).groups.length;
    sql.close();
    times.push(performance.now() - startMs);
    const { user, system } = process.cpuUsage(startCpu);
    cpuTimes.push((user + system) / 1000);
  }
  const figures = [median(times), Math.max(...times), median(cpuTimes)];
  line(name, String(groups), ...figures.map((ms) => ms.toFixed(1)));
}

function median(all: readonly number[]): number {
  return all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? Number.NaN;
}
