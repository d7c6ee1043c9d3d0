/** Reads `generationConfig`. */
import type { JsonObject } from "../../core/json.ts";
import type { ModelRequest, OutputFormat, ReasoningRequest, Sampling } from "../../neutral/request.ts";
import type { Effort } from "../../neutral/traits.ts";
import type { Drops } from "../shared/drops.ts";
import { decodeExtraSampling, IN_CAMEL_CASE, withExtraSampling } from "../shared/extra-sampling.ts";
import {
  booleanAt,
  int64At,
  isAbsent,
  notOneOf,
  numberAt,
  objectAt,
  stringAt,
  stringsAt,
  withCamelNames,
} from "../shared/members.ts";
import { malformed, refusedPart } from "../shared/refusal.ts";
import { decodeSchema } from "./schema-decode.ts";

type Config = Pick<
  ModelRequest,
  | "sampling"
  | "candidates"
  | "maxOutputTokens"
  | "stop"
  | "logprobs"
  | "reasoning"
  | "output"
  | "outputModalities"
>;

const AT = "generationConfig";

const MEMBERS: ReadonlySet<string> = new Set([
  "candidateCount",
  "maxOutputTokens",
  "stopSequences",
  "temperature",
  "topP",
  "topK",
  "seed",
  "frequencyPenalty",
  "presencePenalty",
  "responseLogprobs",
  "logprobs",
  "thinkingConfig",
  "responseMimeType",
  "responseSchema",
  "responseJsonSchema",
  "_responseJsonSchema",
  "responseModalities",
]);
const READ_OR_PASSED = withExtraSampling(MEMBERS, IN_CAMEL_CASE);
const THINKING_MEMBERS: ReadonlySet<string> = new Set(["includeThoughts", "thinkingBudget", "thinkingLevel"]);

export function decodeConfig(body: JsonObject, drops: Drops): Config {
  const config = withCamelNames(objectAt(body, AT, "") ?? {});
  drops.addUnknown(config, READ_OR_PASSED, AT);
  return {
    sampling: decodeSampling(config),
    candidates: int64At(config, "candidateCount", AT, 1) ?? 1,
    maxOutputTokens: int64At(config, "maxOutputTokens", AT, 1),
    stop: stringsAt(config, "stopSequences", AT) ?? [],
    logprobs: decodeLogprobs(config),
    reasoning: decodeThinking(config, drops),
    output: decodeOutput(config),
    outputModalities: decodeModalities(config),
  };
}

function decodeSampling(config: JsonObject): Sampling {
  return {
    temperature: numberAt(config, "temperature", AT),
    topP: numberAt(config, "topP", AT),
    topK: numberAt(config, "topK", AT),
    seed: int64At(config, "seed", AT, Number.MIN_SAFE_INTEGER),
    frequencyPenalty: numberAt(config, "frequencyPenalty", AT),
    presencePenalty: numberAt(config, "presencePenalty", AT),
    logitBias: null,
    ...decodeExtraSampling(config, MEMBERS, AT, IN_CAMEL_CASE),
  };
}

function decodeLogprobs(config: JsonObject): number | null {
  const isWanted = booleanAt(config, "responseLogprobs", AT);
  const count = int64At(config, "logprobs", AT, 0);
  return isWanted === true ? (count ?? 0) : null;
}

const UNSPECIFIED = "THINKING_LEVEL_UNSPECIFIED";
const LEVELS: ReadonlyMap<string, Effort> = new Map([
  ["MINIMAL", "minimal"],
  ["LOW", "low"],
  ["MEDIUM", "medium"],
  ["HIGH", "high"],
]);

function decodeThinking(config: JsonObject, drops: Drops): ReasoningRequest | null {
  const given = objectAt(config, "thinkingConfig", AT);
  if (given === null) return null;
  const thinking = withCamelNames(given);
  const at = `${AT}.thinkingConfig`;
  drops.addUnknown(thinking, THINKING_MEMBERS, at);
  // Gemini shows thoughts only to those who ask for them.
  const isShown = booleanAt(thinking, "includeThoughts", at) ?? false;
  const budget = int64At(thinking, "thinkingBudget", at, -1);
  const level = stringAt(thinking, "thinkingLevel", at)?.toUpperCase() ?? UNSPECIFIED;
  const effort = LEVELS.get(level) ?? null;
  if (effort === null && level !== UNSPECIFIED) throw notOneOf(`${at}.thinkingLevel`, [...LEVELS.keys()]);
  if (effort !== null && budget !== null)
    throw malformed(at, "must hold a level or a budget, not both; remove thinkingBudget or thinkingLevel");
  return {
    effort: budget === 0 ? "none" : effort,
    budgetTokens: budget !== null && budget > 0 ? budget : null,
    isDynamic: budget === -1,
    isShown,
  };
}

function decodeOutput(config: JsonObject): OutputFormat | null {
  const mimeType = stringAt(config, "responseMimeType", AT) ?? "text/plain";
  const at = `${AT}.responseMimeType`;
  const schema = decodeOutputSchema(config);
  switch (mimeType) {
    case "application/json":
      if (schema === null) return { kind: "json" };
      return { kind: "json-schema", name: null, description: null, schema, strict: null };
    case "text/plain":
      if (schema === null) return null;
      throw malformed(at, 'must be "application/json" where a schema is given');
    case "text/x.enum":
      throw refusedPart(
        at,
        'only Gemini knows "text/x.enum"; ask for "application/json" with a schema of type STRING and an enum',
      );
    default:
      throw notOneOf(at, ["text/plain", "application/json"]);
  }
}

function decodeOutputSchema(config: JsonObject): JsonObject | null {
  const openApi = config.responseSchema;
  // Older SDKs write the second name.
  const jsonSchema =
    objectAt(config, "responseJsonSchema", AT) ?? objectAt(config, "_responseJsonSchema", AT);
  if (isAbsent(openApi)) return jsonSchema;
  if (jsonSchema !== null)
    throw malformed(AT, "must hold responseSchema or responseJsonSchema, not both; remove one");
  return decodeSchema(openApi, `${AT}.responseSchema`);
}

function decodeModalities(config: JsonObject): string[] {
  return (stringsAt(config, "responseModalities", AT) ?? [])
    .map((modality) => modality.toLowerCase())
    .filter((modality) => modality !== "text" && modality !== "modality_unspecified");
}
