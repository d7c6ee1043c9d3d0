/**
 * The cost of a request, in whole numbers from the first step to the last: counts times rates are added up exactly, and
 * the sum is rounded once, half up.
 */
import { makeUsage, USAGE_KIND_NAMES, type Usage } from "../neutral/usage.ts";
import { type Price, ratesFor, standardAt, type Tariff } from "./price.ts";
import { RATE_KINDS, type RateKind, type Rates } from "./rates.ts";
import { type OwnTier, type Tier, tierOfWord } from "./tier.ts";

/** What decides the cost of a request beside its usage. */
export interface CostFacts {
  /** When the request was accepted, in Unix milliseconds: some prices change with the time of the day. */
  readonly atMs: number;
  /** The tier where the reply does not name it: a request of a batch, or in fast mode. null: as the usage says. */
  readonly tier: Tier | null;
  /** Where the request had to stay, in the words of the price's uplifts (`us`, `eu`); null: anywhere. */
  readonly region: string | null;
}

/** What a price does not say: the rate of a kind, or of the tier, which then counts as the standard one. */
export type CostGap = RateKind | "tier";

export interface CostPart {
  readonly kind: RateKind;
  /** Tokens or calls. */
  readonly units: number;
  /** Billionths of a nano-dollar, before any rounding. */
  readonly attoUsd: bigint;
}

export interface Cost {
  /** From 0 to 2^53 - 1, which is 9 million dollars; a higher cost counts as that. */
  readonly nanoUsd: number;
  /** Kinds with units and a rate. Their sum, rounded once, is `nanoUsd`. */
  readonly parts: readonly CostPart[];
  /** Not empty: the true cost may be another one. */
  readonly gaps: readonly CostGap[];
}

const ATTO_A_NANO = 1_000_000_000n;
const HALF_A_NANO = ATTO_A_NANO / 2n;
const MAX_NANO_USD = BigInt(Number.MAX_SAFE_INTEGER);
/** The sum of a few such counts is still exact. */
const MAX_COUNT = 2 ** 50;
/** No uplift, in thousandths: a rate is in nano-dollars a million, so a thousandth of it is in atto-dollars. */
const NO_UPLIFT = 1000;

/**
 * The cost of a request. null: its usage is unknown, which is not a cost of 0. A count that a number cannot hold
 * exactly is no count.
 */
export function costOf(reported: Usage, price: Price, facts: CostFacts): Cost | null {
  const usage = makeUsage(reported);
  if (usage.inputTokens === null && usage.outputTokens === null) return null;
  if (!USAGE_KIND_NAMES.every((kind) => (usage[kind] ?? 0) <= MAX_COUNT)) return null;
  const gaps: CostGap[] = [];
  const rates = ratesFor(tariffOf(usage, price, facts, gaps), usage.inputTokens ?? 0);
  const uplift = facts.region === null ? NO_UPLIFT : (price.uplifts[facts.region] ?? NO_UPLIFT);
  const parts: CostPart[] = [];
  let attoUsd = 0n;
  for (const [kind, units] of unitsOf(usage, rates)) {
    const rate = rateOf(kind, rates);
    if (rate === null) {
      gaps.push(kind);
      continue;
    }
    // A region makes tokens dearer, not the calls of tools.
    const factor = RATE_KINDS[kind].per === "million tokens" ? uplift : NO_UPLIFT;
    const part = BigInt(units) * BigInt(rate) * BigInt(factor);
    parts.push({ kind, units, attoUsd: part });
    attoUsd += part;
  }
  return { nanoUsd: roundNano(attoUsd), parts, gaps };
}

function tariffOf(usage: Usage, price: Price, facts: CostFacts, gaps: CostGap[]): Tariff {
  const tier = facts.tier ?? tierOfWord(usage.serviceTier);
  const own = tier === null || tier === "standard" ? undefined : price.tiers[tier satisfies OwnTier];
  if (own !== undefined) return own;
  if (tier !== "standard") gaps.push("tier");
  return standardAt(price, facts.atMs);
}

/** The rate of a kind, or of the kind that it is charged as. */
function rateOf(kind: RateKind, rates: Rates): number | null {
  for (let name: RateKind | null = kind; name !== null; name = RATE_KINDS[name].otherwise) {
    const rate = rates[name];
    if (rate !== undefined) return rate;
  }
  return null;
}

/**
 * The units of each kind: each token counts once. Usage does not say which of the cached tokens are audio or images;
 * only those count as cached that do not fit into the rest of the input.
 */
function unitsOf(usage: Usage, rates: Rates): readonly (readonly [RateKind, number])[] {
  const read = usage.cacheReadTokens ?? 0;
  const written1h = usage.cacheWrite1hTokens ?? 0;
  const written = usage.cacheWriteTokens ?? written1h;
  const audio = usage.inputAudioTokens ?? 0;
  const image = usage.inputImageTokens ?? 0;
  // An unknown whole is at least its known parts.
  const fresh = (usage.inputTokens ?? read + written + audio + image) - read - written;
  const freshAudio = Math.min(audio, fresh);
  const freshImage = Math.min(image, fresh - freshAudio);
  const readAudio = Math.min(audio - freshAudio, read);
  const readImage = Math.min(image - freshImage, read - readAudio);
  const outputAudio = usage.outputAudioTokens ?? 0;
  const outputImage = usage.outputImageTokens ?? 0;
  const thought = usage.reasoningTokens ?? 0;
  const output = usage.outputTokens ?? outputAudio + outputImage + thought;
  const reasoning = Math.min(thought, output - outputAudio - outputImage);
  const all: readonly (readonly [RateKind, number])[] = [
    ["input", fresh - freshAudio - freshImage],
    ["cacheRead", read - readAudio - readImage],
    ["cacheWrite", written - written1h],
    ["cacheWrite1h", written1h],
    ["inputAudio", freshAudio],
    ["cacheReadAudio", readAudio],
    ["inputImage", freshImage],
    ["cacheReadImage", readImage],
    ["output", output - reasoning - outputAudio - outputImage],
    ["reasoning", reasoning],
    ["outputAudio", outputAudio],
    ["outputImage", outputImage],
    ["webSearch", usage.webSearches ?? 0],
    ["request", rates.request === undefined ? 0 : 1],
  ];
  return all.filter(([, units]) => units > 0);
}

function roundNano(attoUsd: bigint): number {
  const nanoUsd = (attoUsd + HALF_A_NANO) / ATTO_A_NANO;
  return Number(nanoUsd < MAX_NANO_USD ? nanoUsd : MAX_NANO_USD);
}
