/**
 * Token counts in one neutral accounting, so that rows of all dialects add up. Integers, or null where the upstream
 * said nothing: absent is not 0.
 */
export interface Usage {
  /** All input tokens, cached ones and cache writes included. */
  readonly inputTokens: number | null;
  /** Part of the input that was read from a cache. */
  readonly cacheReadTokens: number | null;
  /** Part of the input that was written to a cache. */
  readonly cacheWriteTokens: number | null;
  /** Of the cache writes, those kept for one hour (priced apart). */
  readonly cacheWrite1hTokens: number | null;
  /** All output tokens, reasoning included. */
  readonly outputTokens: number | null;
  /** Part of the output that was reasoning. */
  readonly reasoningTokens: number | null;
}

/** Nothing is known. */
export const NO_USAGE: Usage = {
  inputTokens: null,
  cacheReadTokens: null,
  cacheWriteTokens: null,
  cacheWrite1hTokens: null,
  outputTokens: null,
  reasoningTokens: null,
};

/** The same with sense: whole numbers, none below zero, and no part above its whole. What is unknown stays so. */
export function clampUsage(usage: Usage): Usage {
  const input = clampCount(usage.inputTokens, null);
  const cacheRead = clampCount(usage.cacheReadTokens, input);
  const cacheWrite = clampCount(usage.cacheWriteTokens, input === null ? null : input - (cacheRead ?? 0));
  const output = clampCount(usage.outputTokens, null);
  return {
    inputTokens: input,
    cacheReadTokens: cacheRead,
    cacheWriteTokens: cacheWrite,
    cacheWrite1hTokens: clampCount(usage.cacheWrite1hTokens, cacheWrite ?? input),
    outputTokens: output,
    reasoningTokens: clampCount(usage.reasoningTokens, output),
  };
}

function clampCount(count: number | null, whole: number | null): number | null {
  if (count === null || !Number.isFinite(count)) return null;
  const least = Math.max(0, Math.trunc(count));
  return whole === null ? least : Math.min(least, whole);
}

/** What several requests for one answer come to. */
export function addUsage(one: Usage, other: Usage): Usage {
  const add = (a: number | null, b: number | null): number | null => (a === null ? b : a + (b ?? 0));
  return {
    inputTokens: add(one.inputTokens, other.inputTokens),
    cacheReadTokens: add(one.cacheReadTokens, other.cacheReadTokens),
    cacheWriteTokens: add(one.cacheWriteTokens, other.cacheWriteTokens),
    cacheWrite1hTokens: add(one.cacheWrite1hTokens, other.cacheWrite1hTokens),
    outputTokens: add(one.outputTokens, other.outputTokens),
    reasoningTokens: add(one.reasoningTokens, other.reasoningTokens),
  };
}
