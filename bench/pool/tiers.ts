/** Published limits of providers, as data: what the simulated organisations may ask in a minute. */

/** In a minute. null: the provider has no limit of this kind. */
export interface Tier {
  readonly requests: number;
  readonly input: number | null;
  readonly output: number | null;
  /** Input and output together. */
  readonly tokens: number | null;
}

export type Dimension = keyof Tier;
export const DIMENSIONS: readonly Dimension[] = ["requests", "input", "output", "tokens"];

export interface PublishedLimits {
  readonly family: "anthropic" | "openai";
  readonly model: string;
  /** Input that is read from the prompt cache counts. */
  readonly countsCachedInput: boolean;
  /** A request takes its maximum of output from the limit when it begins; otherwise an answer counts as it is written. */
  readonly reservesOutput: boolean;
  readonly source: string;
  /** When the source was read. */
  readonly readOn: string;
  readonly tiers: readonly Tier[];
  /** Of each organisation: its tier, as an index of `tiers`, and the number of its keys. */
  readonly organisations: readonly { readonly tier: number; readonly keys: number }[];
}

/** Eight organisations with twenty keys. Tier numbers are one lower than the providers'. */
const organisations = (tiers: readonly number[]) =>
  [5, 4, 3, 2, 2, 2, 1, 1].map((keys, i) => ({ keys, tier: tiers[i] as number }));

export const PUBLISHED: Readonly<Record<string, PublishedLimits>> = {
  /** Buckets that fill all the time. "`max_tokens` does not factor into OTPM rate limit calculations". */
  anthropic: {
    family: "anthropic",
    model: "claude-sonnet-4-6",
    countsCachedInput: false,
    reservesOutput: false,
    source: "https://docs.claude.com/en/api/rate-limits (Claude Sonnet 4.x, tiers 1 to 4)",
    readOn: "2026-11-29",
    tiers: [
      { requests: 50, input: 30_000, output: 8_000, tokens: null },
      { requests: 1_000, input: 450_000, output: 90_000, tokens: null },
      { requests: 2_000, input: 800_000, output: 160_000, tokens: null },
      { requests: 4_000, input: 2_000_000, output: 400_000, tokens: null },
    ],
    organisations: organisations([3, 2, 1, 3, 2, 1, 1, 0]),
  },
  /** Buckets that fill all the time. A request counts with all its input, and its maximum of output until it ends. */
  openai: {
    family: "openai",
    model: "gpt-5",
    countsCachedInput: true,
    reservesOutput: true,
    source: "https://platform.openai.com/docs/models/gpt-5 (tiers 1 to 4)",
    readOn: "2026-11-29",
    tiers: [
      { requests: 500, input: null, output: null, tokens: 500_000 },
      { requests: 5_000, input: null, output: null, tokens: 1_000_000 },
      { requests: 5_000, input: null, output: null, tokens: 2_000_000 },
      { requests: 10_000, input: null, output: null, tokens: 4_000_000 },
    ],
    organisations: organisations([3, 2, 1, 3, 2, 1, 1, 0]),
  },
};

/** What all organisations together may ask in a minute. */
export function sumOfLimits({ tiers, organisations }: PublishedLimits): Tier {
  const sum = (dimension: Dimension): number | null =>
    organisations.reduce<number | null>((all, { tier }) => {
      const limit = tiers[tier]?.[dimension] ?? null;
      return limit === null ? all : (all ?? 0) + limit;
    }, null);
  return {
    requests: sum("requests") ?? 0,
    input: sum("input"),
    output: sum("output"),
    tokens: sum("tokens"),
  };
}
