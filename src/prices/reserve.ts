/** The most that a request can cost, known before its reply says what it used. */
import { CostSum, NO_UPLIFT, rateOf } from "./cost.ts";
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

function nanoUsdAt(rates: Rates, limits: CostLimits, uplift: number): number {
  const sum = new CostSum();
  sum.add("input", limits.inputTokens, dearestOf(INPUT_KINDS, rates), uplift);
  sum.add("output", limits.outputTokens, dearestOf(OUTPUT_KINDS, rates), uplift);
  if (rates.searchRequest === undefined)
    sum.add("webSearch", limits.webSearches, rates.webSearch ?? 0, NO_UPLIFT);
  else if (limits.webSearches > 0) sum.add("searchRequest", 1, rates.searchRequest, NO_UPLIFT);
  sum.add("request", 1, rates.request ?? 0, NO_UPLIFT);
  return sum.nanoUsd;
}

function dearestOf(kinds: readonly RateKind[], rates: Rates): number {
  let dearest = 0;
  for (const kind of kinds) dearest = Math.max(dearest, rateOf(kind, rates) ?? 0);
  return dearest;
}
