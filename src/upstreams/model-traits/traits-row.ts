/** The rows of the tables of models. */
import type { Effort, ModelTraits, ThinkingTraits } from "../../neutral/traits.ts";

/** The traits of the models whose plain names match. The first row that matches counts. */
export type TraitsRow = readonly [names: RegExp, traits: ModelTraits];

/** `fallback` when no row matches. */
export function lookUp(rows: readonly TraitsRow[], name: string, fallback: ModelTraits): ModelTraits {
  return rows.find(([names]) => names.test(name))?.[1] ?? fallback;
}

/** The model does not think, or its thinking cannot be controlled (`isOnByDefault`). */
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

/** A number of tokens bounds the thinking. */
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

/** A word sets the thinking; `none` among the words disables it. */
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
