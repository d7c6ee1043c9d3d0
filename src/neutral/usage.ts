/**
 * The kinds of usage that providers report, in one accounting for all dialects, so that their counts add up. A kind is
 * one entry here, one line in `makeUsage`, and one step in `src/ledger/schema.ts`; the dialects' `usage.ts` read it.
 */

export interface UsageKindTraits {
  /** The kind that this kind is a part of, and never exceeds; null: this kind is a whole. */
  readonly partOf: string | null;
  /** A part of the same whole that is taken off first: both parts together never exceed the whole. */
  readonly after?: string;
  /** Its label in `clewline_tokens_total`; null for parts, which the whole's count holds already. */
  readonly metric: string | null;
}

export const USAGE_KINDS = {
  /** All input tokens, with those read from a cache and those written to a cache. */
  inputTokens: { partOf: null, metric: "input" },
  cacheReadTokens: { partOf: "inputTokens", metric: null },
  cacheWriteTokens: { partOf: "inputTokens", after: "cacheReadTokens", metric: null },
  /** Cache writes that are kept for one hour; they have a price of their own. */
  cacheWrite1hTokens: { partOf: "cacheWriteTokens", metric: null },
  /** All output tokens, with those of reasoning. */
  outputTokens: { partOf: null, metric: "output" },
  reasoningTokens: { partOf: "outputTokens", metric: null },
} as const satisfies Readonly<Record<string, UsageKindTraits>>;

export type UsageKind = keyof typeof USAGE_KINDS;

export const USAGE_KIND_NAMES = Object.keys(USAGE_KINDS) as readonly UsageKind[];

/** The kinds that the metrics count. */
export const METERED_KINDS = USAGE_KIND_NAMES.flatMap((name) => {
  const { metric } = USAGE_KINDS[name];
  return metric === null ? [] : [{ name, metric }];
});

/** Whole numbers from 0 on. null: the upstream did not report this kind; absent is not 0. */
export type Usage = { readonly [Kind in keyof typeof USAGE_KINDS]: number | null };

export const NO_USAGE: Usage = makeUsage({});

/**
 * The usage with possible values: whole numbers, none below zero, and no part above its whole, so that no cost that is
 * computed from a difference is negative. A kind that is not given is null. Written out, because it runs for each usage
 * event: a loop over the table takes five times as long (135 ns beside 25).
 */
export function makeUsage(reported: Partial<Usage>): Usage {
  const inputTokens = clamp(reported.inputTokens, null);
  const cacheReadTokens = clamp(reported.cacheReadTokens, inputTokens);
  const uncachedTokens = inputTokens === null ? null : inputTokens - (cacheReadTokens ?? 0);
  const cacheWriteTokens = clamp(reported.cacheWriteTokens, uncachedTokens);
  const outputTokens = clamp(reported.outputTokens, null);
  return {
    inputTokens,
    cacheReadTokens,
    cacheWriteTokens,
    cacheWrite1hTokens: clamp(reported.cacheWrite1hTokens, cacheWriteTokens ?? uncachedTokens),
    outputTokens,
    reasoningTokens: clamp(reported.reasoningTokens, outputTokens),
  };
}

function clamp(count: number | null | undefined, whole: number | null): number | null {
  if (count === null || count === undefined || !Number.isFinite(count)) return null;
  const possible = Math.max(0, Math.trunc(count));
  return whole === null ? possible : Math.min(possible, whole);
}

/**
 * The sum of two requests' usage. A kind that only one of the requests reported has that count; null when neither did.
 * A part stays within its whole, also where one request reported the part alone.
 */
export function addUsage(one: Usage, other: Usage): Usage {
  const sum: { -readonly [Kind in UsageKind]: Usage[Kind] } = { ...one };
  for (const kind of USAGE_KIND_NAMES) {
    const count = other[kind];
    if (count !== null) sum[kind] = (sum[kind] ?? 0) + count;
  }
  return makeUsage(sum);
}
