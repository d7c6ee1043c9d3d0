import { expect, test } from "bun:test";
import fc from "fast-check";
import type { JsonObject } from "../core/json.ts";
import type { Dialect } from "./dialect.ts";
import { makeRoute } from "./endpoint.ts";
import { peekByTheBook } from "./foreign-forms.ts";
import { DIALECTS } from "./index.ts";

const MAX_BYTES = 1_000_000;

const TEXT = fc.constantFrom(
  "",
  "x",
  "auto",
  "user",
  "data:image/png;base64,AAAA",
  "https://a.example/b",
  "{}",
);
const TYPE = fc.constantFrom(
  ...[
    "text",
    "input_text",
    "output_text",
    "image_url",
    "input_image",
    "image",
    "document",
    "file",
    "input_file",
  ],
  ...["tool_use", "tool_result", "thinking", "refusal", "function", "custom", "message", "function_call"],
);
const ROLE = fc.constantFrom("system", "developer", "user", "assistant", "tool");
const MEMBERS = [
  ...[
    "type",
    "role",
    "content",
    "text",
    "tool_calls",
    "tool_call_id",
    "tool_use_id",
    "function",
    "arguments",
  ],
  ...["image_url", "url", "source", "data", "media_type", "file", "file_data", "input", "output", "is_error"],
  ...["messages", "tools", "tool_choice", "name", "parameters", "input_schema", "system", "stop", "thinking"],
  ...["response_format", "json_schema", "reasoning_effort", "max_tokens", "parallel_tool_calls", "refusal"],
  ...["allowed_tools", "custom", "format", "grammar", "__proto__", "functionDeclarations"],
];

/** Values whose members have the names of requests, in places that make sense or do not. */
const VALUE = fc.letrec<{ value: unknown; object: JsonObject; list: unknown[] }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    TEXT,
    TYPE,
    ROLE,
    fc.constant(null),
    fc.boolean(),
    tie("object"),
    tie("list"),
  ),
  object: fc
    .array(fc.tuple(fc.constantFrom(...MEMBERS), tie("value")), { maxLength: 6 })
    .map(
      (entries) =>
        JSON.parse(
          `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value ?? null)}`).join(",")}}`,
        ) as JsonObject,
    ),
  list: fc.array(tie("value"), { maxLength: 4 }),
}));
/** Parts and messages that make more sense. */
const PART = fc
  .tuple(VALUE.object, TYPE, fc.boolean(), VALUE.value)
  .map(([more, type, isError, content]) => ({ content, ...more, type, is_error: isError }));
const MESSAGE = fc
  .tuple(VALUE.object, ROLE, fc.array(PART, { maxLength: 3 }))
  .map(([more, role, content]) => ({ ...more, role, content }));
const LIST = fc.array(fc.oneof(VALUE.object, MESSAGE), { maxLength: 4 });
const BODY = fc
  .tuple(VALUE.object, fc.constantFrom("messages", "input"), LIST, LIST)
  .map(([body, list, items, tools]) => ({ model: "m", ...body, [list]: items, tools }));

for (const [name, route] of [
  ["openai-chat", makeRoute("chat.completions", "/v1/chat/completions")],
  ["openai-responses", makeRoute("responses", "/v1/responses")],
  ["anthropic-messages", makeRoute("messages", "/v1/messages")],
] as const) {
  test(`${name}: whatever a body holds, it is rewritten without an exception, and by the book then`, async () => {
    const { foreignForms }: Dialect = DIALECTS[name];
    if (foreignForms === undefined) throw new Error(`${name} has no foreign forms`);
    const rewrite = await foreignForms.loadRewrite();
    await fc.assert(
      fc.asyncProperty(BODY, async (body) => {
        const before = JSON.stringify(body);
        const book = JSON.stringify(rewrite(body));
        expect(JSON.stringify(body)).toBe(before);
        expect(JSON.stringify(rewrite(JSON.parse(book) as JsonObject))).toBe(book);
        const peeked = await peekByTheBook(route, new TextEncoder().encode(before), MAX_BYTES);
        expect([before, book]).toContain(new TextDecoder().decode(peeked.body));
      }),
      { numRuns: 2_000 },
    );
  });
}
