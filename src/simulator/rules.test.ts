// What each provider refuses, in its own words, and what genuine clients send and must be accepted.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Simulator } from "./simulator.ts";
import { type Dialect, post, type Sample, sample, startForTest } from "./simulator-under-test.ts";

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startForTest();
});
afterAll(() => simulator.close());

type Body = Record<string, unknown>;
/** What is wrong, the fields put into the smallest good body, and what the message says. */
type Case = readonly [what: string, body: Body, message: RegExp];

interface ErrorBody {
  readonly error: { readonly message: string; readonly param?: string | null; readonly status?: string };
}

async function refusalOf(request: Sample): Promise<{ status: number; error: ErrorBody["error"] }> {
  const response = await post(simulator, request);
  const body = (await response.json()) as Partial<ErrorBody>;
  return { status: response.status, error: body.error ?? { message: "no refusal" } };
}

function refuses(
  dialect: Dialect,
  cases: readonly Case[],
  more: { headers?: Record<string, string> } = {},
): void {
  test.each(cases)("%s", async (_, body, message) => {
    const good = sample(dialect, { body, ...(typeof body.model === "string" ? { model: body.model } : {}) });
    const bodyWithout = dialect === "gemini" ? { ...good.body, model: undefined } : good.body;
    const { status, error } = await refusalOf({
      ...good,
      body: bodyWithout,
      headers: { ...good.headers, ...more.headers },
    });
    expect(error.message).toMatch(message);
    expect(status).toBeOneOf([400, 404]);
  });
}

const fn = (name: string, parameters: Body = { type: "object", properties: {} }) => ({
  type: "function",
  function: { name, parameters },
});
const user = (content: unknown = "Hi") => ({ role: "user", content });
const call = (id: string) => ({ id, type: "function", function: { name: "f", arguments: "{}" } });

describe("OpenAI Chat refuses", () => {
  refuses("openai-chat", [
    ["no model", { model: undefined }, /must provide a model/],
    ["an unknown model", { model: "gpt-no-such" }, /does not exist/],
    ["another vendor's model", { model: "claude-opus-5" }, /does not exist/],
    ["no messages", { messages: undefined }, /Missing required parameter: 'messages'/],
    ["empty messages", { messages: [] }, /'messages': empty array/],
    ["an unknown field", { thinking: {} }, /Unrecognized request argument supplied: thinking/],
    ["an unknown role", { messages: [{ role: "model", content: "x" }] }, /Invalid value: 'model'/],
    [
      "an unknown field of a message",
      { messages: [{ ...user(), reasoning_content: "" }] },
      /Unknown parameter: 'messages\[0\]\.reasoning_content'/,
    ],
    [
      "an unknown part",
      { messages: [user([{ type: "input_text", text: "x" }])] },
      /Invalid value: 'input_text'/,
    ],
    [
      "an image in a tool message",
      {
        messages: [
          user(),
          { role: "assistant", tool_calls: [call("a")] },
          { role: "tool", tool_call_id: "a", content: [{ type: "image_url", image_url: { url: "data:" } }] },
        ],
      },
      /Invalid value: 'image_url'/,
    ],
    ["a wrong type", { temperature: "hot" }, /Invalid type for 'temperature': expected a decimal/],
    ["a temperature too high", { temperature: 2.5 }, /'temperature': decimal above maximum value/],
    ["five stops", { stop: ["a", "b", "c", "d", "e"] }, /'stop': array too long/],
    ["a tool name with a dot", { tools: [fn("a.b")] }, /does not match pattern/],
    ["an empty list of tools", { tools: [] }, /too short - 'tools'/],
    ["a choice without tools", { tool_choice: "auto" }, /only allowed when 'tools' are specified/],
    [
      "a choice of no tool",
      { tools: [fn("f")], tool_choice: { type: "function", function: { name: "g" } } },
      /no function named 'g'/,
    ],
    [
      "an unanswered call",
      { messages: [user(), { role: "assistant", tool_calls: [call("a")] }, user()] },
      /must be followed by tool messages/,
    ],
    [
      "an answer to nothing",
      { messages: [user(), { role: "tool", tool_call_id: "a", content: "x" }] },
      /must be a response to a preceeding message/,
    ],
    [
      "an answer to another call",
      {
        messages: [
          user(),
          { role: "assistant", tool_calls: [call("a")] },
          { role: "tool", tool_call_id: "b", content: "x" },
        ],
      },
      /'tool_call_id' of 'b' not found/,
    ],
    [
      "a long call id",
      { messages: [user(), { role: "assistant", tool_calls: [call("a".repeat(41))] }] },
      /maximum length 40/,
    ],
    ["an assistant that says nothing", { messages: [user(), { role: "assistant" }] }, /'content'/],
    [
      "max_tokens of a reasoning model",
      { model: "gpt-5-mini", max_tokens: 5 },
      /Use 'max_completion_tokens' instead/,
    ],
    ["temperature of a reasoning model", { model: "o3", temperature: 0.5 }, /Only the default \(1\) value/],
    ["stop of a reasoning model", { model: "o3", stop: "x" }, /'stop' is not supported/],
    [
      "tools with reasoning of GPT-5.4",
      { model: "gpt-5.4", tools: [fn("f")], reasoning_effort: "low" },
      /use \/v1\/responses/,
    ],
    ["stream options without a stream", { stream: false, stream_options: {} }, /only allowed when 'stream'/],
    [
      "JSON that is not spoken of",
      { response_format: { type: "json_object" } },
      /must contain the word 'json'/,
    ],
    ["long metadata", { metadata: { a: "x".repeat(513) } }, /maximum length 512/],
    ["a long user", { user: "x".repeat(65) }, /maximum length 64/],
  ]);

  test("with the parameter's path", async () => {
    const { error } = await refusalOf(sample("openai-chat", { body: { messages: [{ role: "user" }] } }));
    expect(error).toMatchObject({ param: "messages[0].content", code: "missing_required_parameter" });
  });
});

