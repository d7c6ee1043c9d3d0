/** Reads the list of models that a provider gives. */
import type { JsonObject } from "../core/json.ts";
import type { Effort, ThinkingTraits } from "../neutral/traits.ts";
import { asObject, parseJson } from "../wire/json.ts";
import type { PartialTraits } from "./model-traits/traits-override.ts";

export interface ListedModel {
  readonly id: string;
  /** Unix seconds, 0 when the provider does not say. */
  readonly createdAtS: number;
  /** The traits that the list states. */
  readonly traits: PartialTraits;
}

const MAX_MODELS = 5_000;

/** Leaves out entries that cannot be read. A body that is not a list gives an empty list. */
export function parseModelList(text: string): readonly ListedModel[] {
  const body = parseJson(text);
  if (typeof body !== "object" || body === null) return [];
  // Of OpenAI and Anthropic, of Gemini, and of Vertex AI.
  const { data, models, publisherModels } = body as Readonly<Record<string, unknown>>;
  const entries = [data, models, publisherModels].find(Array.isArray) ?? [];
  return entries.slice(0, MAX_MODELS).flatMap(readEntry);
}

function readEntry(value: unknown): ListedModel[] {
  const entry = membersOf(value);
  const { id, name, created, created_at } = entry;
  const text =
    typeof id === "string"
      ? id
      : typeof name === "string"
        ? name.replace(/^(?:publishers\/[^/]+\/)?models\//, "")
        : "";
  if (text === "") return [];
  const at =
    typeof created === "number"
      ? created
      : typeof created_at === "string"
        ? Date.parse(created_at) / 1_000
        : 0;
  const createdAtS = Number.isFinite(at) && at > 0 ? Math.floor(at) : 0;
  return [{ id: text, createdAtS, traits: readTraits(entry) }];
}

/** The members of an object; empty for any other value. */
function membersOf(value: unknown): JsonObject {
  return asObject(value) ?? {};
}

function readTraits(entry: JsonObject): PartialTraits {
  const contextTokens = firstCount(
    entry.max_input_tokens, // Anthropic
    entry.inputTokenLimit, // Gemini
    entry.context_length, // OpenRouter, Together
    entry.max_model_len, // vLLM, SGLang
  );
  const maxOutputTokens = firstCount(
    entry.max_tokens,
    entry.outputTokenLimit,
    membersOf(entry.top_provider).max_completion_tokens,
  );
  return {
    ...(contextTokens === null ? {} : { contextTokens }),
    ...(maxOutputTokens === null ? {} : { maxOutputTokens }),
    ...(entry.thinking === false ? { thinking: { kind: "none" } as const } : {}),
    ...readCapabilities(membersOf(entry.capabilities)),
    ...readModalities(membersOf(entry.architecture).input_modalities),
  };
}

function firstCount(...values: readonly unknown[]): number | null {
  const found = values.find((value) => typeof value === "number" && Number.isSafeInteger(value) && value > 0);
  return typeof found === "number" ? found : null;
}

/** Words in Anthropic's list. Its `thinking.types.disabled` stands for `none`. */
const EFFORT_WORDS: readonly Effort[] = ["low", "medium", "high", "xhigh", "max"];

/** Anthropic's `capabilities`; each is `{supported: boolean}`. */
function readCapabilities(capabilities: JsonObject): PartialTraits {
  const image = isSupported(capabilities.image_input);
  const pdf = isSupported(capabilities.pdf_input);
  const structuredOutput = isSupported(capabilities.structured_outputs);
  const webSearch = isSupported(membersOf(capabilities.server_tools).web_search);
  const thinking = readThinking(membersOf(capabilities.thinking), membersOf(capabilities.effort));
  const input = {
    ...(image === null ? {} : { image }),
    ...(pdf === null ? {} : { pdf }),
  };
  return {
    ...(Object.keys(input).length === 0 ? {} : { input }),
    ...(structuredOutput === null ? {} : { structuredOutput }),
    ...(webSearch === null ? {} : { webSearch }),
    ...(thinking === null ? {} : { thinking }),
  };
}

function isSupported(value: unknown): boolean | null {
  const { supported } = membersOf(value);
  return typeof supported === "boolean" ? supported : null;
}

function readThinking(thinking: JsonObject, effort: JsonObject): Partial<ThinkingTraits> | null {
  if (isSupported(thinking) === false) return { kind: "none", isOnByDefault: false };
  const types = membersOf(thinking.types);
  const canDisable = isSupported(types.disabled);
  const withDisable = canDisable === null ? {} : { canDisable };
  if (isSupported(types.adaptive) === true) {
    const efforts = EFFORT_WORDS.filter((word) => isSupported(effort[word]) === true);
    return { kind: "effort", ...withDisable, ...(efforts.length === 0 ? {} : { efforts }) };
  }
  return isSupported(types.enabled) === true ? { kind: "budget", ...withDisable } : null;
}

/** OpenRouter's `architecture.input_modalities`. */
function readModalities(modalities: unknown): PartialTraits {
  if (!Array.isArray(modalities) || !modalities.includes("text")) return {};
  return {
    input: {
      image: modalities.includes("image"),
      pdf: modalities.includes("file"),
      audio: modalities.includes("audio"),
      video: modalities.includes("video"),
    },
  };
}
