/**
 * The kinds of usage that providers report, in one accounting for all dialects, so that their counts add up.
 * The types, the sums, the columns, the reports and the metrics follow from the table of kinds.
 */

export interface UsageKindTraits {
  /** The kind that this kind is a part of, and never exceeds; null: this kind is a whole. */
  readonly partOf: string | null;
  /** A part of the same whole that is taken off first: both parts together never exceed the whole. */
  readonly after?: string;
  /**
   * Its label in `clewline_tokens_total`; null for other units, and for parts that nobody watches. The tokens of a part are
   * counted with its whole as well.
   */
  readonly metric: string | null;
}

export const USAGE_KINDS = {
  /** All input tokens, with those read from a cache and those written to a cache. */
  inputTokens: { partOf: null, metric: "input" },
  cacheReadTokens: { partOf: "inputTokens", metric: "cached_input" },
  cacheReadAudioTokens: { partOf: "cacheReadTokens", metric: null },
  cacheReadImageTokens: { partOf: "cacheReadTokens", after: "cacheReadAudioTokens", metric: null },
  cacheWriteTokens: { partOf: "inputTokens", after: "cacheReadTokens", metric: null },
  /** Cache writes that are kept for one hour; they have a price of their own. */
  cacheWrite1hTokens: { partOf: "cacheWriteTokens", metric: null },
  /** With those read from a cache; images as well. */
  inputAudioTokens: { partOf: "inputTokens", metric: null },
  inputImageTokens: { partOf: "inputTokens", after: "inputAudioTokens", metric: null },
  /** All output tokens, with those of reasoning. */
  outputTokens: { partOf: null, metric: "output" },
  reasoningTokens: { partOf: "outputTokens", metric: null },
  outputAudioTokens: { partOf: "outputTokens", metric: null },
  outputImageTokens: { partOf: "outputTokens", after: "outputAudioTokens", metric: null },
  /** Searches of the web that the provider made; no tokens, and paid by the search. */
  webSearches: { partOf: null, metric: null },
} as const satisfies Readonly<Record<string, UsageKindTraits>>;

export type UsageKind = keyof typeof USAGE_KINDS;

export const USAGE_KIND_NAMES = Object.keys(USAGE_KINDS) as readonly UsageKind[];

/** The kinds that the metrics count. */
export const METERED_KINDS = USAGE_KIND_NAMES.flatMap((name) => {
  const { metric } = USAGE_KINDS[name];
  return metric === null ? [] : [{ name, metric }];
});

/** Whole numbers from 0 on. null: the upstream did not report this kind; absent is not 0. */
export type Usage = { readonly [Kind in keyof typeof USAGE_KINDS]: number | null } & {
  /**
   * The tier that served the request, in the provider's own word (`default`, `batch`,
   * `PROVISIONED_THROUGHPUT`).
   */
  readonly serviceTier: string | null;
  /** Where the provider says that it served the request, in its own word (`us`, `global`). */
  readonly region: string | null;
};

export const NO_USAGE: Usage = makeUsage({});

/**
 * The usage with possible values: whole numbers, none below zero, and no part above its whole, so that no
 * cost that is computed from a difference is negative. A kind that is not given is null. Written out, because
 * it runs for each usage event: a loop over the table takes five times as long (135 ns beside 25).
 */
export function makeUsage(reported: Partial<Usage>): Usage {
  const inputTokens = clamp(reported.inputTokens, null);
  const cacheReadTokens = clamp(reported.cacheReadTokens, inputTokens);
  const possiblyRead = cacheReadTokens ?? inputTokens;
  const cacheReadAudioTokens = clamp(reported.cacheReadAudioTokens, possiblyRead);
  const uncachedTokens = less(inputTokens, cacheReadTokens);
  const cacheWriteTokens = clamp(reported.cacheWriteTokens, uncachedTokens);
  const outputTokens = clamp(reported.outputTokens, null);
  const inputAudioTokens = clamp(reported.inputAudioTokens, inputTokens);
  const outputAudioTokens = clamp(reported.outputAudioTokens, outputTokens);
  return {
    inputTokens,
    cacheReadTokens,
    cacheReadAudioTokens,
    cacheReadImageTokens: clamp(reported.cacheReadImageTokens, less(possiblyRead, cacheReadAudioTokens)),
    cacheWriteTokens,
    cacheWrite1hTokens: clamp(reported.cacheWrite1hTokens, cacheWriteTokens ?? uncachedTokens),
    inputAudioTokens,
    inputImageTokens: clamp(reported.inputImageTokens, less(inputTokens, inputAudioTokens)),
    outputTokens,
    reasoningTokens: clamp(reported.reasoningTokens, outputTokens),
    outputAudioTokens,
    outputImageTokens: clamp(reported.outputImageTokens, less(outputTokens, outputAudioTokens)),
    webSearches: clamp(reported.webSearches, null),
    serviceTier: reported.serviceTier ?? null,
    region: reported.region ?? null,
  };
}

function clamp(count: number | null | undefined, whole: number | null): number | null {
  if (count === null || count === undefined || !Number.isFinite(count)) return null;
  const possible = Math.max(0, Math.trunc(count));
  return whole === null ? possible : Math.min(possible, whole);
}

function less(whole: number | null, part: number | null): number | null {
  return whole === null ? null : whole - (part ?? 0);
}

/**
 * The sum of two requests' usage. A kind that only one of the requests reported has that count; null when
 * neither did. A part stays within its whole, also where one request reported the part alone. The tier and
 * the region are those of `other`, the later.
 */
export function addUsage(one: Usage, other: Usage): Usage {
  const sum: { -readonly [Member in keyof Usage]: Usage[Member] } = { ...one };
  for (const kind of USAGE_KIND_NAMES) {
    const count = other[kind];
    if (count !== null) sum[kind] = (sum[kind] ?? 0) + count;
  }
  sum.serviceTier = other.serviceTier ?? one.serviceTier;
  sum.region = other.region ?? one.region;
  return makeUsage(sum);
}

/** What counts in limits of tokens. */
export function tokensOf(usage: Usage | null): number {
  return (usage?.inputTokens ?? 0) + (usage?.outputTokens ?? 0);
}