const item = (rest: Body) => ({ input: [user(), rest] });

describe("OpenAI Responses refuses", () => {
  refuses("openai-responses", [
    ["no model", { model: undefined }, /Missing required parameter: 'model'/],
    ["no input", { input: undefined }, /must be provided/],
    ["messages", { messages: [] }, /Unknown parameter: 'messages'/],
    ["stop", { stop: ["x"] }, /Unknown parameter: 'stop'/],
    ["a small limit", { max_output_tokens: 8 }, /Expected a value >= 16, but got 8/],
    ["a part of Chat", { input: [user([{ type: "text", text: "x" }])] }, /Invalid value: 'text'/],
    ["a tool in the form of Chat", { tools: [fn("f")] }, /Missing required parameter: 'tools\[0\]\.name'/],
    [
      "a wrong item id",
      item({ type: "function_call", id: "call_1", call_id: "a", name: "f", arguments: "{}" }),
      /does not match pattern/,
    ],
    [
      "a call without output",
      item({ type: "function_call", call_id: "a", name: "f", arguments: "{}" }),
      /No tool output found for function call a/,
    ],
    [
      "an output without a call",
      item({ type: "function_call_output", call_id: "a", output: "x" }),
      /No tool call found .* a/,
    ],
    [
      "reasoning sealed elsewhere",
      item({ type: "reasoning", summary: [], encrypted_content: "Zm9v" }),
      /could not be verified/,
    ],
    [
      "reasoning without what it led to",
      item({ type: "reasoning", id: "rs_1", summary: [] }),
      /without its required following item/,
    ],
    [
      "a reference that was not stored",
      { store: false, ...item({ type: "item_reference", id: "rs_1" }) },
      /not persisted/,
    ],
    ["an unknown previous response", { previous_response_id: "resp_x" }, /Previous response .* not found/],
    [
      "a schema that is not strict",
      {
        tools: [
          {
            type: "function",
            name: "f",
            strict: true,
            parameters: { type: "object", properties: { a: {} } },
          },
        ],
      },
      /additionalProperties/,
    ],
    ["a required tool of none", { tool_choice: "required" }, /must be specified with 'tools'/],
    [
      "effort of a model without reasoning",
      { reasoning: { effort: "low" } },
      /'reasoning.effort' is not supported/,
    ],
    [
      "temperature of a reasoning model",
      { model: "gpt-5-mini", temperature: 0.1 },
      /'temperature' is not supported/,
    ],
  ]);
});

