/**
 * Thinking in two currencies, words and tokens, and the one table between them.
 *
 * | budget in tokens | effort  |   | effort      | budget, least 1,024 or more | budget, least below |
 * |------------------|---------|---|-------------|-----------------------------|---------------------|
 * | 0                | none    |   | none        | 0                           | 0                   |
 * | 1 – 1,024        | minimal |   | minimal     | 1,024                       | 512                 |
 * | – 8,192          | medium  |   | low         | 2,048                       | 1,024               |
 * | – 24,576         | high    |   | medium      | 8,192                       | 8,192               |
 * | more             | xhigh   |   | high        | 16,384                      | 24,576              |
 * |                  |         |   | xhigh       | 31,999                      | 32,768              |
 * |                  |         |   | max         | the model's most            | the model's most    |
 *
 * Budgets are then held to what the model takes, and below the answer's limit.
 */
import type { ReasoningRequest } from "./request.ts";
import { EFFORTS, type Effort, type ModelTraits, type ThinkingTraits } from "./traits.ts";

/** The two columns of the table: for models with a smallest budget of 1,024 or more, and for all others. */
const COARSE_FLOOR_TOKENS = 1024;
const BUDGETS: Readonly<Record<Effort, readonly [coarse: number, fine: number]>> = {
  none: [0, 0],
  minimal: [1024, 512],
  low: [2048, 1024],
  medium: [8192, 8192],
  high: [16_384, 24_576],
  xhigh: [31_999, 32_768],
  max: [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
};

/** The amount of thinking as a word; null: not given, or the model decides. */
export function effortOf(reasoning: ReasoningRequest | null): Effort | null {
  if (reasoning === null) return null;
  if (reasoning.effort !== null) return reasoning.effort;
  const budget = reasoning.budgetTokens;
  if (budget === null) return null;
  if (budget <= 0) return "none";
  if (budget <= 1024) return "minimal";
  if (budget <= 8192) return "medium";
  return budget <= 24_576 ? "high" : "xhigh";
}

/**
 * The amount of thinking in tokens, within the model's bounds. 0: no thinking; null: not given, or the model
 * decides. With `maxOutputTokens` (null: no limit) the budget stays below that limit. When too little is left
 * for the smallest budget, there is no thinking, if the model can be told so.
 */
export function budgetOf(
  reasoning: ReasoningRequest | null,
  traits: ModelTraits,
  maxOutputTokens: number | null,
): number | null {
  const wanted = wantedBudget(reasoning, traits.thinking);
  if (wanted === null) return null;
  const { minBudgetTokens, maxBudgetTokens, canDisable } = traits.thinking;
  const off = canDisable ? 0 : minBudgetTokens;
  if (wanted <= 0) return off;
  const room = maxOutputTokens === null ? Number.POSITIVE_INFINITY : maxOutputTokens - 1;
  // Thinking would use up so small a limit, and leave no answer.
  if (room < wanted && room < COARSE_FLOOR_TOKENS) return off;
  const most = Math.min(maxBudgetTokens, room);
  return most < minBudgetTokens ? off : Math.min(most, Math.max(minBudgetTokens, wanted));
}

/**
 * The nearest word among the words that a model accepts (in rising order); null when there are none. The
 * nearest is below for `xhigh` and `max`, and above for the others, so that thinking is never switched off;
 * when that direction has no word, the other direction counts.
 */
export function nearestEffort(effort: Effort, efforts: readonly Effort[]): Effort | null {
  if (efforts.length === 0 || efforts.includes(effort)) return efforts.length === 0 ? null : effort;
  const rank = EFFORTS.indexOf(effort);
  const thinking = effort === "none" ? efforts : efforts.filter((word) => word !== "none");
  const below = thinking.findLast((word) => EFFORTS.indexOf(word) < rank);
  const above = thinking.find((word) => EFFORTS.indexOf(word) > rank);
  const isDownward = effort === "xhigh" || effort === "max";
  return (isDownward ? (below ?? above) : (above ?? below)) ?? (efforts[0] as Effort);
}

function wantedBudget(reasoning: ReasoningRequest | null, thinking: ThinkingTraits): number | null {
  if (reasoning === null) return null;
  if (reasoning.budgetTokens !== null) return reasoning.budgetTokens;
  if (reasoning.effort === null) return null;
  const [coarse, fine] = BUDGETS[reasoning.effort];
  return thinking.minBudgetTokens >= COARSE_FLOOR_TOKENS ? coarse : fine;
}
