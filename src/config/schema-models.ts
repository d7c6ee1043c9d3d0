/** The keys about models: names of your own, changes to requests for them, and abilities of models. */
import * as v from "valibot";
import {
  decimal,
  MAX_TIMER_MS,
  optional,
  required,
  rule,
  table,
  text,
  whole,
  withDefault,
} from "./schema-rules.ts";

const MAX_TOKENS = 100_000_000;
const MAX_WEIGHT = 1_000;
const EFFORT_WORDS = ["none", "minimal", "low", "medium", "high", "xhigh", "max"] as const;

const modelName = v.pipe(
  v.string(),
  rule(
    (value) => /^[^\s\p{C}]{1,256}$/u.test(value),
    "is not a name for a model",
    "use 1 to 256 characters without spaces",
  ),
  rule(
    (value) => /^[^*]*\*?$/.test(value),
    "has a * that is not at its end",
    'write the value as in "claude-*"',
  ),
);

const parameters = table({
  temperature: optional(decimal(0, 2), "reload", "Sampling temperature."),
  top_p: optional(decimal(0, 1), "reload", "Nucleus sampling."),
  top_k: optional(whole(1, 1_000_000), "reload", "Sampling from the best k tokens."),
  max_output_tokens: optional(whole(1, MAX_TOKENS), "reload", "Most tokens of an answer, thinking included."),
  effort: optional(
    v.picklist(EFFORT_WORDS),
    "reload",
    "How much the model thinks. Not together with `thinking_budget_tokens`.",
  ),
  thinking_budget_tokens: optional(
    whole(0, MAX_TOKENS),
    "reload",
    "How many tokens the model may think. 0: no thinking. Not together with `effort`.",
  ),
  stop: optional(
    v.pipe(
      v.array(
        v.pipe(
          v.string(),
          rule((value) => value !== "", "is empty", "give the text a value or remove it"),
        ),
      ),
      v.maxLength(16, "has more than 16 texts\nkeep at most 16"),
    ),
    "reload",
    "Texts that end the answer.",
  ),
  seed: optional(whole(-MAX_TIMER_MS - 1, MAX_TIMER_MS), "reload", "Seed for repeatable answers."),
});

/** A key of both client keys and models. */
export const strict = withDefault(
  v.boolean(),
  false,
  "reload",
  "Refuse a request with 400 when translation would leave out a part of it. When off, the header `x-clewline-dropped` names the parts that were left out.",
);

/** How the targets of an entry are ordered. The last three go by what the gateway has observed, or by prices. */
export const TARGET_ORDERS = ["given", "weighted", "least-busy", "fastest", "cheapest"] as const;

export type TargetOrder = (typeof TARGET_ORDERS)[number];

/** Targets for a request that the entry's own targets do not serve. */
const detour = (description: string) => withDefault(v.array(v.string()), [], "reload", description);

/** Of client keys and models: for which requests the cache is on. */
export const cacheMode = v.picklist(["off", "repeatable", "all"]);

/** An entry of `[[models]]`. */
export const model = v.object({
  name: required(
    modelName,
    "reload",
    "The name that clients ask for; it may end in `*`. The exact name wins, then the longest match.",
  ),
  targets: required(
    v.pipe(
      v.array(v.string()),
      v.minLength(1, 'is empty\nname at least one target, as in ["anthropic/claude-haiku-4-5"]'),
    ),
    "reload",
    "`upstream/model`, in order: all but the first are fallbacks. A `*` is replaced by the part that matched the `*` of the name.",
  ),
  order: withDefault(
    v.picklist(TARGET_ORDERS),
    "given",
    "reload",
    "Which target is tried first; the others follow as fallbacks. `given`: the first of the list. `weighted`: in turn, each as often as its weight says. `least-busy`: the one with the fewest running requests for its weight. `fastest`: the one that began its last answers soonest. `cheapest`: the one where this request can cost least; targets without a price are last. See [targets.md](targets.md).",
  ),
  weights: optional(
    v.pipe(
      v.array(whole(1, MAX_WEIGHT)),
      v.minLength(1, "is empty\ngive one weight for each target, or remove the line"),
    ),
    "reload",
    `One number from 1 to ${MAX_WEIGHT.toLocaleString("en")} for each of \`targets\`, in their order. Only with \`order = "weighted"\` or \`"least-busy"\`. Default: 1 each.`,
  ),
  on_overflow: detour(
    "`upstream/model`, in order: asked once in place of the targets when the prompt is too long for them. See [targets.md](targets.md).",
  ),
  on_refusal: detour(
    "`upstream/model`, in order: asked once in place of the targets when one of them refuses to answer for the content, and has said nothing yet. See [targets.md](targets.md).",
  ),
  strict,
  cache: optional(
    cacheMode,
    "reload",
    "Give answers again to requests that are the same, for every key that does not say `off`: `repeatable` for requests with `temperature` 0 or a `seed`, `all` for others too, `off` never, whatever the key or the client says. Default: as the key says.",
  ),
  system_before: optional(text, "reload", "Text placed before the client's instructions."),
  system_after: optional(text, "reload", "Text placed after the client's instructions."),
  defaults: parameters,
  fixed: parameters,
});

