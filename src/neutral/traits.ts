/** What is known of a model, as far as a request must be shaped by it. Data, with safe values for a model that nobody knows. */

/** How much a model shall think, from none to all it has. */
export type Effort = "none" | "minimal" | "low" | "medium" | "high" | "xhigh" | "max";

/** In rising order. */
export const EFFORTS: readonly Effort[] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/** How a model is told to think. */
export interface ThinkingTraits {
  /**
   * `none`: it cannot; `budget`: by a number of tokens; `effort`: by a word (Anthropic calls that adaptive, Gemini a level).
   */
  readonly kind: "none" | "budget" | "effort";
  /** Words it takes, in rising order; without `none` it cannot be told not to think. Empty for other kinds. */
  readonly efforts: readonly Effort[];
  /** Least and most tokens of a budget; 0 where the kind is not `budget`. */
  readonly minBudgetTokens: number;
  readonly maxBudgetTokens: number;
  /** Whether it can be told not to think. */
  readonly canDisable: boolean;
  /** Thinks when nothing is said. */
  readonly isOnByDefault: boolean;
}

export interface ModelTraits {
  /** null: not known. */
  readonly contextTokens: number | null;
  readonly maxOutputTokens: number | null;
  readonly thinking: ThinkingTraits;
  /** `one`: temperature or top_p, not both. `none`: any of them is refused. */
  readonly sampling: "all" | "one" | "none";
  /** What it takes beside text. */
  readonly input: {
    readonly image: boolean;
    readonly pdf: boolean;
    readonly audio: boolean;
    readonly video: boolean;
  };
  /** It takes a JSON Schema for its answer. */
  readonly structuredOutput: boolean;
  /** Instructions may stand between the turns. */
  readonly midSystem: boolean;
  /** The last message may be the beginning of the answer. */
  readonly prefill: boolean;
  /** It takes stop sequences. */
  readonly stop: boolean;
  /** It may be told that it must call a tool. */
  readonly forcedTools: boolean;
  /** Calls of the current turn must come back with their seal (Gemini 3 and later). */
  readonly sealedCalls: boolean;
  /** Results of tools may hold images (Gemini 3 and later, Anthropic, Responses). */
  readonly resultImages: boolean;
  /** On Chat Completions it refuses functions while it reasons: use Responses (GPT-5.4 and later). */
  readonly needsResponsesForTools: boolean;
  /** Cache marks on parts of the prompt (GPT-5.6 and later). */
  readonly cacheBreakpoints: boolean;
  /** It searches the web when asked to. */
  readonly webSearch: boolean;
}
