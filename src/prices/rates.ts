/** The kinds of what a provider charges for, and their rates. */

interface RateKindTraits {
  /** In tables for people. */
  readonly label: string;
  /** What a published rate counts: a million tokens, or a thousand calls. */
  readonly per: "million tokens" | "thousand calls";
  /** The kind whose rate holds when a price has none of this kind; null: the kind is then not priced. */
  readonly otherwise: string | null;
}

export const RATE_KINDS = {
  input: { label: "input", per: "million tokens", otherwise: null },
  output: { label: "output", per: "million tokens", otherwise: null },
  cacheRead: { label: "cache read", per: "million tokens", otherwise: "input" },
  /** Kept for five minutes, or for as long as the provider's only cache keeps it. */
  cacheWrite: { label: "cache write", per: "million tokens", otherwise: "input" },
  cacheWrite1h: { label: "cache write 1h", per: "million tokens", otherwise: "cacheWrite" },
  reasoning: { label: "reasoning", per: "million tokens", otherwise: "output" },
  inputAudio: { label: "audio in", per: "million tokens", otherwise: "input" },
  cacheReadAudio: { label: "audio cache read", per: "million tokens", otherwise: "cacheRead" },
  outputAudio: { label: "audio out", per: "million tokens", otherwise: "output" },
  inputImage: { label: "image in", per: "million tokens", otherwise: "input" },
  cacheReadImage: { label: "image cache read", per: "million tokens", otherwise: "cacheRead" },
  outputImage: { label: "image out", per: "million tokens", otherwise: "output" },
  webSearch: { label: "web search", per: "thousand calls", otherwise: null },
  /** Charged once for a request that searched, in place of its searches. */
  searchRequest: { label: "request that searches", per: "thousand calls", otherwise: null },
  /** Charged once for each request. */
  request: { label: "request", per: "thousand calls", otherwise: null },
} as const satisfies Readonly<Record<string, RateKindTraits>>;

export type RateKind = keyof typeof RATE_KINDS;

export const RATE_KIND_NAMES = Object.keys(RATE_KINDS) as readonly RateKind[];

/** The kinds that a token of input can be charged as. */
export const INPUT_KINDS = [
  "input",
  "cacheRead",
  "cacheWrite",
  "cacheWrite1h",
  "inputAudio",
  "cacheReadAudio",
  "inputImage",
  "cacheReadImage",
] as const satisfies readonly RateKind[];

/** The kinds that a token of output can be charged as. */
export const OUTPUT_KINDS = [
  "output",
  "reasoning",
  "outputAudio",
  "outputImage",
] as const satisfies readonly RateKind[];

/**
 * Whole nano-dollars for a million units, a unit being a token or a call. Absent: the price has no such rate.
 */
export type Rates = Readonly<Partial<Record<RateKind, number>>>;

/**
 * Rates as providers publish them: dollars for a million tokens or for a thousand calls, with nine decimals
 * at most.
 */
export type UsdRates = Readonly<Partial<Record<RateKind, number>>>;

const NANO = 1e9;
const THOUSANDS_IN_A_MILLION = 1000;

function scaleOf(kind: RateKind): number {
  return RATE_KINDS[kind].per === "million tokens" ? NANO : NANO * THOUSANDS_IN_A_MILLION;
}

/** The rates as whole numbers: a decimal such as 0.003625 has no exact binary form, its nano-dollars have. */
export function ratesOf(usd: UsdRates): Rates {
  const rates: { -readonly [Kind in RateKind]?: number } = {};
  for (const kind of RATE_KIND_NAMES) {
    const dollars = usd[kind];
    if (dollars !== undefined) rates[kind] = Math.round(dollars * scaleOf(kind));
  }
  return rates;
}

/** The published form of a rate. */
export function usdOf(kind: RateKind, rate: number): number {
  return rate / scaleOf(kind);
}
