/** What the operator, or the name of the model, adds to a request. */
import type { TextPart } from "./message.ts";
import type { ModelRequest, ReasoningRequest, Sampling, WebSearchTool } from "./request.ts";
import type { Effort } from "./traits.ts";

/** Values for parameters; null: none. Never both an effort and a budget. */
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
  /** The model's name asks for thinking (`-thinking`), by so many tokens or as many as the model likes. */
  readonly thinking: { readonly budgetTokens: number | null } | null;
  /** The model's name asks for web search (`-search`). */
  readonly search: boolean;
  /** Text in front of and behind the client's instructions. */
  readonly systemBefore: string | null;
  readonly systemAfter: string | null;
  /** Stand in where the client says nothing. */
  readonly defaults: ParameterValues;
  /** Stand in whatever the client says. */
  readonly fixed: ParameterValues;
}

/** A search without limits, as a model's name asks for it. */
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

/** The request with the amendment made. */
export function amendRequest(request: ModelRequest, amendment: Amendment): ModelRequest {
  const { defaults, fixed } = amendment;
  return {
    ...request,
    system: [...textOf(amendment.systemBefore), ...request.system, ...textOf(amendment.systemAfter)],
    tools:
      amendment.search && !request.tools.some((tool) => tool.kind === "web-search")
        ? [...request.tools, PLAIN_SEARCH]
        : request.tools,
    maxOutputTokens: fixed.maxOutputTokens ?? request.maxOutputTokens ?? defaults.maxOutputTokens,
    stop: fixed.stop ?? (request.stop.length > 0 ? request.stop : (defaults.stop ?? [])),
    sampling: amendSampling(request.sampling, defaults, fixed),
    reasoning: reasoningOf(fixed) ?? suffixReasoning(request.reasoning, amendment) ?? reasoningOf(defaults),
  };
}

function textOf(text: string | null): TextPart[] {
  return text === null ? [] : [{ type: "text", text }];
}

function amendSampling(sampling: Sampling, defaults: ParameterValues, fixed: ParameterValues): Sampling {
  // Two ways to say one thing: a default of the one does not stand beside what is said of the other.
  const isSaid = [fixed.temperature, fixed.topP, sampling.temperature, sampling.topP].some(
    (value) => value !== null,
  );
  const { temperature, topP } = isSaid ? { temperature: null, topP: null } : defaults;
  return {
    ...sampling,
    temperature: fixed.temperature ?? sampling.temperature ?? temperature,
    topP: fixed.topP ?? sampling.topP ?? topP,
    topK: fixed.topK ?? sampling.topK ?? defaults.topK,
    seed: fixed.seed ?? sampling.seed ?? defaults.seed,
  };
}

/** What the client says of its thinking stands above what the name says. */
function suffixReasoning(asked: ReasoningRequest | null, { thinking }: Amendment): ReasoningRequest | null {
  if (asked !== null || thinking === null) return asked;
  return {
    effort: null,
    budgetTokens: thinking.budgetTokens,
    isDynamic: thinking.budgetTokens === null,
    isShown: true,
  };
}

function reasoningOf({ effort, thinkingBudgetTokens }: ParameterValues): ReasoningRequest | null {
  if (effort === null && thinkingBudgetTokens === null) return null;
  return { effort, budgetTokens: thinkingBudgetTokens, isDynamic: false, isShown: null };
}
