/** What the file may say of models: names of their own, what is changed in requests for them, and what they can. */
import * as v from "valibot";
import { decimal, MAX_TIMER_MS, rule, text, whole } from "./schema-rules.ts";

const MAX_TOKENS = 100_000_000;
const EFFORT_WORDS = ["none", "minimal", "low", "medium", "high", "xhigh", "max"] as const;

const modelName = v.pipe(
  v.string(),
  rule(
    (value) => /^[^\s\p{C}]{1,256}$/u.test(value),
    "is not a name for a model.",
    "Use 1 to 256 characters without spaces.",
  ),
  rule((value) => /^[^*]*\*?$/.test(value), "has a * that is not at its end.", 'Write it as in "claude-*".'),
);

const parameters = v.object({
  temperature: v.optional(v.pipe(decimal(0, 2), v.description("Temperature."))),
  top_p: v.optional(v.pipe(decimal(0, 1), v.description("Nucleus sampling."))),
  top_k: v.optional(v.pipe(whole(1, 1_000_000), v.description("Sampling from the best k tokens."))),
  max_output_tokens: v.optional(
    v.pipe(whole(1, MAX_TOKENS), v.description("Most tokens of an answer, thinking included.")),
  ),
  effort: v.optional(
    v.pipe(
      v.picklist(EFFORT_WORDS),
      v.description("How much to think. Not beside `thinking_budget_tokens`."),
    ),
  ),
  thinking_budget_tokens: v.optional(
    v.pipe(
      whole(0, MAX_TOKENS),
      v.description("How many tokens to think; 0: not at all. Not beside `effort`."),
    ),
  ),
  stop: v.optional(
    v.pipe(
      v.array(
        v.pipe(
          v.string(),
          rule((value) => value !== "", "is empty.", "Give it a value or remove it."),
        ),
      ),
      v.maxLength(16, "has more than 16 texts.\nKeep those that matter."),
      v.description("Texts that end the answer."),
    ),
  ),
  seed: v.optional(
    v.pipe(whole(-MAX_TIMER_MS - 1, MAX_TIMER_MS), v.description("Seed for answers that can be repeated.")),
  ),
});

/** Of keys and models. */
export const strict = v.optional(
  v.pipe(
    v.boolean(),
    v.description(
      "Refuse a request with 400 where a translation would leave out a part of it. Otherwise the header `x-clewline-dropped` names what was left out.",
    ),
  ),
  false,
);

/** An entry of `[[models]]`. */
export const model = v.object({
  name: v.pipe(
    modelName,
    v.description(
      "What clients ask for; may end in `*`. The exact name wins, then the longest that matches.",
    ),
  ),
  targets: v.pipe(
    v.array(v.string()),
    v.minLength(1, 'is empty.\nName at least one target, as in ["anthropic/claude-haiku-4-5"].'),
    v.description(
      "`upstream/model` in order: the rest are fallbacks. A `*` stands for what the name's `*` matched.",
    ),
  ),
  strict,
  system_before: v.optional(v.pipe(text, v.description("Text put before the client's instructions."))),
  system_after: v.optional(v.pipe(text, v.description("Text put behind the client's instructions."))),
  defaults: v.optional(parameters, {}),
  fixed: v.optional(parameters, {}),
});

const flag = (description: string) => v.optional(v.pipe(v.boolean(), v.description(description)));
const tokens = (description: string) => v.optional(v.pipe(whole(1, MAX_TOKENS), v.description(description)));

/** An entry of `[[traits]]`. */
export const modelTraits = v.object({
  match: v.pipe(
    modelName,
    v.description(
      "The model's name as its upstream calls it; may end in `*`. The exact name wins, then the longest that matches; others fill in what it does not say.",
    ),
  ),
  context_tokens: tokens("Most tokens of prompt and answer together."),
  max_output_tokens: tokens("Most tokens of an answer."),
  thinking: v.optional(
    v.pipe(
      v.picklist(["none", "budget", "effort"]),
      v.description("How it is told to think: not at all, by a number of tokens, or by a word."),
    ),
  ),
  efforts: v.optional(
    v.pipe(
      v.array(v.picklist(EFFORT_WORDS)),
      v.minLength(1, 'is empty.\nName at least one, or write thinking = "none".'),
      v.description('Words it takes, for `thinking = "effort"`; without `none` it always thinks.'),
    ),
  ),
  min_budget_tokens: tokens('Smallest number of tokens it takes, for `thinking = "budget"`.'),
  max_budget_tokens: tokens('Largest number of tokens it takes, for `thinking = "budget"`.'),
  can_disable_thinking: flag("Whether it can be told not to think."),
  thinks_by_default: flag("Whether it thinks when nothing is said."),
  sampling: v.optional(
    v.pipe(
      v.picklist(["all", "one", "none"]),
      v.description("Whether it takes temperature, top_p and top_k; `one`: temperature or top_p, not both."),
    ),
  ),
  image: flag("Whether it takes images."),
  pdf: flag("Whether it takes PDF documents."),
  audio: flag("Whether it takes audio."),
  video: flag("Whether it takes video."),
  structured_output: flag("Whether it takes a JSON Schema for its answer."),
  mid_system: flag("Whether instructions may stand between the turns."),
  prefill: flag("Whether the last message may be the beginning of the answer."),
  stop: flag("Whether it takes stop sequences."),
  sealed_calls: flag("Whether tool calls must come back with their signature (Gemini 3 and later)."),
  result_images: flag("Whether results of tools may hold images."),
  needs_responses_for_tools: flag("Whether it takes tools only on Responses (GPT-5.4 and later)."),
  cache_breakpoints: flag("Whether it takes cache marks on parts of the prompt."),
  forced_tools: flag("Whether it may be told that it must call a tool."),
  web_search: flag("Whether it searches the web when asked to."),
});
