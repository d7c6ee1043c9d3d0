/** What the calls of a request cost, each at the price of its own target. */
import type { Usage } from "../neutral/usage.ts";
import { type CostGap, costOf } from "./cost.ts";
import { priceAt } from "./price.ts";
import type { PriceBook, ProviderPlace } from "./price-book.ts";

/** Whom a call was sent to. */
export interface ChargedTarget {
  /** null: nobody. */
  readonly upstream: string | null;
  readonly place: ProviderPlace | null;
  /** The model that the upstream was asked for. */
  readonly modelUsed: string | null;
  /** The request named other models for the upstream to fall back on, so the one that it reports is charged. */
  readonly mayFallBack?: boolean;
}

/** What its answer says. */
export interface ChargedAnswer {
  readonly usage: Usage | null;
  /** The usage of each part of an answer that paused, of which `usage` is the sum; absent: there is one part. */
  readonly partUsages?: readonly Usage[] | undefined;
  /** The model that the upstream reports. */
  readonly model: string | null;
}

/** `price`: a call has no price while another one has. */
type ChargeGap = CostGap | "price";

export interface Charge {
  /** null: nothing that was used has a price. */
  readonly nanoUsd: number | null;
  /** `Price.version` of the last call that has a cost. */
  readonly priceVersion: string | null;
  readonly gaps: readonly ChargeGap[];
}

const UNPRICED: Charge = { nanoUsd: null, priceVersion: null, gaps: ["price"] };

/**
 * The cost of an answer at the prices in force at a time. A provider bills each call: an answer of several parts is
 * several calls, each with its own prompt. null: nothing is known to be used.
 */
export function chargeOf(
  book: PriceBook,
  target: ChargedTarget,
  { usage, partUsages, model }: ChargedAnswer,
  atMs: number,
): Charge | null {
  if (usage === null) return null;
  if (partUsages === undefined) return chargeOfCall(book, target, usage, model, atMs);
  let sum: Charge | null = null;
  for (const part of partUsages) sum = addCharges(sum, chargeOfCall(book, target, part, model, atMs));
  return sum;
}

function chargeOfCall(
  book: PriceBook,
  { upstream, place, modelUsed, mayFallBack }: ChargedTarget,
  usage: Usage,
  modelReported: string | null,
  atMs: number,
): Charge | null {
  if (upstream === null || (usage.inputTokens === null && usage.outputTokens === null)) return null;
  const provider = place?.provider ?? null;
  // A name of the upstream's own, such as that of a deployment, has no listed price; the model behind it may.
  const first = mayFallBack === true ? modelReported : modelUsed;
  const second = mayFallBack === true ? modelUsed : modelReported;
  const priced =
    (first === null ? null : book.find({ upstream, provider, model: first })) ??
    (second === null ? null : book.find({ upstream, provider, model: second }));
  const price = priced === null ? null : priceAt(priced, atMs);
  const region = usage.region ?? place?.region ?? null;
  const cost = price === null ? null : costOf(usage, price, { atMs, tier: null, region });
  if (price === null || cost === null) return UNPRICED;
  return { nanoUsd: cost.nanoUsd, priceVersion: price.version, gaps: cost.gaps };
}

/** The costs of two calls. What has no price is missing in the sum, and named. */
export function addCharges(one: Charge | null, other: Charge | null): Charge | null {
  if (one === null || other === null) return one ?? other;
  if (one.nanoUsd === null && other.nanoUsd === null) return UNPRICED;
  return {
    nanoUsd: Math.min((one.nanoUsd ?? 0) + (other.nanoUsd ?? 0), Number.MAX_SAFE_INTEGER),
    priceVersion: other.priceVersion ?? one.priceVersion,
    gaps: [...new Set([...one.gaps, ...other.gaps])],
  };
}
