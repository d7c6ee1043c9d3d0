/** Usage as Gemini counts it: the prompt includes cached tokens, the candidates exclude thoughts. */
import type { JsonObject } from "../../core/json.ts";
import { makeUsage, type Usage } from "../../neutral/usage.ts";
import { asArray, asObject } from "../../wire/json.ts";
import { countOf, sumOf, tierOf } from "../shared/token-count.ts";
import type { WireUsage } from "./wire.ts";

/**
 * The searches of an answer: Google bills each query once, however often it stands there
 * (https://ai.google.dev/gemini-api/docs/google-search).
 */
export class Searches {
  readonly #queries = new Set<string>();

  /** Reads a candidate. */
  add(candidate: JsonObject): void {
    for (const query of asArray(asObject(candidate.groundingMetadata)?.webSearchQueries))
      if (typeof query === "string" && query !== "") this.#queries.add(query);
  }

  /** null: there was none. */
  get count(): number | null {
    return this.#queries.size === 0 ? null : this.#queries.size;
  }
}

/** Reads `usageMetadata`. */
export function readUsage(metadata: JsonObject, webSearches: number | null): Usage {
  const { promptTokensDetails, toolUsePromptTokensDetails, candidatesTokensDetails, cacheTokensDetails } =
    metadata;
  return makeUsage({
    inputTokens: inputOf(metadata),
    cacheReadTokens: countOf(metadata.cachedContentTokenCount),
    cacheReadAudioTokens: modalityCount(cacheTokensDetails, "AUDIO"),
    cacheReadImageTokens: modalityCount(cacheTokensDetails, "IMAGE"),
    inputAudioTokens: sumOf(
      modalityCount(promptTokensDetails, "AUDIO"),
      modalityCount(toolUsePromptTokensDetails, "AUDIO"),
    ),
    inputImageTokens: sumOf(
      modalityCount(promptTokensDetails, "IMAGE"),
      modalityCount(toolUsePromptTokensDetails, "IMAGE"),
    ),
    outputTokens: outputOf(metadata),
    reasoningTokens: countOf(metadata.thoughtsTokenCount),
    outputAudioTokens: modalityCount(candidatesTokensDetails, "AUDIO"),
    outputImageTokens: modalityCount(candidatesTokensDetails, "IMAGE"),
    webSearches,
    // Vertex names the tier in a member of its own.
    serviceTier: tierOf(metadata.serviceTier ?? metadata.trafficType),
  });
}

/** Reads the counts that stand beside the vectors of a reply; null: it has none. */
export function usageOfPredictions(predictions: unknown): Usage | null {
  const counts = asArray(predictions).map((prediction) =>
    countOf(asObject(asObject(asObject(prediction)?.embeddings)?.statistics)?.token_count),
  );
  return counts.some((count) => count !== null)
    ? makeUsage({
        inputTokens: countOf(counts.reduce<number | null>((sum, count) => sumOf(sum, count), null)),
      })
    : null;
}

function inputOf(metadata: JsonObject): number | null {
  return sumOf(countOf(metadata.promptTokenCount), countOf(metadata.toolUsePromptTokenCount));
}

function outputOf(metadata: JsonObject): number | null {
  const known = sumOf(countOf(metadata.candidatesTokenCount), countOf(metadata.thoughtsTokenCount));
  if (known !== null) return known;
  const totalTokens = countOf(metadata.totalTokenCount);
  const inputTokens = inputOf(metadata);
  // Gemini leaves out counts of zero; the total shows them.
  return totalTokens === null || inputTokens === null ? null : Math.max(0, totalTokens - inputTokens);
}

function modalityCount(details: unknown, modality: string): number | null {
  let sum: number | null = null;
  for (const entry of asArray(details)) {
    const detail = asObject(entry);
    if (detail?.modality === modality) sum = sumOf(sum, countOf(detail.tokenCount));
  }
  return sum;
}

/**
 * Whether the counts are zeros that some servers send in place of counts. Others are running totals, so the
 * last ones hold.
 */
export function isPlaceholder(metadata: JsonObject): boolean {
  return !inputOf(metadata) && !outputOf(metadata);
}

/** The counts that hold after these, where `former` held before. */
export function laterUsage(former: Usage | null, metadata: JsonObject, webSearches: number | null): Usage {
  return former !== null && isPlaceholder(metadata)
    ? { ...former, webSearches }
    : readUsage(metadata, webSearches);
}

/** An unknown count is 0, because clients compute with the counts unchecked. */
export function encodeUsage(usage: Usage | null): WireUsage {
  const counts = usage === null ? null : makeUsage(usage);
  const input = counts?.inputTokens ?? 0;
  const output = counts?.outputTokens ?? 0;
  const cached = counts?.cacheReadTokens ?? null;
  const thoughts = counts?.reasoningTokens ?? null;
  return {
    promptTokenCount: input,
    ...(cached === null ? null : { cachedContentTokenCount: cached }),
    candidatesTokenCount: output - (thoughts ?? 0),
    ...(thoughts === null ? null : { thoughtsTokenCount: thoughts }),
    totalTokenCount: input + output,
  };
}
