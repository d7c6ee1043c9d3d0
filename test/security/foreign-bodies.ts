/** Requests in words of other dialects than their path's. */
import type { JsonObject } from "../../src/core/json.ts";
import type { DialectName } from "../../src/dialects/dialect.ts";

const FUNCTION = { type: "function", function: { name: "f", parameters: { type: "object" } } };
/** Turns of Chat, with all that their parts, calls and results may hold. */
const CHAT_TURNS = [
  { role: "system", content: "Be brief." },
  {
    role: "user",
    content: [
      { type: "text", text: "Hi" },
      { type: "image_url", image_url: { url: "https://a.b/c" } },
    ],
  },
  {
    role: "assistant",
    content: "I look.",
    refusal: "No.",
    reasoning_content: "Hm.",
    tool_calls: [{ id: "c1", type: "function", function: { name: "f", arguments: '{"a":["b"]}' } }],
  },
  { role: "tool", tool_call_id: "c1", content: [{ type: "text", text: "done" }] },
];
/** Turns of Claude. */
const CLAUDE_TURNS = [
  {
    role: "assistant",
    content: [
      { type: "thinking", thinking: "Hm.", signature: "s" },
      { type: "text", text: "I look." },
      { type: "tool_use", id: "c1", name: "f", input: { a: ["b"] } },
    ],
  },
  {
    role: "user",
    content: [
      { type: "tool_result", tool_use_id: "c1", content: [{ type: "text", text: "done" }], is_error: true },
      { type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } },
    ],
  },
];

/** Requests in words of other dialects than their path's, which are rewritten before anything else reads them. */
export const FOREIGN_BODIES: readonly (readonly [dialect: DialectName, words: string, body: JsonObject])[] = [
  [
    "openai-chat",
    "Responses",
    {
      model: "m",
      instructions: "Be brief.",
      input: [
        { role: "user", content: [{ type: "input_text", text: "Hi" }] },
        { type: "function_call", call_id: "c1", name: "f", arguments: "{}" },
        { type: "function_call", call_id: "c2", name: "f", arguments: "{}" },
        { type: "function_call_output", call_id: "c1", output: "done" },
        { type: "reasoning", id: "r1", summary: [], encrypted_content: "x" },
        { type: "custom_tool_call", call_id: "c3", name: "p", input: "text" },
      ],
      tools: [{ type: "function", name: "f", parameters: { type: "object" } }],
      tool_choice: { type: "allowed_tools", mode: "auto", tools: [{ type: "function", name: "f" }] },
    },
  ],
  [
    "openai-chat",
    "calls of Responses alone",
    { model: "m", input: [{ type: "function_call", call_id: "c1", name: "f", arguments: "{}" }] },
  ],
  [
    "openai-chat",
    "Messages",
    {
      model: "m",
      system: [{ type: "text", text: "Be brief.", cache_control: { type: "ephemeral" } }],
      messages: CLAUDE_TURNS,
      tools: [{ name: "f", input_schema: { type: "object" }, cache_control: { type: "ephemeral" } }],
    },
  ],
  ["openai-responses", "Chat", { model: "m", messages: CHAT_TURNS, tools: [FUNCTION] }],
  ["openai-responses", "Messages", { model: "m", messages: CLAUDE_TURNS, tools: [FUNCTION] }],
  ["anthropic-messages", "Chat", { model: "m", max_tokens: 9, messages: CHAT_TURNS, tools: [FUNCTION] }],
];
