/** The last hours of each credential, in one value for each: thousands of credentials have few bytes then. */
import type { Sql } from "../../store/sql.ts";
import { readUsage } from "../usage/read-usage.ts";
import { ALL_USAGE } from "../usage/usage-query.ts";
import type { CredentialStrip, StripsQuery } from "./protocol.ts";

const HOUR_MS = 3_600_000;

interface Growing {
  readonly ok: number[];
  readonly failed: number[];
  inputTokens: number | null;
  cacheReadTokens: number | null;
  costNanoUsd: string | null;
}

export function readStrips(sql: Sql, { sinceMs, hours }: StripsQuery): readonly CredentialStrip[] {
  const { groups } = readUsage(sql, {
    ...ALL_USAGE,
    by: ["upstream", "credential"],
    period: "hour",
    sinceMs,
    untilMs: sinceMs + hours * HOUR_MS,
  });
  const strips = new Map<string, CredentialStrip & Growing>();
  for (const { period, values, requests, errors, usage, costNanoUsd } of groups) {
    const { upstream, credential } = values;
    const hour = Math.floor((Date.parse(period ?? "") - sinceMs) / HOUR_MS);
    // Requests that no credential was asked for, or of one of too many.
    if (!upstream || !credential || !(hour >= 0 && hour < hours)) continue;
    const id = `${upstream}/${credential}`;
    const strip = strips.get(id) ?? makeStrip(upstream, credential, hours);
    strips.set(id, strip);
    strip.ok[hour] = (strip.ok[hour] ?? 0) + requests - errors;
    strip.failed[hour] = (strip.failed[hour] ?? 0) + errors;
    strip.inputTokens = sumOf(strip.inputTokens, usage.inputTokens);
    strip.cacheReadTokens = sumOf(strip.cacheReadTokens, usage.cacheReadTokens);
    if (costNanoUsd !== null) strip.costNanoUsd = String(BigInt(strip.costNanoUsd ?? 0) + costNanoUsd);
  }
  return [...strips.values()];
}

function makeStrip(upstream: string, credential: string, hours: number): CredentialStrip & Growing {
  const zeros = (): number[] => Array.from({ length: hours }, () => 0);
  const nothing = { inputTokens: null, cacheReadTokens: null, costNanoUsd: null };
  return { upstream, credential, ok: zeros(), failed: zeros(), ...nothing };
}

function sumOf(one: number | null, other: number | null): number | null {
  return one === null && other === null ? null : (one ?? 0) + (other ?? 0);
}
