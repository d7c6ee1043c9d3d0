/**
 * A ledger of many rows, the same for the same seed: 60 days, 100 keys in 12 teams, 20 models at 10 upstreams, users and
 * tags. Busy keys and models have most of the rows, as they do in life.
 */
import { makeIds } from "../../src/core/ids.ts";
import { SAMPLE_USAGE, sampleRow } from "../../src/ledger/fixtures/row.ts";
import { EPOCH_MS, KEYS_A_MS, printId, RequestIds } from "../../src/ledger/request-ids.ts";
import { RollUp } from "../../src/ledger/roll-up/roll-up.ts";
import type { LedgerRow } from "../../src/ledger/row.ts";
import { openStore } from "../../src/ledger/store-file.ts";
import { makeLedgerWriter } from "../../src/ledger/writer.ts";
import { NO_USAGE } from "../../src/neutral/usage.ts";

const DAY_MS = 86_400_000;
const BIG_DAYS = 60;
/** Behind the last row. Berlin's clocks go back within the 60 days. */
export const BIG_END_MS = Date.UTC(2026, 10, 20);
const BIG_START_MS = BIG_END_MS - BIG_DAYS * DAY_MS;

const ROWS_A_COMMIT = 5000;
const KEYS = 100;
const MODELS = 20;
const UPSTREAMS = 10;
const CREDENTIALS = 3;
const TEAMS = 12;
const USERS = 400;
const TAGS = ["nightly", "batch-eval", "support", "search", "tests", "demo", "import", "review"];
const DIALECTS = [
  ["openai-chat", "chat.completions"],
  ["openai-responses", "responses"],
  ["anthropic-messages", "messages"],
  ["gemini", "generateContent"],
] as const;

/** xorshift32: a whole number below `below`. */
class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed ^ 0x9e3779b9) | 1;
  }

  whole(below: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return (x >>> 0) % below;
  }

  /** Small numbers come more often. */
  skewed(below: number): number {
    const share = this.whole(1 << 16) / (1 << 16);
    return Math.floor(share * share * below);
  }
}

function rowAt(index: number, atMs: number, id: string, dice: Dice): LedgerRow {
  const key = dice.skewed(KEYS);
  // A key asks for five models, and a model is served at two upstreams.
  const model = (key * 7 + dice.skewed(5) * 3) % MODELS;
  const upstream = (model + (dice.whole(10) === 0 ? 3 : 0)) % UPSTREAMS;
  const [dialect, endpoint] = DIALECTS[key % DIALECTS.length] as (typeof DIALECTS)[number];
  const fault = dice.whole(100);
  const isServed = fault > 0;
  const isUnpriced = model === MODELS - 1;
  const inputTokens = 50 + dice.skewed(20_000);
  const outputTokens = 1 + dice.skewed(3000);
  return sampleRow({
    id,
    atMs,
    key: `key-${String(key).padStart(3, "0")}`,
    team: key % 10 === 9 ? null : `team-${key % TEAMS}`,
    dialect,
    endpoint,
    modelAsked: `model-${model}`,
    modelUsed: isServed ? `model-${model}` : null,
    modelReported: isServed ? `model-${model}` : null,
    upstream: isServed ? `upstream-${upstream}` : null,
    upstreamDialect: isServed ? dialect : null,
    credential: isServed ? `credential-${dice.whole(CREDENTIALS)}` : null,
    isStream: dice.whole(2) === 0,
    status: fault === 0 ? 404 : fault < 3 ? 502 : 200,
    outcome: fault === 0 ? "refused" : fault < 3 ? "error" : fault < 5 ? "client_left" : "ok",
    usageState: fault < 3 ? "unknown" : fault === 4 ? "estimated" : "final",
    usage:
      fault < 3
        ? NO_USAGE
        : {
            ...SAMPLE_USAGE,
            inputTokens,
            cacheReadTokens: dice.whole(inputTokens),
            outputTokens,
            webSearches: dice.whole(50) === 0 ? 1 : null,
          },
    costNanoUsd:
      fault < 3 || isUnpriced
        ? null
        : inputTokens * (250 + model * 137) + outputTokens * (2001 + model * 911),
    ttfbMs: isServed ? 100 + dice.skewed(5000) : null,
    durationMs: 120 + dice.skewed(60_000),
    // A key has eight users, and each of them has two keys.
    endUser: dice.whole(3) === 0 ? `user-${(key * 4 + dice.skewed(8)) % USERS}` : null,
    tags: dice.whole(5) > 0 ? null : JSON.stringify(tagsOf(dice)),
    upstreamRequestId: `req_${String(index).padStart(20, "0")}`,
  });
}

function tagsOf(dice: Dice): string[] {
  const first = dice.whole(TAGS.length);
  const tags = [TAGS[first] as string];
  if (dice.whole(4) === 0) tags.push(TAGS[(first + 1) % TAGS.length] as string);
  return tags;
}

/** Makes the database in an empty data folder. `tell` hears how many rows there are. */
export function makeBigLedger(
  dataDir: string,
  { rows, seed }: { readonly rows: number; readonly seed: number },
  tell: (rows: number) => void = () => undefined,
): void {
  const sql = openStore(dataDir);
  const clock = { nowMs: () => BIG_END_MS, monotonicMs: () => 0 };
  const writer = makeLedgerWriter(sql, new RequestIds(makeIds()), clock);
  const number = String(sql.prepare("SELECT number FROM identity").get()?.number);
  const dice = new Dice(seed);
  let lastMs = 0;
  let inMs = 0;
  for (let from = 0; from < rows; from += ROWS_A_COMMIT) {
    const batch: LedgerRow[] = [];
    for (let i = from; i < Math.min(rows, from + ROWS_A_COMMIT); i++) {
      const atMs = BIG_START_MS + Math.floor((i / rows) * BIG_DAYS * DAY_MS);
      inMs = atMs === lastMs ? inMs + 1 : 0;
      lastMs = atMs;
      const key = (atMs - EPOCH_MS) * KEYS_A_MS + inMs;
      batch.push(rowAt(i, atMs, printId(key, number), dice));
    }
    writer.write(batch, 0, batch.length, []);
    tell(from + batch.length);
  }
  writer.close();
}

/** Adds all rows to the sums, as a gateway does. `tell` hears how many rows are added. */
export function rollUpBigLedger(dataDir: string, tell: (rows: number) => void = () => undefined): void {
  const sql = openStore(dataDir);
  const rollUp = new RollUp(sql);
  let rows = 0;
  for (;;) {
    const step = rollUp.step(5000, BIG_END_MS + DAY_MS);
    rows += step.rows;
    tell(rows);
    if (!step.isBehind) break;
  }
  sql.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  sql.close();
}
