import { describe, expect, test } from "bun:test";
import type { JsonObject } from "../../core/json.ts";
import { anthropicMessagesCodec as codec } from "./codec.ts";
import {
  assistant,
  fieldsOf,
  refusalOf,
  result,
  text,
  tool,
  toolNames,
  use,
  user,
} from "./fixtures/body-under-test.ts";
import { decodeBody } from "./fixtures/codec-under-test.ts";

/** By what Claude Code 2.1.330 was seen to send for a current model (2026-11). */
const CLAUDE_CODE = {
  model: "claude-opus-5",
  max_tokens: 128_000,
  stream: true,
  thinking: { type: "adaptive", display: "omitted" },
  context_management: { edits: [{ type: "clear_thinking_20251015", keep: "all" }] },
  output_config: { effort: "high" },
  metadata: {
    user_id: JSON.stringify({ device_id: "d".repeat(64), account_uuid: "", session_id: "s".repeat(36) }),
  },
  system: [
    text("x-anthropic-billing-header: cc_version=2.1.330; cc_entrypoint=cli;"),
    text("You are Claude Code.", { cache_control: { type: "ephemeral", ttl: "1h" } }),
    text("Rules.", { cache_control: { type: "ephemeral" } }),
  ],
  tools: [
    tool("Bash", {
      description: "Runs",
      input_schema: {
        $schema: "https://json-schema.org/draft/2020-12/schema",
        type: "object",
        properties: {},
      },
    }),
    tool("ToolSearch"),
    tool("Later", { defer_loading: true }),
  ],
  messages: [
    user(text("Edit a file")),
    {
      role: "system",
      content: [text("Mind the time.", { cache_control: { type: "ephemeral" } })],
      output_config: { effort: "low" },
    },
  ],
};

describe("Claude Code", () => {
  test("H-69, H-146 its first request loses nothing that it can miss", () => {
    const { request, dropped, replyContext } = decodeBody(CLAUDE_CODE);
    expect(dropped).toEqual([]);
    expect(replyContext).toEqual({ showsThinking: false });
    expect(request.system).toEqual([
      { type: "text", text: "You are Claude Code.", cache: { ttl: "1h" } },
      { type: "text", text: "Rules.", cache: { ttl: null } },
    ]);
    expect(request.messages).toEqual([
      { role: "user", parts: [{ type: "text", text: "Edit a file" }] },
      { role: "system", parts: [{ type: "text", text: "Mind the time.", cache: { ttl: null } }] },
    ]);
    expect(request.reasoning).toEqual({ effort: "low", budgetTokens: null, isDynamic: true, isShown: false });
    expect(request.userId).toHaveLength(CLAUDE_CODE.metadata.user_id.length);
    expect(toolNames(CLAUDE_CODE)).toEqual(["Bash", "ToolSearch"]);
  });

  test("a tool that a search has brought up is shown", () => {
    const found = { type: "tool_reference", tool_name: "Later" };
    const messages = [
      ...CLAUDE_CODE.messages.slice(0, 1),
      assistant({ ...use("t1"), name: "ToolSearch" }),
      user(result("t1", { content: [found] })),
    ];
    expect(toolNames({ ...CLAUDE_CODE, messages })).toEqual(["Bash", "ToolSearch", "Later"]);
    const last = decodeBody({ ...CLAUDE_CODE, messages }).request.messages.at(-1);
    expect(last?.parts).toMatchObject([
      { content: [{ type: "text", text: '{"type":"tool_reference","tool_name":"Later"}' }] },
    ]);
  });

  test("without a tool to search with, deferred tools are shown and named", () => {
    const body = { tools: [tool("a"), tool("b", { defer_loading: true })] };
    expect(toolNames(body)).toEqual(["a", "b"]);
    expect(fieldsOf(body)).toEqual(["tools[1].defer_loading"]);
  });

  test("additions and removals count at the end of the history", () => {
    const change = (type: string, toolRef: object) => ({ type, tool: toolRef });
    const ref = (name: string) => ({ type: "tool_reference", name });
    const messages = [
      user(text("Hi")),
      { role: "system", content: [change("tool_removal", ref("a")), change("tool_addition", ref("b"))] },
      assistant(text("ok")),
      user(text("go")),
      {
        role: "system",
        content: [
          change("tool_addition", { type: "tool_definition", definition: tool("d") }),
          change("tool_removal", ref("c")),
          change("tool_addition", ref("c")),
        ],
      },
    ];
    const tools = [tool("ToolSearch"), tool("a"), tool("b", { defer_loading: true }), tool("c")];
    expect(toolNames({ messages, tools })).toEqual(["ToolSearch", "b", "c", "d"]);
    expect(decodeBody({ messages, tools }).request.messages).toHaveLength(3);
  });

  test("an instruction that is over with the next words of the user is not sent behind them", () => {
    const note = { role: "system", content: "Only now.", clear_at: "next_user_message" };
    expect(decodeBody({ messages: [user(text("a")), note] }).request.messages).toHaveLength(2);
    expect(
      decodeBody({ messages: [user(text("a")), note, assistant(text("b")), user(text("c"))] }).request
        .messages,
    ).toHaveLength(3);
  });
});

