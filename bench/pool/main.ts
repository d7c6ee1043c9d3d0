/**
 * The pool under simulated load: how much of the prompts is cached, whom it refuses, and how much it serves, beside other
 * ways of choosing a key. No sockets, no waiting: time passes from event to event.
 */
import { parseArgs } from "node:util";
import { ONE_KEY, OTHER_WAYS } from "./other-ways.ts";
import { type Figures, type MakeGateway, run, type Scenario } from "./run.ts";
import { ThisPool } from "./this-pool.ts";
import { PUBLISHED, type PublishedLimits } from "./tiers.ts";
import { makeConversations } from "./traffic.ts";

const CONVERSATIONS = 10_000;
const SEEDS = 4;
const LOADS = [0.7, 1.3] as const;
const GOALS = { "pool.cached_share": 0.9, "pool.refused_with_room": 0, "pool.served_share": 0.98 } as const;
const USAGE = `usage: script/bench pool [--json] [--seeds N] [--conversations N] [--only PROVIDER]

  --json             one JSON object on standard output instead of the table
  --seeds N          runs of this pool at each load, 1 to 9 (${SEEDS}); the other ways have one
  --conversations N  in each run, 100 to 100000 (${CONVERSATIONS})
  --only PROVIDER    ${Object.keys(PUBLISHED).join(" or ")}; both when absent`;

interface Row {
  readonly provider: string;
  readonly load: number;
  readonly way: string;
  readonly seed: number;
  readonly figures: Figures;
  /** Cached input over that of one key without limits. */
  readonly cachedShare: number;
}

const thisPool: MakeGateway = (provider, timeline, seed) => new ThisPool(provider, timeline, seed);

async function main(): Promise<number> {
  const { values } = parseArgs({
    args: process.argv.slice(2).filter((word) => word !== "pool"),
    options: {
      json: { type: "boolean", default: false },
      seeds: { type: "string", default: String(SEEDS) },
      conversations: { type: "string", default: String(CONVERSATIONS) },
      only: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const seeds = wholeOf("--seeds", values.seeds, 1, 9);
  const conversations = wholeOf("--conversations", values.conversations, 100, 100_000);
  const names = Object.keys(PUBLISHED).filter((name) => values.only === undefined || name === values.only);
  if (names.length === 0) throw new Error(`--only takes ${Object.keys(PUBLISHED).join(" or ")}`);
  const rows: Row[] = [];
  for (const name of names) {
    for (const load of LOADS) {
      rows.push(...(await runsAt(name, load, seeds, conversations)));
    }
  }
  const figures = summaryOf(rows);
  const cpuS = process.cpuUsage().user / 1e6;
  if (values.json)
    console.log(JSON.stringify({ atMs: Date.now(), seeds, conversations, cpuS, figures, rows }));
  else print(rows, figures, cpuS);
  return 0;
}

function wholeOf(flag: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new Error(`${flag} takes a whole number from ${least} to ${most}`);
}

async function runsAt(provider: string, load: number, seeds: number, count: number): Promise<readonly Row[]> {
  const published = PUBLISHED[provider] as PublishedLimits;
  const rows: Row[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    console.error(`${provider} at ${load * 100} %, seed ${seed} of ${seeds} …`);
    const scenario: Scenario = { published, conversations: makeConversations(seed, count), load, seed };
    const one = await run(scenario, ONE_KEY, true);
    const ways = seed === 1 ? { "this pool": thisPool, ...OTHER_WAYS } : { "this pool": thisPool };
    for (const [way, makeGateway] of Object.entries(ways)) {
      const figures = await run(scenario, makeGateway);
      rows.push({ provider, load, way, seed, figures, cachedShare: figures.cachedTokens / one.cachedTokens });
    }
  }
  return rows;
}

/** The worst of this pool's runs, and how far seeds are apart at most. */
function summaryOf(rows: readonly Row[]): Readonly<Record<string, number>> {
  const own = rows.filter(({ way }) => way === "this pool");
  const calm = own.filter(({ load }) => load < 1);
  const busy = own.filter(({ load }) => load > 1);
  const shares = calm.map(({ cachedShare }) => cachedShare);
  return {
    "pool.cached_share": Math.min(...shares),
    "pool.refused_with_room": busy.reduce((sum, { figures }) => sum + figures.refusedWithRoom, 0),
    "pool.refused_with_open_room": busy.reduce((sum, { figures }) => sum + figures.refusedWithOpenRoom, 0),
    "pool.served_share": Math.min(...busy.map(({ figures }) => figures.servedShare)),
    "pool.refused": busy.reduce((sum, { figures }) => sum + figures.refused, 0),
    "pool.refused_at_70": calm.reduce((sum, { figures }) => sum + figures.refused, 0),
    "pool.cached_spread": spreadOf(calm, ({ cachedShare }) => cachedShare),
    "pool.served_spread": spreadOf(busy, ({ figures }) => figures.servedShare),
  };
}

/** Between the seeds of one provider, in the same unit. */
function spreadOf(rows: readonly Row[], read: (row: Row) => number): number {
  const byProvider = Map.groupBy(rows, ({ provider }) => provider);
  return Math.max(
    0,
    ...Array.from(byProvider.values(), (same) => {
      const values = same.map(read);
      return Math.max(...values) - Math.min(...values);
    }),
  );
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

function print(rows: readonly Row[], figures: Readonly<Record<string, number>>, cpuS: number): void {
  const head = [
    "provider",
    "load",
    "way",
    "seed",
    "cached of one key",
    "cached of input",
    "served",
    "429s",
    "with room",
    "of open keys",
  ];
  const lines = rows.map(({ provider, load, way, seed, figures: of, cachedShare }) => [
    provider,
    percent(load),
    way,
    String(seed),
    percent(cachedShare),
    percent(of.cachedTokens / of.longPromptTokens),
    percent(of.servedShare),
    String(of.refused),
    String(of.refusedWithRoom),
    String(of.refusedWithOpenRoom),
    // What the provider refused, and the wait of a request on average.
    String(of.upstreamRefused),
    `${(of.meanWaitMs / 1_000).toFixed(1)} s`,
  ]);
  const all = [[...head, "429s of provider", "request takes"], ...lines];
  const widths = all[0]?.map((_, i) => Math.max(...all.map((line) => line[i]?.length ?? 0))) ?? [];
  for (const line of all) console.log(line.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  "));
  console.log("");
  for (const [name, value] of Object.entries(figures)) {
    const goal = Object.hasOwn(GOALS, name) ? GOALS[name as keyof typeof GOALS] : undefined;
    const isReached = name === "pool.refused_with_room" ? value <= 0 : goal === undefined || value >= goal;
    const verdict = goal === undefined ? "" : isReached ? `goal ${goal}: yes` : `goal ${goal}: NO`;
    console.log(`${name.padEnd(28)} ${String(Number(value.toFixed(4))).padEnd(10)} ${verdict}`);
  }
  console.log(`\n${cpuS.toFixed(0)} s of CPU`);
}

process.exit(
  await main().catch((error: unknown) => {
    console.error(`script/bench pool: ${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return 2;
  }),
);
