// What a careless translation would send to Anthropic and Gemini: refused here as the real providers refuse
// it.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  caseRequest,
  type Dialect,
  type RefusalCase,
  refusalOf,
  startForTest,
} from "../fixtures/simulator-under-test.ts";
import type { Simulator } from "../server/simulator.ts";

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startForTest();
});
afterAll(() => simulator.close());

type Body = Record<string, unknown>;

const user = (content: unknown = "Hi") => ({ role: "user", content });
const assistant = (...content: unknown[]) => ({ role: "assistant", content });
const use = (id = "t1") => ({ type: "tool_use", id, name: "f", input: {} });
const result = (id = "t1", content: unknown = "x") => ({ type: "tool_result", tool_use_id: id, content });
const thought = (signature: string) => ({ type: "thinking", thinking: "x", signature });
const text = (value: string, more: Body = {}) => ({ type: "text", text: value, ...more });
const format = (schema: Body) => ({ output_config: { format: { type: "json_schema", schema } } });
const object = (properties: Body, more: Body = {}) => ({
  type: "object",
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
  ...more,
});
const claudeTool = { name: "f", input_schema: { type: "object" } };
const mark = (ttl: string) => ({ cache_control: { type: "ephemeral", ttl } });
const image = (data: string) => ({
  type: "image",
  source: { type: "base64", media_type: "image/png", data },
});
const found = (encrypted_content: string, id = "s1") => [
  { type: "server_tool_use", id: "s1", name: "web_search", input: { query: "x" } },
  {
    type: "web_search_tool_result",
    tool_use_id: id,
    content: [{ type: "web_search_result", url: "https://a", title: "a", encrypted_content }],
  },
  text("y"),
];
const turn = (role: string, ...parts: unknown[]) => ({ role, parts });
const hello = turn("user", { text: "Hi" });
const asks = (name = "f", more: Body = {}) => ({ functionCall: { name, args: {} }, ...more });
const answers = (name = "f", more: Body = {}) => ({
  functionResponse: { name, response: { output: "x" }, ...more },
});
const inline = (mimeType: string, data: string) => ({ inlineData: { mimeType, data } });
const declared = { functionDeclarations: [{ name: "f" }] };
const signed = (thoughtSignature: string) => ({ thoughtSignature });

