// The models that the simulated providers list, and the facts that follow from a model's name.

import { anthropicRefusal, geminiRefusal, openaiRefusal } from "../base/refusal.ts";

export const OPENAI_MODELS = ["gpt-6", "gpt-5.4", "gpt-5-mini", "gpt-4.1", "o3", "text-embedding-3-small"];
export const ANTHROPIC_MODELS = ["claude-opus-5", "claude-sonnet-5", "claude-opus-4-6", "claude-haiku-4-5"];
export const GEMINI_MODELS = ["gemini-3-pro-preview", "gemini-3-flash", "gemini-2.5-pro", "gemini-2.5-flash"];

const CREATED_S = 1_760_000_000;
const CREATED = new Date(CREATED_S * 1000).toISOString().replace(".000Z", "Z");
const FOREIGN = /no-such|unknown/;

/** OpenAI and compatible servers accept any plain name that does not belong to another vendor. */
export function requireOpenaiModel(model: string): void {
  if (!/^[\w.:-]+$/.test(model) || /^(claude|gemini)-/.test(model) || FOREIGN.test(model)) {
    throw openaiRefusal(404, {
      message: `The model \`${model}\` does not exist or you do not have access to it.`,
      code: "model_not_found",
    });
  }
}

export function requireAnthropicModel(model: string): void {
  if (!/^claude-[\w.-]+$/.test(model) || FOREIGN.test(model)) {
    throw anthropicRefusal("not_found_error", `model: ${model}`);
  }
}

export function requireGeminiModel(model: string): void {
  if (!/^(gemini|gemma)-[\w.-]+$/.test(model) || FOREIGN.test(model)) {
    throw geminiRefusal(
      404,
      "NOT_FOUND",
      `models/${model} is not found for API version v1beta, or is not supported for generateContent. Call ListModels to see the list of available models and their supported methods.`,
    );
  }
}

/** OpenAI's own models, by name; every other model belongs to a compatible server. */
export function isOfficialModel(model: string): boolean {
  return /^(gpt-|o\d|chatgpt-|codex-)/.test(model) && !model.startsWith("gpt-oss");
}

/** OpenAI's reasoning models: no sampling, no `max_tokens`. */
export function isReasoningModel(model: string): boolean {
  return /^(o\d|gpt-[5-9])/.test(model) && !model.includes("-chat");
}

/** GPT-5.4 and later want tools with reasoning on the Responses endpoint. */
export function needsResponsesForTools(model: string): boolean {
  const version = /^gpt-(\d+)(?:\.(\d+))?/.exec(model);
  const major = Number(version?.[1] ?? 0);
  return major > 5 || (major === 5 && Number(version?.[2] ?? 0) >= 4);
}

export interface ClaudeTraits {
  /** The allowed values of `thinking.type`. */
  readonly thinking: readonly string[];
  readonly isThinkingByDefault: boolean;
  /** The default of `thinking.display`. */
  readonly isThinkingShown: boolean;
  /** How temperature, top_p and top_k are treated under version 2023-06-01. */
  readonly takesSampling: boolean;
  readonly takesPrefill: boolean;
  /** Whether `role: "system"` may stand among the messages. */
  readonly takesSystemTurns: boolean;
  readonly maxOutputTokens: number;
}

/** The rules of a model's generation; an unknown name counts as the newest generation. */
export function claudeTraits(model: string): ClaudeTraits {
  const [, line = "", majorText = "", minorText = ""] =
    /^claude-([a-z]+)-(\d+)(?:-(\d{1,2})(?!\d))?/.exec(model) ?? [];
  const version = line === "" ? 5 : Number(majorText) + Number(minorText || 0) / 10;
  const isOld = /^claude-\d/.test(model) || version <= 4.5;
  const isMiddle = !isOld && version < 4.65;
  const isAlways = line === "fable" || line === "mythos";
  const thinking = isOld
    ? ["enabled", "disabled"]
    : isMiddle
      ? ["enabled", "adaptive", "disabled", "between_tools"]
      : isAlways
        ? ["adaptive"]
        : ["adaptive", "disabled", "between_tools"];
  return {
    thinking,
    isThinkingByDefault: isAlways || version >= 5,
    isThinkingShown: isOld || isMiddle,
    takesSampling: isOld || isMiddle,
    takesPrefill: isOld,
    takesSystemTurns: !isOld && version >= 4.75 && !model.startsWith("claude-sonnet-5"),
    maxOutputTokens: /^claude-\d/.test(model) ? 8192 : isOld ? 64_000 : 128_000,
  };
}

/** Gemini's generation: 3 asks for thought signatures. */
export function geminiMajor(model: string): number {
  return Number(/^gemini-(\d+)/.exec(model)?.[1] ?? 0);
}

export function openaiModel(id: string): unknown {
  return { id, object: "model", created: CREATED_S, owned_by: "simulator" };
}

export function anthropicModel(id: string): unknown {
  const { thinking, maxOutputTokens } = claudeTraits(id);
  const support = (supported: boolean) => ({ supported });
  const thinks = (type: string) => support(thinking.includes(type));
  const [, line = "sonnet"] = /^claude-([a-z]+)/.exec(id) ?? [];
  return {
    type: "model",
    id,
    display_name: id.replace(/^c/, "C").replaceAll("-", " "),
    created_at: CREATED,
    deprecated_at: null,
    retires_at: null,
    lifecycle: "active",
    line,
    max_input_tokens: 200_000,
    max_tokens: maxOutputTokens,
    capabilities: {
      batch: support(true),
      citations: support(true),
      code_execution: support(false),
      context_management: {
        clear_thinking_20251015: support(true),
        clear_tool_uses_20250919: support(true),
        compact_20260112: null,
        supported: true,
      },
      effort: {
        low: support(true),
        medium: support(true),
        high: support(true),
        xhigh: support(thinking.includes("adaptive")),
        max: support(thinking.includes("adaptive")),
        supported: thinking.includes("adaptive"),
      },
      image_input: support(true),
      pdf_input: support(true),
      server_tools: { code_execution: support(false), supported: true, web_search: support(true) },
      structured_outputs: support(true),
      thinking: {
        supported: true,
        types: {
          adaptive: thinks("adaptive"),
          between_tools: thinks("between_tools"),
          disabled: thinks("disabled"),
          enabled: thinks("enabled"),
        },
      },
    },
  };
}

export function geminiModel(id: string): unknown {
  return {
    name: `models/${id}`,
    version: "001",
    displayName: id.replaceAll("-", " "),
    description: "A simulated model.",
    inputTokenLimit: 1_048_576,
    outputTokenLimit: 65_536,
    supportedGenerationMethods: ["generateContent", "countTokens"],
    temperature: 1,
    topP: 0.95,
    topK: 64,
    maxTemperature: 2,
    thinking: true,
  };
}
