/** Counts and tiers as upstreams write them. */
import { asString } from "../../wire/json.ts";

const MAX_COUNT = 1e12;

/** A whole number from 0 to 10^12, or null when the value is not a number. */
export function countOf(value: unknown): number | null {
  if (typeof value !== "number" || Number.isNaN(value)) return null;
  return Math.min(MAX_COUNT, Math.max(0, Math.trunc(value)));
}

const MAX_TIER_CHARS = 64;

/**
 * A provider's name of a tier or a region, cut to the length that a row of the ledger can hold; null when there is none.
 */
export function tierOf(value: unknown): string | null {
  return asString(value)?.slice(0, MAX_TIER_CHARS) ?? null;
}

/** The sum of the counts that are not null; null when all are. */
export function sumOf(one: number | null, other: number | null, third: number | null = null): number | null {
  if (one === null && other === null) return third;
  const sum = (one ?? 0) + (other ?? 0);
  return third === null ? sum : sum + third;
}
