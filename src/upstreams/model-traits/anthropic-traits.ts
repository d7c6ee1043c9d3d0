/**
 * Claude models. Source: Anthropic's pages of models, thinking, effort, sampling and migration, as of
 * November 2026. An unknown model gets the traits that every model of the newest generation has; the Models
 * API adds the rest.
 */
import { type Effort, type ModelTraits, PLAIN_CHAT } from "../../neutral/traits.ts";
import { byBudget, byEffort, lookUp, noThinking, type TraitsRow } from "./traits-row.ts";

const UP_TO_HIGH: readonly Effort[] = ["low", "medium", "high"];
const UP_TO_MAX: readonly Effort[] = ["low", "medium", "high", "xhigh", "max"];

/**
 * 5.5, Fable and Mythos 5.1 (autumn 2026): thinking is always adaptive; no sampling, no prefill, no forced
 * tools.
 */
const newest: ModelTraits = {
  contextTokens: 1_000_000,
  maxOutputTokens: 128_000,
  thinking: byEffort(UP_TO_MAX, true),
  sampling: "none",
  input: { image: true, pdf: true, audio: false, video: false },
  structuredOutput: true,
  midSystem: true,
  prefill: false,
  stop: true,
  sealedCalls: false,
  resultImages: true,
  needsResponsesForTools: false,
  reasonsOnResponses: false,
  needsCompletionLimit: false,
  verbosity: false,
  closedSchemas: false,
  plainKeys: true,
  forcedTools: false,
  cacheBreakpoints: true,
  webSearch: true,
  onChat: PLAIN_CHAT,
};

/** 5 and before: tools may be forced. */
const five: ModelTraits = { ...newest, forcedTools: true };

/** Models since 4.5 write up to 64,000 tokens. Every model with adaptive thinking knows these words. */
const unknown: ModelTraits = {
  ...newest,
  contextTokens: 200_000,
  maxOutputTokens: 64_000,
  thinking: byEffort(UP_TO_HIGH, true),
  midSystem: false,
};

/** 4.5 (autumn 2025): budgets; temperature or top_p. */
const manual: ModelTraits = {
  ...five,
  contextTokens: 200_000,
  maxOutputTokens: 64_000,
  thinking: byBudget(1_024, 63_999),
  sampling: "one",
  midSystem: false,
  prefill: true,
};

/** 4.0 and before: no structured output. */
const early: ModelTraits = { ...manual, structuredOutput: false };

const ROWS: readonly TraitsRow[] = [
  [/^claude-haiku-5-[5-9]/, { ...newest, thinking: byEffort(["none", ...UP_TO_MAX], true) }],
  // Sonnet 5.5 answers `disabled` with a 400 and takes `between_tools` instead, so its thinking cannot be
  // disabled.
  [/^claude-(?:opus|sonnet|fable|mythos)-5-[1-9](?!\d)/, newest],
  [/^claude-(?:fable|mythos)-5/, five],
  // `disabled` with effort xhigh or max is a 400.
  [/^claude-opus-5/, { ...five, thinking: byEffort(["none", ...UP_TO_MAX], true) }],
  [/^claude-sonnet-5/, { ...five, midSystem: false, thinking: byEffort(["none", ...UP_TO_MAX], true) }],
  [/^claude-opus-4-8/, { ...five, thinking: byEffort(["none", ...UP_TO_MAX], false) }],
  [/^claude-opus-4-7/, { ...five, midSystem: false, thinking: byEffort(["none", ...UP_TO_MAX], false) }],
  [
    /^claude-mythos-preview/,
    { ...five, midSystem: false, thinking: byEffort(["low", "medium", "high", "max"], true) },
  ],
  [
    /^claude-opus-4-6/,
    {
      ...manual,
      contextTokens: 1_000_000,
      maxOutputTokens: 128_000,
      thinking: byEffort(["none", "low", "medium", "high", "max"], false),
      prefill: false,
    },
  ],
  [
    /^claude-sonnet-4-6/,
    {
      ...manual,
      contextTokens: 1_000_000,
      thinking: byEffort(["none", "low", "medium", "high", "max"], false),
      prefill: false,
    },
  ],
  [/^claude-(?:opus|sonnet|haiku)-4-5/, manual],
  [/^claude-opus-4-1/, { ...manual, maxOutputTokens: 32_000, thinking: byBudget(1_024, 31_999) }],
  [
    /^claude-opus-4(?:-0|-2025\d{4})?$/,
    { ...early, maxOutputTokens: 32_000, thinking: byBudget(1_024, 31_999), sampling: "all" },
  ],
  [/^claude-sonnet-4(?:-0|-2025\d{4})?$/, { ...early, sampling: "all" }],
  [/^claude-3-7-sonnet/, { ...early, sampling: "all" }],
  [/^claude-3-5-sonnet/, { ...early, maxOutputTokens: 8_192, thinking: noThinking(), sampling: "all" }],
  [/^claude-3-5-haiku/, { ...early, maxOutputTokens: 8_192, thinking: noThinking(), sampling: "all" }],
  [
    /^claude-3-/,
    {
      ...early,
      maxOutputTokens: 4_096,
      thinking: noThinking(),
      sampling: "all",
      input: { image: true, pdf: false, audio: false, video: false },
      webSearch: false,
    },
  ],
];

/** By the plain name. */
export function anthropicTraits(name: string): ModelTraits {
  return lookUp(ROWS, name.replace(/(\d)\.(\d)/g, "$1-$2"), unknown);
}
