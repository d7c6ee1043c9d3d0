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
