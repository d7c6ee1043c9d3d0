/** What clients of the Responses API send: shapes as documented (types of openai 7.57), and as Codex 0.169 sends them (2026-11). */
import { describe, expect, test } from "bun:test";
import { GatewayError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Seal } from "../../neutral/message.ts";
import type { ModelRequest } from "../../neutral/request.ts";
import { wrapSeal } from "../../neutral/seal.ts";
import type { DecodedRequest } from "../codec.ts";
import { openaiResponsesCodec as codec } from "./codec.ts";

const decode = (body: JsonObject): DecodedRequest =>
  codec.decodeRequest({ model: "m", input: "hi", ...body }, { model: "m", stream: false });
const requestOf = (body: JsonObject): ModelRequest => decode(body).request;
const droppedOf = (body: JsonObject): string[] => decode(body).dropped.map((drop) => drop.field);

function errorOf(body: JsonObject): GatewayError {
  try {
    decode(body);
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

const user = (text: string): object => ({ role: "user", parts: [{ type: "text", text }] });
const call = (id: string, more: JsonObject = {}): JsonObject => ({
  type: "function_call",
  call_id: id,
  name: "f",
  arguments: "{}",
  ...more,
});
const output = (id: string, text = "ok"): JsonObject => ({
  type: "function_call_output",
  call_id: id,
  output: text,
});

describe("input", () => {
  test("H-81 a text, items without a type, statuses, ids of any length and unknown members are taken", () => {
    expect(requestOf({ input: "hello" }).messages).toEqual([user("hello")] as never);
    const { request, dropped } = decode({
      input: [
        { role: "user", content: "a" },
        { role: "assistant", content: "b", id: `msg_${"x".repeat(80)}`, status: "completed" },
        { type: "message", role: "user", content: [{ type: "input_text", text: "c" }], shiny: 1 },
      ],
    });
    expect(request.messages).toEqual([
      user("a"),
      { role: "assistant", parts: [{ type: "text", text: "b" }], at: "input[1]" },
      user("c"),
    ] as never);
    expect(dropped.map((drop) => drop.field)).toEqual(["input[2].shiny"]);
  });

  test("instructions and leading items of the system come first, later ones stay in their place", () => {
    const { system, messages } = requestOf({
      instructions: "one",
      input: [
        { role: "developer", content: "two" },
        { role: "system", content: [{ type: "input_text", text: "three" }] },
        { role: "user", content: "a" },
        { role: "developer", content: "four" },
      ],
    });
    expect(system.map((part) => part.text)).toEqual(["one", "two", "three"]);
    expect(messages.map((message) => message.role)).toEqual(["user", "system"]);
  });

  test("H-79 a message and the calls behind it are one turn, their results another", () => {
    const { messages } = requestOf({
      input: [
        { role: "user", content: "a" },
        {
          role: "assistant",
          content: [{ type: "output_text", text: "b", annotations: [] }],
          phase: "commentary",
        },
        call("1"),
        call("2", { name: "g", namespace: "ns", arguments: "" }),
        output("1"),
        {
          type: "function_call_output",
          call_id: "2",
          output: [{ type: "input_image", image_url: "https://a/b.png" }],
        },
      ],
    });
    expect(messages.slice(1)).toEqual([
      {
        role: "assistant",
        at: "input[1]",
        parts: [
          { type: "text", text: "b", phase: "commentary" },
          { type: "tool-call", id: "1", name: "f", namespace: null, kind: "function", input: "{}" },
          { type: "tool-call", id: "2", name: "g", namespace: "ns", kind: "function", input: "" },
        ],
      },
      {
        role: "user",
        parts: [
          {
            type: "tool-result",
            callId: "1",
            name: null,
            content: [{ type: "text", text: "ok" }],
            isError: false,
            at: "input[4]",
          },
          {
            type: "tool-result",
            callId: "2",
            name: null,
            content: [
              {
                type: "image",
                source: { kind: "url", url: "https://a/b.png", mimeType: null },
                detail: null,
                at: "input[5].output[0]",
              },
            ],
            isError: false,
            at: "input[5]",
          },
        ],
      },
    ] as never);
  });

  test("H-78 reasoning stands directly before the call that it led to, in one turn", () => {
    const sealed = (data: string, summary: string[] = []): JsonObject => ({
      type: "reasoning",
      id: "rs_1",
      summary: summary.map((text) => ({ type: "summary_text", text })),
      encrypted_content: data,
    });
    const claude: Seal = { maker: "anthropic", place: "reasoning", data: "AA" };
    const gemini: Seal = { maker: "gemini", place: "call", data: "BB" };
    const { messages } = requestOf({
      input: [
        { role: "user", content: "a" },
        sealed(wrapSeal(claude), ["hm"]),
        call("1"),
        sealed(wrapSeal(gemini)),
        call("2"),
        sealed("gAAAA", ["x", "y"]),
        call("3"),
        output("1"),
        output("2"),
        output("3"),
      ],
    });
    expect(messages.map((message) => message.role)).toEqual(["user", "assistant", "user"]);
    expect(messages[1]?.parts).toMatchObject([
      { type: "reasoning", text: "hm", seal: claude },
      { type: "tool-call", id: "1" },
      { type: "tool-call", id: "2", seal: gemini },
      { type: "reasoning", text: "x\n\ny", seal: { maker: "openai", place: "reasoning", data: "gAAAA" } },
      { type: "tool-call", id: "3" },
    ]);
  });

  test("state of a text is that of the text right before it, or of nothing that was said", () => {
    const sealed = (data: string): JsonObject => ({
      type: "reasoning",
      summary: [],
      encrypted_content: wrapSeal({ maker: "gemini", place: "text", data }),
    });
    const said = { role: "assistant", content: [{ type: "output_text", text: "a" }] };
    const { messages } = requestOf({ input: [said, sealed("A"), call("1"), sealed("B"), output("1")] });
    expect(messages[0]?.parts).toMatchObject([
      { type: "text", text: "a", seal: { data: "A" } },
      { type: "tool-call", id: "1" },
      { type: "reasoning", text: "", seal: { maker: "gemini", place: "text", data: "B" } },
    ]);
  });

  test("files, images and sound say where they stood", () => {
    const content = [
      { type: "input_image", image_url: "data:image/JPG;base64,AAAA", detail: "high" },
      { type: "input_image", file_id: "file_1" },
      { type: "input_file", filename: "a.pdf", file_data: "data:application/pdf;base64,AAAA" },
      { type: "input_file", file_url: "https://a/b.pdf" },
      { type: "input_audio", input_audio: { data: "AAAA", format: "mp3" } },
    ];
    expect(requestOf({ input: [{ role: "user", content }] }).messages[0]?.parts).toMatchObject([
      {
        type: "image",
        source: { kind: "base64", mimeType: "image/jpeg", data: "AAAA" },
        detail: "high",
        at: "input[0].content[0]",
      },
      { type: "image", source: { kind: "provider-file", id: "file_1", maker: "openai" } },
      {
        type: "document",
        source: { kind: "base64", mimeType: "application/pdf", data: "AAAA" },
        title: "a.pdf",
      },
      { type: "document", source: { kind: "url", url: "https://a/b.pdf" } },
      { type: "audio", source: { kind: "base64", mimeType: "audio/mpeg", data: "AAAA" } },
    ]);
  });

  test("marks of the cache stay on their parts", () => {
    const content = [
      { type: "input_text", text: "a", prompt_cache_breakpoint: { mode: "explicit", ttl: "12h" } },
    ];
    expect(requestOf({ input: [{ role: "user", content }] }).messages[0]?.parts).toEqual([
      { type: "text", text: "a", cache: { ttl: "12h" } },
    ]);
    expect(requestOf({ prompt_cache_options: { mode: "implicit", ttl: "30m" } }).cacheWhole).toEqual({
      ttl: "30m",
    });
    expect(requestOf({ prompt_cache_options: { mode: "explicit" } }).cacheWhole).toBeNull();
  });

  test("what the provider did is kept for it", () => {
    const search = {
      id: "ws_1",
      type: "web_search_call",
      status: "completed",
      action: { type: "search", query: "q" },
    };
    const image = { id: "ig_1", type: "image_generation_call", status: "completed", result: "AAAA" };
    const run = { id: "ci_1", type: "code_interpreter_call", code: "1", status: "completed" };
    const { messages } = requestOf({ input: [{ role: "user", content: "a" }, search, image, run] });
    expect(messages[1]?.parts).toMatchObject([
      { type: "search", queries: ["q"], raw: { maker: "openai", place: "raw" } },
      { type: "image", source: { kind: "base64", mimeType: "image/png", data: "AAAA" } },
      { type: "opaque", name: "code_interpreter_call", raw: { data: JSON.stringify(run) } },
    ]);
  });
});

describe("tools", () => {
  test("H-82 tools of a namespace know it, and its description is kept", () => {
    const tools = [
      {
        type: "namespace",
        name: "multi_agent_v1",
        description: "Agents.",
        tools: [
          { type: "function", name: "spawn_agent", description: "Spawns.", parameters: {}, strict: false },
          { type: "custom", name: "say" },
        ],
      },
    ];
    expect(requestOf({ tools }).tools).toMatchObject([
      {
        kind: "function",
        name: "spawn_agent",
        namespace: "multi_agent_v1",
        description: "Agents.\n\nSpawns.",
        strict: false,
        at: "tools[0].tools[0]",
      },
      { kind: "custom", name: "say", namespace: "multi_agent_v1", grammar: null },
    ]);
  });

  test("H-84 tools that items add are tools, from the first item to the last", () => {
    const added = (name: string): JsonObject => ({
      type: "additional_tools",
      role: "developer",
      tools: [
        { type: "custom", name, format: { type: "grammar", syntax: "lark", definition: "start: /.+/" } },
      ],
    });
    const { tools, messages, system } = requestOf({
      input: [
        added("exec"),
        { role: "developer", content: "d" },
        { role: "user", content: "a" },
        added("wait"),
      ],
    });
    expect(tools).toMatchObject([
      {
        kind: "custom",
        name: "exec",
        grammar: { syntax: "lark", definition: "start: /.+/" },
        at: "input[0].tools[0]",
      },
      { kind: "custom", name: "wait", at: "input[3].tools[0]" },
    ]);
    expect([messages.length, system.length]).toEqual([1, 1]);
  });

  test("H-85 a search of the web keeps its limits; one without access to it is left out by name", () => {
    const search = {
      type: "web_search",
      filters: { allowed_domains: ["a.org"] },
      user_location: { type: "approximate", country: "DE", city: null },
      search_context_size: "low",
    };
    expect(requestOf({ tools: [search], max_tool_calls: 3 }).tools).toEqual([
      {
        kind: "web-search",
        allowedDomains: ["a.org"],
        blockedDomains: null,
        maxUses: 3,
        userLocation: { country: "DE" },
        contextSize: "low",
        externalAccess: null,
        at: "tools[0]",
      },
    ]);
    const cached = {
      tools: [{ type: "web_search", external_web_access: false }],
      tool_choice: { type: "web_search" },
    };
    expect(requestOf(cached)).toMatchObject({ tools: [], toolChoice: null });
    expect(droppedOf(cached)).toEqual(["tools[0]", "tool_choice"]);
  });

  test("hosted tools are carried with their place, for the target to refuse", () => {
    expect(requestOf({ tools: [{ type: "file_search", vector_store_ids: ["vs_1"] }] }).tools).toMatchObject([
      { kind: "hosted", maker: "openai", type: "file_search", at: "tools[0]" },
    ]);
  });

  test("deferred tools are shown when they have been found, or when nothing can search", () => {
    const tool = (name: string): JsonObject => ({
      type: "function",
      name,
      parameters: {},
      defer_loading: true,
    });
    const names = (body: JsonObject): unknown =>
      requestOf(body).tools.map((one) =>
        "name" in one ? [one.name, "isDeferred" in one && one.isDeferred] : one,
      );
    const own = { type: "tool_search", execution: "client", parameters: { type: "object" } };
    const found = [
      { role: "user", content: "a" },
      { type: "tool_search_call", call_id: "1", execution: "client", arguments: { query: "x" } },
      { type: "tool_search_output", call_id: "1", execution: "client", tools: [tool("b"), tool("c")] },
    ];
    expect(names({ tools: [tool("a"), tool("b"), own], input: found })).toEqual([
      ["b", false],
      ["tool_search", false],
      ["c", false],
    ]);
    expect(requestOf({ tools: [own], input: found }).messages.slice(1)).toMatchObject([
      { parts: [{ type: "tool-call", id: "1", name: "tool_search", input: '{"query":"x"}' }] },
      {
        parts: [
          { type: "tool-result", callId: "1", content: [{ text: "Tools that can be called now: b, c" }] },
        ],
      },
    ]);
    const hosted = { tools: [tool("a"), { type: "tool_search" }] };
    expect(names(hosted)).toEqual([["a", false]]);
    expect(droppedOf(hosted)).toEqual(["tools[0].defer_loading"]);
  });

  test("a choice among tools", () => {
    const choice = (tool_choice: unknown): unknown => requestOf({ tool_choice }).toolChoice;
    expect(choice("required")).toEqual({ mode: "required" });
    expect(choice({ type: "custom", name: "f" })).toEqual({
      mode: "tool",
      tool: { name: "f", namespace: null },
    });
    expect(
      choice({ type: "allowed_tools", mode: "required", tools: [{ type: "function", name: "f" }] }),
    ).toEqual({
      mode: "subset",
      tools: [{ name: "f", namespace: null }],
      isRequired: true,
    });
    expect(choice({ type: "web_search_preview" })).toEqual({ mode: "web-search" });
    expect(errorOf({ tool_choice: { type: "mcp", server_label: "x" } })).toMatchObject({
      kind: "not_translatable",
      param: "tool_choice",
    });
  });
});

describe("settings", () => {
  test("what Codex sends is taken without a loss", () => {
    const body = {
      stream: true,
      store: false,
      include: ["reasoning.encrypted_content"],
      client_metadata: { session: "x" },
      prompt_cache_key: "thread-1",
      parallel_tool_calls: true,
      reasoning: { effort: "medium", summary: "auto", context: "all_turns" },
      text: { verbosity: "low" },
      tool_choice: "auto",
    };
    const { request, dropped } = decode(body);
    expect(dropped).toEqual([]);
    expect(request).toMatchObject({
      stream: true,
      cacheKey: "thread-1",
      parallelToolCalls: true,
      reasoning: { effort: "medium", budgetTokens: null, isDynamic: false, isShown: true },
      verbosity: "low",
      toolChoice: { mode: "auto" },
    });
  });

  test("limits, sampling and the rest", () => {
    const schema = { type: "object", properties: {} };
    const request = requestOf({
      max_output_tokens: 10,
      temperature: 0.5,
      top_p: 0.9,
      top_logprobs: 2,
      include: ["message.output_text.logprobs"],
      text: { format: { type: "json_schema", name: "n", schema, strict: true } },
      metadata: { a: "b" },
      safety_identifier: "u",
      service_tier: "flex",
    });
    expect(request).toMatchObject({
      maxOutputTokens: 10,
      sampling: { temperature: 0.5, topP: 0.9, topK: null },
      logprobs: 2,
      output: { kind: "json-schema", name: "n", schema, strict: true, description: null },
      metadata: { a: "b" },
      userId: "u",
      serviceTier: "flex",
    });
    expect(requestOf({ text: { format: { type: "json_object" } } }).output).toEqual({ kind: "json" });
    expect(requestOf({ reasoning: {} }).reasoning).toBeNull();
  });

  test("an item that changes the settings changes them from there on", () => {
    const input = [
      { role: "user", content: "a" },
      { type: "configuration_update", reasoning: { effort: "low" } },
    ];
    expect(requestOf({ reasoning: { effort: "high", summary: "auto" }, input }).reasoning).toMatchObject({
      effort: "low",
      isShown: true,
    });
  });

  test("settings without a counterpart are dropped by name", () => {
    expect(
      droppedOf({
        truncation: "auto",
        context_management: [{ type: "compaction" }],
        moderation: { model: "x" },
        access_programs: {},
        reasoning: { effort: "low", mode: "pro" },
        include: ["no.such"],
        brand_new: 1,
        store: true,
        stream_options: { include_obfuscation: false },
      }).toSorted(),
    ).toEqual([
      "access_programs",
      "brand_new",
      "context_management",
      "include[0]",
      "moderation",
      "reasoning.mode",
      "truncation",
    ]);
  });
});

test("a reference to reasoning that is stored elsewhere is left out by name", () => {
  const body = {
    model: "m",
    input: [
      { type: "item_reference", id: "rs_1" },
      { role: "user", content: "go on" },
    ],
  };
  const { request, dropped } = decode(body);
  expect(request.messages).toMatchObject([{ role: "user", parts: [{ text: "go on" }] }]);
  expect(dropped.map(({ field }) => field)).toEqual(["input[0]"]);
});

describe("what is refused", () => {
  test.each([
    [{ previous_response_id: "resp_1" }, "previous_response_id"],
    [{ conversation: { id: "conv_1" } }, "conversation"],
    [{ prompt: { id: "pmpt_1" } }, "prompt"],
    [{ background: true }, "background"],
    [{ input: [{ type: "item_reference", id: "msg_1" }] }, "input[0]"],
    [{ input: [{ type: "compaction", encrypted_content: "x" }] }, "input[0]"],
    [{ input: [{ type: "shell_call_output", call_id: "1", output: [] }] }, "input[0]"],
    [{ moderation: { input: { mode: "block" } } }, "moderation"],
    [{ prompt_cache_options: { prewarm: true } }, "prompt_cache_options.prewarm"],
  ] as [JsonObject, string][])("H-80 state and safeguards at OpenAI: %j", (body, param) => {
    expect(errorOf(body)).toMatchObject({ kind: "not_translatable", param });
  });

  test.each([
    [{ model: 7 }, "model"],
    [{ input: 7 }, "input"],
    [{ input: [7] }, "input[0]"],
    [{ input: [{ content: "x" }] }, "input[0].type"],
    [{ input: [{ role: "tool", content: "x" }] }, "input[0].role"],
    [{ input: [{ role: "user", content: 7 }] }, "input[0].content"],
    [{ input: [{ role: "user", content: [{ type: "video" }] }] }, "input[0].content[0].type"],
    [{ input: [{ role: "user", content: [{ type: "input_image" }] }] }, "input[0].content[0]"],
    [{ input: [{ type: "function_call", name: "f", arguments: "{}" }] }, "input[0].call_id"],
    [{ input: [{ type: "function_call_output", call_id: "1" }] }, "input[0].output"],
    [{ tools: [{ type: "function" }] }, "tools[0].name"],
    [{ tools: [{ type: "function", name: "f", parameters: [] }] }, "tools[0].parameters"],
    [{ max_output_tokens: 0 }, "max_output_tokens"],
    [{ temperature: "hot" }, "temperature"],
    [{ reasoning: { effort: "huge" } }, "reasoning.effort"],
    [{ text: { format: { type: "xml" } } }, "text.format.type"],
  ] as [JsonObject, string][])("H-112 what is of the wrong type is named: %j", (body, param) => {
    const error = errorOf(body);
    expect(error).toMatchObject({ kind: "bad_request", param });
    expect(error.message).toContain(param);
  });
});

test("H-144 thousands of tools and deep schemas take linear time; what is too deep is refused", () => {
  const nested = (depth: number): object => {
    let schema: object = { type: "string" };
    for (let level = 0; level < depth; level++) schema = { items: schema };
    return schema;
  };
  const tools = Array.from({ length: 2000 }, (_, n) => ({
    type: "function",
    name: `f${n}`,
    parameters: nested(100),
  }));
  expect(requestOf({ tools }).tools.length).toBe(2000);
  expect(requestOf({ tools: [{ type: "function", name: "f", parameters: nested(400) }] }).tools.length).toBe(
    1,
  );
  expect(errorOf({ tools: [{ type: "function", name: "f", parameters: nested(600) }] }).kind).toBe(
    "bad_request",
  );
});

test("H-145 keys of the prototype are data", () => {
  const body = JSON.parse(
    '{"metadata":{"__proto__":"x"},"__proto__":{"stream":true},"input":"a","model":"m"}',
  );
  const { request, dropped } = codec.decodeRequest(body, { model: "m", stream: false });
  expect(Object.keys(request.metadata ?? {})).toEqual(["__proto__"]);
  expect(request.stream).toBe(false);
  expect(dropped.map((drop) => drop.field)).toEqual(["__proto__"]);
});
