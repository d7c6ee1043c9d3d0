/**
 * Suffixes of a model's name (`-thinking`, `-thinking-8k`, `-search`), for clients that have no other way to
 * ask.
 */

export interface NameSuffixes {
  /** `-thinking`: think as much as is usual. `-thinking-8k`, `-thinking-1024`: think with a budget. */
  readonly thinking: boolean;
  /** null: the name has no budget. `k` is 1,024 tokens. */
  readonly thinkingBudgetTokens: number | null;
  /** `-search`: search the web when the answer needs it. */
  readonly search: boolean;
}

const SUFFIX = /^(.+)-(?:(search)|thinking(?:-([1-9]\d{0,6})(k?))?)$/s;
/** No model takes more, so a larger number is part of the name. */
const MAX_BUDGET_TOKENS = 1_048_576;

/** A name without some of its suffixes. */
export interface Split {
  readonly model: string;
  readonly suffixes: NameSuffixes;
}

/**
 * The name without its last suffix, then without its last two: each kind once, in any order. Empty: no
 * suffix.
 */
export function splitSuffixes(name: string): readonly Split[] {
  const splits: Split[] = [];
  let suffixes: NameSuffixes = { thinking: false, thinkingBudgetTokens: null, search: false };
  for (let match = SUFFIX.exec(name); match !== null; ) {
    const [, model = "", search, digits, kilo] = match;
    if (search !== undefined) {
      if (suffixes.search) break;
      suffixes = { ...suffixes, search: true };
    } else {
      const budget = digits === undefined ? null : Number(digits) * (kilo === "k" ? 1_024 : 1);
      if (suffixes.thinking || (budget ?? 0) > MAX_BUDGET_TOKENS) break;
      suffixes = { ...suffixes, thinking: true, thinkingBudgetTokens: budget };
    }
    splits.push({ model, suffixes });
    match = SUFFIX.exec(model);
  }
  return splits;
}
