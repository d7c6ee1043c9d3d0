// Anthropic Messages: the allowed form of a body as a table, and Anthropic's message for a violation.

import { isRecord } from "../base/json.ts";
import { anthropicRefusal, type Refusal } from "../base/refusal.ts";
import type { Problem } from "../strict/shape.ts";
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

const cacheControl = nullable(record({ type: oneOf("ephemeral") }, { ttl: oneOf("5m", "1h") }));
const citations = nullable(list(openRecord({ type: string() })));

const text = record({ type: any, text: string() }, { cache_control: cacheControl, citations });
const imageSource = tagged("type", {
  base64: record({
    type: any,
    data: string({ min: 1 }),
    media_type: oneOf("image/jpeg", "image/png", "image/gif", "image/webp"),
  }),
  url: record({ type: any, url: string() }),
  file: record({ type: any, file_id: string() }),
});
const image = record(
  { type: any, source: imageSource },
  { cache_control: cacheControl, transformations: any },
);
const documentSource = tagged("type", {
  base64: record({ type: any, data: string({ min: 1 }), media_type: oneOf("application/pdf") }),
  text: record({ type: any, data: string(), media_type: oneOf("text/plain") }),
  content: record({ type: any, content: union(string(), list(openRecord({ type: string() }))) }),
  url: record({ type: any, url: string() }),
  file: record({ type: any, file_id: string() }),
});
const document = record(
  { type: any, source: documentSource },
  { title: nullable(string()), context: nullable(string()), citations: any, cache_control: cacheControl },
);
const searchResult = record(
  { type: any, content: list(text), source: string(), title: string() },
  { cache_control: cacheControl, citations: any },
);
const open = openRecord({ type: string() });
const toolResult = record(
  { type: any, tool_use_id: string({ pattern: /^[a-zA-Z0-9_-]+$/ }) },
  {
    content: nullable(
      union(
        string(),
        list(
          tagged("type", {
            text,
            image,
            document,
            search_result: searchResult,
            tool_reference: open,
            browser_state: open,
          }),
        ),
      ),
    ),
    is_error: boolean,
    cache_control: cacheControl,
    toolset_name: nullable(string()),
  },
);
const toolUse = record(
  {
    type: any,
    id: string({ pattern: /^[a-zA-Z0-9_-]+$/ }),
    name: string({ min: 1, max: 200 }),
    input: map(any),
  },
  { cache_control: cacheControl, caller: any, toolset_name: nullable(string()) },
);

const USER_BLOCKS = {
  text,
  image,
  document,
  search_result: searchResult,
  tool_result: toolResult,
  container_upload: open,
};
const ASSISTANT_BLOCKS = {
  text,
  document,
  tool_use: toolUse,
  thinking: record({ type: any, thinking: string(), signature: string() }),
  redacted_thinking: record({ type: any, data: string() }),
  server_tool_use: open,
  web_search_tool_result: open,
  web_fetch_tool_result: open,
  code_execution_tool_result: open,
  bash_code_execution_tool_result: open,
  text_editor_code_execution_tool_result: open,
  tool_search_tool_result: open,
  mcp_tool_use: open,
  mcp_tool_result: open,
  mcp_tool_listing: open,
  compaction: open,
  fallback: open,
  advisor_tool_result: open,
};
const SYSTEM_BLOCKS = { text, tool_addition: open, tool_removal: open };

const message = tagged("role", {
  user: record({ role: any, content: union(string(), list(tagged("type", USER_BLOCKS))) }),
  assistant: record({ role: any, content: union(string(), list(tagged("type", ASSISTANT_BLOCKS))) }),
  system: record(
    { role: any, content: union(string(), list(tagged("type", SYSTEM_BLOCKS))) },
    { output_config: any },
  ),
});

const customTool = record(
  {
    name: string({ pattern: /^[a-zA-Z0-9_-]{1,64}$/ }),
    input_schema: openRecord({ type: oneOf("object") }),
  },
  {
    type: nullable(oneOf("custom")),
    description: string(),
    strict: boolean,
    defer_loading: boolean,
    eager_input_streaming: nullable(boolean),
    input_examples: list(map(any)),
    allowed_callers: list(string()),
    cache_control: cacheControl,
  },
);
const TYPED_TOOL =
  /^(bash|text_editor|memory|computer|browser|web_search|web_fetch|code_execution|computer_toolset|browser_toolset|advisor)_\d{8}$|^tool_search_tool_(bm25|regex)(_\d{8})?$|^mcp_toolset$/;

const thinking = tagged("type", {
  enabled: record(
    { type: any, budget_tokens: integer(1024) },
    { display: nullable(oneOf("summarized", "omitted")) },
  ),
  adaptive: record({ type: any }, { display: nullable(oneOf("summarized", "omitted")) }),
  disabled: record({ type: any }),
  between_tools: record({ type: any }),
});