const claudeTool = { name: "f", input_schema: { type: "object" } };
const use = (id = "t1") => ({ type: "tool_use", id, name: "f", input: {} });
const result = (id = "t1") => ({ type: "tool_result", tool_use_id: id, content: "x" });
const assistant = (...content: unknown[]) => ({ role: "assistant", content });
const text = (value: string, more: Body = {}) => ({ type: "text", text: value, ...more });
const adaptive = { thinking: { type: "adaptive" } };
const enabled = { thinking: { type: "enabled", budget_tokens: 1024 }, max_tokens: 5000 };

describe("Anthropic refuses", () => {
  refuses("anthropic-messages", [
    ["an unknown model", { model: "gpt-5" }, /^model: gpt-5/],
    ["no max_tokens", { max_tokens: undefined }, /^max_tokens: Field required/],
    ["too many max_tokens", { max_tokens: 500_000 }, /maximum allowed number of output tokens/],
    ["an unknown field", { reasoning_effort: "low" }, /^reasoning_effort: Extra inputs are not permitted/],
    ["a beta's field without the beta", { context_management: {} }, /^context_management: Extra inputs/],
    ["no messages", { messages: [] }, /at least one message/],
    [
      "a system message first",
      { messages: [{ role: "system", content: "x" }] },
      /first message must use the "user" role/,
    ],
    ["a tool role", { messages: [{ role: "tool", content: "x" }] }, /^messages\.0\.role: Input should be/],
    ["an empty text", { messages: [user([text("")])] }, /text content blocks must be non-empty/],
    [
      "an empty message",
      { messages: [user(""), assistant(text("x")), user()] },
      /must have non-empty content/,
    ],
    ["white space", { messages: [user([text(" \n")])] }, /must contain non-whitespace text/],
    ["a block of the other role", { messages: [user([use()])] }, /Input tag 'tool_use' found using 'type'/],
    [
      "a call without a result",
      { messages: [user(), assistant(use()), user()] },
      /without `tool_result` blocks immediately after: t1/,
    ],
    [
      "a result after a text",
      { messages: [user(), assistant(use()), user([text("x"), result()])] },
      /without `tool_result` blocks immediately after/,
    ],
    ["a result of nothing", { messages: [user([result()])] }, /unexpected `tool_use_id`/],
    [
      "two results of one call",
      { messages: [user(), assistant(use()), user([result(), result()])] },
      /must have a single result/,
    ],
    [
      "two calls of one id",
      { messages: [user(), assistant(use(), use()), user([result()])] },
      /ids must be unique/,
    ],
    [
      "a call id with a dot",
      { messages: [user(), assistant(use("a.b")), user([result("a.b")])] },
      /should match pattern/,
    ],
    [
      "input that is no object",
      { messages: [user(), assistant({ ...use(), input: "{}" }), user([result()])] },
      /valid dictionary/,
    ],
    [
      "prefill on a new model",
      { messages: [user(), assistant(text("So"))] },
      /does not support assistant message prefill/,
    ],
    [
      "prefill with a blank end",
      { model: "claude-haiku-4-5", messages: [user(), assistant(text("So "))] },
      /trailing whitespace/,
    ],
    [
      "a system turn on an older model",
      { messages: [user(), { role: "system", content: "x" }] },
      /'system' is not supported/,
    ],
    [
      "a system turn in the wrong place",
      { model: "claude-opus-5", messages: [user(), { role: "system", content: "x" }, user()] },
      /system message must follow/,
    ],
    ["temperature and top_p", { temperature: 0.5, top_p: 0.5 }, /cannot both be specified/],
    [
      "temperature on a new model",
      { model: "claude-opus-5", temperature: 0.5 },
      /`temperature` is deprecated/,
    ],
    ["top_k on a new model", { model: "claude-opus-5", top_k: 64 }, /`top_k` is deprecated/],
    ["a temperature too high", { temperature: 1.5 }, /less than or equal to 1/],
    ["temperature while thinking", { ...adaptive, temperature: 0 }, /may only be set to 1/],
    [
      "a small budget",
      { thinking: { type: "enabled", budget_tokens: 100 } },
      /greater than or equal to 1024/,
    ],
    [
      "a budget above the limit",
      { thinking: { type: "enabled", budget_tokens: 2000 } },
      /must be greater than `thinking.budget_tokens`/,
    ],
    [
      "a budget on a new model",
      { model: "claude-opus-5", ...enabled },
      /"thinking.type.enabled" is not supported/,
    ],
    [
      "adaptive on an old model",
      { model: "claude-haiku-4-5", ...adaptive },
      /"thinking.type.adaptive" is not supported/,
    ],
    [
      "no thinking where it is always on",
      { model: "claude-fable-5", thinking: { type: "disabled" } },
      /is not supported for this model/,
    ],
    [
      "no thinking at high effort",
      { model: "claude-opus-5", thinking: { type: "disabled" }, output_config: { effort: "max" } },
      /not supported at this effort/,
    ],
    [
      "a forced tool while thinking",
      { ...enabled, tools: [claudeTool], tool_choice: { type: "any" } },
      /Thinking may not be enabled/,
    ],
    [
      "a loop without its thought",
      {
        model: "claude-haiku-4-5",
        ...enabled,
        tools: [claudeTool],
        messages: [user(), assistant(use()), user([result()])],
      },
      /Expected `thinking` or `redacted_thinking`/,
    ],
    [
      "a foreign signature",
      {
        messages: [
          user(),
          assistant({ type: "thinking", thinking: "x", signature: "Zm9v" }, text("y")),
          user(),
        ],
      },
      /Invalid `signature`/,
    ],
    [
      "effort of an old model",
      { model: "claude-haiku-4-5", output_config: { effort: "low" } },
      /effort parameter/,
    ],
    [
      "a tool name with a dot",
      { tools: [{ ...claudeTool, name: "a.b" }] },
      /^tools\.0\.custom\.name: String should match pattern/,
    ],
    [
      "a schema without a type",
      { tools: [{ name: "f", input_schema: {} }] },
      /^tools\.0\.custom\.input_schema\.type: Field required/,
    ],
    [
      "a schema of alternatives",
      { tools: [{ name: "f", input_schema: { type: "object", anyOf: [] } }] },
      /does not support oneOf/,
    ],
    ["two tools of one name", { tools: [claudeTool, claudeTool] }, /Tool names must be unique/],
    ["an unknown kind of tool", { tools: [{ type: "function", function: {} }] }, /Input tag 'function'/],
    ["a choice without tools", { tool_choice: { type: "auto" } }, /only be specified while providing tools/],
    [
      "a choice of no tool",
      { tools: [claudeTool], tool_choice: { type: "tool", name: "g" } },
      /Tool 'g' not found/,
    ],
    ["a blank stop", { stop_sequences: [" "] }, /must contain non-whitespace/],
    [
      "five cache marks",
      { system: Array.from({ length: 5 }, () => text("x", { cache_control: { type: "ephemeral" } })) },
      /maximum of 4 blocks with cache_control/,
    ],
    [
      "an open schema",
      { output_config: { format: { type: "json_schema", schema: { type: "object" } } } },
      /'additionalProperties' must be explicitly set to false/,
    ],
    [
      "a bound in a schema",
      { output_config: { format: { type: "json_schema", schema: { type: "integer", minimum: 1 } } } },
      /property 'minimum' is not supported/,
    ],
    [
      "an unknown image type",
      {
        messages: [
          user([{ type: "image", source: { type: "base64", data: "x", media_type: "image/heic" } }]),
        ],
      },
      /'image\/jpeg'/,
    ],
    ["a thread", { thread: {} }, /thread: Extra inputs/],
  ]);

  describe("under version 2026-10-21", () => {
    const headers = { "anthropic-version": "2026-10-21" };
    const document = { type: "document", source: { type: "text", media_type: "text/plain", data: "x" } };
    refuses(
      "anthropic-messages",
      [
        ["temperature at its default", { temperature: 1 }, /^temperature: Extra inputs are not permitted/],
        [
          "a document of the assistant",
          { messages: [user(), assistant(document), user()] },
          /document blocks are not permitted/,
        ],
        [
          "citations on the user's text",
          { messages: [user([text("x", { citations: [{ type: "char_location" }] })])] },
          /citations are not permitted/,
        ],
      ],
      { headers },
    );
  });

  test.each([
    [{ "anthropic-version": "2024-01-01" }, /not a valid version/],
    [{ "anthropic-beta": "no date" }, /Unexpected value\(s\) `no date`/],
    [{ origin: "https://example.com" }, /^CORS requests/],
  ])("headers %o", async (headers, message) => {
    const good = sample("anthropic-messages");
    const { error } = await refusalOf({ ...good, headers: { ...good.headers, ...headers } });
    expect(error.message).toMatch(message);
  });

  test("no version", async () => {
    const { "anthropic-version": _, ...headers } = sample("anthropic-messages").headers;
    const { error } = await refusalOf({ ...sample("anthropic-messages"), headers });
    expect(error.message).toBe("anthropic-version: header is required");
  });

  test("max_tokens when only counting", async () => {
    const request = sample("anthropic-messages");
    const { error } = await refusalOf({ ...request, path: "/v1/messages/count_tokens" });
    expect(error.message).toMatch(/^max_tokens: Extra inputs|^stream: Extra inputs/);
  });

  test("a thread, in the words on which the SDK goes on without one", async () => {
    const good = sample("anthropic-messages", { body: { thread: {} } });
    const { error } = await refusalOf({
      ...good,
      headers: { ...good.headers, "anthropic-beta": "message-threads-2026-08-12" },
    });
    expect(error).toHaveProperty("details.error_code", "thread_unsupported_request");
  });
});

