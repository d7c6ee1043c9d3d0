/** What a prompt cache saves. */
import { rateOf } from "./cost.ts";
import { type PricedModel, priceAt, ratesFor, standardAt } from "./price.ts";

/**
 * Nano-dollars that a million tokens cost less when the cache holds them, in the standard tier; 0: nothing is saved, or the
 * model has no price at that time. `promptTokens` decides the step; `atMs`: Unix milliseconds.
 */
export function cacheSaving(priced: PricedModel, promptTokens: number, atMs: number): number {
  const price = priceAt(priced, atMs);
  if (price === null) return 0;
  const rates = ratesFor(standardAt(price, atMs), promptTokens);
  const full = rateOf("input", rates);
  const cached = rateOf("cacheRead", rates);
  return full === null || cached === null ? 0 : Math.max(0, full - cached);
}
