/**
 * The cost of a request, in whole numbers from the first step to the last: counts times rates are added up
 * exactly, and the sum is rounded once, half up.
 */
import { makeUsage, USAGE_KIND_NAMES, type Usage } from "../neutral/usage.ts";
import { type Price, ratesFor, standardAt, type Tariff } from "./price.ts";
import { RATE_KINDS, type RateKind, type Rates } from "./rates.ts";
import { type Tier, tierOfWord } from "./tier.ts";

/** What decides the cost of a request beside its usage. */
export interface CostFacts {
  /** When the request was accepted, in Unix milliseconds: some prices change with the time of the day. */
  readonly atMs: number;
  /**
   * The tier where the reply does not name it: a request of a batch, or in fast mode. null: as the usage
   * says.
   */
  readonly tier: Tier | null;
  /** Where the request had to stay, in the words of the price's uplifts (`us`, `eu`); null: anywhere. */
  readonly region: string | null;
}

/** What a price does not say: the rate of a kind, or of the tier, which then counts as the standard one. */
export type CostGap = RateKind | "tier";

export interface Cost {
  /** From 0 to 2^53 - 1, which is 9 million dollars; a higher cost counts as that. */
  readonly nanoUsd: number;
  /** Not empty: the true cost may be another one. */
  readonly gaps: readonly CostGap[];
}

/**
 * Takes what a request used: units of a kind at a rate, times a factor in thousandths. null: there is no
 * rate.
 */
export interface Bill {
  add(kind: RateKind, units: number, rate: number | null, factor: number): void;
  addGap(gap: CostGap): void;
}

const ATTO_A_NANO = 1_000_000_000n;
const SMALL_A_NANO = 1_000_000;
const MAX_SMALL = Number.MAX_SAFE_INTEGER - SMALL_A_NANO;
const MAX_NANO_USD = BigInt(Number.MAX_SAFE_INTEGER);
/** The sum of a few such counts is still exact. */
const MAX_COUNT = 2 ** 50;
/** A rate is in nano-dollars a million, so a thousandth of it is in atto-dollars. */
export const NO_UPLIFT = 1000;
const NO_GAPS: readonly CostGap[] = Object.freeze([]);

/**
 * The cost of a request. null: its usage is unknown, which is not a cost of 0. A count that a number cannot
 * hold exactly is no count.
 */
export function costOf(reported: Usage, price: Price, facts: CostFacts): Cost | null {
  const sum = new Sum();
  return fillBill(sum, reported, price, facts) ? { nanoUsd: sum.nanoUsd, gaps: sum.gaps } : null;
}

/** Puts on the bill what a request used; false: its usage is unknown. */
export function fillBill(bill: Bill, reported: Usage, price: Price, facts: CostFacts): boolean {
  const usage = makeUsage(reported);
  if (!isKnown(usage)) return false;
  const own = tariffOf(tierOf(usage, facts), price, facts.atMs);
  if (own === null) bill.addGap("tier");
  charge(usage, own ?? standardAt(price, facts.atMs), upliftOf(price, facts), bill);
  return true;
}

/**
 * The region that a call is charged for: the one that its reply names, where it has a factor, else that of the place which was
 * asked. Vertex AI charges by the endpoint, whatever a reply says. null: no region's.
 */
export function chargedRegion(
  { uplifts }: Price,
  replied: string | null,
  asked: string | null,
): string | null {
  return replied !== null && Object.hasOwn(uplifts, replied) ? replied : asked;
}

function upliftOf({ uplifts }: Price, { region }: CostFacts): number {
  // A region is a name from a host, and `constructor` is a member of every object.
  return region !== null && Object.hasOwn(uplifts, region) ? (uplifts[region] ?? NO_UPLIFT) : NO_UPLIFT;
}

class Sum implements Bill {
  /**
   * Millionths of a nano-dollar without an uplift, as long as a number holds them: 3 ns a kind, `bigint`
   * takes 240.
   */
  #small = 0;
  /** Billionths of a nano-dollar. */
  #large = 0n;
  gaps: readonly CostGap[] = NO_GAPS;

  add(kind: RateKind, units: number, rate: number | null, factor: number): void {
    if (rate === null) {
      this.addGap(kind);
      return;
    }
    // A product that was rounded lies beyond the safe integers, and so does its sum.
    const sum = this.#small + units * rate;
    if (factor === NO_UPLIFT && sum <= MAX_SMALL) this.#small = sum;
    else this.#large += BigInt(units) * BigInt(rate) * BigInt(factor);
  }

  addGap(gap: CostGap): void {
    this.gaps = [...this.gaps, gap];
  }

