// OpenAI Chat Completions: the allowed form of a body, as a table.

import type { JsonRecord } from "../base/json.ts";
import { openaiRefusal } from "../base/refusal.ts";
import type { Takes } from "../personas/persona.ts";
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
const name = string({ max: 64 });

const userPart = (text: shape.Shape): shape.Shape =>
  tagged("type", {
    text,
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
const compatCall = (id: shape.Shape): shape.Shape =>
  tagged("type", { function: record({ ...functionCall, id }, { extra_content: any, index: integer(0) }) });

/**
 * Additional fields that compatible servers accept: the reasoning of earlier turns, and their fields on
 * calls.
 */
const compatAssistant = {
  reasoning_content: nullable(string()),
  reasoning: nullable(string()),
  reasoning_details: any,
};

/** The members that OpenAI takes on messages of the assistant, beside its content and its calls. */
const officialAssistant = {
  name,
  refusal: nullable(string()),
  function_call: nullable(record({ name: string(), arguments: string() })),
  audio: nullable(record({ id: string() })),
  annotations: any,
};

type Shapes = Readonly<Record<string, shape.Shape>>;

/** The shape of messages. `marks`: members that all messages and texts may have. */
function messageOf(
  call: shape.Shape,
  id: shape.Shape,
  assistant: Shapes,
  marks: Shapes = {},
  thinking: Shapes = {},
): shape.Shape {
  const text = record({ type: any, text: string() }, { ...breakpoint, ...marks });
  const texts = union(string(), list(tagged("type", { text })));
  const said = { text, refusal: record({ type: any, refusal: string() }), ...thinking };
  return tagged("role", {
    developer: record({ role: any, content: texts }, { name, ...marks }),
    system: record({ role: any, content: texts }, { name, ...marks }),
    user: record({ role: any, content: union(string(), list(userPart(text))) }, { name, ...marks }),
    assistant: record(
      { role: any },
      {
        content: nullable(union(string(), list(tagged("type", said)))),
        tool_calls: list(call, { min: 1 }),
        ...assistant,
        ...marks,
      },
    ),
    // No page lists the name, and OpenAI takes it: LangChain and CrewAI send it.
    tool: record({ role: any, content: texts, tool_call_id: id }, { name, ...marks }),
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

const OFFICIAL = record(
  { model: string(), messages: list(messageOf(toolCall, callId, officialAssistant), { min: 1 }) },
  FIELDS,
);
const COMPATIBLE = openRecord(
  {
    model: string(),
    messages: list(messageOf(compatCall(callId), callId, { ...officialAssistant, ...compatAssistant }), {
      min: 1,
    }),
  },
  FIELDS,
);

/** Throws if a body does not have the form of the endpoint. Compatible servers ignore unknown fields. */
export function checkBody(body: JsonRecord, isOfficial: boolean): void {
  checkShape(body, isOfficial ? OFFICIAL : COMPATIBLE);
}

const PERSONA_SHAPES = new WeakMap<Takes, shape.Shape>();

/** Throws if a body does not have the form that the persona takes. */
export function checkPersonaBody(body: JsonRecord, takes: Takes): void {
  let known = PERSONA_SHAPES.get(takes);
  if (known === undefined) {
    known = shapeOf(takes);
    PERSONA_SHAPES.set(takes, known);
  }
  checkShape(body, known, takes.unknown);
}

function shapeOf({ assistant = [], cacheMarks, thinkingChunks, only, empty = [] }: Takes): shape.Shape {
  const marks = cacheMarks ? { cache_control: openRecord({ type: oneOf("ephemeral") }) } : {};
  const thinking = thinkingChunks
    ? { thinking: record({ type: any, thinking: list(any) }, { closed: boolean }) }
    : undefined;
  const own = Object.fromEntries(assistant.map((member) => [member, any]));
  // A server that refuses unknown members knows few of OpenAI's.
  const members = only === undefined ? { ...officialAssistant, ...own } : own;
  const required = {
    model: string(),
    messages: list(messageOf(compatCall(string()), string(), members, marks, thinking), { min: 1 }),
  };
  const more = {
    reasoning_effort: nullable(string()),
    ...(cacheMarks ? { tools: list(openRecord({ type: any })) } : {}),
  };
  if (only === undefined) {
    return openRecord(required, { ...FIELDS, ...more });
  }
  const taken = only.filter((member) => !Object.hasOwn(required, member));
  const fields: Shapes = { ...FIELDS, ...more };
  return record(
    required,
    Object.fromEntries([
      ...taken.map((member) => [member, fields[member] ?? any] as const),
      ...empty.map((member) => [member, record({})] as const),
    ]),
  );
}

function checkShape(body: JsonRecord, expected: shape.Shape, unknown?: Takes["unknown"]): void {
  if (body.model === undefined) {
    throw openaiRefusal(400, { message: "you must provide a model parameter" });
  }
  const problem = shape.findProblem(expected, body);
  if (problem?.kind === "unknown" && unknown !== undefined) {
    throw unknown(problem.path, problem.found, body);
  }
  if (problem?.kind === "unknown" && problem.path.length === 1) {
    throw openaiRefusal(400, {
      message: `Unrecognized request argument supplied: ${String(problem.path[0])}`,
    });
  }
  if (problem !== undefined) {
    throw openaiProblem(problem);
  }
}
