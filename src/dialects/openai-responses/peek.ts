/** The peek at a Responses request. */
import { compileShape } from "../../wire/json-shape.ts";
import { prefixPlan } from "../shared/prefix-plan.ts";
import { GOES_ON_WITH, makeIdPlan, unknownToOpenai } from "../shared/provider-id-plan.ts";
import { MODEL_IN_OTHER_CASES } from "../shared/request-peek.ts";

export const PEEK_SHAPE = compileShape({
  model: true,
  stream: true,
  previous_response_id: true,
  conversation: { id: true },
  max_output_tokens: true,
  service_tier: true,
  background: true,
  user: true,
  models: true,
  fallbacks: true,
  ...MODEL_IN_OTHER_CASES,
});

/** Items are stored objects too: the provider looks up what a request only refers to. */
export const PROVIDER_IDS = makeIdPlan(
  {
    ...GOES_ON_WITH,
    "prompt_cache_options.comparison_response_id": "response",
    "prompt.id": "prompt",
    "input.*.content.*.file_id": "file",
    "input.*.output.*.file_id": "file",
    "tools.*.container.file_ids.*": "file",
    "tools.*.environment.file_ids.*": "file",
    "tools.*.environment.skills.*.skill_id": "skill",
    "tools.*.vector_store_ids.*": "vector store",
    "tools.*.connector_id": "connector",
    "tools.*.input_image_mask.file_id": "file",
  },
  unknownToOpenai,
  "input.*",
);

/** Ids and states of items are no part of the prompt, and some clients leave them out of later requests. */
export const PREFIX = prefixPlan({
  head: { tools: true, instructions: true, text: { format: true } },
  turns: "input",
  turn: {
    role: true,
    content: {
      "*": {
        text: true,
        refusal: true,
        image_url: true,
        file_id: true,
        file_data: true,
        file_url: true,
        prompt_cache_breakpoint: { ttl: true },
      },
    },
    type: true,
    call_id: true,
    name: true,
    arguments: true,
    input: true,
    action: true,
    output: true,
    encrypted_content: true,
  },
  others: { prompt_cache_key: true, prompt_cache_retention: true, prompt_cache_options: { ttl: true } },
});