const turn = (role: string, ...parts: unknown[]) => ({ role, parts });
const hello = turn("user", { text: "Hi" });
const asks = (name = "f", more: Body = {}) => ({ functionCall: { name, args: {} }, ...more });
const answers = (name = "f") => ({ functionResponse: { name, response: { output: "x" } } });
const config = (generationConfig: Body) => ({ generationConfig });
const declares = (...functionDeclarations: unknown[]) => ({ tools: [{ functionDeclarations }] });

describe("Gemini refuses", () => {
  refuses("gemini", [
    ["an unknown model", { model: "gemini-no-such" }, /is not found for API version/],
    ["an unknown field", { messages: [] }, /Unknown name "messages": Cannot find field/],
    [
      "an unknown field within",
      config({ maxTokens: 5 }),
      /Unknown name "maxTokens" at 'generation_config': Cannot find field/,
    ],
    [
      "an unknown field of a part",
      { contents: [turn("user", { text: "x", cacheControl: {} })] },
      /Unknown name "cacheControl" at 'contents\[0\]\.parts\[0\]'/,
    ],
    ["no contents", { contents: undefined }, /contents is not specified/],
    ["empty contents", { contents: [] }, /contents is not specified/],
    ["an unknown role", { contents: [turn("assistant", { text: "x" })] }, /valid role: user, model/],
    ["an empty text", { contents: [turn("user", { text: "" })] }, /required oneof field 'data'/],
    ["no parts", { contents: [turn("user")] }, /parts must not be empty/],
    [
      "two kinds in a part",
      { contents: [turn("user", { text: "x", fileData: { fileUri: "https://a" } })] },
      /oneof field 'data' is already set/,
    ],
    ["a model first", { contents: [turn("model", { text: "x" }), hello] }, /starts with a user turn/],
    [
      "a wrong type",
      config({ temperature: "hot" }),
      /Invalid value at 'generation_config.temperature' \(TYPE_FLOAT\), "hot"/,
    ],
    ["a temperature too high", config({ temperature: 3 }), /at most 2/],
    ["six stops", config({ stopSequences: ["a", "b", "c", "d", "e", "f"] }), /at most 5/],
    [
      "budget and level",
      config({ thinkingConfig: { thinkingBudget: 1, thinkingLevel: "LOW" } }),
      /only one of thinking budget and thinking level/,
    ],
    [
      "a level on an old model",
      config({ thinkingConfig: { thinkingLevel: "LOW" } }),
      /Thinking level is not supported/,
    ],
    [
      "no thinking of a Pro",
      { model: "gemini-2.5-pro", ...config({ thinkingConfig: { thinkingBudget: 0 } }) },
      /only works in thinking mode/,
    ],
    [
      "minimal thinking of a Pro",
      { model: "gemini-3-pro-preview", ...config({ thinkingConfig: { thinkingLevel: "MINIMAL" } }) },
      /MINIMAL is not supported/,
    ],
    ["a schema for plain text", config({ responseSchema: { type: "OBJECT" } }), /application\/json/],
    [
      "JSON Schema words in a schema",
      declares({
        name: "f",
        parameters: { type: "object", properties: { a: { type: "string" } }, additionalProperties: false },
      }),
      /Unknown name "additionalProperties"/,
    ],
    ["a list of types", declares({ name: "f", parameters: { type: ["string", "null"] } }), /not repeating/],
    ["a list without items", declares({ name: "f", parameters: { type: "ARRAY" } }), /items: missing field/],
    [
      "an object without properties",
      declares({ name: "f", parameters: { type: "OBJECT", properties: {} } }),
      /non-empty for OBJECT/,
    ],
    [
      "numbers in an enum",
      declares({ name: "f", parameters: { type: "INTEGER", enum: [1] } }),
      /TYPE_STRING/,
    ],
    [
      "both kinds of schema",
      declares({ name: "f", parameters: {}, parametersJsonSchema: {} }),
      /must not both be set/,
    ],
    ["a function name with a digit first", declares({ name: "1f" }), /Invalid function name/],
    ["two functions of one name", declares({ name: "f" }, { name: "f" }), /Duplicate function declaration/],
    [
      "allowed names with AUTO",
      {
        ...declares({ name: "f" }),
        toolConfig: { functionCallingConfig: { mode: "AUTO", allowedFunctionNames: ["f"] } },
      },
      /ANY or VALIDATED/,
    ],
    [
      "fewer results than calls",
      { contents: [hello, turn("model", asks(), asks("g")), turn("user", answers())] },
      /number of function response parts is equal/,
    ],
    [
      "a result of nothing",
      { contents: [hello, turn("model", { text: "x" }), turn("user", answers())] },
      /immediately after a function call turn/,
    ],
    [
      "a result of another function",
      { contents: [hello, turn("model", asks()), turn("user", answers("g"))] },
      /does not match a function call/,
    ],
    [
      "a call without its signature",
      { model: "gemini-3-flash", contents: [hello, turn("model", asks()), turn("user", answers())] },
      /missing a thought_signature/,
    ],
    [
      "a foreign signature",
      {
        model: "gemini-3-flash",
        contents: [hello, turn("model", asks("f", { thoughtSignature: "Zm9v" })), turn("user", answers())],
      },
      /Corrupted thought signature/,
    ],
  ]);

  test("with the violated field", async () => {
    const { error } = await refusalOf(sample("gemini", { body: config({ maxTokens: 5 }) }));
    expect(error).toMatchObject({
      code: 400,
      status: "INVALID_ARGUMENT",
      details: [{ fieldViolations: [{ field: "generation_config" }] }],
    });
  });

  test("a stream that is no event stream with the error in an array", async () => {
    const { headers } = sample("gemini");
    const path = "/v1beta/models/gemini-3-flash:streamGenerateContent";
    const response = await post(simulator, { path, headers, body: { contents: [] } });
    expect(await response.json()).toEqual([expect.objectContaining({ error: expect.anything() })]);
  });
});

