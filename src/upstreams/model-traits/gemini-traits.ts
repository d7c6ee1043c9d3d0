/**
 * Gemini and Gemma models. Source: Google's pages of models, thinking and migration (Gemini API, Vertex), as
 * of November 2026. An unknown model counts as one of the newest Gemini 3.
 */
import { type Effort, type ModelTraits, PLAIN_CHAT } from "../../neutral/traits.ts";
import { byBudget, byEffort, lookUp, noThinking, type TraitsRow } from "./traits-row.ts";

const FROM_LOW: readonly Effort[] = ["low", "medium", "high"];
const FROM_MINIMAL: readonly Effort[] = ["minimal", ...FROM_LOW];

/**
 * Gemini 3 and 3.1: thinking by level, never off; signatures must come back; function results may hold
 * images.
 */
const three: ModelTraits = {
  contextTokens: 1_048_576,
  maxOutputTokens: 65_536,
  thinking: byEffort(FROM_LOW, true),
  sampling: "all",
  input: { image: true, pdf: true, audio: true, video: true },
  structuredOutput: true,
  midSystem: false,
  prefill: false,
  stop: true,
  sealedCalls: true,
  resultImages: true,
  needsResponsesForTools: false,
  reasonsOnResponses: false,
  needsCompletionLimit: false,
  verbosity: false,
  closedSchemas: false,
  plainKeys: false,
  forcedTools: true,
  cacheBreakpoints: false,
  webSearch: true,
  onChat: PLAIN_CHAT,
};

/**
 * 3.5 Flash-Lite, 3.6 and later (July 2026): temperature, topP and topK have no effect, and Google will
 * refuse them.
 */
const newest: ModelTraits = { ...three, sampling: "none" };

const two: ModelTraits = {
  ...three,
  thinking: byBudget(1, 24_576, { isOnByDefault: true }),
  sealedCalls: false,
  resultImages: false,
};

/** Makes images. Its thinking cannot be controlled. */
const image: ModelTraits = {
  ...three,
  contextTokens: 65_536,
  maxOutputTokens: 32_768,
  thinking: noThinking(true),
  input: { image: true, pdf: true, audio: false, video: false },
};

const ROWS: readonly TraitsRow[] = [
  [/^gemini-[3-9].*image/, image],
  [/^gemini-2\.[05].*image/, { ...image, thinking: noThinking(), sealedCalls: false, webSearch: false }],
  [/^gemini-3-pro/, { ...three, thinking: byEffort(["low", "high"], true) }],
  [/^gemini-3\.1-pro/, three],
  [/^gemini-3(?:\.1)?-flash/, { ...three, thinking: byEffort(FROM_MINIMAL, true) }],
  [/^gemini-3\.5-flash-lite/, { ...newest, thinking: byEffort(FROM_MINIMAL, true) }],
  [/^gemini-3\.5-flash/, { ...three, thinking: byEffort(FROM_MINIMAL, true) }],
  [/^gemini-3\.6/, { ...newest, thinking: byEffort(FROM_MINIMAL, true) }],
  // 3.7 and 3.8 refuse MINIMAL.
  [/^gemini-3\./, newest],
  [
    /^gemini-2\.5-pro/,
    { ...two, thinking: byBudget(128, 32_768, { canDisable: false, isOnByDefault: true }) },
  ],
  [/^gemini-2\.5-flash-lite/, { ...two, thinking: byBudget(512, 24_576) }],
  [/^gemini-2\.5|^gemini-robotics/, two],
  [/^gemini-2\.0/, { ...two, maxOutputTokens: 8_192, thinking: noThinking() }],
  [/^gemini-1/, { ...two, maxOutputTokens: 8_192, thinking: noThinking(), webSearch: false }],
  [
    /^gemma|^learnlm/,
    {
      ...two,
      contextTokens: 131_072,
      maxOutputTokens: 8_192,
      thinking: noThinking(),
      input: { image: true, pdf: false, audio: false, video: false },
      structuredOutput: false,
      webSearch: false,
    },
  ],
];

/** By the plain name. */
export function geminiTraits(name: string): ModelTraits {
  return lookUp(ROWS, name, newest);
}
