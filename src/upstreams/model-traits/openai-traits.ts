/**
 * OpenAI's models. Source: OpenAI's model pages and its guides of reasoning, prompt caching and structured
 * outputs, as of November 2026. Models with `reasoning_effort` take no stop sequences. They take sampling
 * only with effort `none`, so the table says that they take none.
 */
import { type Effort, type ModelTraits, PLAIN_CHAT } from "../../neutral/traits.ts";
import { compatibleTraits } from "./compatible-traits.ts";
import { byEffort, noThinking, type TraitsRow } from "./traits-row.ts";

const FROM_LOW: readonly Effort[] = ["low", "medium", "high"];
const TO_XHIGH: readonly Effort[] = ["none", "low", "medium", "high", "xhigh"];
const PRO: readonly Effort[] = ["medium", "high", "xhigh"];

/** GPT-4o: no thinking, all sampling. */
const plain: ModelTraits = {
  contextTokens: 128_000,
  maxOutputTokens: 16_384,
  thinking: noThinking(),
  sampling: "all",
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
  closedSchemas: true,
  plainKeys: false,
  forcedTools: true,
  cacheBreakpoints: false,
  webSearch: true,
  onChat: PLAIN_CHAT,
};

const old: ModelTraits = { ...plain, structuredOutput: false, webSearch: false };
const textOnly = { image: false, pdf: false, audio: false, video: false };

/** The o-series: it always thinks. */
const reasoning: ModelTraits = {
  ...plain,
  contextTokens: 200_000,
  maxOutputTokens: 100_000,
  thinking: byEffort(FROM_LOW, true),
  sampling: "none",
  stop: false,
  reasonsOnResponses: true,
  needsCompletionLimit: true,
};

const five: ModelTraits = {
  ...reasoning,
  contextTokens: 400_000,
  maxOutputTokens: 128_000,
  thinking: byEffort(["minimal", ...FROM_LOW], true),
  verbosity: true,
};

/** GPT-5.4 and later: tools together with an effort work on Responses only. */
const fiveFour: ModelTraits = {
  ...five,
  contextTokens: 1_050_000,
  thinking: byEffort(TO_XHIGH, false),
  needsResponsesForTools: true,
};

/** GPT-5.6 and later, GPT-6 among them. */
const newest: ModelTraits = {
  ...fiveFour,
  thinking: byEffort([...TO_XHIGH, "max"], true),
  cacheBreakpoints: true,
};

/** Pro and Codex models exist on Responses only. */
const onResponses = { needsResponsesForTools: true };
const chat: ModelTraits = { ...plain, sampling: "none", stop: false, needsCompletionLimit: true };
/** Codex models are as verbose as they are: they take the middle word only. */
const codex: ModelTraits = { ...five, ...onResponses, verbosity: false };

const ROWS: readonly TraitsRow[] = [
  [/^gpt-3\.5/, { ...old, contextTokens: 16_385, maxOutputTokens: 4_096, input: textOnly }],
  [/^gpt-4(?:-\d|$|-32k)/, { ...old, contextTokens: 8_192, maxOutputTokens: 8_192, input: textOnly }],
  [/^gpt-4-turbo/, { ...old, maxOutputTokens: 4_096 }],
  [/^gpt-4o-2024-05-13|^chatgpt-4o/, { ...old, maxOutputTokens: 4_096 }],
  [
    /^(?:gpt-4o(?:-mini)?-audio|gpt-audio)/,
    { ...old, input: { image: false, pdf: false, audio: true, video: false } },
  ],
  [/^gpt-4o(?:-mini)?-search/, { ...plain, sampling: "none", input: textOnly }],
  [/^gpt-4o/, plain],
  [/^gpt-4\.1-nano/, { ...plain, contextTokens: 1_047_576, maxOutputTokens: 32_768, webSearch: false }],
  [/^gpt-4\.[15]/, { ...plain, contextTokens: 1_047_576, maxOutputTokens: 32_768 }],
  [
    /^o1-(?:mini|preview)/,
    {
      ...reasoning,
      thinking: noThinking(true),
      input: textOnly,
      structuredOutput: false,
      reasonsOnResponses: false,
    },
  ],
  [/^o1-pro|^o3-pro|^o\d.*deep-research/, { ...reasoning, ...onResponses }],
  [/^o3-mini/, { ...reasoning, input: textOnly, webSearch: false }],
  [/^o\d/, reasoning],
  [/^codex-mini/, { ...reasoning, ...onResponses }],
  [/^gpt-5-chat/, plain],
  [/^gpt-5[.\d]*-chat|^chat-latest/, chat],
  [/^gpt-5-search/, { ...five, thinking: noThinking(true), reasonsOnResponses: false, verbosity: false }],
  [/^gpt-5-pro/, { ...five, ...onResponses, maxOutputTokens: 272_000, thinking: byEffort(["high"], true) }],
  [/^gpt-5(?:\.1)?-codex(?!-max)/, { ...codex, thinking: byEffort(FROM_LOW, true) }],
  [/^gpt-5[.\d]*-codex/, { ...codex, thinking: byEffort([...FROM_LOW, "xhigh"], true) }],
  [/^gpt-5\.[0-5]-pro/, { ...five, ...onResponses, thinking: byEffort(PRO, true) }],
  [/^gpt-5(?:-|$)/, five],
  [/^gpt-5\.1/, { ...five, thinking: byEffort(["none", ...FROM_LOW], false) }],
  [/^gpt-5\.[23]/, { ...five, thinking: byEffort(TO_XHIGH, false) }],
  [/^gpt-5\.4-(?:mini|nano)/, { ...fiveFour, contextTokens: 400_000 }],
  [/^gpt-5\.4/, fiveFour],
  [/^gpt-5\.5/, { ...fiveFour, thinking: byEffort(TO_XHIGH, true) }],
  // The sources differ on the context of Luna.
  [/^gpt-5\.6-luna/, { ...newest, contextTokens: null }],
  [/^gpt-(?:[6-9]|\d\d|5\.(?:[6-9]|\d\d))/, newest],
];

/** By the plain name. A name that is not OpenAI's is looked up among the models of compatible servers. */
export function openaiTraits(name: string): ModelTraits {
  return ROWS.find(([names]) => names.test(name))?.[1] ?? compatibleTraits(name);
}
