/** A row of the ledger in the forms of the contract. Texts of clients and providers stay texts. */
import * as v from "valibot";
import type { LedgerRow } from "../../ledger/row.ts";
import type { ReplyOf } from "../contract.ts";
import { freshOf } from "../overview.ts";

type Request = ReplyOf<"getRequest">;

export function listedRow(row: LedgerRow): Request["row"] {
  const { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens, reasoningTokens } = row.usage;
  return {
    id: row.id,
    atMs: row.atMs,
    key: row.key,
    team: row.team,
    dialect: row.dialect,
    endpoint: row.endpoint,
    modelAsked: row.modelAsked,
    modelUsed: row.modelUsed,
    upstream: row.upstream,
    credential: row.credential,
    isStream: row.isStream,
    status: row.status,
    outcome: row.outcome,
    errorKind: row.errorKind,
    stopReason: row.stopReason,
    attempts: row.attempts,
    ttfbMs: row.ttfbMs,
    durationMs: row.durationMs,
    tokens: {
      fresh: freshOf(inputTokens, cacheReadTokens, cacheWriteTokens),
      cacheRead: cacheReadTokens,
      cacheWrite: cacheWriteTokens,
      output: outputTokens,
      reasoning: reasoningTokens,
    },
    usageState: row.usageState,
    costNanoUsd: row.costNanoUsd,
    cache: row.cache,
  };
}

const attemptNotes = v.array(
  v.object({
    upstream: v.nullable(v.string()),
    credential: v.nullable(v.string()),
    status: v.nullable(v.number()),
    signal: v.string(),
    ms: v.number(),
  }),
);

/** Each failed attempt and wait in its order, then the answer. The row has durations, so pauses between attempts are not seen. */
export function timelineOf(row: LedgerRow): Request["timeline"] {
  const steps: Request["timeline"] = [];
  let atMs = 0;
  for (const { upstream, credential, status, signal, ms } of listIn(attemptNotes, row.attemptLog)) {
    const step = upstream === null ? "wait" : "attempt";
    steps.push({ step, startMs: atMs, endMs: atMs + ms, upstream, credential, status, reason: signal });
    atMs += ms;
  }
  const { upstream, credential, ttfbMs, durationMs } = row;
  const place = { upstream, credential, status: null, reason: "" };
  if (ttfbMs !== null) {
    steps.push({ step: "first_byte", startMs: Math.min(atMs, ttfbMs), endMs: ttfbMs, ...place });
    steps.push({ step: "answer", startMs: ttfbMs, endMs: Math.max(ttfbMs, durationMs), ...place });
  }
  steps.push({
    step: "end",
    startMs: durationMs,
    endMs: durationMs,
    ...place,
    status: row.status,
    reason: row.errorKind ?? "",
  });
  return steps;
}

const drops = v.array(v.object({ field: v.string(), reason: v.string() }));

export function dropsIn(json: string | null): Request["drops"] {
  return listIn(drops, json);
}

const texts = v.array(v.string());

export function tagsIn(json: string | null): string[] {
  return listIn(texts, json);
}

/** A list that this program wrote as JSON; empty for null, and for what an older version wrote in another form. */
function listIn<Item>(schema: v.GenericSchema<unknown, Item[]>, json: string | null): Item[] {
  if (json === null) return [];
  try {
    const result = v.safeParse(schema, JSON.parse(json));
    return result.success ? result.output : [];
  } catch {
    return [];
  }
}
