/** Writes `generationConfig`. */
import type { JsonObject } from "../../core/json.ts";
import type { Drop, ModelRequest, Sampling } from "../../neutral/request.ts";
import type { EncodeRequestOptions } from "../codec.ts";
import { dropExtraSampling } from "../shared/extra-sampling.ts";
import { refusedParameter } from "../shared/refusal.ts";
import { encodeThinking } from "./thinking-encode.ts";
import { encodeSchema } from "./tool-encode.ts";

const MAX_STOPS = 5;
const MAX_SEED = 2 ** 31;

export interface EncodedConfig {
  /** null: the member is left out. */
  readonly config: JsonObject | null;
  readonly watchedStops: readonly string[];
}

export function encodeConfig(
  request: ModelRequest,
  options: EncodeRequestOptions,
  dropped: Drop[],
): EncodedConfig {
  const { traits } = options;
  refuseWhatIsMissing(request, options);
  const stops = request.stop.filter((stop) => stop !== "");
  const sentStops = traits.stop ? stops.slice(0, MAX_STOPS) : [];
  const maxOutputTokens = encodeLimit(request.maxOutputTokens, traits.maxOutputTokens, dropped);
  const thinking = encodeThinking(request.reasoning, traits, maxOutputTokens, dropped);
  const config: Record<string, unknown> = {};
  addSampling(config, request, options, dropped);
  if (maxOutputTokens !== null) config.maxOutputTokens = maxOutputTokens;
  if (sentStops.length > 0) config.stopSequences = sentStops;
  addOutput(config, request, traits.structuredOutput);
  if (request.outputModalities.length > 0) config.responseModalities = ["TEXT", "IMAGE"];
  if (thinking !== null) config.thinkingConfig = thinking;
  return {
    config: Object.keys(config).length === 0 ? null : config,
    watchedStops: stops.slice(sentStops.length),
  };
}

/** Refuses a request for parts of an answer that Gemini would not give. */
function refuseWhatIsMissing(request: ModelRequest, { model, traits }: EncodeRequestOptions): void {
  if (request.candidates > 1)
    throw refusedParameter("candidates", "the translation carries one answer at a time; ask for 1");
  if (request.logprobs !== null)
    throw refusedParameter(
      "logprobs",
      "the translation carries no log-probabilities, as tokens differ; do not ask for them",
    );
  const makesImages = /image/i.test(model);
  for (const modality of request.outputModalities) {
    if (modality !== "image" || !makesImages)
      throw refusedParameter("outputModalities", `the model does not answer in ${modality}; ask for text`);
  }
  const hasFunctions = request.tools.some(({ kind }) => kind === "function" || kind === "custom");
  // Models before Gemini 3 refuse both together. Gemini 3 is also the first that seals its calls.
  if (request.output !== null && hasFunctions && !traits.sealedCalls)
    throw refusedParameter("output", "the model takes tools or a format for its answer; leave one out");
}

function encodeLimit(asked: number | null, most: number | null, dropped: Drop[]): number | null {
  if (asked === null) return null;
  if (asked < 1)
    throw refusedParameter(
      "maxOutputTokens",
      "an answer of no tokens cannot be asked for; ask for 1 or more",
    );
  if (most === null || asked <= most) return asked;
  dropped.push({ field: "maxOutputTokens", reason: `lowered to ${most}, the most that the model writes` });
  return most;
}

function addSampling(
  config: Record<string, unknown>,
  { sampling }: ModelRequest,
  { traits }: EncodeRequestOptions,
  dropped: Drop[],
): void {
  const { temperature, topP, topK, seed, presencePenalty, frequencyPenalty, logitBias } = sampling;
  dropExtraSampling(sampling, dropped);
  const isTaken = traits.sampling !== "none";
  const isOne = traits.sampling === "one" && temperature !== null;
  const add = (
    field: Exclude<keyof Sampling, "extra">,
    value: number | null,
    isKept: boolean,
    why: string,
  ): void => {
    if (value === null) return;
    if (isKept) config[field] = value;
    else dropped.push({ field, reason: why });
  };
  const why = "the model samples as it does and refuses to be told";
  if (logitBias !== null) dropped.push({ field: "logitBias", reason: "Gemini has no bias by token" });
  const isSeed = seed !== null && Number.isInteger(seed) && seed >= -MAX_SEED && seed < MAX_SEED;
  add("temperature", temperature, isTaken, why);
  add("topP", topP, isTaken && !isOne, why);
  add("topK", topK, isTaken, why);
  add("seed", seed, isSeed, "Gemini takes seeds of 32 bits");
  // A penalty of 0 is the default of every model.
  if (isTaken || presencePenalty !== 0) add("presencePenalty", presencePenalty, isTaken, why);
  if (isTaken || frequencyPenalty !== 0) add("frequencyPenalty", frequencyPenalty, isTaken, why);
}

function addOutput(config: Record<string, unknown>, { output }: ModelRequest, takesSchema: boolean): void {
  if (output === null) return;
  config.responseMimeType = "application/json";
  if (output.kind === "json") return;
  if (!takesSchema)
    throw refusedParameter("output", "the model cannot be held to a schema; ask for the form in words");
  config.responseJsonSchema = encodeSchema(output.schema);
}
