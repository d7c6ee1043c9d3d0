/** The peek at a Responses request. */
import { compileShape } from "../../wire/json-shape.ts";
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
