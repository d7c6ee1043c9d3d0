/** `generationConfig` of a client's request. */
import { GatewayError } from "../../core/errors.ts";
import type { Drop, ModelRequest, OutputFormat, ReasoningRequest, Sampling } from "../../neutral/request.ts";
import type { Effort } from "../../neutral/traits.ts";
import { Members, wrong } from "./members.ts";
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

export function decodeConfig(body: Members, dropped: Drop[]): Config {
  const config = body.members("generationConfig") ?? new Members({}, "generationConfig");
  const decoded: Config = {
    sampling: decodeSampling(config),
    candidates: config.integer("candidateCount", 1) ?? 1,
    maxOutputTokens: config.integer("maxOutputTokens", 1),
    stop: config.strings("stopSequences"),
    logprobs: decodeLogprobs(config),
    reasoning: decodeThinking(config, dropped),
    output: decodeOutput(config),
    outputModalities: decodeModalities(config),
  };
  config.dropRest(dropped);
  return decoded;
}

function decodeSampling(config: Members): Sampling {
  return {
    temperature: config.number("temperature"),
    topP: config.number("topP"),
    topK: config.number("topK"),
    seed: config.integer("seed", Number.MIN_SAFE_INTEGER),
    frequencyPenalty: config.number("frequencyPenalty"),
    presencePenalty: config.number("presencePenalty"),
    logitBias: null,
  };
}

function decodeLogprobs(config: Members): number | null {
  const isWanted = config.boolean("responseLogprobs");
  const count = config.integer("logprobs", 0);
  return isWanted === true ? (count ?? 0) : null;
}

const LEVELS: ReadonlyMap<string, Effort> = new Map([
  ["MINIMAL", "minimal"],
  ["LOW", "low"],
  ["MEDIUM", "medium"],
  ["HIGH", "high"],
]);

function decodeThinking(config: Members, dropped: Drop[]): ReasoningRequest | null {
  const thinking = config.members("thinkingConfig");
  if (thinking === null) return null;
  // Thoughts that are not asked for are not shown.
  const isShown = thinking.boolean("includeThoughts") ?? false;
  const budget = thinking.integer("thinkingBudget", -1);
  const level = thinking.string("thinkingLevel")?.toUpperCase() ?? "THINKING_LEVEL_UNSPECIFIED";
  thinking.dropRest(dropped);
  const effort = LEVELS.get(level) ?? null;
  if (effort === null && level !== "THINKING_LEVEL_UNSPECIFIED")
    throw wrong(thinking.path("thinkingLevel"), "one of MINIMAL, LOW, MEDIUM and HIGH");
  if (effort !== null && budget !== null)
    throw wrong(thinking.at, "a level or a budget, not both: remove thinkingBudget or thinkingLevel");
  return {
    effort: budget === 0 ? "none" : effort,
    budgetTokens: budget !== null && budget > 0 ? budget : null,
    isDynamic: budget === -1,
    isShown,
  };
}

function decodeOutput(config: Members): OutputFormat | null {
  const mimeType = config.string("responseMimeType");
  const openApi = config.get("responseSchema");
  // The second spelling is that of older SDKs.
  const jsonSchema = config.object("responseJsonSchema") ?? config.object("_responseJsonSchema");
  if (openApi !== null && jsonSchema !== null)
    throw wrong(config.at, "given responseSchema or responseJsonSchema, not both: remove one");
  const schema = openApi === null ? jsonSchema : decodeSchema(openApi, config.path("responseSchema"));
  switch (mimeType ?? "text/plain") {
    case "application/json":
      if (schema === null) return { kind: "json" };
      return { kind: "json-schema", name: null, description: null, schema, strict: null };
    case "text/plain":
      if (schema === null) return null;
      throw wrong(config.path("responseMimeType"), '"application/json" where a schema is given');
    case "text/x.enum":
      throw new GatewayError(
        "not_translatable",
        `${config.path("responseMimeType")} "text/x.enum" is only known to Gemini; ask for "application/json" with a schema of type STRING and an enum`,
        { param: config.path("responseMimeType") },
      );
    default:
      throw wrong(config.path("responseMimeType"), '"text/plain" or "application/json"');
  }
}

function decodeModalities(config: Members): string[] {
  return config
    .strings("responseModalities")
    .map((modality) => modality.toLowerCase())
    .filter((modality) => modality !== "text" && modality !== "modality_unspecified");
}
