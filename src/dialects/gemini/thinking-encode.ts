/** Writes `thinkingConfig`: a level for models that take one, a budget for the others, never both. */
import type { JsonObject } from "../../core/json.ts";
import type { Drop, ReasoningRequest } from "../../neutral/request.ts";
import { budgetOf, effortOf, nearestEffort } from "../../neutral/thinking.ts";
import type { Effort, ModelTraits } from "../../neutral/traits.ts";

const LEVELS: Readonly<Record<Exclude<Effort, "none">, string>> = {
  minimal: "MINIMAL",
  low: "LOW",
  medium: "MEDIUM",
  high: "HIGH",
  xhigh: "HIGH",
  max: "HIGH",
};

/** The budget that leaves the amount to the model. */
const DYNAMIC = -1;

/** null: the member is left out. */
export function encodeThinking(
  reasoning: ReasoningRequest | null,
  traits: ModelTraits,
  maxOutputTokens: number | null,
  dropped: Drop[],
): JsonObject | null {
  if (reasoning === null) return null;
  const wanted = effortOf(reasoning);
  if (traits.thinking.kind === "none") {
    if (wanted !== "none" && (wanted !== null || reasoning.isDynamic))
      dropped.push({ field: "reasoning", reason: "the model cannot be told how to think" });
    return null;
  }
  const amount =
    traits.thinking.kind === "effort"
      ? encodeLevel(wanted, traits, dropped)
      : encodeBudget(reasoning, traits, maxOutputTokens, dropped);
  const isOff = amount !== null && amount.thinkingBudget === 0;
  const config = {
    ...(reasoning.isShown === true && !isOff ? { includeThoughts: true } : null),
    ...amount,
  };
  return Object.keys(config).length === 0 ? null : config;
}

function encodeLevel(wanted: Effort | null, { thinking }: ModelTraits, dropped: Drop[]): JsonObject | null {
  if (wanted === null) return null;
  const effort = nearestEffort(wanted, thinking.efforts);
  if (effort === null) return null;
  if (effort === "none") return { thinkingBudget: 0 };
  if (wanted === "none" && effort !== "minimal") dropped.push(CANNOT_DISABLE);
  return { thinkingLevel: LEVELS[effort] };
}

function encodeBudget(
  reasoning: ReasoningRequest,
  traits: ModelTraits,
  maxOutputTokens: number | null,
  dropped: Drop[],
): JsonObject | null {
  const budget = budgetOf(reasoning, traits, maxOutputTokens);
  if (budget === null) return reasoning.isDynamic ? { thinkingBudget: DYNAMIC } : null;
  const isWanted = effortOf(reasoning) !== "none";
  if (budget > 0 && !isWanted) dropped.push(CANNOT_DISABLE);
  if (budget === 0 && isWanted)
    dropped.push({ field: "reasoning", reason: "the limit of the answer leaves no room to think" });
  return { thinkingBudget: budget };
}

const CANNOT_DISABLE: Drop = {
  field: "reasoning",
  reason: "the model cannot be told not to think: it thinks as little as it can",
};
