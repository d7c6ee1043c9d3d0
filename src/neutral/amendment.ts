/** The additions of the operator, and of the name of the model, to a request. */
import type { TextPart } from "./message.ts";
import type { ModelRequest, ReasoningRequest, WebSearchTool } from "./request.ts";
import type { Effort } from "./traits.ts";

/** Values for parameters; null: no value. Effort and budget never both have a value. */
export interface ParameterValues {
  readonly temperature: number | null;
  readonly topP: number | null;
  readonly topK: number | null;
  readonly maxOutputTokens: number | null;
  readonly effort: Effort | null;
  readonly thinkingBudgetTokens: number | null;
  readonly stop: readonly string[] | null;
  readonly seed: number | null;
}

export interface Amendment {
  /**
   * The model's name asks for thinking (`-thinking`), with this budget or, when it is null, as the model
   * decides.
   */
  readonly thinking: { readonly budgetTokens: number | null } | null;
  /** The model's name asks for web search (`-search`). */
  readonly search: boolean;
  /** Text before and after the client's instructions. */
  readonly systemBefore: string | null;
  readonly systemAfter: string | null;
  /** Used where the client gives no value. */
  readonly defaults: ParameterValues;
  /** Used in place of the client's values. */
  readonly fixed: ParameterValues;
}

/** The values to set, by parameter; null: the request keeps its own. */
export interface AmendedValues extends Omit<ParameterValues, "effort" | "thinkingBudgetTokens"> {
  readonly reasoning: ReasoningRequest | null;
}

/** The web search that a model's name asks for: without limits. */
const PLAIN_SEARCH: WebSearchTool = {
  kind: "web-search",
  allowedDomains: null,
  blockedDomains: null,
  maxUses: null,
  userLocation: null,
  contextSize: null,
  externalAccess: null,
  at: "model",
};

/**
 * Decides which values to set in a request. From the strongest: the operator's fixed value, the client's own
 * (`isSaid`), the suffix of the model's name, the operator's default. Temperature and top-p are two ways to
 * say one thing: a default of the one does not join a client's or fixed value of the other.
 */
export function planAmendment(
  { thinking, defaults, fixed }: Amendment,
  isSaid: (parameter: keyof AmendedValues) => boolean,
): AmendedValues {
  const isWarmthSaid =
    fixed.temperature !== null || fixed.topP !== null || isSaid("temperature") || isSaid("topP");
  const valueFor = <P extends Exclude<keyof AmendedValues, "reasoning">>(parameter: P): ParameterValues[P] =>
    fixed[parameter] ?? (isSaid(parameter) ? null : defaults[parameter]);
  return {
    temperature: isWarmthSaid ? fixed.temperature : defaults.temperature,
    topP: isWarmthSaid ? fixed.topP : defaults.topP,
    topK: valueFor("topK"),
    maxOutputTokens: valueFor("maxOutputTokens"),
    stop: valueFor("stop"),
    seed: valueFor("seed"),
    reasoning:
      reasoningOf(fixed) ??
      (isSaid("reasoning") ? null : (suffixReasoning(thinking) ?? reasoningOf(defaults))),
  };
}

function suffixReasoning(thinking: Amendment["thinking"]): ReasoningRequest | null {
  if (thinking === null) return null;
  const { budgetTokens } = thinking;
  return { effort: null, budgetTokens, isDynamic: budgetTokens === null, isShown: true };
}

function reasoningOf({ effort, thinkingBudgetTokens }: ParameterValues): ReasoningRequest | null {
  if (effort === null && thinkingBudgetTokens === null) return null;
  return { effort, budgetTokens: thinkingBudgetTokens, isDynamic: false, isShown: null };
}

export function amendRequest(request: ModelRequest, amendment: Amendment): ModelRequest {
  const said = { ...request, ...request.sampling, stop: request.stop.length === 0 ? null : request.stop };
  const values = planAmendment(amendment, (parameter) => said[parameter] !== null);
  const { temperature, topP, topK, seed } = request.sampling;
  return {
    ...request,
    system: [...textOf(amendment.systemBefore), ...request.system, ...textOf(amendment.systemAfter)],
    tools:
      amendment.search && !request.tools.some((tool) => tool.kind === "web-search")
        ? [...request.tools, PLAIN_SEARCH]
        : request.tools,
    maxOutputTokens: values.maxOutputTokens ?? request.maxOutputTokens,
    stop: values.stop ?? request.stop,
    sampling: {
      ...request.sampling,
      temperature: values.temperature ?? temperature,
      topP: values.topP ?? topP,
      topK: values.topK ?? topK,
      seed: values.seed ?? seed,
    },
    reasoning: values.reasoning ?? request.reasoning,
  };
}

function textOf(text: string | null): TextPart[] {
  return text === null ? [] : [{ type: "text", text }];
}
