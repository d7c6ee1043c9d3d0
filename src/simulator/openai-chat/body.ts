// OpenAI Chat Completions: the allowed form of a body, as a table.

import type { JsonRecord } from "../base/json.ts";
import { openaiRefusal } from "../base/refusal.ts";
import { openaiProblem } from "../strict/openai-wording.ts";
import * as shape from "../strict/shape.ts";

const {
  any,
  boolean,
  integer,
  list,
  map,
  nullable,
  number,
  oneOf,
  openRecord,
  record,
  string,
  tagged,
  union,
} = shape;

const MAX_CALL_ID = 40;
const breakpoint = {
  prompt_cache_breakpoint: record({ mode: oneOf("explicit") }, { ttl: oneOf("30m", "12h") }),
};
const TOOL_NAME = string({ pattern: /^[a-zA-Z0-9_-]{1,64}$/ });
const textPart = record({ type: any, text: string() }, breakpoint);
const textOnly = union(string(), list(tagged("type", { text: textPart })));
const name = string({ max: 64 });

const userPart = tagged("type", {
  text: textPart,
  image_url: record(
    {
      type: any,
      image_url: record(
        { url: string({ pattern: /^(https?:\/\/|data:image\/(png|jpe?g|gif|webp);base64,)/ }) },
        { detail: oneOf("auto", "low", "high", "original") },
      ),
    },
    breakpoint,
  ),
  input_audio: record(
    { type: any, input_audio: record({ data: string(), format: oneOf("wav", "mp3") }) },
    breakpoint,
  ),
  file: record(
    { type: any, file: record({}, { file_id: string(), file_data: string(), filename: string() }) },
    breakpoint,
  ),
});

const callId = string({ max: MAX_CALL_ID });
const functionCall = { type: any, id: callId, function: record({ name: string(), arguments: string() }) };
const toolCall = tagged("type", {
  function: record(functionCall),
  custom: record({ type: any, id: callId, custom: record({ name: string(), input: string() }) }),
});
const compatToolCall = tagged("type", {
  function: record(functionCall, { extra_content: any, index: integer(0) }),
});

/**
 * Additional fields that compatible servers accept: the reasoning of earlier turns, and their fields on
 * calls.
 */
const compatAssistant = {
  reasoning_content: nullable(string()),
  reasoning: nullable(string()),
  reasoning_details: any,
};

function messageOf(isOfficial: boolean): shape.Shape {
  const calls = list(isOfficial ? toolCall : compatToolCall, { min: 1 });
  return tagged("role", {
    developer: record({ role: any, content: textOnly }, { name }),
    system: record({ role: any, content: textOnly }, { name }),
    user: record({ role: any, content: union(string(), list(userPart)) }, { name }),
    assistant: record(
      { role: any },
      {
        content: nullable(
          union(
            string(),
            list(tagged("type", { text: textPart, refusal: record({ type: any, refusal: string() }) })),
          ),
        ),
        name,
        refusal: nullable(string()),
        tool_calls: calls,
        function_call: nullable(record({ name: string(), arguments: string() })),
        audio: nullable(record({ id: string() })),
        annotations: any,
        ...(isOfficial ? {} : compatAssistant),
      },
    ),
    tool: record({ role: any, content: textOnly, tool_call_id: callId }),
    function: record({ role: any, content: nullable(string()), name: string() }),
  });
}

const tool = tagged("type", {
  function: record({
    type: any,
    function: record(
      { name: TOOL_NAME },
      { description: string(), parameters: map(any), strict: nullable(boolean) },
    ),
  }),
  custom: record({ type: any, custom: record({ name: TOOL_NAME }, { description: string(), format: any }) }),
});

const toolChoice = tagged("type", {
  function: record({ type: any, function: record({ name: string() }) }),
  custom: record({ type: any, custom: record({ name: string() }) }),
  allowed_tools: record({
    type: any,
    allowed_tools: record({ mode: oneOf("auto", "required"), tools: list(map(any)) }),
  }),
});

const metadata = nullable(map(string({ max: 512 }), 16));
const effort = nullable(oneOf("none", "minimal", "low", "medium", "high", "xhigh", "max"));

const FIELDS = {
  audio: any,
  frequency_penalty: nullable(number(-2, 2)),
  function_call: union(string(), openRecord({})),
  functions: list(openRecord({ name: TOOL_NAME }), { max: 128 }),
  logit_bias: nullable(map(number(-100, 100))),
  logprobs: nullable(boolean),
  max_completion_tokens: nullable(integer(1)),
  max_tokens: nullable(integer(1)),
  metadata,
  modalities: nullable(list(oneOf("text", "audio"))),
  moderation: any,
  n: nullable(integer(1, 128)),
  parallel_tool_calls: boolean,
  prediction: nullable(openRecord({ type: oneOf("content") })),
  presence_penalty: nullable(number(-2, 2)),
  prompt_cache_key: nullable(string()),
  prompt_cache_options: openRecord({}),
  prompt_cache_retention: nullable(oneOf("in_memory", "24h")),
  reasoning_effort: effort,
  response_format: tagged("type", {
    text: record({ type: any }),
    json_object: record({ type: any }),
    json_schema: record({
      type: any,
      json_schema: record(
        { name: TOOL_NAME },
        { description: string(), schema: map(any), strict: nullable(boolean) },
      ),
    }),
  }),
  safety_identifier: nullable(string({ max: 128 })),
  seed: nullable(integer()),
  service_tier: nullable(oneOf("auto", "default", "flex", "scale", "priority", "fast")),
  stop: nullable(union(string(), list(string(), { max: 4 }))),
  store: nullable(boolean),
  stream: nullable(boolean),
  stream_options: nullable(record({}, { include_usage: boolean, include_obfuscation: boolean })),
  temperature: nullable(number(0, 2)),
  tool_choice: union(oneOf("none", "auto", "required"), toolChoice),
  tools: list(tool, { max: 128 }),
  top_logprobs: nullable(integer(0, 20)),
  top_p: nullable(number(0, 1)),
  user: string({ max: 64 }),
  verbosity: nullable(oneOf("low", "medium", "high")),
  web_search_options: openRecord({}),
};

const OFFICIAL = record({ model: string(), messages: list(messageOf(true), { min: 1 }) }, FIELDS);
const COMPATIBLE = openRecord({ model: string(), messages: list(messageOf(false), { min: 1 }) }, FIELDS);

/** Throws if a body does not have the form of the endpoint. Compatible servers ignore unknown fields. */
export function checkBody(body: JsonRecord, isOfficial: boolean): void {
  if (body.model === undefined) {
    throw openaiRefusal(400, { message: "you must provide a model parameter" });
  }
  const problem = shape.findProblem(isOfficial ? OFFICIAL : COMPATIBLE, body);
  if (problem?.kind === "unknown" && problem.path.length === 1) {
    throw openaiRefusal(400, {
      message: `Unrecognized request argument supplied: ${String(problem.path[0])}`,
    });
  }
  if (problem !== undefined) {
    throw openaiProblem(problem);
  }
}
