// OpenAI Responses: the allowed form of a body, as a table.

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

const breakpoint = { prompt_cache_breakpoint: any };
const status = nullable(oneOf("in_progress", "completed", "incomplete"));
const callId = string({ min: 1, max: 64 });
const TOOL_NAME = string({ pattern: /^[a-zA-Z0-9_-]{1,64}$/ });
const detail = oneOf("low", "high", "auto", "original");

const inputParts = {
  input_text: record({ type: any, text: string() }, breakpoint),
  input_image: record(
    { type: any },
    {
      image_url: nullable(string({ pattern: /^(https?:\/\/|data:image\/)/ })),
      file_id: nullable(string()),
      detail,
      ...breakpoint,
    },
  ),
  input_file: record(
    { type: any },
    {
      file_data: string(),
      file_id: nullable(string()),
      file_url: string(),
      filename: string(),
      detail: string(),
      ...breakpoint,
    },
  ),
  input_audio: openRecord({ type: any }),
};
const outputParts = {
  output_text: record(
    { type: any, text: string() },
    { annotations: list(any), logprobs: list(any), ...breakpoint },
  ),
  refusal: record({ type: any, refusal: string() }),
};
const content = union(string(), list(tagged("type", { ...inputParts, ...outputParts })));
const toolOutput = union(string(), list(tagged("type", inputParts)));
const phase = nullable(oneOf("commentary", "final_answer"));
const id = (prefix: string) => nullable(string({ max: 64, pattern: new RegExp(`^${prefix}_`) }));

/** Codex adds it to each item that it sends to its own provider (openai/codex#28968); the public API takes it. */
const internal = { internal_chat_message_metadata_passthrough: any };

const HOSTED_ITEMS = [
  "web_search_call",
  "file_search_call",
  "code_interpreter_call",
  "image_generation_call",
  "computer_call",
  "computer_call_output",
  "mcp_call",
  "mcp_list_tools",
  "mcp_approval_request",
  "mcp_approval_response",
  "local_shell_call",
  "local_shell_call_output",
  "shell_call",
  "shell_call_output",
  "apply_patch_call",
  "apply_patch_call_output",
  "tool_search_call",
  "tool_search_output",
  "program",
  "program_output",
  "compaction_trigger",
  "configuration_update",
  "additional_tools",
];

const item = tagged(
  "type",
  {
    message: record(
      { role: oneOf("user", "assistant", "system", "developer"), content },
      { type: any, id: id("msg"), status, phase, ...internal },
    ),
    function_call: record(
      { type: any, call_id: callId, name: string({ max: 128 }), arguments: string() },
      { id: id("fc"), status, namespace: string(), caller: any, async: boolean, ...internal },
    ),
    function_call_output: record(
      { type: any, call_id: callId, output: toolOutput },
      {
        id: nullable(string({ max: 64 })),
        status,
        name: string(),
        namespace: string(),
        caller: any,
        ...internal,
      },
    ),
    custom_tool_call: record(
      { type: any, call_id: callId, name: string({ max: 128 }), input: string() },
      { id: id("ctc"), status, namespace: string(), caller: any, async: boolean, ...internal },
    ),
    custom_tool_call_output: record(
      { type: any, call_id: callId, output: toolOutput },
      { id: nullable(string({ max: 64 })), status, caller: any, ...internal },
    ),
    reasoning: record(
      { type: any, summary: list(record({ type: oneOf("summary_text"), text: string() })) },
      {
        id: id("rs"),
        content: nullable(list(any)),
        encrypted_content: nullable(string()),
        status,
        ...internal,
      },
    ),
    compaction: record(
      { type: any, encrypted_content: string() },
      { id: nullable(string()), created_by: any, ...internal },
    ),
    item_reference: record({ type: any, id: string() }),
    ...Object.fromEntries(HOSTED_ITEMS.map((type) => [type, openRecord({ type: any })])),
  },
  "message",
);