describe("accepted are", () => {
  const accepted: readonly (readonly [string, Dialect, Body, Record<string, string>?])[] = [
    [
      "Claude Code's first turn",
      "anthropic-messages",
      {
        model: "claude-opus-5",
        max_tokens: 128_000,
        thinking: { type: "adaptive", display: "omitted" },
        context_management: { edits: [{ type: "clear_thinking_20251015", keep: "all" }] },
        output_config: { effort: "high" },
        metadata: { user_id: JSON.stringify({ device_id: "d", session_id: "s" }) },
        system: [text("billing"), text("You are …", { cache_control: { type: "ephemeral", ttl: "1h" } })],
        tools: [{ ...claudeTool, input_schema: { $schema: "x", type: "object" }, defer_loading: true }],
        messages: [
          user([text("Hi")]),
          { role: "system", content: [text("Mind")], output_config: { effort: "low" } },
        ],
      },
      { "anthropic-beta": "context-management-2025-06-27,per-turn-control-2026-07-01,claude-code-20250219" },
    ],
    [
      "Codex with namespaces and freeform tools",
      "openai-responses",
      {
        model: "gpt-6",
        store: false,
        include: ["reasoning.encrypted_content"],
        client_metadata: { a: "b" },
        prompt_cache_key: "thread",
        reasoning: { effort: "medium", summary: "auto" },
        text: { verbosity: "low" },
        tools: [
          {
            type: "namespace",
            name: "agents",
            tools: [{ type: "function", name: "spawn", strict: false, parameters: {} }],
          },
          { type: "custom", name: "exec", format: { type: "grammar", syntax: "lark", definition: "x" } },
          { type: "web_search", external_web_access: false },
        ],
        input: [
          { type: "message", role: "developer", content: [{ type: "input_text", text: "x" }] },
          { role: "user", content: "spawn" },
        ],
      },
    ],
    [
      "gemini-cli, in camel case and with all its sampling",
      "gemini",
      {
        systemInstruction: { role: "user", parts: [{ text: "x" }] },
        ...declares({
          name: "f",
          parametersJsonSchema: { type: "object", additionalProperties: false, $schema: "x" },
        }),
        ...config({
          temperature: 1,
          topP: 0.95,
          topK: 64,
          thinkingConfig: { includeThoughts: true, thinkingBudget: -1 },
        }),
      },
    ],
    [
      "snake case for Gemini",
      "gemini",
      {
        system_instruction: { parts: [{ text: "x" }] },
        generation_config: {
          max_output_tokens: 50,
          response_mime_type: "application/json",
          thinking_config: { thinking_budget: 0 },
        },
        tool_config: { function_calling_config: { mode: "AUTO" } },
        safety_settings: [{ category: "HARM_CATEGORY_HARASSMENT", threshold: "BLOCK_NONE" }],
      },
    ],
    [
      "the dummy signature for Gemini 3",
      "gemini",
      {
        model: undefined,
        contents: [
          hello,
          turn("model", asks("f", { thoughtSignature: "skip_thought_signature_validator" }), asks("g")),
          turn("user", answers(), answers("g")),
        ],
      },
    ],
    [
      "several turns of one role for Anthropic",
      "anthropic-messages",
      { messages: [user(), user("again"), assistant(use()), user([result()]), user("and?")] },
    ],
    [
      "text around tools in Chat",
      "openai-chat",
      {
        tools: [fn("f")],
        messages: [
          { role: "developer", content: "x" },
          user([
            { type: "text", text: "x" },
            { type: "image_url", image_url: { url: "data:image/png;base64,AA==" } },
          ]),
          { role: "assistant", content: "let me see", tool_calls: [call("a"), call("b")] },
          { role: "tool", tool_call_id: "b", content: "x" },
          { role: "tool", tool_call_id: "a", content: [{ type: "text", text: "y" }] },
        ],
      },
    ],
  ];
  test.each(accepted)("%s", async (_, dialect, body, headers = {}) => {
    const model = dialect === "gemini" && "contents" in body ? "gemini-3-flash" : undefined;
    const request = sample(dialect, { body, ...(model === undefined ? {} : { model }) });
    const response = await post(simulator, { ...request, headers: { ...request.headers, ...headers } });
    expect(await response.text()).not.toContain('"error":{');
    expect(response.status).toBe(200);
  });

  test("a call in a namespace comes back in its namespace", async () => {
    const spawn = { type: "function", name: "spawn", strict: false, parameters: {} };
    const body = { tools: [{ type: "namespace", name: "agents", tools: [spawn] }], input: "spawn it" };
    const response = await post(simulator, sample("openai-responses", { body }));
    expect(await response.json()).toMatchObject({
      output: [{ type: "function_call", name: "spawn", namespace: "agents" }],
    });
  });
});
