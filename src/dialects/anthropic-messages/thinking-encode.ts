/** Writes the thinking, the limit and the sampling of a request, which depend on one another. */
import type { JsonObject } from "../../core/json.ts";
import type { Drop, ModelRequest, ReasoningRequest, Sampling } from "../../neutral/request.ts";
import { budgetOf, effortOf, nearestEffort } from "../../neutral/thinking.ts";
import type { Effort, ModelTraits } from "../../neutral/traits.ts";
import { dropExtraSampling } from "../shared/extra-sampling.ts";

/** Limit of an unknown model. */
const DEFAULT_MAX_TOKENS = 32_000;

/** `max_tokens`, a required member: the client's limit, at most the model's; without one, the model's. */
export function maxTokensOf(request: ModelRequest, traits: ModelTraits, dropped: Drop[]): number {
  const most = traits.maxOutputTokens;
  const wanted = request.maxOutputTokens;
  if (wanted === null) return most ?? DEFAULT_MAX_TOKENS;
  if (most === null || wanted <= most) return wanted;
  dropped.push({ field: "maxOutputTokens", reason: `lowered to the ${most} tokens that the model can give` });
  return most;
}

export interface ThinkingSituation {
  readonly traits: ModelTraits;
  readonly maxTokens: number;
  /** The request forces a call. */
  readonly isForced: boolean;
  /** See `isUnthinkable` in `unseal.ts`. */
  readonly isUnthinkable: boolean;
}

export interface EncodedThinking {
  readonly thinking: JsonObject | null;
  readonly effort: Effort | null;
}

const NOTHING: EncodedThinking = { thinking: null, effort: null };

export function encodeThinking(
  reasoning: ReasoningRequest | null,
  situation: ThinkingSituation,
  dropped: Drop[],
): EncodedThinking {
  if (reasoning === null) return NOTHING;
  switch (situation.traits.thinking.kind) {
    case "effort":
      return encodeAdaptive(reasoning, situation.traits, dropped);
    case "budget":
      return encodeManual(reasoning, situation, dropped);
    case "none":
      if (isWanted(reasoning)) dropped.push(left("this model cannot think"));
      return NOTHING;
  }
}

function encodeAdaptive(
  reasoning: ReasoningRequest,
  { thinking }: ModelTraits,
  dropped: Drop[],
): EncodedThinking {
  const { efforts } = thinking;
  const effort = effortOf(reasoning);
  if (effort === "none") {
    if (thinking.canDisable)
      return thinking.isOnByDefault ? { thinking: { type: "disabled" }, effort: null } : NOTHING;
    const lowest = efforts.find((word) => word !== "none") ?? null;
    dropped.push(left("this model always thinks: it was asked to think as little as it can"));
    return { thinking: adaptive(reasoning), effort: lowest };
  }
  if (!isWanted(reasoning) && !thinking.isOnByDefault) return NOTHING;
  const nearest = effort === null ? null : nearestEffort(effort, efforts);
  if ((effort === "xhigh" || effort === "max") && nearest !== effort) {
    dropped.push(left(`this model knows no effort "${effort}": "${nearest}" was asked for`));
  }
  return { thinking: adaptive(reasoning), effort: nearest };
}

function adaptive({ isShown }: ReasoningRequest): JsonObject {
  return { type: "adaptive", ...(isShown === null ? null : { display: isShown ? "summarized" : "omitted" }) };
}

function encodeManual(
  reasoning: ReasoningRequest,
  situation: ThinkingSituation,
  dropped: Drop[],
): EncodedThinking {
  if (!isWanted(reasoning)) return NOTHING;
  // This kind of model cannot decide by itself, so it gets a medium budget.
  const asked = effortOf(reasoning) === null ? { ...reasoning, effort: "medium" as const } : reasoning;
  const budget = budgetOf(asked, situation.traits, situation.maxTokens) ?? 0;
  if (budget === 0) {
    if (effortOf(reasoning) !== "none") dropped.push(left("the limit of the answer leaves no room to think"));
    return NOTHING;
  }
  if (situation.isForced) {
    dropped.push(left("this model cannot think when a call is forced"));
    return NOTHING;
  }
  if (situation.isUnthinkable) {
    dropped.push(
      left("this model can only think when the turn that it goes on with begins with its own thinking"),
    );
    return NOTHING;
  }
  const display = reasoning.isShown === false ? { display: "omitted" } : null;
  return { thinking: { type: "enabled", budget_tokens: budget, ...display }, effort: null };
}

function isWanted({ effort, budgetTokens, isDynamic }: ReasoningRequest): boolean {
  return isDynamic || (effort !== null && effort !== "none") || (budgetTokens !== null && budgetTokens > 0);
}

function left(reason: string): Drop {
  return { field: "reasoning", reason };
}

/** The sampling that the model takes. */
export function encodeSampling(
  sampling: Sampling,
  traits: ModelTraits,
  isThinking: boolean,
  dropped: Drop[],
): JsonObject {
  const { temperature, topP, topK } = sampling;
  dropExtraSampling(sampling, dropped);
  if (traits.sampling === "none" || isThinking) {
    const reason =
      traits.sampling === "none" ? "this model refuses it" : "this model refuses it while it thinks";
    if (temperature !== null) dropped.push({ field: "temperature", reason });
    if (topP !== null) dropped.push({ field: "topP", reason });
    if (topK !== null) dropped.push({ field: "topK", reason });
    return {};
  }
  let warmth = temperature;
  let share = topP;
  if (traits.sampling === "one" && warmth !== null && share !== null) {
    // The value 1 has no effect, so it goes.
    const goes = share < 1 && warmth === 1 ? "temperature" : "topP";
    if (goes === "temperature") warmth = null;
    else share = null;
    dropped.push({ field: goes, reason: "this model refuses temperature and top_p together" });
  }
  if (warmth !== null && warmth > 1) {
    dropped.push({ field: "temperature", reason: "lowered to 1, the most that this model takes" });
    warmth = 1;
  }
  return {
    ...(warmth === null ? null : { temperature: Math.max(0, warmth) }),
    ...(share === null ? null : { top_p: share }),
    ...(topK === null ? null : { top_k: topK }),
  };
}