const flag = (description: string) => optional(v.boolean(), "reload", description);
const tokens = (description: string) => optional(whole(1, MAX_TOKENS), "reload", description);

/** An entry of `[[traits]]`. */
export const modelTraits = v.object({
  match: required(
    modelName,
    "reload",
    "The upstream's name for the model; it may end in `*`. The exact name wins, then the longest match; a shorter match supplies the traits that a longer one leaves open.",
  ),
  context_tokens: tokens("Most tokens of prompt and answer together."),
  max_output_tokens: tokens("Most tokens of an answer."),
  thinking: optional(
    v.picklist(["none", "budget", "effort"]),
    "reload",
    "How thinking is requested: not at all, by a number of tokens, or by a word.",
  ),
  efforts: optional(
    v.pipe(
      v.array(v.picklist(EFFORT_WORDS)),
      v.minLength(1, 'is empty\nname at least one, or write thinking = "none"'),
    ),
    "reload",
    'Words that the model accepts, for `thinking = "effort"`. Without `none` the model always thinks.',
  ),
  min_budget_tokens: tokens('Smallest number of tokens that the model accepts, for `thinking = "budget"`.'),
  max_budget_tokens: tokens('Largest number of tokens that the model accepts, for `thinking = "budget"`.'),
  can_disable_thinking: flag("The model can be told not to think."),
  thinks_by_default: flag("The model thinks when the request does not mention thinking."),
  sampling: optional(
    v.picklist(["all", "one", "none"]),
    "reload",
    "Which of temperature, top_p and top_k the model accepts. `one`: temperature or top_p, not both.",
  ),
  image: flag("The model accepts images."),
  pdf: flag("The model accepts PDF documents."),
  audio: flag("The model accepts audio."),
  video: flag("The model accepts video."),
  structured_output: flag("The model accepts a JSON Schema for its answer."),
  mid_system: flag("Instructions may stand between the turns."),
  prefill: flag("The last message may be the beginning of the answer."),
  stop: flag("The model accepts stop sequences."),
  sealed_calls: flag("Tool calls must be sent back with their signature (Gemini 3 and later)."),
  result_images: flag("Results of tools may contain images."),
  needs_responses_for_tools: flag("The model accepts tools only on Responses (GPT-5.4 and later)."),
  reasons_on_responses: flag(
    "The model gives its reasoning, and takes it back, on Responses only (OpenAI's models that think).",
  ),
  needs_completion_limit: flag(
    "On Chat the model refuses `max_tokens` and takes `max_completion_tokens` (OpenAI's models that think).",
  ),
  verbosity: flag("The model can be told how much to say."),
  closed_schemas: flag(
    "On Chat, schemas of tools need `properties`, and strict ones must be closed (OpenAI's models).",
  ),
  plain_keys: flag(
    "The model accepts only letters, digits, `_`, `.` and `-` in the keys of a tool's arguments (Claude).",
  ),
  cache_breakpoints: flag("The model accepts cache marks on parts of the prompt."),
  forced_tools: flag("The model can be told that it must call a tool."),
  web_search: flag("The model can search the web."),
});
