/** The most that a request can cost, known before its reply says what it used. */
import { NO_UPLIFT, rateOf } from "./cost.ts";
import { type Price, type PricedModel, priceAt, standardAt, type Tariff } from "./price.ts";
import { INPUT_KINDS, OUTPUT_KINDS, type RateKind, type Rates } from "./rates.ts";
import { OWN_TIERS, type Tier } from "./tier.ts";

/** What a request asks for, at most. */
export interface CostLimits {
  /** All input tokens, with those of caches. */
  readonly inputTokens: number;
  /** All output tokens, with those of reasoning, over all choices. */
  readonly outputTokens: number;
  readonly webSearches: number;
  /**
   * The tier that the request names: its provider may serve it in the standard tier all the same. null: the request
   * leaves it to the provider, who may choose any tier but `fast`, which needs to be asked for.
   */
  readonly tier: Tier | null;
  /** Where the request has to stay, in the words of `CostFacts`; null: the reply will say, so the dearest counts. */
  readonly region: string | null;
  /** When the request was accepted, in Unix milliseconds. */
  readonly atMs: number;
}

/**
 * The most nano-dollars that a request within the limits can cost: `costOf` of its usage is never more. Each token
 * counts as the dearest kind that it can be. null: the model has no price at that time.
 */
export function mostNanoUsd(priced: PricedModel, limits: CostLimits): number | null {
  const price = priceAt(priced, limits.atMs);
  if (price === null) return null;
  const { tier, region } = limits;
  const uplift = region === null ? dearestOfPrice(price).uplift : upliftOf(price, region);
  let most = mostAt(standardAt(price, limits.atMs), limits, uplift);
  if (tier === null) {
    for (const tariff of dearestOfPrice(price).tiers) most = Math.max(most, mostAt(tariff, limits, uplift));
  } else if (tier !== "standard") {
    const tariff = price.tiers[tier];
    if (tariff !== undefined) most = Math.max(most, mostAt(tariff, limits, uplift));
  }
  return most;
}

function mostAt({ rates, steps }: Tariff, limits: CostLimits, uplift: number): number {
  let most = nanoUsdAt(rates, limits, uplift);
  for (const step of steps)
    if (limits.inputTokens > step.aboveTokens) most = Math.max(most, nanoUsdAt(step.rates, limits, uplift));
  return most;
}

function upliftOf({ uplifts }: Price, region: string): number {
  return Object.hasOwn(uplifts, region) ? Math.max(NO_UPLIFT, uplifts[region] ?? 0) : NO_UPLIFT;
}

/** What a price may come to where the request leaves tier and region to the provider. */
interface DearestOfPrice {
  readonly tiers: readonly Tariff[];
  readonly uplift: number;
}

/** Prices are frozen data, and every request of a key with a budget asks. */
const dearestPrices = new WeakMap<Price, DearestOfPrice>();

function dearestOfPrice(price: Price): DearestOfPrice {
  let dearest = dearestPrices.get(price);
  if (dearest === undefined) {
    dearest = {
      tiers: OWN_TIERS.flatMap((name) => (name === "fast" ? [] : (price.tiers[name] ?? []))),
      uplift: Math.max(NO_UPLIFT, ...Object.values(price.uplifts)),
    };
    dearestPrices.set(price, dearest);
  }
  return dearest;
}

/** The dearest rate of each kind of tokens. */
interface Dearest {
  readonly input: number;
  readonly output: number;
}

const dearestRates = new WeakMap<Rates, Dearest>();

function dearestOf(rates: Rates): Dearest {
  let dearest = dearestRates.get(rates);
  if (dearest === undefined) {
    dearest = { input: maxOf(INPUT_KINDS, rates), output: maxOf(OUTPUT_KINDS, rates) };
    dearestRates.set(rates, dearest);
  }
  return dearest;
}

function maxOf(kinds: readonly RateKind[], rates: Rates): number {
  return kinds.reduce((most, kind) => Math.max(most, rateOf(kind, rates) ?? 0), 0);
}

/** A rate is in nano-dollars a million, and an uplift in thousandths. */
const PARTS_A_NANO = 1e9;
/** More than what a sum of a few rounded products can lack. */
const ROUNDING = 1e-14;

/** Rounded as a cost is, and never less, where a number is no longer exact: `bigint` would take a microsecond. */
function nanoUsdAt(rates: Rates, limits: CostLimits, uplift: number): number {
  const { input, output } = dearestOf(rates);
  const tokens = limits.inputTokens * input + limits.outputTokens * output;
  const searches =
    rates.searchRequest === undefined
      ? limits.webSearches * (rates.webSearch ?? 0)
      : Math.min(1, limits.webSearches) * rates.searchRequest;
  const parts = tokens * uplift + (searches + (rates.request ?? 0)) * NO_UPLIFT;
  return Math.min(Math.floor((parts / PARTS_A_NANO) * (1 + ROUNDING) + 0.5), Number.MAX_SAFE_INTEGER);
}
