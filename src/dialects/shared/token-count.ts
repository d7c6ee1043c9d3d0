/** Counts and tiers as upstreams write them. */
import { asString } from "../../wire/json.ts";

const MAX_COUNT = 1e12;

/** A count that a server wrote as a text. */
const DIGITS = /^\d{1,16}(?:\.\d{1,16})?$/;

/** A whole number from 0 to 10^12, or null when the value is not a number. */
export function countOf(value: unknown): number | null {
  if (typeof value === "string") return DIGITS.test(value) ? countOf(Number(value)) : null;
  if (typeof value !== "number" || Number.isNaN(value)) return null;
  return Math.min(MAX_COUNT, Math.max(0, Math.trunc(value)));
}

/**
 * The first of up to five values that is a count above 0; without one the first that is a count. Each reply is counted, so no
 * list is made of them.
 */
export function firstCount(
  one: unknown,
  two?: unknown,
  three?: unknown,
  four?: unknown,
  five?: unknown,
): number | null {
  const first = countOf(one);
  if (first !== null && first > 0) return first;
  return laterCount(laterCount(laterCount(laterCount(first, two), three), four), five);
}

function laterCount(former: number | null, value: unknown): number | null {
  if (value === undefined || (former !== null && former > 0)) return former;
  const count = countOf(value);
  return former === null || (count !== null && count > 0) ? count : former;
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
