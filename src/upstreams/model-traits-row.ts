/** The words that the tables of models are written in. */
import type { Effort, ModelTraits, ThinkingTraits } from "../neutral/traits.ts";

/** Models whose plain names match, and what they can. The first row that matches counts. */
export type TraitsRow = readonly [names: RegExp, traits: ModelTraits];

/** What is known of a plain name; `fallback` where no row matches. */
export function lookUp(rows: readonly TraitsRow[], name: string, fallback: ModelTraits): ModelTraits {
  return rows.find(([names]) => names.test(name))?.[1] ?? fallback;
}

/** It cannot think, or cannot be told how. `isOnByDefault`: it thinks all the same. */
export function noThinking(isOnByDefault = false): ThinkingTraits {
  return {
    kind: "none",
    efforts: [],
    minBudgetTokens: 0,
    maxBudgetTokens: 0,
    canDisable: !isOnByDefault,
    isOnByDefault,
  };
}

/** It thinks up to a number of tokens. */
export function byBudget(
  minBudgetTokens: number,
  maxBudgetTokens: number,
  more: Partial<ThinkingTraits> = {},
): ThinkingTraits {
  return {
    kind: "budget",
    efforts: [],
    minBudgetTokens,
    maxBudgetTokens,
    canDisable: true,
    isOnByDefault: false,
    ...more,
  };
}

/** It thinks by a word; with `none` among them it can be told not to. */
export function byEffort(efforts: readonly Effort[], isOnByDefault: boolean): ThinkingTraits {
  return {
    kind: "effort",
    efforts,
    minBudgetTokens: 0,
    maxBudgetTokens: 0,
    canDisable: efforts.includes("none"),
    isOnByDefault,
  };
}
