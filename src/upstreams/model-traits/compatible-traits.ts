/**
 * Models of compatible servers. Sources: API pages of DeepSeek, Moonshot, Z.ai, Alibaba, Mistral and xAI, and
 * the cards of open models, as of November 2026. Resellers' names of Claude and Gemini models are known too.
 * An unknown model is asked for nothing that it might refuse, and gets the client's own fields.
 */
import { type ChatTraits, type ModelTraits, PLAIN_CHAT } from "../../neutral/traits.ts";
import { anthropicTraits } from "./anthropic-traits.ts";
import { geminiTraits } from "./gemini-traits.ts";
import { byBudget, byEffort, lookUp, noThinking, type TraitsRow } from "./traits-row.ts";

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
  plainKeys: false,
  forcedTools: true,
  cacheBreakpoints: false,
  webSearch: false,
  onChat: PLAIN_CHAT,
};

const blind: ModelTraits = { ...unknown, input: { ...unknown.input, image: false } };
/** The chat templates of these models refuse instructions that do not come first. */
const systemFirst: ModelTraits = { ...unknown, midSystem: false };
const blindSystemFirst: ModelTraits = { ...blind, midSystem: false };

/**
 * DeepSeek from V3.1 on: api-docs.deepseek.com/guides/thinking_mode; deepseek-ai/DeepSeek-V3#1376;
 * openclaw/openclaw#73417. Reasoning may be empty: anomalyco/opencode#25000.
 */
const deepseek: ChatTraits = {
  ...PLAIN_CHAT,
  switches: ["thinking", "chat_template_kwargs"],
  templateSwitch: "thinking",
  forcesWhileThinking: false,
  reasoningFiller: "",
};
/** Kimi takes reasoning_content for missing when it is empty: earendil-works/pi#4178, UKGovernmentBEIS/inspect_ai#5152. */
const kimi: ChatTraits = { ...deepseek, reasoningFiller: " " };
/** https://docs.z.ai/guides/capabilities/thinking-mode; zai-org's chat templates. */
const glm: ChatTraits = {
  ...PLAIN_CHAT,
  switches: ["thinking", "chat_template_kwargs"],
  templateSwitch: "enable_thinking",
};
/** Alibaba's Model Studio and Qwen's chat templates; forced tools: cloudwego/eino#994. */
const qwen: ChatTraits = {
  ...PLAIN_CHAT,
  switches: ["enable_thinking", "chat_template_kwargs"],
  templateSwitch: "enable_thinking",
  forcesWhileThinking: false,
};
/** Only the chat template has a switch. */
const byTemplate: ChatTraits = {
  ...PLAIN_CHAT,
  switches: ["chat_template_kwargs"],
  templateSwitch: "enable_thinking",
};

/** Mistral's own server, and resellers of it: vercel/ai#13703. */
const mistral: ChatTraits = { ...PLAIN_CHAT, answersInParts: true };

/** The longest thinking of Qwen's models is known for some of them only; a server lowers a larger budget. */
const qwenThinking = (isOnByDefault: boolean) => byBudget(1, 81_920, { isOnByDefault });
/** Thinking that is switched on or off, without degrees. */
const switched = (isOnByDefault: boolean) => byEffort(["none", "high"], isOnByDefault);

