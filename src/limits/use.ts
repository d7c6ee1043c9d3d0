/** The limits of a key as they stand now, for people and for headers. */
import type { Period } from "../core/calendar.ts";
import type { LimitName, LimitPlace } from "./refusal.ts";

/** One limit as it stands now. `used` and `reserved` are requests, tokens or nano-dollars. */
export interface LimitUse extends LimitPlace {
  readonly limit: LimitName;
  /** Of a budget; null for other limits. */
  readonly period: Period | null;
  readonly limitValue: number;
  readonly used: number;
  /** Held by running requests; not in `used`. */
  readonly reserved: number;
  readonly remaining: number;
  /** When all of the limit is free again, if nothing more is asked for, Unix milliseconds; null: not known. */
  readonly resetsAtMs: number | null;
}

/** A window as it stands now. Money is in nano-dollars. */
export interface BudgetStanding extends LimitPlace {
  readonly period: Period;
  readonly startMs: number;
  readonly resetsAtMs: number;
  readonly limitNanoUsd: number;
  /** Without what running requests hold. */
  readonly spentNanoUsd: number;
  /** A request was refused because of what is spent, and not because of what running requests hold. */
  readonly hasRefused: boolean;
}

export type KeyUse = readonly LimitUse[];
