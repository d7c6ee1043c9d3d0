/**
 * Usage as Chat Completions counts it: the prompt includes cached tokens, the completion includes reasoning.
 */
import type { JsonObject } from "../../core/json.ts";
import { makeUsage, type Usage } from "../../neutral/usage.ts";
import { asObject } from "../../wire/json.ts";
import { countOf, tierOf } from "../shared/token-count.ts";

/** `usage` beside the choices, in a choice (Moonshot), or in `x_groq` (Groq). */
export function usageIn(reply: JsonObject, choice: JsonObject | null): JsonObject | null {
  return asObject(reply.usage) ?? asObject(choice?.usage) ?? asObject(asObject(reply.x_groq)?.usage);
}

/** Reads a `usage` object of any server, and the reply's `service_tier` beside it. */
export function decodeUsage(usage: JsonObject, serviceTier: unknown): Usage {
  const input = asObject(usage.prompt_tokens_details);
  const output = asObject(usage.completion_tokens_details);
  const cached = asObject(input?.cached_tokens_details);
  const inputTokens = countOf(usage.prompt_tokens);
  const reasoningTokens = countOf(output?.reasoning_tokens);
  const totalTokens = countOf(usage.total_tokens);
  let outputTokens = countOf(usage.completion_tokens);
  if (outputTokens !== null && reasoningTokens !== null && reasoningTokens > 0) {
    // Some compatible servers count reasoning beside the completion; their total shows that.
    const isBeside = totalTokens === (inputTokens ?? 0) + outputTokens + reasoningTokens;
    if (isBeside) outputTokens += reasoningTokens;
  }
  return makeUsage({
    inputTokens,
    // DeepSeek's servers have their own name for cache hits; Moonshot and Together count them beside the others.
    cacheReadTokens:
      countOf(input?.cached_tokens) ?? countOf(usage.prompt_cache_hit_tokens) ?? countOf(usage.cached_tokens),
    cacheReadAudioTokens: countOf(cached?.audio_tokens),
    cacheReadImageTokens: countOf(cached?.image_tokens),
    cacheWriteTokens: countOf(input?.cache_write_tokens),
    inputAudioTokens: countOf(input?.audio_tokens),
    inputImageTokens: countOf(input?.image_tokens),
    outputTokens,
    reasoningTokens,
    outputAudioTokens: countOf(output?.audio_tokens),
    outputImageTokens: countOf(output?.image_tokens),
    // OpenRouter's name and Perplexity's. OpenAI's models that search give no count here.
    webSearches:
      countOf(asObject(usage.server_tool_use)?.web_search_requests) ?? countOf(usage.num_search_queries),
    serviceTier: tierOf(serviceTier),
  });
}

/** A `usage` object as OpenAI writes it: each count is a number, 0 for an unknown one. */
export function encodeUsage(usage: Usage | null): JsonObject {
  const inputTokens = usage?.inputTokens ?? 0;
  const outputTokens = usage?.outputTokens ?? 0;
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    prompt_tokens_details: {
      cached_tokens: usage?.cacheReadTokens ?? 0,
      cache_write_tokens: usage?.cacheWriteTokens ?? 0,
      audio_tokens: usage?.inputAudioTokens ?? 0,
    },
    completion_tokens_details: {
      reasoning_tokens: usage?.reasoningTokens ?? 0,
      audio_tokens: usage?.outputAudioTokens ?? 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}
