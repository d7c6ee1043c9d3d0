/**
 * Models behind servers that speak like OpenAI. Sources: DeepSeek's, Moonshot's, Z.ai's, Alibaba's, Mistral's and xAI's API pages and
 * the open models' cards, as of November 2026. Names that resellers give to Claude and Gemini count as well. What nobody knows is a
 * plain model: it is asked for nothing that it might refuse, and sent what the client sent.
 */
import type { ModelTraits } from "../neutral/traits.ts";
import { anthropicTraits } from "./model-traits-anthropic.ts";
import { geminiTraits } from "./model-traits-gemini.ts";
import { byEffort, lookUp, noThinking, type TraitsRow } from "./model-traits-row.ts";

const unknown: ModelTraits = {
  contextTokens: null,
  maxOutputTokens: null,
  thinking: noThinking(),
  sampling: "all",
  // Whether it sees, only the server knows: its refusal is better than ours.
  input: { image: true, pdf: false, audio: false, video: false },
  structuredOutput: true,
  midSystem: true,
  prefill: false,
  stop: true,
  sealedCalls: false,
  resultImages: false,
  needsResponsesForTools: false,
  forcedTools: true,
  cacheBreakpoints: false,
  webSearch: false,
};

const blind: ModelTraits = { ...unknown, input: { ...unknown.input, image: false } };
/** Their templates refuse instructions that do not come first. */
const systemFirst: ModelTraits = { ...unknown, midSystem: false };
const blindSystemFirst: ModelTraits = { ...blind, midSystem: false };

const ROWS: readonly TraitsRow[] = [
  [/^gpt-oss/, { ...blind, contextTokens: 131_072, thinking: byEffort(["low", "medium", "high"], true) }],
  // Thinking is switched off by a field of its own, which is not sent.
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
  // K2.5 and later see, and take one temperature only.
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

/** What is known of a model of a compatible server, by its plain name. */
export function compatibleTraits(name: string): ModelTraits {
  if (name.startsWith("claude-")) return resold(anthropicTraits(name));
  if (name.startsWith("gemini-")) return resold(geminiTraits(name));
  return lookUp(ROWS, name, unknown);
}

/** What remains of a model's traits where a reseller speaks Chat for it. */
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
