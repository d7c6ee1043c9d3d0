/** A price: what one model of one provider costs from a date on. */
import type { Rates } from "./rates.ts";
import type { OwnTier } from "./tier.ts";

/**
 * The rates of a prompt that is longer than a step: the whole request is charged at them, not only what
 * exceeds it.
 */
export interface Step {
  /** In tokens of input, with those of caches; a prompt of just this length is below the step. */
  readonly aboveTokens: number;
  readonly rates: Rates;
}

export interface Tariff {
  readonly rates: Rates;
  /** From the lowest to the highest. */
  readonly steps: readonly Step[];
}

/** A part of each day (UTC) with a tariff of its own; it may pass midnight. */
export interface DayWindow {
  /** Minutes since midnight. */
  readonly fromMinute: number;
  /** The first minute after the window. */
  readonly toMinute: number;
  readonly tariff: Tariff;
}

export interface Price {
  /**
   * Names this price for ever: `anthropic/claude-opus-5@2026-03-13#0123456789ab`, with a hash of all that decides a
   * cost. A newer list that does not change the price does not change its name.
   */
  readonly version: string;
  /** Unix milliseconds; null: from the beginning. */
  readonly sinceMs: number | null;
  readonly standard: Tariff;
  /** In the standard tier only. */
  readonly windows: readonly DayWindow[];
  readonly tiers: Readonly<Partial<Record<OwnTier, Tariff>>>;
  /** What all rates of tokens are multiplied by when the request must stay in a region, in thousandths. */
  readonly uplifts: Readonly<Record<string, number>>;
}

/** The prices of a model, from the oldest to the newest. */
export interface PricedModel {
  readonly provider: string;
  readonly model: string;
  readonly prices: readonly Price[];
  /** Where two sources differ; the price is the first one's. Empty: they agree, or only one has the model. */
  readonly disputes: readonly Dispute[];
  /** What only the second source has: names of tiers, `uplifts`. */
  readonly filled: readonly string[];
}

/** Two values of one rate, in its published form; null: the source has no rate of this kind. */
export interface Dispute {
  /** As in `input`, `batch output` or `cacheRead above 200000`. */
  readonly rate: string;
  readonly first: number | null;
  readonly second: number | null;
}

/** The price in force at a time; null: the model had none then. */
export function priceAt({ prices }: PricedModel, atMs: number): Price | null {
  for (let i = prices.length - 1; i >= 0; i--) {
    const price = prices[i] as Price;
    if (price.sinceMs === null || price.sinceMs <= atMs) return price;
  }
  return null;
}

/** The rates of a prompt. */
export function ratesFor({ rates, steps }: Tariff, promptTokens: number): Rates {
  if (steps.length === 0) return rates;
  return steps.findLast(({ aboveTokens }) => promptTokens > aboveTokens)?.rates ?? rates;
}

const MINUTE_MS = 60_000;
export const DAY_MINUTES = 1440;

/** The tariff of the standard tier at a time of the day. */
export function standardAt({ standard, windows }: Price, atMs: number): Tariff {
  if (windows.length === 0) return standard;
  const minute = Math.floor(atMs / MINUTE_MS) % DAY_MINUTES;
  return windows.find((window) => isWithin(window, minute))?.tariff ?? standard;
}

function isWithin({ fromMinute, toMinute }: DayWindow, minute: number): boolean {
  return fromMinute <= toMinute
    ? fromMinute <= minute && minute < toMinute
    : minute >= fromMinute || minute < toMinute;
}
