/** Whether the answer to a Chat request, or its embeddings, may be given again. */
import type { JsonObject } from "../../core/json.ts";
import { firstSaid, hostedTool, memberWithin, numberIn, type RepeatFacts } from "../repeat.ts";

/**
 * `store` keeps the completion. An audio answer has an id under which the provider keeps it. The others search: OpenAI's,
 * OpenRouter's, xAI's and Alibaba's members.
 */
const OBSTACLES = [
  "store",
  "audio",
  "web_search_options",
  "plugins",
  "search_parameters",
  "enable_search",
] as const;
const CLIENT_TOOLS: readonly unknown[] = ["function", "custom"];

export function repeatFacts(body: JsonObject): RepeatFacts {
  return {
    temperature: numberIn(body, "temperature"),
    hasSeed: numberIn(body, "seed") !== null,
    obstacle:
      firstSaid(body, OBSTACLES) ??
      hostedTool(body.tools, ({ type }) => CLIENT_TOOLS.includes(type)) ??
      memberWithin(body.messages, ["file_id", "audio_id"]),
  };
}
