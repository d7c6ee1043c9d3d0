/**
 * Usage as Chat Completions counts it: the prompt includes cached tokens, the completion includes reasoning.
 */
import type { JsonObject } from "../../core/json.ts";
import { makeUsage, type Usage } from "../../neutral/usage.ts";
import { asObject } from "../../wire/json.ts";
import { countOf, firstCount, sumOf, tierOf } from "../shared/token-count.ts";

/** `usage` beside the choices, in a choice (Moonshot), or in `x_groq` (Groq). */
export function usageIn(reply: JsonObject, choice: JsonObject | null): JsonObject | null {
  return asObject(reply.usage) ?? asObject(choice?.usage) ?? asObject(asObject(reply.x_groq)?.usage);
}

/**
 * Reads a `usage` object of any server, and the reply's `service_tier` beside it. Servers in front of others write the
 * counts in their makers' words, too: QuantumNous/new-api and LiteLLM those of Anthropic.
 */
function decodeUsage(usage: JsonObject, serviceTier: unknown): Usage {
  const input = asObject(usage.prompt_tokens_details) ?? asObject(usage.prompt_token_details);
  const output = asObject(usage.completion_tokens_details);
  const cached = asObject(input?.cached_tokens_details);
  const writes = asObject(input?.cache_creation) ?? asObject(usage.cache_creation);
  const cacheReadTokens = firstCount(
    input?.cached_tokens,
    // DeepSeek's servers; Moonshot and Together; Mistral (vercel/ai#14382); LiteLLM.
    usage.prompt_cache_hit_tokens,
    usage.cached_tokens,
    usage.num_cached_tokens,
    usage.cache_read_input_tokens,
  );
  const cacheWrite1hTokens = countOf(writes?.ephemeral_1h_input_tokens);
  const cacheWriteTokens =
    firstCount(
      input?.cache_write_tokens,
      // DashScope and any-llm; LiteLLM; New API.
      input?.cache_creation_input_tokens,
      input?.cache_creation_tokens,
      input?.cached_creation_tokens,
      usage.cache_creation_input_tokens,
    ) ?? sumOf(countOf(writes?.ephemeral_5m_input_tokens), cacheWrite1hTokens);
  const reasoningTokens = firstCount(output?.reasoning_tokens, usage.reasoning_tokens);
  const counts = wholeCounts({
    input: firstCount(usage.prompt_tokens, usage.input_tokens),
    cached: (cacheReadTokens ?? 0) + (cacheWriteTokens ?? 0),
    output: firstCount(usage.completion_tokens, usage.output_tokens),
    reasoning: reasoningTokens ?? 0,
    total: countOf(usage.total_tokens),
  });
  return makeUsage({
    inputTokens: counts.input,
    cacheReadTokens,
    cacheReadAudioTokens: countOf(cached?.audio_tokens),
    cacheReadImageTokens: countOf(cached?.image_tokens),
    cacheWriteTokens,
    cacheWrite1hTokens,
    inputAudioTokens: countOf(input?.audio_tokens),
    inputImageTokens: countOf(input?.image_tokens),
    outputTokens: counts.output,
    reasoningTokens,
    outputAudioTokens: countOf(output?.audio_tokens),
    outputImageTokens: countOf(output?.image_tokens),
    // OpenRouter's name and Perplexity's. OpenAI's models that search give no count here.
    webSearches:
      countOf(asObject(usage.server_tool_use)?.web_search_requests) ?? countOf(usage.num_search_queries),
    serviceTier: tierOf(serviceTier),
  });
}

interface WholeCounts {
  readonly input: number | null;
  readonly output: number | null;
}

interface GivenCounts extends WholeCounts {
  /** Tokens that were read from a cache or written to it. */
  readonly cached: number;
  readonly reasoning: number;
  readonly total: number | null;
}

/**
 * Some servers count the cached tokens beside the prompt, as Anthropic does (BerriAI/litellm#15056), or reasoning beside
 * the completion, as xAI does. Their total shows that, and so does a part that is larger than its whole.
 */
function wholeCounts({ input, cached, output, reasoning, total }: GivenCounts): WholeCounts {
  const rest = total === null || input === null || total <= input ? null : total - input;
  const completion = output ?? rest;
  const known = (input ?? 0) + (completion ?? 0);
  const isCacheBeside = input !== null && input > 0 && (cached > input || total === known + cached);
  const isThoughtBeside =
    completion !== null && (total === known + reasoning || (total === null && reasoning > completion));
  return {
    input: isCacheBeside ? input + cached : input,
    output: isThoughtBeside ? completion + reasoning : completion,
  };
}

/**
 * The usage that holds after a further `usage` object: some servers tell it in pieces, or write zeros where they have
 * not counted (router-for-me/CLIProxyAPI#4053).
 */
export function laterUsage(former: Usage | null, usage: JsonObject, serviceTier: unknown): Usage | null {
  const later = decodeUsage(usage, serviceTier);
  if (!later.inputTokens && !later.outputTokens) return former;
  if (former === null) return later;
  if (later.inputTokens !== null && later.outputTokens !== null) return later;
  return makeUsage({
    ...former,
    ...Object.fromEntries(Object.entries(later).filter(([, count]) => count !== null)),
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
