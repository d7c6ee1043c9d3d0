/** What the calls of a request cost, each at the price of its own target. */
import type { Usage } from "../neutral/usage.ts";
import { type CostGap, chargedRegion, costOf } from "./cost.ts";
import { priceAt } from "./price.ts";
import type { PriceBook, ProviderPlace } from "./price-book.ts";

/** Whom a call was sent to. */
export interface BilledTarget {
  /** null: nobody. */
  readonly upstream: string | null;
  readonly place: ProviderPlace | null;
  /** The model that the upstream was asked for. */
  readonly modelUsed: string | null;
  /** The request named other models for the upstream to fall back on, so the one that it reports is billed. */
  readonly mayFallBack?: boolean;
}

/** What its answer says. */
export interface BilledAnswer {
  readonly usage: Usage | null;
  /** The usage of each part of an answer that paused, of which `usage` is the sum; absent: there is one part. */
  readonly partUsages?: readonly Usage[] | undefined;
  /** The model that the upstream reports. */
  readonly model: string | null;
}

/** `price`: a call has no price while another one has. */
type AnswerCostGap = CostGap | "price";

export interface AnswerCost {
  /** null: nothing that was used has a price. */
  readonly nanoUsd: number | null;
  /** `Price.version` of the last call that has a cost. */
  readonly priceVersion: string | null;
  readonly gaps: readonly AnswerCostGap[];
}

/** A cost in the columns of a row. */
export interface RowCost {
  readonly costNanoUsd: number | null;
  readonly priceVersion: string | null;
  /** JSON array; null: nothing is missing. */
  readonly costGaps: string | null;
}

/** `moreGaps` are those that the row itself has. Without a cost a row has no gaps. */
export function rowCostOf(cost: AnswerCost | null, moreGaps: readonly string[] = []): RowCost {
  if (cost === null || cost.nanoUsd === null) return NO_ROW_COST;
  const { nanoUsd, priceVersion } = cost;
  const gaps = moreGaps.length === 0 ? cost.gaps : [...cost.gaps, ...moreGaps];
  return { costNanoUsd: nanoUsd, priceVersion, costGaps: gaps.length === 0 ? null : JSON.stringify(gaps) };
}

const NO_ROW_COST: RowCost = Object.freeze({ costNanoUsd: null, priceVersion: null, costGaps: null });

const UNPRICED: AnswerCost = { nanoUsd: null, priceVersion: null, gaps: ["price"] };

/**
 * The cost of an answer at the prices in force at a time. A provider bills each call: an answer of several parts is
 * several calls, each with its own prompt. null: nothing is known to be used.
 */
export function costOfAnswer(
  book: PriceBook,
  target: BilledTarget,
  { usage, partUsages, model }: BilledAnswer,
  atMs: number,
): AnswerCost | null {
  if (usage === null) return null;
  if (partUsages === undefined) return costOfCall(book, target, usage, model, atMs);
  let sum: AnswerCost | null = null;
  for (const part of partUsages) sum = addCosts(sum, costOfCall(book, target, part, model, atMs));
  return sum;
}

function costOfCall(
  book: PriceBook,
  { upstream, place, modelUsed, mayFallBack }: BilledTarget,
  usage: Usage,
  modelReported: string | null,
  atMs: number,
): AnswerCost | null {
  if (upstream === null || (usage.inputTokens === null && usage.outputTokens === null)) return null;
  const provider = place?.provider ?? null;
  // A name of the upstream's own, such as that of a deployment, has no listed price; the model behind it may.
  const first = mayFallBack === true ? modelReported : modelUsed;
  const second = mayFallBack === true ? modelUsed : modelReported;
  const priced =
    (first === null ? null : book.find(upstream, provider, first)) ??
    (second === null ? null : book.find(upstream, provider, second));
  const price = priced === null ? null : priceAt(priced, atMs);
  if (price === null) return UNPRICED;
  const region = chargedRegion(price, usage.region, place?.region ?? null);
  const cost = costOf(usage, price, { atMs, tier: null, region });
  if (cost === null) return UNPRICED;
  return { nanoUsd: cost.nanoUsd, priceVersion: price.version, gaps: cost.gaps };
}

/** The costs of two calls. What has no price is missing in the sum, and named. */
export function addCosts(one: AnswerCost | null, other: AnswerCost | null): AnswerCost | null {
  if (one === null || other === null) return one ?? other;
  if (one.nanoUsd === null && other.nanoUsd === null) return UNPRICED;
  return {
    nanoUsd: Math.min((one.nanoUsd ?? 0) + (other.nanoUsd ?? 0), Number.MAX_SAFE_INTEGER),
    priceVersion: other.priceVersion ?? one.priceVersion,
    gaps: [...new Set([...one.gaps, ...other.gaps])],
  };
}
