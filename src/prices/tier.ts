/** The tiers in which a provider serves a request, and its words for them. */

export type Tier = "standard" | OwnTier;

/** A tier with rates of its own. */
export type OwnTier = (typeof OWN_TIERS)[number];

export const OWN_TIERS = ["batch", "flex", "priority", "fast"] as const;

/**
 * Words in replies. Provisioned throughput and OpenAI's scale tier are not among them: they are paid in
 * advance, so no rate of tokens is true for them.
 */
const TIER_WORDS: ReadonlyMap<string, Tier> = new Map([
  // https://platform.openai.com/docs/api-reference/chat/object, https://docs.claude.com/en/api/service-tiers,
  // https://console.groq.com/docs/service-tiers, https://ai.google.dev/api/generate-content#UsageMetadata,
  // and
  // https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest/v1/GenerateContentResponse#TrafficType
  ["default", "standard"],
  ["standard", "standard"],
  ["auto", "standard"],
  ["on_demand", "standard"],
  ["batch", "batch"],
  ["flex", "flex"],
  ["on_demand_flex", "flex"],
  ["priority", "priority"],
  ["on_demand_priority", "priority"],
  ["fast", "fast"],
]);

/**
 * The tier that a reply names in its provider's word; null: the word is unknown. No word is the standard
 * tier.
 */
export function tierOfWord(word: string | null): Tier | null {
  return word === null ? "standard" : (TIER_WORDS.get(word.toLowerCase()) ?? null);
}
