// What the provider charges for: the tokens of an answer by kind, and the prices of the simulated models.

import type { SimulatedAnswer } from "./answer.ts";

/** The kinds do not overlap: their sum is everything that was read and generated. */
export interface Billed {
  /** Prompt tokens that were neither read from the cache nor written to it. */
  readonly input: number;
  readonly cacheRead: number;
  readonly cacheWrite5m: number;
  readonly cacheWrite1h: number;
  /** Reasoning among them. */
  readonly output: number;
  /** Web searches, not tokens. */
  readonly searches: number;
}

/** Nano-dollars for one token, or for one search. Integers, so that every bill is exact. */
export type Price = Billed;

/** Prices of single models. Every other model has `OTHER_PRICE`: a provider gives nothing away. */
export const SIMULATED_PRICES: Readonly<Record<string, Price>> = {
  "claude-sonnet-5": price(3_000, 300, 3_750, 6_000, 15_000),
  "claude-haiku-4-5": price(1_000, 100, 1_250, 2_000, 5_000),
  "gemini-3-flash": price(500, 50, 0, 0, 3_000),
  "gpt-5.4": price(2_500, 250, 0, 0, 15_000),
  "house-1": price(70, 7, 0, 0, 280),
  "text-embedding-3-small": price(20, 0, 0, 0, 0),
};

const OTHER_PRICE = price(1_100, 110, 1_375, 2_200, 4_400);

function price(
  input: number,
  cacheRead: number,
  cacheWrite5m: number,
  cacheWrite1h: number,
  output: number,
): Price {
  return { input, cacheRead, cacheWrite5m, cacheWrite1h, output, searches: 10_000_000 };
}

/** The tokens of `choices` answers to one prompt. */
export function billedOf({ usage }: SimulatedAnswer, choices = 1): Billed {
  const { prompt, output, searches } = usage;
  const { written } = prompt;
  return {
    input: prompt.total - prompt.cached - written["5m"] - written["1h"],
    cacheRead: prompt.cached,
    cacheWrite5m: written["5m"],
    cacheWrite1h: written["1h"],
    output: output * choices,
    searches,
  };
}

/** The prices of a model. */
export function priceOf(model: string): Price {
  return SIMULATED_PRICES[model] ?? OTHER_PRICE;
}

/** Integer nano-dollars. */
export function costNanoUsd(model: string, billed: Billed): number {
  const rates = priceOf(model);
  return (
    billed.input * rates.input +
    billed.cacheRead * rates.cacheRead +
    billed.cacheWrite5m * rates.cacheWrite5m +
    billed.cacheWrite1h * rates.cacheWrite1h +
    billed.output * rates.output +
    billed.searches * rates.searches
  );
}
