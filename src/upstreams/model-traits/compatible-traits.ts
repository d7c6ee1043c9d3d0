/**
 * Models of compatible servers. Sources: API pages of DeepSeek, Moonshot, Z.ai, Alibaba, Mistral and xAI, and
 * the cards of open models, as of November 2026. Resellers' names of Claude and Gemini models are known too.
 * An unknown model is asked for nothing that it might refuse, and gets the client's own fields.
 */
import type { ModelTraits } from "../../neutral/traits.ts";
import { anthropicTraits } from "./anthropic-traits.ts";
import { geminiTraits } from "./gemini-traits.ts";
import { byEffort, lookUp, noThinking, type TraitsRow } from "./traits-row.ts";

const unknown: ModelTraits = {
  contextTokens: null,
  maxOutputTokens: null,
  thinking: noThinking(),
  sampling: "all",
  // Only the server knows whether the model takes images, and its refusal says more than the gateway's.
  input: { image: true, pdf: false, audio: false, video: false },
  structuredOutput: true,
  midSystem: true,
  prefill: false,
  stop: true,
  sealedCalls: false,
  resultImages: false,
  needsResponsesForTools: false,
  reasonsOnResponses: false,
  needsCompletionLimit: false,
  verbosity: false,
  closedSchemas: false,
  forcedTools: true,
  cacheBreakpoints: false,
  webSearch: false,
};

const blind: ModelTraits = { ...unknown, input: { ...unknown.input, image: false } };
/** The chat templates of these models refuse instructions that do not come first. */
const systemFirst: ModelTraits = { ...unknown, midSystem: false };
const blindSystemFirst: ModelTraits = { ...blind, midSystem: false };

const ROWS: readonly TraitsRow[] = [
  [/^gpt-oss/, { ...blind, contextTokens: 131_072, thinking: byEffort(["low", "medium", "high"], true) }],
  // Another field switches thinking off, and the gateway does not send it.
  [
    /^deepseek-?v(?:[4-9]|\d\d)/,
    {
      ...blind,
      contextTokens: 1_000_000,
      thinking: byEffort(["low", "high", "max"], true),
      structuredOutput: false,
    },
  ],
  [/^deepseek-(?:reasoner|r\d)/, { ...blind, thinking: noThinking(true), structuredOutput: false }],
  [/^deepseek-(?:vl|ocr)/, unknown],
  [/^deepseek/, { ...blind, structuredOutput: false }],
  // K2.5 and later take images, and a single temperature.
  [
    /^kimi-k(?:2[.p][5-9]|[3-9])/,
    { ...unknown, contextTokens: 262_144, thinking: noThinking(true), sampling: "none" },
  ],
  [/^kimi-k2-thinking/, { ...blind, contextTokens: 262_144, thinking: noThinking(true) }],
  [/^kimi|^moonshot/, blind],
  [/^glm-[\d.]+v/, { ...unknown, thinking: noThinking(true), structuredOutput: false }],
  [/^glm-(?:4\.[5-9]|[5-9])/, { ...blind, thinking: noThinking(true), structuredOutput: false }],
  [/^glm/, { ...blind, structuredOutput: false }],
  [/^qwq|^qwen.*thinking/, { ...blindSystemFirst, thinking: noThinking(true) }],
  [/^qwen.*(?:vl|omni)|^qvq|^qwen-?(?:3\.[5-9]|[4-9])/, systemFirst],
  [/^qwen/, blindSystemFirst],
  [/^llama-?3\.2-(?:11|90)b|^llama-?(?:[4-9]|guard-4)|^llava|^llama.*vision/, unknown],
  [/^(?:meta-)?llama|^codellama/, blind],
  [/^(?:pixtral|mistral-(?:small|medium|large)|magistral|ministral)/, systemFirst],
  [/^(?:mistral|mixtral|codestral|devstral|open-mi)/, blindSystemFirst],
  [/^grok-(?:[4-9]|\d\d)/, { ...unknown, thinking: noThinking(true), stop: false }],
];

/** By the plain name. */
export function compatibleTraits(name: string): ModelTraits {
  if (name.startsWith("claude-")) return resold(anthropicTraits(name));
  if (name.startsWith("gemini-")) return resold(geminiTraits(name));
  return lookUp(ROWS, name, unknown);
}

/** The traits that remain when a reseller offers the model on Chat. */
function resold(traits: ModelTraits): ModelTraits {
  const { contextTokens, maxOutputTokens, sampling, input, structuredOutput, sealedCalls, thinking } = traits;
  return {
    ...unknown,
    contextTokens,
    maxOutputTokens,
    sampling,
    structuredOutput,
    sealedCalls,
    input: { ...unknown.input, image: input.image },
    thinking:
      thinking.kind === "none" ? thinking : byEffort(["low", "medium", "high"], thinking.isOnByDefault),
    midSystem: false,
  };
}
