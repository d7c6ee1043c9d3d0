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
  const uplift = dearestUplift(price, limits.region);
  let most = 0;
  for (const { rates, steps } of tariffsFor(price, limits)) {
    most = Math.max(most, nanoUsdAt(rates, limits, uplift));
    for (const step of steps)
      if (limits.inputTokens > step.aboveTokens) most = Math.max(most, nanoUsdAt(step.rates, limits, uplift));
  }
  return most;
}

function tariffsFor(price: Price, { tier, atMs }: CostLimits): readonly Tariff[] {
  const names = tier === null ? OWN_TIERS.filter((name) => name !== "fast") : [tier];
  const own = names.flatMap((name) => (name === "standard" ? [] : (price.tiers[name] ?? [])));
  return [standardAt(price, atMs), ...own];
}

function dearestUplift({ uplifts }: Price, region: string | null): number {
  if (region === null) return Math.max(NO_UPLIFT, ...Object.values(uplifts));
  return Object.hasOwn(uplifts, region) ? Math.max(NO_UPLIFT, uplifts[region] ?? 0) : NO_UPLIFT;
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