const ROWS: readonly TraitsRow[] = [
  [/^gpt-oss/, { ...blind, contextTokens: 131_072, thinking: byEffort(["low", "medium", "high"], true) }],
  [
    /^deepseek-?v(?:[4-9]|\d\d)/,
    {
      ...blind,
      contextTokens: 1_000_000,
      thinking: byEffort(["none", "low", "high", "max"], true),
      structuredOutput: false,
      onChat: deepseek,
    },
  ],
  [
    /^deepseek-(?:reasoner|r\d)/,
    {
      ...blind,
      thinking: noThinking(true),
      structuredOutput: false,
      onChat: { ...PLAIN_CHAT, forcesWhileThinking: false },
    },
  ],
  [/^deepseek-(?:vl|ocr)/, unknown],
  [
    /^deepseek-(?:chat|v?3\.[1-9])/,
    {
      ...blind,
      thinking: switched(false),
      structuredOutput: false,
      onChat: { ...deepseek, reasoningFiller: null },
    },
  ],
  [/^deepseek/, { ...blind, structuredOutput: false }],
  // K2.5 and later take images, and a single temperature.
  [
    /^kimi-k(?:2[.p][5-9]|[3-9])/,
    { ...unknown, contextTokens: 262_144, thinking: switched(true), sampling: "none", onChat: kimi },
  ],
  [
    /^kimi-k2-thinking/,
    { ...blind, contextTokens: 262_144, thinking: noThinking(true), onChat: { ...kimi, switches: [] } },
  ],
  [/^kimi|^moonshot/, blind],
  [/^glm-[\d.]+v/, { ...unknown, thinking: switched(true), structuredOutput: false, onChat: glm }],
  // Degrees from 5.2 on: docs.z.ai, reasoning_effort.
  [
    /^glm-(?:5\.[2-9]|[6-9])/,
    {
      ...blind,
      thinking: byEffort(["none", "low", "high", "max"], true),
      structuredOutput: false,
      onChat: glm,
    },
  ],
  [/^glm-(?:4\.[5-9]|[5-9])/, { ...blind, thinking: switched(true), structuredOutput: false, onChat: glm }],
  [/^glm/, { ...blind, structuredOutput: false }],
  [
    /^qwq|^qwen.*thinking/,
    { ...blindSystemFirst, thinking: noThinking(true), onChat: { ...qwen, switches: [] } },
  ],
  [/^qwen.*(?:vl|omni)|^qvq/, systemFirst],
  [/^qwen-?(?:3\.[5-9]|[4-9])/, { ...systemFirst, thinking: qwenThinking(true), onChat: qwen }],
  [
    /^qwen-?(?:3-)?(?:plus|turbo|flash|max)/,
    { ...blindSystemFirst, thinking: qwenThinking(false), onChat: qwen },
  ],
  [
    /^qwen-?3(?:[-:]|$)(?!.*(?:coder|instruct|next))/,
    { ...blindSystemFirst, thinking: qwenThinking(true), onChat: qwen },
  ],
  [/^qwen/, blindSystemFirst],
  // Cherry Studio's report of M3: CherryHQ/cherry-studio#16431
  [
    /^minimax-m(?:[3-9])/,
    { ...unknown, thinking: switched(true), onChat: { ...PLAIN_CHAT, switches: ["thinking-adaptive"] } },
  ],
  [/^minimax-m[12]/, { ...blind, thinking: noThinking(true) }],
  [/^gemma-?[4-9]/, { ...unknown, thinking: switched(false), onChat: byTemplate }],
  [/^llama-?3\.2-(?:11|90)b|^llama-?(?:[4-9]|guard-4)|^llava|^llama.*vision/, unknown],
  [/^(?:meta-)?llama|^codellama/, blind],
  [/^magistral/, { ...systemFirst, thinking: noThinking(true), onChat: mistral }],
  // https://docs.mistral.ai/capabilities/reasoning: degrees are none and high.
  [
    /^mistral-(?:small-(?:latest|4|26\d\d)|medium-(?:latest|3[.-]5|26\d\d))/,
    { ...systemFirst, thinking: switched(false), onChat: mistral },
  ],
  [/^mistral-(?:small|medium|large)/, { ...systemFirst, onChat: mistral }],
  [/^(?:pixtral|ministral)/, systemFirst],
  [/^(?:mistral|mixtral|codestral|devstral|open-mi)/, blindSystemFirst],
  // The models that take reasoning_effort: BerriAI/litellm#16265, docs.x.ai/docs/guides/reasoning.
  [/^grok-3-mini/, { ...blind, thinking: byEffort(["low", "high"], true), stop: false }],
  [/^grok-4\.[3-9](?:-|$)/, { ...unknown, thinking: byEffort(["low", "medium", "high"], true), stop: false }],
  [/^grok-(?:[4-9]|\d\d)/, { ...unknown, thinking: noThinking(true), stop: false }],
];

/** By the plain name. */
export function compatibleTraits(name: string): ModelTraits {
  if (name.startsWith("claude-"))
    return { ...resold(anthropicTraits(name)), onChat: { ...PLAIN_CHAT, needsCacheMarks: true } };
  if (name.startsWith("gemini-")) return resold(geminiTraits(name));
  return lookUp(ROWS, name, unknown);
}

/** The traits that remain when a reseller offers the model on Chat. */
function resold(traits: ModelTraits): ModelTraits {
  const { contextTokens, maxOutputTokens, sampling, input, structuredOutput, sealedCalls, plainKeys } =
    traits;
  const { thinking } = traits;
  const words = ["low", "medium", "high"] as const;
  const efforts = thinking.canDisable && thinking.isOnByDefault ? (["none", ...words] as const) : words;
  return {
    ...unknown,
    contextTokens,
    maxOutputTokens,
    sampling,
    structuredOutput,
    sealedCalls,
    plainKeys,
    input: { ...unknown.input, image: input.image },
    thinking: thinking.kind === "none" ? thinking : byEffort(efforts, thinking.isOnByDefault),
    midSystem: false,
  };
}
