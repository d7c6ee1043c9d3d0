/** Usage as the Responses API counts it: input includes cached tokens, output includes reasoning. */
import type { JsonObject } from "../../core/json.ts";
import { makeUsage, type Usage } from "../../neutral/usage.ts";
import { asArray, asObject, asString } from "../../wire/json.ts";
import { countOf, firstCount, tierOf } from "../shared/token-count.ts";

/** Reads a response's `usage`, with the members beside it that are paid for; null when it has no `usage`. */
export function decodeUsage(response: JsonObject): Usage | null {
  const usage = asObject(response.usage);
  if (usage === null) return null;
  const searches = asObject(asObject(response.tool_usage)?.web_search);
  const input = asObject(usage.input_tokens_details);
  const output = asObject(usage.output_tokens_details);
  return makeUsage({
    // Servers of Chat that speak Responses, too, may keep the words of Chat.
    inputTokens: firstCount(usage.input_tokens, usage.prompt_tokens),
    cacheReadTokens: countOf(input?.cached_tokens),
    cacheWriteTokens: countOf(input?.cache_write_tokens),
    outputTokens: firstCount(usage.output_tokens, usage.completion_tokens),
    reasoningTokens: countOf(output?.reasoning_tokens),
    webSearches: countOf(searches?.num_requests) ?? countSearches(response.output),
    serviceTier: tierOf(response.service_tier),
  });
}

/**
 * The searches among the items of an answer; null: there is none. Opening a page, or looking for a text in it, is no
 * search, and is not billed.
 */
function countSearches(output: unknown): number | null {
  let count = 0;
  for (const entry of asArray(output)) {
    const item = asObject(entry);
    if (item?.type !== "web_search_call") continue;
    const action = asString(asObject(item.action)?.type);
    if (action === null || action === "search") count += 1;
  }
  return count === 0 ? null : count;
}

/**
 * Always has all members, because some clients cannot read a usage without its details: 0 for an unknown
 * count.
 */
export function encodeUsage(usage: Usage | null): object {
  const input = usage?.inputTokens ?? 0;
  const output = usage?.outputTokens ?? 0;
  return {
    input_tokens: input,
    input_tokens_details: {
      cached_tokens: usage?.cacheReadTokens ?? 0,
      cache_write_tokens: usage?.cacheWriteTokens ?? 0,
    },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: usage?.reasoningTokens ?? 0 },
    total_tokens: input + output,
  };
}
