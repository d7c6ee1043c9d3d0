/** Usage as Gemini counts it: the prompt includes cached tokens, the candidates exclude thoughts. */
import type { JsonObject } from "../../core/json.ts";
import { makeUsage, type Usage } from "../../neutral/usage.ts";
import { asArray, asObject } from "../../wire/json.ts";
import { countOf, sumOf, tierOf } from "../shared/token-count.ts";
import type { WireUsage } from "./wire.ts";

/** Reads `usageMetadata`. */
export function readUsage(metadata: JsonObject): Usage {
  const { promptTokensDetails, toolUsePromptTokensDetails, candidatesTokensDetails } = metadata;
  return makeUsage({
    inputTokens: inputOf(metadata),
    cacheReadTokens: countOf(metadata.cachedContentTokenCount),
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
    // Vertex names the tier in a member of its own.
    serviceTier: tierOf(metadata.serviceTier ?? metadata.trafficType),
  });
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
export function laterUsage(former: Usage | null, metadata: JsonObject): Usage {
  return former !== null && isPlaceholder(metadata) ? former : readUsage(metadata);
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
