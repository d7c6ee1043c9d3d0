// What Anthropic refuses, in its own words.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  caseRequest,
  type RefusalCase,
  refusalOf,
  sample,
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
const claudeTool = { name: "f", input_schema: { type: "object" } };
const use = (id = "t1") => ({ type: "tool_use", id, name: "f", input: {} });
const result = (id = "t1") => ({ type: "tool_result", tool_use_id: id, content: "x" });
const assistant = (...content: unknown[]) => ({ role: "assistant", content });
const text = (value: string, more: Body = {}) => ({ type: "text", text: value, ...more });
const adaptive = { thinking: { type: "adaptive" } };
const enabled = { thinking: { type: "enabled", budget_tokens: 1024 }, max_tokens: 5000 };

describe("Anthropic refuses", () => {
  test.each<RefusalCase>([
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
  ])("%s", async (_, body, message) => {
    const { status, error } = await refusalOf(simulator, caseRequest("anthropic-messages", body));
    expect(error.message).toMatch(message);
    expect(status).toBeOneOf([400, 404]);
  });

  describe("under version 2026-10-21", () => {
    const headers = { "anthropic-version": "2026-10-21" };
    const document = { type: "document", source: { type: "text", media_type: "text/plain", data: "x" } };
    test.each<RefusalCase>([
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
    ])("%s", async (_, body, message) => {
      const { status, error } = await refusalOf(simulator, caseRequest("anthropic-messages", body, headers));
      expect(error.message).toMatch(message);
      expect(status).toBeOneOf([400, 404]);
    });
  });

  test.each([
    [{ "anthropic-version": "2024-01-01" }, /not a valid version/],
    [{ "anthropic-beta": "no date" }, /Unexpected value\(s\) `no date`/],
    [{ origin: "https://example.com" }, /^CORS requests/],
  ])("headers %o", async (headers, message) => {
    const good = sample("anthropic-messages");
    const { error } = await refusalOf(simulator, { ...good, headers: { ...good.headers, ...headers } });
    expect(error.message).toMatch(message);
  });

  test("no version", async () => {
    const { "anthropic-version": _, ...headers } = sample("anthropic-messages").headers;
    const { error } = await refusalOf(simulator, { ...sample("anthropic-messages"), headers });
    expect(error.message).toBe("anthropic-version: header is required");
  });

  test("max_tokens when only counting", async () => {
    const request = sample("anthropic-messages");
    const { error } = await refusalOf(simulator, { ...request, path: "/v1/messages/count_tokens" });
    expect(error.message).toMatch(/^max_tokens: Extra inputs|^stream: Extra inputs/);
  });

  test("a thread, in the words on which the SDK goes on without one", async () => {
    const good = sample("anthropic-messages", { body: { thread: {} } });
    const { error } = await refusalOf(simulator, {
      ...good,
      headers: { ...good.headers, "anthropic-beta": "message-threads-2026-08-12" },
    });
    expect(error).toHaveProperty("details.error_code", "thread_unsupported_request");
  });
});
