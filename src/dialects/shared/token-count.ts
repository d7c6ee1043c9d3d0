/** Token counts as upstreams give them, made fit for a ledger. */
import type { Usage } from "../../neutral/usage.ts";

const MAX_TOKENS = 1e12;

/** A whole number from 0 to 10^12, or null for what is no number. */
export function countOf(value: unknown): number | null {
  if (typeof value !== "number" || Number.isNaN(value)) return null;
  return Math.min(MAX_TOKENS, Math.max(0, Math.trunc(value)));
}

/** The sum of those that are there, or null when none is. */
export function sumOf(...counts: readonly (number | null)[]): number | null {
  let sum: number | null = null;
  for (const count of counts) if (count !== null) sum = (sum ?? 0) + count;
  return sum;
}

/** Parts never exceed their whole, so that costs computed from the differences are never negative. */
export function makeUsage(usage: Usage): Usage {
  const { inputTokens, outputTokens } = usage;
  const cacheReadTokens = atMost(usage.cacheReadTokens, inputTokens);
  const freshTokens = inputTokens === null ? null : inputTokens - (cacheReadTokens ?? 0);
  const cacheWriteTokens = atMost(usage.cacheWriteTokens, freshTokens);
  return {
    inputTokens,
    cacheReadTokens,
    cacheWriteTokens,
    cacheWrite1hTokens: atMost(usage.cacheWrite1hTokens, cacheWriteTokens),
    outputTokens,
    reasoningTokens: atMost(usage.reasoningTokens, outputTokens),
  };
}

function atMost(part: number | null, whole: number | null): number | null {
  return part === null || whole === null ? part : Math.min(part, whole);
}