const CASES: Readonly<Record<"anthropic-messages" | "gemini", readonly RefusalCase[]>> = {
  "anthropic-messages": [
    [
      "a foreign thought in an earlier step of the loop",
      {
        tools: [claudeTool],
        messages: [
          user(),
          assistant(thought("Zm9v"), use("a")),
          user([result("a")]),
          assistant(use("b")),
          user([result("b")]),
        ],
      },
      /^messages\.1\.content\.0: Invalid `signature` in `thinking` block/,
    ],
    [
      "foreign redacted thinking",
      { messages: [user(), assistant({ type: "redacted_thinking", data: "Zm9v" }, text("y")), user()] },
      /Invalid `data` in `redacted_thinking`/,
    ],
    [
      "foreign search results",
      { messages: [user(), assistant(...found("Zm9v")), user()] },
      /Invalid `encrypted_content`/,
    ],
    [
      "search results without their search",
      { messages: [user(), assistant(...found("Zm9v", "other")), user()] },
      /unexpected `tool_use_id` found in `web_search_tool_result`/,
    ],
    [
      "a foreign citation",
      {
        messages: [
          user(),
          assistant(
            text("y", {
              citations: [
                {
                  type: "web_search_result_location",
                  url: "https://a",
                  cited_text: "y",
                  encrypted_index: "",
                },
              ],
            }),
          ),
          user(),
        ],
      },
      /Invalid `encrypted_index`/,
    ],
    ["an empty system text", { system: [text("")] }, /^system: text content blocks must be non-empty/],
    [
      "an empty text in a result",
      { messages: [user(), assistant(use()), user([result("t1", [text("")])])] },
      /text content blocks must be non-empty/,
    ],
    ["an image that is no base64", { messages: [user([image("not base64")])] }, /invalid base64 data/],
    [
      "long-lived marks after short-lived ones",
      { system: [text("a", mark("5m"))], messages: [user([text("x", mark("1h"))])] },
      /ttl='1h' cache_control block must not come after/,
    ],
    ["alternatives of one", format(object({ a: { oneOf: [] } })), /'oneOf' is not supported/],
    [
      "two items at least",
      format(object({ a: { type: "array", minItems: 2, items: {} } })),
      /'minItems' is not supported/,
    ],
    [
      "a pattern of format",
      format(object({ a: { type: "string", format: "phone" } })),
      /'format' is not supported/,
    ],
    [
      "a bound behind a definition",
      format(object({}, { $defs: { a: { type: "integer", maximum: 3 } } })),
      /'maximum'/,
    ],
    ["an outside reference", format(object({ a: { $ref: "https://x" } })), /External schema references/],
    [
      "an open schema of a strict tool",
      { tools: [{ ...claudeTool, strict: true }] },
      /^tools\.0\.custom\.input_schema: .*'additionalProperties'/,
    ],
    [
      "too many optional properties",
      format(
        object(
          Object.fromEntries(Array.from({ length: 25 }, (_, index) => [`p${index}`, { type: "string" }])),
          {
            required: [],
          },
        ),
      ),
      /too many optional/,
    ],
    [
      "more tokens than an older model has",
      { model: "claude-haiku-4-5", max_tokens: 100_000 },
      /100000 > 64000/,
    ],
  ],
  gemini: [
    [
      "data that is no base64",
      { contents: [turn("user", inline("image/png", "*"))] },
      /Base64 decoding failed/,
    ],
    [
      "a moving picture",
      { contents: [turn("user", inline("image/gif", "AA=="))] },
      /Unsupported MIME type: image\/gif/,
    ],
    [
      "a picture in a result of an older model",
      {
        contents: [
          hello,
          turn("model", asks()),
          turn("user", answers("f", { parts: [inline("image/png", "AA==")] })),
        ],
      },
      /Multimodal function responses/,
    ],
    [
      "a foreign signature",
      {
        model: "gemini-3-flash",
        contents: [hello, turn("model", asks("f", signed("Zm9v"))), turn("user", answers())],
      },
      /Corrupted thought signature/,
    ],
    [
      "a step without a signature behind a step with one",
      {
        model: "gemini-3-flash",
        contents: [
          hello,
          turn("model", asks("f", signed("skip_thought_signature_validator"))),
          turn("user", answers()),
          turn("model", asks()),
          turn("user", answers()),
        ],
      },
      /missing a thought_signature .* position 4/,
    ],
    [
      "fewer results than calls",
      { contents: [hello, turn("model", asks(), asks("g")), turn("user", answers())] },
      /number of function response parts is equal/,
    ],
    [
      "search beside functions",
      { tools: [declared, { googleSearch: {} }] },
      /Tool use with function calling is unsupported/,
    ],
    [
      "search beside functions without a word of it",
      { model: "gemini-3-flash", tools: [declared, { googleSearch: {} }] },
      /include_server_side_tool_invocations/,
    ],
    [
      "thinking of a model that cannot",
      { model: "gemini-2.0-flash", generationConfig: { thinkingConfig: { includeThoughts: true } } },
      /Thinking is not supported/,
    ],
    [
      "a reference with something beside it",
      {
        generationConfig: {
          responseMimeType: "application/json",
          responseJsonSchema: { type: "object", properties: { a: { $ref: "#/$defs/a", description: "x" } } },
        },
      },
      /\$ref cannot be set together with other fields/,
    ],
    ["somebody's cache", { cachedContent: "cachedContents/x" }, /CachedContent not found/],
    ["somebody's continuation", { continuationToken: "Zm9v" }, /Invalid continuation token/],
    [
      "somebody's file",
      {
        contents: [
          turn("user", {
            fileData: { fileUri: "https://generativelanguage.googleapis.com/v1beta/files/abc" },
          }),
        ],
      },
      /permission to access the File abc/,
    ],
    ["labels of Vertex", { labels: { a: "b" } }, /Unknown name "labels"/],
  ],
};

for (const [dialect, cases] of Object.entries(CASES)) {
  describe(`${dialect} refuses`, () => {
    test.each<RefusalCase>([...cases])("%s", async (_, body, message) => {
      const { status, error } = await refusalOf(simulator, caseRequest(dialect as Dialect, body));

      expect(error.message).toMatch(message);
      expect(status).toBeOneOf([400, 403]);
    });
  });
}
