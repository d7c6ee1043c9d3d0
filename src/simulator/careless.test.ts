// What a careless translation would send: refused here as the real providers refuse it.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Simulator } from "./simulator.ts";
import {
  caseRequest,
  type Dialect,
  post,
  type RefusalCase,
  refusalOf,
  sample,
  startForTest,
} from "./simulator-under-test.ts";

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

const fn = (parameters: Body, more: Body = {}) => ({
  type: "function",
  function: { name: "f", parameters, ...more },
});
const item = (...rest: Body[]) => ({ input: [user(), ...rest] });

const CASES: Readonly<Record<Dialect, readonly RefusalCase[]>> = {
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
  "openai-responses": [
    [
      "a long call id",
      item({ type: "function_call", call_id: "x".repeat(65), name: "f", arguments: "{}" }),
      /maximum length 64/,
    ],
    [
      "reasoning before the user's words",
      item({ type: "reasoning", id: "rs_1", summary: [] }, user()),
      /without its required following item/,
    ],
    [
      "reasoning that was not stored",
      {
        store: false,
        ...item({ type: "reasoning", id: "rs_1", summary: [] }, { role: "assistant", content: "x" }, user()),
      },
      /'rs_1' not found\. Items are not persisted/,
    ],
    [
      "output in the user's words",
      { input: [user([{ type: "output_text", text: "x" }])] },
      /Invalid value: 'output_text'\. Supported values are: 'input_text'/,
    ],
    [
      "input in the assistant's words",
      item({ role: "assistant", content: [{ type: "input_text", text: "x" }] }),
      /Invalid value: 'input_text'\. Supported values are: 'output_text' and 'refusal'/,
    ],
    [
      "an image that is no base64",
      { input: [user([{ type: "input_image", image_url: "data:image/png;base64,*" }])] },
      /Expected a base64-encoded data URL/,
    ],
    [
      "an image of an unknown kind",
      { input: [user([{ type: "input_image", image_url: "data:image/heic;base64,AA==" }])] },
      /Expected a base64-encoded data URL/,
    ],
    [
      "a function without properties",
      { tools: [{ type: "function", name: "f", strict: false, parameters: { type: "object" } }] },
      /object schema missing properties/,
    ],
    [
      "a strict format with an optional property",
      {
        text: {
          format: {
            type: "json_schema",
            name: "a",
            strict: true,
            schema: object({ a: { type: "object", properties: { b: {} }, additionalProperties: false } }),
          },
        },
      },
      /In context=\('properties', 'a'\), 'required' is required .* Missing 'b'/,
    ],
  ],
  "openai-chat": [
    [
      "a long call id",
      {
        messages: [
          user(),
          {
            role: "assistant",
            tool_calls: [{ id: "x".repeat(41), type: "function", function: { name: "f", arguments: "{}" } }],
          },
        ],
      },
      /maximum length 40/,
    ],
    [
      "reasoning in the history of an official model",
      { messages: [user(), { role: "assistant", content: "x", reasoning_content: "y" }, user()] },
      /Unknown parameter: 'messages\[1\]\.reasoning_content'/,
    ],
    [
      "an image in a tool message",
      {
        messages: [
          user(),
          {
            role: "assistant",
            tool_calls: [{ id: "a", type: "function", function: { name: "f", arguments: "{}" } }],
          },
          {
            role: "tool",
            tool_call_id: "a",
            content: [{ type: "image_url", image_url: { url: "data:image/png;base64,AA==" } }],
          },
        ],
      },
      /Invalid value: 'image_url'/,
    ],
    [
      "an image that is no base64",
      { messages: [user([{ type: "image_url", image_url: { url: "data:image/png;base64,*" } }])] },
      /Expected a base64-encoded data URL/,
    ],
    [
      "a function without properties",
      { tools: [fn({ type: "object" })] },
      /object schema missing properties/,
    ],
    ["a function that is no object", { tools: [fn({ type: "string" })] }, /got 'type: "string"'/],
    [
      "an array of anything",
      { tools: [fn(object({ a: { type: "array" } }))] },
      /In context=\('properties', 'a'\), array schema missing items/,
    ],
    [
      "a strict function that is open",
      { tools: [fn(object({}, { additionalProperties: true }), { strict: true })] },
      /'additionalProperties'/,
    ],
    [
      "a strict format of all of several",
      {
        response_format: {
          type: "json_schema",
          json_schema: { name: "a", strict: true, schema: object({ a: { allOf: [] } }) },
        },
      },
      /Invalid schema for response_format 'a': In context=\('properties', 'a'\), 'allOf' is not permitted/,
    ],
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

test("sealed reasoning says whether it is another's or nobody's", async () => {
  const ask = (key: string, body: Body) =>
    post(
      simulator,
      sample("openai-responses", { key, model: "gpt-5-mini", body: { store: false, ...body } }),
    );
  const first = await ask("sk-one", { include: ["reasoning.encrypted_content"] });
  const { output } = (await first.json()) as { output: Body[] };
  const again = (key: string, sealed: unknown) =>
    ask(
      key,
      item(
        { type: "reasoning", summary: [], encrypted_content: sealed },
        { role: "assistant", content: "x" },
        user(),
      ),
    );

  expect((await again("sk-one", output[0]?.encrypted_content)).status).toBe(200);
  expect(await (await again("sk-two", output[0]?.encrypted_content)).text()).toContain(
    "organization_id did not match",
  );
  const foreign = await again("sk-one", "Zm9v");
  expect(foreign.status).toBe(400);
  expect(await foreign.json()).toMatchObject({
    error: { code: "invalid_encrypted_content", message: expect.stringContaining("could not be decrypted") },
  });
});

test("results go to the calls of the stored response, and to no other", async () => {
  const tools = [{ type: "function", name: "f", strict: false, parameters: object({}) }];
  const first = await post(simulator, sample("openai-responses", { fault: "calls=1", body: { tools } }));
  const { id, output } = (await first.json()) as { id: string; output: Body[] };
  const answer = (call_id: unknown) =>
    post(
      simulator,
      sample("openai-responses", {
        body: {
          tools,
          previous_response_id: id,
          input: [{ type: "function_call_output", call_id, output: "x" }],
        },
      }),
    );

  expect((await answer(output[0]?.call_id)).status).toBe(200);
  expect(await (await answer("call_other")).text()).toContain("No tool call found");
});

test("a function that does not say how strict it is, is strict for Responses and lax for Chat", async () => {
  const parameters = {
    type: "object",
    properties: { a: { type: "string" }, b: { type: "string" } },
    required: ["a"],
  };
  const responses = await post(
    simulator,
    sample("openai-responses", {
      fault: "calls=1",
      body: { tools: [{ type: "function", name: "f", parameters }] },
    }),
  );
  const chat = await post(
    simulator,
    sample("openai-chat", { fault: "calls=1", body: { tools: [fn(parameters)] } }),
  );

  expect(await responses.json()).toMatchObject({
    tools: [{ name: "f", strict: true }],
    output: [{ arguments: '{"a":"example","b":"example"}' }],
  });
  expect(await chat.text()).toContain('{\\"a\\":\\"example\\"}');
});
