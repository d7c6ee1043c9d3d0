/** Rows of a week before now, with a day's ups and downs, so that pictures of charts show some. */
import { mkdirSync } from "node:fs";
import { makeIds } from "../src/core/ids.ts";
import { sampleRow } from "../src/ledger/fixtures/row.ts";
import { EPOCH_MS, KEYS_A_MS, printId, RequestIds } from "../src/ledger/request-ids.ts";
import { openStore } from "../src/ledger/store-file.ts";
import { makeLedgerWriter } from "../src/ledger/writer.ts";
import { NO_USAGE } from "../src/neutral/usage.ts";

const HOUR_MS = 3_600_000;
const HOURS = 7 * 24;
const MODELS = [
  { model: "gpt-5.4", upstream: "openai", credentials: ["main", "spare"], dialect: "openai-chat", usd: 2.5 },
  {
    model: "claude-sonnet-5",
    upstream: "anthropic",
    credentials: ["main"],
    dialect: "anthropic-messages",
    usd: 3,
  },
  {
    model: "gpt-5-mini",
    upstream: "openai",
    credentials: ["main", "spare"],
    dialect: "openai-responses",
    usd: 0.25,
  },
] as const;
const ENDPOINTS = {
  "openai-chat": "chat.completions",
  "openai-responses": "responses",
  "anthropic-messages": "messages",
} as const;

export function fillLedger(dataDir: string): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const sql = openStore(dataDir);
  const nowMs = Date.now();
  const clock = { nowMs: () => nowMs, monotonicMs: () => 0 };
  const writer = makeLedgerWriter(sql, new RequestIds(makeIds()), clock);
  const number = String(sql.prepare("SELECT number FROM identity").get()?.number);
  let state = 7;
  const dice = (below: number): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
  const rows = [];
  for (let hour = HOURS; hour > 0; hour -= 1) {
    const ofDay = new Date(nowMs - hour * HOUR_MS).getUTCHours();
    const count = 4 + Math.round(22 * Math.max(0, Math.sin(((ofDay - 5) / 24) * 2 * Math.PI))) + dice(6);
    for (let at = 0; at < count; at += 1) {
      const atMs = nowMs - hour * HOUR_MS + Math.floor((at / count) * HOUR_MS);
      const one = MODELS[[0, 0, 1, 1, 1, 2][dice(6)] as number] as (typeof MODELS)[number];
      const isGood = dice(40) > 0;
      const [inputTokens, outputTokens] = [500 + dice(9_000), 50 + dice(900)];
      rows.push(
        sampleRow({
          id: printId((atMs - EPOCH_MS) * KEYS_A_MS + at, number),
          atMs,
          key: ["tester", "laptop", "laptop"][dice(3)] as string,
          team: null,
          dialect: one.dialect,
          endpoint: ENDPOINTS[one.dialect],
          modelAsked: one.model,
          modelUsed: one.model,
          modelReported: one.model,
          upstream: one.upstream,
          upstreamDialect: one.dialect,
          credential: one.credentials[dice(one.credentials.length)] as string,
          isStream: dice(3) > 0,
          status: isGood ? 200 : 502,
          outcome: isGood ? "ok" : "error",
          usageState: isGood ? "final" : "unknown",
          usage: isGood
            ? { ...NO_USAGE, inputTokens, cacheReadTokens: dice(inputTokens), outputTokens }
            : NO_USAGE,
          costNanoUsd: isGood ? Math.round((inputTokens + 5 * outputTokens) * one.usd * 1_000) : null,
          ttfbMs: 180 + dice(900),
          durationMs: 900 + dice(9_000),
        }),
      );
    }
  }
  writer.write(rows, 0, rows.length, []);
  writer.close();
}
