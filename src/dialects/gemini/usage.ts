/** Usage as Gemini counts it: the prompt includes cached tokens, the candidates exclude thoughts. */
import type { JsonObject } from "../../core/json.ts";
import { makeUsage, type Usage } from "../../neutral/usage.ts";
import { asArray, asObject } from "../../wire/json.ts";
import { countOf, sumOf, tierOf } from "../shared/token-count.ts";
import type { WireUsage } from "./wire.ts";

/** Reads `usageMetadata`. */
export function readUsage(metadata: JsonObject): Usage {
  const promptTokens = countOf(metadata.promptTokenCount);
  const inputTokens = sumOf(promptTokens, countOf(metadata.toolUsePromptTokenCount));
  const reasoningTokens = countOf(metadata.thoughtsTokenCount);
  const totalTokens = countOf(metadata.totalTokenCount);
  let outputTokens = sumOf(countOf(metadata.candidatesTokenCount), reasoningTokens);
  if (outputTokens === null && totalTokens !== null && inputTokens !== null) {
    // Gemini leaves out counts of zero; the total shows them.
    outputTokens = Math.max(0, totalTokens - inputTokens);
  }
  const inputOf = (modality: string): number | null =>
    sumOf(
      modalityCount(metadata.promptTokensDetails, modality),
      modalityCount(metadata.toolUsePromptTokensDetails, modality),
    );
  return makeUsage({
    inputTokens,
    cacheReadTokens: countOf(metadata.cachedContentTokenCount),
    inputAudioTokens: inputOf("AUDIO"),
    inputImageTokens: inputOf("IMAGE"),
    outputTokens,
    reasoningTokens,
    outputAudioTokens: modalityCount(metadata.candidatesTokensDetails, "AUDIO"),
    outputImageTokens: modalityCount(metadata.candidatesTokensDetails, "IMAGE"),
    // Vertex names the tier in a member of its own.
    serviceTier: tierOf(metadata.serviceTier ?? metadata.trafficType),
  });
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
 * Counts are running totals, so the last ones hold, except the zeros that some servers send as a placeholder.
 */
export function laterUsage(former: Usage | null, metadata: JsonObject): Usage {
  const usage = readUsage(metadata);
  return former !== null && isPlaceholder(usage) ? former : usage;
}

export function isPlaceholder({ inputTokens, outputTokens }: Usage): boolean {
  return !inputTokens && !outputTokens;
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
