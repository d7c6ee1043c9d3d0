/** The abilities of a model, as far as they shape a request. Data, with safe values for an unknown model. */

/** Amounts of thinking, from none to the most. */
export type Effort = "none" | "minimal" | "low" | "medium" | "high" | "xhigh" | "max";

/** In rising order. */
export const EFFORTS: readonly Effort[] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/** How thinking is requested from a model. */
export interface ThinkingTraits {
  /**
   * `none`: the model cannot think; `budget`: by a number of tokens; `effort`: by a word (Anthropic calls it
   * adaptive, Gemini a level).
   */
  readonly kind: "none" | "budget" | "effort";
  /**
   * Accepted words, in rising order. Without `none` thinking cannot be switched off. Empty for other kinds.
   */
  readonly efforts: readonly Effort[];
  /** Smallest and largest budget in tokens; 0 when the kind is not `budget`. */
  readonly minBudgetTokens: number;
  readonly maxBudgetTokens: number;
  /** Thinking can be switched off. */
  readonly canDisable: boolean;
  /** The model thinks when the request does not mention thinking. */
  readonly isOnByDefault: boolean;
}

/** Chat Completions: the member of a request that switches thinking on and off. */
export type ThinkingSwitch =
  /** The word `none` among its words. */
  | "reasoning_effort"
  /** `thinking.type`: `enabled` or `disabled`. */
  | "thinking"
  /** `thinking.type`: `adaptive` or `disabled`. */
  | "thinking-adaptive"
  /** True or false; `thinking_budget` bounds the thinking. */
  | "enable_thinking"
  /** A variable of the model's chat template (`ChatTraits.templateSwitch`). */
  | "chat_template_kwargs"
  /** An object with `enabled`, `effort` or `max_tokens`. */
  | "reasoning"
  /** An object with `enabled` alone. */
  | "reasoning-enabled";

/** Facts of a model that hold where it is served on Chat Completions. */
export interface ChatTraits {
  /** The switches that servers of the model know; none: `reasoning_effort` alone asks for thinking. */
  readonly switches: readonly ThinkingSwitch[];
  /** The variable by which the model's chat template thinks or not; null: none is known. */
  readonly templateSwitch: "enable_thinking" | "thinking" | null;
  /** A tool can be forced while the model thinks. */
  readonly forcesWhileThinking: boolean;
  /** What stands for the reasoning of a turn that has none; null: turns may come without reasoning. */
  readonly reasoningFiller: string | null;
  /** Nothing of a prompt is cached unless the request marks its parts with `cache_control`. */
  readonly needsCacheMarks: boolean;
  /** Servers of the model may answer with a list of parts in place of a text. */
  readonly answersInParts: boolean;
}

/** A model of which nothing of this is known. */
export const PLAIN_CHAT: ChatTraits = Object.freeze({
  switches: [],
  templateSwitch: null,
  forcesWhileThinking: true,
  reasoningFiller: null,
  needsCacheMarks: false,
  answersInParts: false,
});

export interface ModelTraits {
  /** null: unknown. */
  readonly contextTokens: number | null;
  readonly maxOutputTokens: number | null;
  readonly thinking: ThinkingTraits;
  /** `one`: temperature or top_p, not both. `none`: the model refuses all of them. */
  readonly sampling: "all" | "one" | "none";
  /** Media that the model accepts beside text. */
  readonly input: {
    readonly image: boolean;
    readonly pdf: boolean;
    readonly audio: boolean;
    readonly video: boolean;
  };
  /** The model accepts a JSON Schema for its answer. */
  readonly structuredOutput: boolean;
  /** Instructions may stand between the turns. */
  readonly midSystem: boolean;
  /** The last message may be the beginning of the answer. */
  readonly prefill: boolean;
  /** The model accepts stop sequences. */
  readonly stop: boolean;
  /** The model can be told that it must call a tool. */
  readonly forcedTools: boolean;
  /** Calls of the current turn must be sent back with their seal (Gemini 3 and later). */
  readonly sealedCalls: boolean;
  /** Results of tools may contain images (Gemini 3 and later, Anthropic, Responses). */
  readonly resultImages: boolean;
  /**
   * On Chat Completions the model refuses functions while it reasons; it must be asked on Responses (GPT-5.4
   * and later).
   */
  readonly needsResponsesForTools: boolean;
  /** On Chat Completions the model gives no reasoning and takes none back; on Responses it does both. */
  readonly reasonsOnResponses: boolean;
  /** Chat Completions: the model refuses `max_tokens`; `max_completion_tokens` bounds its answer. */
  readonly needsCompletionLimit: boolean;
  /** The model can be told how much to say. */
  readonly verbosity: boolean;
  /**
   * Chat Completions: the model's maker refuses a tool's schema of type `object` without `properties`, and
   * `strict` with a schema that is not closed or has optional members.
   */
  readonly closedSchemas: boolean;
  /** The model accepts only letters, digits, `_`, `.` and `-` in the keys of a tool's arguments, 64 at most (Claude). */
  readonly plainKeys: boolean;
  /** The model accepts cache marks on parts of the prompt (GPT-5.6 and later). */
  readonly cacheBreakpoints: boolean;
  /** The model can search the web. */
  readonly webSearch: boolean;
  readonly onChat: ChatTraits;
}
