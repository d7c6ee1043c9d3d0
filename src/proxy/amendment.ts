/** What the plan adds to a request: the model's suffixes and its `[[models]]` entry. */
import type { ModelConfig } from "../config/config.ts";
import type { Amendment } from "../neutral/amendment.ts";
import type { FoundPlan } from "../plan/plan.ts";

const NO_VALUES = {
  temperature: null,
  topP: null,
  topK: null,
  maxOutputTokens: null,
  effort: null,
  thinkingBudgetTokens: null,
  stop: null,
  seed: null,
} as const;

/** null: nothing is added, the request is relayed as it is. */
export function amendmentOf(plan: Pick<FoundPlan, "suffixes" | "entry">): Amendment | null {
  return plan.suffixes === null && (plan.entry === null || isPlain(plan.entry)) ? null : makeAmendment(plan);
}

/** Entries that add nothing, as most do not. */
const plainEntries = new WeakMap<ModelConfig, boolean>();

function isPlain(entry: ModelConfig): boolean {
  const known = plainEntries.get(entry);
  if (known !== undefined) return known;
  const isNothing = makeAmendment({ suffixes: null, entry }) === null;
  plainEntries.set(entry, isNothing);
  return isNothing;
}

function makeAmendment({ suffixes, entry }: Pick<FoundPlan, "suffixes" | "entry">): Amendment | null {
  const amendment: Amendment = {
    thinking: suffixes?.thinking === true ? { budgetTokens: suffixes.thinkingBudgetTokens } : null,
    search: suffixes?.search ?? false,
    systemBefore: entry?.systemBefore ?? null,
    systemAfter: entry?.systemAfter ?? null,
    defaults: entry?.defaults ?? NO_VALUES,
    fixed: entry?.fixed ?? NO_VALUES,
  };
  return isEmpty(amendment) ? null : amendment;
}

function isEmpty({ thinking, search, systemBefore, systemAfter, defaults, fixed }: Amendment): boolean {
  const hasNone = (values: object): boolean => Object.values(values).every((value) => value === null);
  return (
    thinking === null &&
    !search &&
    systemBefore === null &&
    systemAfter === null &&
    hasNone(defaults) &&
    hasNone(fixed)
  );
}