const functionTool = record(
  { type: any, name: TOOL_NAME },
  {
    parameters: nullable(map(any)),
    strict: nullable(boolean),
    description: nullable(string()),
    defer_loading: boolean,
    allowed_callers: any,
    output_schema: any,
    async: boolean,
  },
);
const customTool = record(
  { type: any, name: TOOL_NAME },
  { description: string(), format: any, defer_loading: boolean, allowed_callers: any, async: boolean },
);
const HOSTED_TOOLS = [
  "tool_search",
  "web_search",
  "web_search_preview",
  "file_search",
  "code_interpreter",
  "image_generation",
  "mcp",
  "computer",
  "computer_use_preview",
  "local_shell",
  "shell",
  "apply_patch",
  "programmatic_tool_calling",
];
const tool = tagged("type", {
  function: functionTool,
  custom: customTool,
  namespace: record(
    {
      type: any,
      name: TOOL_NAME,
      tools: list(tagged("type", { function: functionTool, custom: customTool })),
    },
    { description: string() },
  ),
  ...Object.fromEntries(HOSTED_TOOLS.map((type) => [type, openRecord({ type: any })])),
});

const toolChoice = openRecord({ type: string() }, { name: string(), mode: oneOf("auto", "required") });
const input = nullable(union(string(), list(item)));
const reasoning = nullable(
  record(
    {},
    {
      effort: nullable(oneOf("none", "minimal", "low", "medium", "high", "xhigh", "max")),
      summary: nullable(oneOf("auto", "concise", "detailed")),
      generate_summary: nullable(oneOf("auto", "concise", "detailed")),
      context: nullable(oneOf("auto", "current_turn", "all_turns")),
      mode: nullable(oneOf("standard", "pro")),
    },
  ),
);
const text = record(
  {},
  {
    format: tagged("type", {
      text: record({ type: any }),
      json_object: record({ type: any }),
      json_schema: record(
        { type: any, name: TOOL_NAME, schema: map(any) },
        { description: string(), strict: nullable(boolean) },
      ),
    }),
    verbosity: nullable(oneOf("low", "medium", "high")),
  },
);

const SHARED = {
  input,
  instructions: nullable(string()),
  parallel_tool_calls: nullable(boolean),
  previous_response_id: nullable(string()),
  conversation: any,
  reasoning,
  text,
  tool_choice: union(oneOf("none", "auto", "required"), toolChoice),
  tools: list(tool),
  truncation: nullable(oneOf("auto", "disabled")),
};
const model = string();

const BODIES = {
  create: record(
    { model },
    {
      ...SHARED,
      access_programs: any,
      background: nullable(boolean),
      client_metadata: any,
      context_management: any,
      image: any,
      include: nullable(list(string())),
      max_output_tokens: nullable(integer(16)),
      max_tool_calls: nullable(integer(1)),
      metadata: nullable(map(string({ max: 512 }), 16)),
      moderation: any,
      prompt: any,
      prompt_cache_key: nullable(string()),
      prompt_cache_options: any,
      prompt_cache_retention: nullable(string()),
      safety_identifier: nullable(string({ max: 128 })),
      service_tier: nullable(oneOf("auto", "default", "flex", "scale", "priority", "fast", "ultrafast")),
      store: nullable(boolean),
      stream: nullable(boolean),
      stream_options: nullable(record({}, { include_obfuscation: boolean })),
      temperature: nullable(number(0, 2)),
      top_logprobs: nullable(integer(0, 20)),
      top_p: nullable(number(0, 1)),
      user: string({ max: 64 }),
    },
  ),
  count: record({}, { ...SHARED, model: nullable(model), personality: string() }),
  compact: record(
    { model },
    {
      input,
      instructions: nullable(string()),
      previous_response_id: nullable(string()),
      prompt_cache_key: nullable(string()),
      prompt_cache_options: any,
      prompt_cache_retention: nullable(string()),
      service_tier: nullable(string()),
      image: any,
      tools: list(tool),
      parallel_tool_calls: nullable(boolean),
      reasoning,
      text,
    },
  ),
};

export type BodyKind = keyof typeof BODIES;

/** Throws if a body does not have the form of its endpoint. */
export function checkBody(body: unknown, kind: BodyKind): void {
  const problem = shape.findProblem(BODIES[kind], body);
  if (problem !== undefined) {
    throw openaiProblem(problem);
  }
}