const isParallelOff = { disable_parallel_tool_use: boolean };
const COMMON = {
  cache_control: cacheControl,
  output_config: record(
    {},
    {
      effort: nullable(oneOf("low", "medium", "high", "xhigh", "max")),
      format: nullable(record({ type: oneOf("json_schema"), schema: map(any) })),
      task_budget: any,
    },
  ),
  speed: nullable(oneOf("standard", "fast")),
  system: union(string(), list(text)),
  thinking,
  tool_choice: tagged("type", {
    auto: record({ type: any }, isParallelOff),
    any: record({ type: any }, isParallelOff),
    tool: record({ type: any, name: string() }, isParallelOff),
    none: record({ type: any }),
  }),
  tools: list(openRecord({}, { type: nullable(string()) })),
  user_profile_id: string(),
  workspace_id: string(),
};
const messages = list(message, { max: 100_000 });
const model = string({ min: 1, max: 256 });

/** Fields that need a beta, with the prefix of the beta's name. */
const BETA_FIELDS: Readonly<Record<string, string>> = {
  mcp_servers: "mcp-client-",
  context_management: "context-management-",
  fallbacks: "fallback",
  fallback_credit_token: "fallback",
  thread: "message-threads-",
  compaction: "compact",
  billing_policy: "billing-policy-",
};

const MESSAGE_FIELDS = {
  ...COMMON,
  container: any,
  diagnostics: nullable(record({ previous_message_id: nullable(string()) })),
  inference_geo: nullable(string()),
  metadata: record({}, { user_id: nullable(string({ max: 256 })) }),
  service_tier: oneOf("auto", "standard_only"),
  stop_sequences: list(string({ min: 1 })),
  stream: boolean,
};
const SAMPLING_FIELDS = { temperature: number(0, 1), top_p: number(0, 1), top_k: integer(0) };

/** Throws if a body does not have the form of its endpoint under this API version and these betas. */
export function checkBody(
  body: unknown,
  isCount: boolean,
  hasSampling: boolean,
  betas: readonly string[],
): void {
  const beta = Object.entries(BETA_FIELDS).filter(([, begin]) =>
    betas.some((name) => name.startsWith(begin)),
  );
  const fields = {
    ...(isCount ? COMMON : { ...MESSAGE_FIELDS, ...(hasSampling ? SAMPLING_FIELDS : {}) }),
    ...Object.fromEntries(beta.map(([name]) => [name, any])),
  };
  const required = isCount ? { model, messages } : { model, max_tokens: integer(0), messages };
  const problem = shape.findProblem(record(required, fields), body) ?? toolProblem(body);
  if (problem !== undefined) {
    throw refusalOf(problem);
  }
}

/** A dated type tells the provider's tools apart. Only custom tools are checked. */
function toolProblem(body: unknown): Problem | undefined {
  const tools = isRecord(body) && Array.isArray(body.tools) ? body.tools : [];
  for (const [index, tool] of tools.entries()) {
    const type: unknown = isRecord(tool) ? (tool.type ?? "custom") : "custom";
    const path = ["tools", index];
    const problem =
      type === "custom"
        ? shape.findProblem(customTool, tool, [...path, "custom"])
        : TYPED_TOOL.test(String(type))
          ? undefined
          : ({
              kind: "value",
              path: [...path, "type"],
              expected: "string",
              found: type,
              allowed: ["custom"],
            } as const);
    if (problem !== undefined) {
      return problem;
    }
  }
  return undefined;
}

export function refuse(message: string): Refusal {
  return anthropicRefusal("invalid_request_error", message);
}

function refusalOf(problem: Problem): Refusal {
  return refuse(`${problem.path.join(".")}: ${wordingOf(problem)}`);
}

const KINDS: Readonly<Record<string, string>> = {
  object: "dictionary",
  "string or list": "string or list",
};

function wordingOf(problem: Problem): string {
  const isText = typeof problem.found === "string";
  switch (problem.kind) {
    case "missing":
      return "Field required";
    case "unknown":
      return "Extra inputs are not permitted";
    case "type":
      return `Input should be a valid ${KINDS[problem.expected] ?? problem.expected}`;
    case "value":
      return problem.path.at(-1) === "type"
        ? `Input tag '${String(problem.found)}' found using 'type' does not match any of the expected tags: ${quoted(problem).join(", ")}`
        : `Input should be ${quoted(problem)
            .join(", ")
            .replace(/, ([^,]*)$/, " or $1")}`;
    case "too-small":
      return `Input should be greater than or equal to ${problem.limit}`;
    case "too-large":
      return `Input should be less than or equal to ${problem.limit}`;
    case "too-short":
      return isText
        ? `String should have at least ${problem.limit} character`
        : `List should have at least ${problem.limit} item after validation`;
    case "too-long":
      return isText
        ? `String should have at most ${problem.limit} characters`
        : `List should have at most ${problem.limit} items after validation`;
    case "pattern":
      return `String should match pattern '${problem.pattern?.source}'`;
  }
}

function quoted(problem: Problem): string[] {
  return (problem.allowed ?? []).map((value) => `'${value}'`);
}