describe("thinking", () => {
  const reasoningOf = (body: JsonObject) => decodeBody(body).request.reasoning;

  test("what is said is carried, in words or in tokens", () => {
    expect(reasoningOf({})).toBeNull();
    expect(reasoningOf({ thinking: { type: "adaptive" } })).toEqual({
      effort: null,
      budgetTokens: null,
      isDynamic: true,
      isShown: true,
    });
    expect(reasoningOf({ thinking: { type: "enabled", budget_tokens: 4096 } })).toEqual({
      effort: null,
      budgetTokens: 4096,
      isDynamic: false,
      isShown: true,
    });
    expect(reasoningOf({ output_config: { effort: "xhigh" } })).toEqual({
      effort: "xhigh",
      budgetTokens: null,
      isDynamic: false,
      isShown: null,
    });
  });

  test.each(["disabled", "between_tools"])("%s is off, whatever the effort", (type) => {
    expect(reasoningOf({ thinking: { type }, output_config: { effort: "high" } })?.effort).toBe("none");
  });

  test("H-95, H-94 thinking of the history keeps its signature; without one it has none", () => {
    const { request } = decodeBody({
      messages: [
        user(text("a")),
        assistant(
          { type: "thinking", thinking: "hm", signature: "c2ln" },
          { type: "thinking", thinking: "x", signature: "" },
          { type: "redacted_thinking", data: "QUJD" },
        ),
      ],
    });
    expect(request.messages[1]?.parts).toEqual([
      { type: "reasoning", text: "hm", seal: { maker: "anthropic", place: "reasoning", data: "c2ln" } },
      { type: "reasoning", text: "x", seal: null },
      { type: "reasoning", text: "", seal: { maker: "anthropic", place: "redacted", data: "QUJD" } },
    ]);
  });
});

describe("members of the body", () => {
  test("H-119 unknown ones are named, and what only Anthropic has is named with the reason", () => {
    expect(
      fieldsOf({
        brand_new: 1,
        fallbacks: [],
        speed: "fast",
        diagnostics: {},
        betas: ["x"],
        context_management: { edits: [{ type: "clear_tool_uses_20250919" }] },
        metadata: { user_id: "u", more: 1 },
        output_config: { task_budget: {} },
      }),
    ).toEqual([
      "brand_new",
      "fallbacks",
      "speed",
      "diagnostics",
      "context_management",
      "output_config.task_budget",
      "metadata.more",
    ]);
  });

  test.each([
    ["thread", { thread: { type: "create" } }],
    ["mcp_servers", { mcp_servers: [{ type: "url", url: "https://a.example/", name: "a" }] }],
    ["container", { container: "c_1" }],
    ["inference_geo", { inference_geo: "us" }],
    ["max_tokens", { max_tokens: 0 }],
    ["messages[0].content[0].type", { messages: [user({ type: "container_upload", file_id: "f" })] }],
    [
      "messages[1].content[0]",
      { messages: [user(text("a")), assistant({ type: "compaction", content: "c" })] },
    ],
  ])("%s is refused by name, as no other provider can take it", (param, body) => {
    const error = refusalOf(body);
    expect([error.kind, error.param]).toEqual(["not_translatable", param]);
    expect(error.message).toStartWith(`${param}: `);
  });

  test("a thread is refused in the words on which the SDK goes on without one", () => {
    expect(refusalOf({ thread: { type: "create" } }).details).toEqual({
      error_code: "thread_unsupported_request",
      unsupported: ["thread"],
    });
  });

  test.each([
    ["model", { model: 1 }],
    ["messages", { messages: "Hi" }],
    ["messages", { messages: [] }],
    ["messages[0]", { messages: ["Hi"] }],
    ["messages[0].role", { messages: [{ role: "tool", content: "x" }] }],
    ["messages[0].content", { messages: [{ role: "user" }] }],
    ["messages[0].content[0]", { messages: [{ role: "user", content: [1] }] }],
    ["messages[0].content[0].text", { messages: [user({ type: "text" })] }],
    ["messages[0].content[0].source.type", { messages: [user({ type: "image", source: { type: "x" } })] }],
    ["messages[0].content[0].tool_use_id", { messages: [user({ type: "tool_result" })] }],
    ["tools[0].input_schema", { tools: [{ name: "f" }] }],
    ["tools[0].name", { tools: [{ input_schema: {} }] }],
    ["tool_choice.type", { tool_choice: { type: "x" } }],
    ["tool_choice.name", { tool_choice: { type: "tool", name: "x" } }],
    ["thinking.type", { thinking: { type: "x" } }],
    ["output_config.effort", { output_config: { effort: "huge" } }],
    ["output_config.format.type", { output_config: { format: { type: "x" } } }],
    ["max_tokens", { max_tokens: -1 }],
    ["stop_sequences[0]", { stop_sequences: [1] }],
    ["temperature", { temperature: "hot" }],
    ["system[0].type", { system: [{ type: "image" }] }],
    ["cache_control", { cache_control: 1 }],
  ])("a wrong %s is a 400 that says where", (param, body) => {
    const error = refusalOf(body);
    expect([error.kind, error.param]).toEqual(["bad_request", param]);
    expect(error.message).toMatch(/must|is not among/);
  });

  test("the rest has its place", () => {
    const { request } = decodeBody({
      system: "Be brief.",
      temperature: 0.5,
      top_p: 0.9,
      top_k: 5,
      stop_sequences: ["END"],
      service_tier: "standard_only",
      cache_control: { type: "ephemeral", ttl: "1h" },
      output_config: { format: { type: "json_schema", schema: { type: "object" } } },
    });
    expect(request).toMatchObject({
      system: [{ type: "text", text: "Be brief." }],
      sampling: { temperature: 0.5, topP: 0.9, topK: 5 },
      stop: ["END"],
      serviceTier: "standard_only",
      cacheWhole: { ttl: "1h" },
      output: { kind: "json-schema", schema: { type: "object" } },
      maxOutputTokens: 100,
      stream: false,
    });
  });

  test("the body of a count has no limit", () => {
    const { request } = codec.decodeRequest(
      { model: "m", messages: [user(text("Hi"))] },
      { model: "", stream: false },
    );
    expect(request.maxOutputTokens).toBeNull();
  });
});
