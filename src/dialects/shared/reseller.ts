/** Limits of the models at a reseller of OpenAI's models. */
import type { TraitLimits } from "../dialect.ts";

/**
 * A reseller (`openai/gpt-…`) translates for its models itself, so that they take tools on Chat Completions.
 */
export function resellerLimits(model: string): TraitLimits {
  return model.includes("/") ? { needsResponsesForTools: false } : {};
}