  get nanoUsd(): number {
    if (this.#large === 0n) {
      const raised = this.#small + SMALL_A_NANO / 2;
      return (raised - (raised % SMALL_A_NANO)) / SMALL_A_NANO;
    }
    const nanoUsd = (BigInt(this.#small) * BigInt(NO_UPLIFT) + this.#large + ATTO_A_NANO / 2n) / ATTO_A_NANO;
    return Number(nanoUsd < MAX_NANO_USD ? nanoUsd : MAX_NANO_USD);
  }
}

function isKnown(usage: Usage): boolean {
  const { inputTokens, outputTokens, webSearches } = usage;
  if (inputTokens === null && outputTokens === null) return false;
  // No part is above its whole.
  if (inputTokens !== null && outputTokens !== null)
    return inputTokens <= MAX_COUNT && outputTokens <= MAX_COUNT && (webSearches ?? 0) <= MAX_COUNT;
  for (const kind of USAGE_KIND_NAMES) if ((usage[kind] ?? 0) > MAX_COUNT) return false;
  return true;
}

/** The tier of a request; null: its word is unknown. */
function tierOf(usage: Usage, facts: CostFacts): Tier | null {
  return facts.tier ?? tierOfWord(usage.serviceTier);
}

/** The tariff of the request's tier; null: the price has none. */
function tariffOf(tier: Tier | null, price: Price, atMs: number): Tariff | null {
  if (tier === "standard") return standardAt(price, atMs);
  return tier === null ? null : (price.tiers[tier] ?? null);
}

/** Adds what the request used: each token once. */
function charge(usage: Usage, tariff: Tariff, uplift: number, bill: Bill): void {
  const rates = ratesFor(tariff, usage.inputTokens ?? knownInput(usage));
  const to = { bill, rates, uplift };
  chargeInput(usage, to);
  chargeOutput(usage, to);
  const searches = usage.webSearches ?? 0;
  // A price for each request without one for searches holds them.
  const isInRequest = rates.request !== undefined && rates.webSearch === undefined;
  if (rates.searchRequest !== undefined) add(to, "searchRequest", Math.min(1, searches));
  else if (!isInRequest) add(to, "webSearch", searches);
  if (rates.request !== undefined) add(to, "request", 1);
}

/** A bill, and what counts for it. */
interface Charged {
  readonly bill: Bill;
  readonly rates: Rates;
  readonly uplift: number;
}

function add({ bill, rates, uplift }: Charged, kind: RateKind, units: number): void {
  if (units <= 0) return;
  // A region makes tokens dearer, not the calls of tools.
  const factor = RATE_KINDS[kind].per === "million tokens" ? uplift : NO_UPLIFT;
  bill.add(kind, units, rateOf(kind, rates), factor);
}

/** An unknown whole is at least its known parts. */
function knownInput(usage: Usage): number {
  return (
    (usage.cacheReadTokens ?? 0) +
    (usage.cacheWriteTokens ?? usage.cacheWrite1hTokens ?? 0) +
    (usage.inputAudioTokens ?? 0) +
    (usage.inputImageTokens ?? 0)
  );
}

/**
 * Where usage does not say which of the cached tokens are audio or images, only those count as cached that do not
 * fit into the rest of the input.
 */
function chargeInput(usage: Usage, to: Charged): void {
  const read = usage.cacheReadTokens ?? 0;
  const written1h = usage.cacheWrite1hTokens ?? 0;
  const written = usage.cacheWriteTokens ?? written1h;
  const fresh = (usage.inputTokens ?? knownInput(usage)) - read - written;
  let readAudio = Math.min(usage.cacheReadAudioTokens ?? 0, read);
  let readImage = Math.min(usage.cacheReadImageTokens ?? 0, read - readAudio);
  const audio = Math.max(0, (usage.inputAudioTokens ?? 0) - readAudio);
  const image = Math.max(0, (usage.inputImageTokens ?? 0) - readImage);
  const freshAudio = Math.min(audio, fresh);
  const freshImage = Math.min(image, fresh - freshAudio);
  readAudio += Math.min(audio - freshAudio, read - readAudio - readImage);
  readImage += Math.min(image - freshImage, read - readAudio - readImage);
  add(to, "input", fresh - freshAudio - freshImage);
  add(to, "cacheRead", read - readAudio - readImage);
  add(to, "cacheWrite", written - written1h);
  add(to, "cacheWrite1h", written1h);
  add(to, "inputAudio", freshAudio);
  add(to, "cacheReadAudio", readAudio);
  add(to, "inputImage", freshImage);
  add(to, "cacheReadImage", readImage);
}

function chargeOutput(usage: Usage, to: Charged): void {
  const audio = usage.outputAudioTokens ?? 0;
  const image = usage.outputImageTokens ?? 0;
  const thought = usage.reasoningTokens ?? 0;
  const output = usage.outputTokens ?? audio + image + thought;
  const reasoning = Math.min(thought, output - audio - image);
  add(to, "output", output - reasoning - audio - image);
  add(to, "reasoning", reasoning);
  add(to, "outputAudio", audio);
  add(to, "outputImage", image);
}

/** The rate of a kind, or of the kind that it is charged as; null: neither is priced. */
export function rateOf(kind: RateKind, rates: Rates): number | null {
  for (let name: RateKind | null = kind; name !== null; name = RATE_KINDS[name].otherwise) {
    const rate = rates[name];
    if (rate !== undefined) return rate;
  }
  return null;
}
