/**
 * Usage as Messages counts it: the input excludes cache reads and cache writes, and a stream's counts are
 * cumulative.
 */
import type { JsonObject } from "../../core/json.ts";
import { makeUsage, type Usage } from "../../neutral/usage.ts";
import { asObject } from "../../wire/json.ts";
import { countOf, sumOf, tierOf } from "../shared/token-count.ts";

interface Counts {
  input: number | null;
  cacheRead: number | null;
  cacheWrite: number | null;
  cacheWrite5m: number | null;
  cacheWrite1h: number | null;
  output: number | null;
  thinking: number | null;
  webSearches: number | null;
}

const COUNT_NAMES = [
  "input",
  "cacheRead",
  "cacheWrite",
  "cacheWrite5m",
  "cacheWrite1h",
  "output",
  "thinking",
  "webSearches",
] as const satisfies readonly (keyof Counts)[];

/**
 * The usage of one answer, from all its usage objects: the last value of each count that is not null. Counts only grow:
 * a 0 behind a count is what some servers write where they count nothing more. But the output that the first object
 * tells is a guess, which an answer without content takes back.
 */
export class UsageCounts {
  #counts: Counts | null = null;
  /** How many usage objects were taken. */
  #taken = 0;
  #serviceTier: string | null = null;
  #isFast = false;
  #region: string | null = null;

  /** Takes the next usage object. */
  add(usage: JsonObject): void {
    const next = readCounts(usage);
    const counts = this.#counts;
    if (counts !== null)
      for (const name of COUNT_NAMES)
        if (name === "output" && this.#taken === 1) next.output ??= counts.output;
        else next[name] ||= counts[name] ?? next[name];
    this.#counts = next;
    this.#taken++;
    this.#serviceTier = tierOf(usage.service_tier) ?? this.#serviceTier;
    if (typeof usage.speed === "string") this.#isFast = usage.speed === "fast";
    this.#region = regionOf(usage.inference_geo) ?? this.#region;
  }

  /** null before the first usage object. */
  get usage(): Usage | null {
    if (this.#counts === null) return null;
    // Fast mode has a price of its own, and the service tier beside it says `standard`.
    return usageOf(this.#counts, this.#isFast ? "fast" : this.#serviceTier, this.#region);
  }
}

/** `global` is anywhere, and `not_available` comes from models without regions. */
function regionOf(geo: unknown): string | null {
  return geo === "global" || geo === "not_available" ? null : tierOf(geo);
}

function readCounts(usage: JsonObject): Counts {
  const counts = readOwnCounts(usage);
  // Compaction and fallbacks of refused models are only in the list of iterations; counts that stand in both
  // count once.
  if (!Array.isArray(usage.iterations) || usage.iterations.length === 0) return counts;
  const iterations = usage.iterations.map((entry) => readOwnCounts(asObject(entry) ?? {}));
  for (const name of COUNT_NAMES) {
    const sum = iterations.reduce<number | null>((total, entry) => sumOf(total, entry[name]), null);
    if (sum !== null) counts[name] = Math.max(sum, counts[name] ?? 0);
  }
  return counts;
}

function readOwnCounts(usage: JsonObject): Counts {
  const writes = asObject(usage.cache_creation);
  return {
    input: countOf(usage.input_tokens),
    cacheRead: countOf(usage.cache_read_input_tokens),
    cacheWrite: countOf(usage.cache_creation_input_tokens),
    cacheWrite5m: countOf(writes?.ephemeral_5m_input_tokens),
    cacheWrite1h: countOf(writes?.ephemeral_1h_input_tokens),
    output: countOf(usage.output_tokens),
    thinking: countOf(asObject(usage.output_tokens_details)?.thinking_tokens),
    webSearches: countOf(asObject(usage.server_tool_use)?.web_search_requests),
  };
}

function usageOf(counts: Counts, serviceTier: string | null, region: string | null): Usage {
  const cacheWriteTokens = counts.cacheWrite ?? sumOf(counts.cacheWrite5m, counts.cacheWrite1h);
  return makeUsage({
    inputTokens: sumOf(counts.input, counts.cacheRead, cacheWriteTokens),
    cacheReadTokens: counts.cacheRead,
    cacheWriteTokens,
    cacheWrite1hTokens: counts.cacheWrite1h,
    outputTokens: counts.output,
    reasoningTokens: counts.thinking,
    webSearches: counts.webSearches,
    serviceTier,
    region,
  });
}

/**
 * The usage object of a reply. Always has all four counts, because SDKs add them up: 0 for an unknown one. A
 * prompt that nobody has counted is estimated: clients shorten a conversation by this count.
 */
export function encodeUsage(usage: Usage | null, promptTokens?: () => number | null): JsonObject {
  const read = usage?.cacheReadTokens ?? 0;
  const written = usage?.cacheWriteTokens ?? 0;
  const writtenFor1h = usage?.cacheWrite1hTokens ?? null;
  const thinking = usage?.reasoningTokens ?? null;
  const input = usage?.inputTokens ?? promptTokens?.() ?? 0;
  return {
    input_tokens: Math.max(0, input - read - written),
    cache_creation_input_tokens: written,
    cache_read_input_tokens: read,
    ...(writtenFor1h === null
      ? {}
      : {
          cache_creation: {
            ephemeral_5m_input_tokens: Math.max(0, written - writtenFor1h),
            ephemeral_1h_input_tokens: writtenFor1h,
          },
        }),
    output_tokens: usage?.outputTokens ?? 0,
    ...(thinking === null ? {} : { output_tokens_details: { thinking_tokens: thinking } }),
  };
}
