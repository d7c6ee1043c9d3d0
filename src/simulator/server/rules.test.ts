// What genuine clients send, and what the simulated providers must therefore accept.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Dialect, post, sample, startForTest } from "../fixtures/simulator-under-test.ts";
import type { Simulator } from "./simulator.ts";

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startForTest();
});
afterAll(() => simulator.close());

type Body = Record<string, unknown>;

const fn = (name: string, parameters: Body = { type: "object", properties: {} }) => ({
  type: "function",
  function: { name, parameters },
});
const user = (content: unknown = "Hi") => ({ role: "user", content });
const call = (id: string) => ({ id, type: "function", function: { name: "f", arguments: "{}" } });
const claudeTool = { name: "f", input_schema: { type: "object" } };
const use = (id = "t1") => ({ type: "tool_use", id, name: "f", input: {} });
const result = (id = "t1") => ({ type: "tool_result", tool_use_id: id, content: "x" });
const assistant = (...content: unknown[]) => ({ role: "assistant", content });
const text = (value: string, more: Body = {}) => ({ type: "text", text: value, ...more });

const turn = (role: string, ...parts: unknown[]) => ({ role, parts });
const hello = turn("user", { text: "Hi" });
const asks = (name = "f", more: Body = {}) => ({ functionCall: { name, args: {} }, ...more });
const answers = (name = "f") => ({ functionResponse: { name, response: { output: "x" } } });
const config = (generationConfig: Body) => ({ generationConfig });
const declares = (...functionDeclarations: unknown[]) => ({ tools: [{ functionDeclarations }] });

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

  test("a name on the result of a tool (Chat), and the empty text behind a call that ended its stream (Gemini)", async () => {
    const call = { id: "c1", type: "function", function: { name: "weather", arguments: "{}" } };
    const chat = {
      messages: [
        { role: "user", content: "Hello" },
        { role: "assistant", content: null, tool_calls: [call] },
        { role: "tool", name: "weather", tool_call_id: "c1", content: "sunny" },
      ],
    };
    expect((await post(simulator, sample("openai-chat", { body: chat }))).status).toBe(200);
    const part = { functionCall: { name: "weather", args: {} } };
    const result = { functionResponse: { name: "weather", response: { result: "sunny" } } };
    const gemini = {
      contents: [
        { role: "user", parts: [{ text: "Hello" }] },
        { role: "model", parts: [part, { text: "" }] },
        { role: "user", parts: [result] },
      ],
    };
    const model = "gemini-2.5-flash";
    expect((await post(simulator, sample("gemini", { body: gemini, model }))).status).toBe(200);
  });

  const PARAMETERS = { type: "object", properties: { city: { type: "string" } } };
  const offered = (names: readonly string[]) =>
    names.map((name) => ({ type: "function", function: { name, parameters: PARAMETERS } }));
  test.each([
    ["Which tools do you have? Use a tool, such as weather.", []],
    ["<system-reminder>Tools: *. Call Agent, or use weather.</system-reminder>", []],
    ["weather", []],
    ["Use weather for Rome", ["weather"]],
    ["call the tools weather and time", ["weather", "time"]],
    ["Use weather, time, and nothing else", ["weather", "time"]],
    ["Use weatherman", []],
    ["[[call time {}]]", ["time"]],
  ])("tools are called by order alone: %p", async (content, called) => {
    const body = { messages: [{ role: "user", content }], tools: offered(["Agent", "weather", "time"]) };
    const answer = await (await post(simulator, sample("openai-chat", { body }))).json();
    const calls = (answer as { choices: { message: { tool_calls?: { function: { name: string } }[] } }[] })
      .choices[0]?.message.tool_calls;
    expect((calls ?? []).map((one) => one.function.name)).toEqual(called);
  });

  test("scripted calls leave out a tool that starts another agent", async () => {
    const body = { messages: [{ role: "user", content: "Hello" }], tools: offered(["Agent", "weather"]) };
    const answer = await (await post(simulator, sample("openai-chat", { body, fault: "calls=2" }))).text();
    expect(answer).not.toContain("Agent");
    expect(answer.match(/"name":"weather"/g)).toHaveLength(2);
  });

  test("a call in a namespace comes back in its namespace", async () => {
    const spawn = { type: "function", name: "spawn", strict: false, parameters: {} };
    const body = { tools: [{ type: "namespace", name: "agents", tools: [spawn] }], input: "Use spawn" };
    const response = await post(simulator, sample("openai-responses", { body }));
    expect(await response.json()).toMatchObject({
      output: [{ type: "function_call", name: "spawn", namespace: "agents" }],
    });
  });
});
