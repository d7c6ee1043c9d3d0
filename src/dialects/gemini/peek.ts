/**
 * The peek at a Gemini request: its path says the model and whether it streams. Both spellings of a member
 * count.
 */
import { compileShape } from "../../wire/json-shape.ts";
import { prefixPlan } from "../shared/prefix-plan.ts";
import { MODEL_IN_OTHER_CASES } from "../shared/request-peek.ts";

const CONFIG = {
  maxOutputTokens: true,
  max_output_tokens: true,
  candidateCount: true,
  candidate_count: true,
} as const;

export const PEEK_SHAPE = compileShape({
  cachedContent: true,
  cached_content: true,
  generationConfig: CONFIG,
  generation_config: CONFIG,
  serviceTier: true,
  service_tier: true,
  ...MODEL_IN_OTHER_CASES,
});

/** Without marks, so a turn is taken as it stands. */
export const PREFIX = prefixPlan({
  head: {
    tools: true,
    systemInstruction: true,
    system_instruction: true,
    toolConfig: true,
    tool_config: true,
  },
  turns: "contents",
  turn: true,
  others: {},
});
