/** What an upstream of the Responses API is sent. */
import { describe, expect, test } from "bun:test";
import { GatewayError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type { AssistantPart, Message, Seal, UserPart } from "../../neutral/message.ts";
import type { FunctionTool, ModelRequest, WebSearchTool } from "../../neutral/request.ts";
import type { ModelTraits } from "../../neutral/traits.ts";
import { COMPATIBLE } from "../../upstreams/profiles.ts";
import type { EncodeRequestOptions } from "../codec.ts";
import { openaiResponsesCodec as codec } from "./codec.ts";
import { decodeError } from "./error-decode.ts";
import { GPT, requestOf, TRAITS } from "./fixtures/codec-under-test.ts";

interface Body extends JsonObject {
  readonly input: readonly (JsonObject & { readonly type: string })[];
  readonly tools: readonly JsonObject[];
}

const encode = (more: Partial<ModelRequest>, options: Partial<EncodeRequestOptions> = {}) => {
  const encoded = codec.encodeRequest(requestOf(more), { ...GPT, ...options });
  return { ...encoded, body: JSON.parse(JSON.stringify(encoded.body)) as Body };
};
const bodyOf = (more: Partial<ModelRequest>, options?: Partial<EncodeRequestOptions>): Body =>
  encode(more, options).body;
const droppedOf = (more: Partial<ModelRequest>, options?: Partial<EncodeRequestOptions>): string[] =>
  encode(more, options).dropped.map((drop) => drop.field);
const traits = (more: Partial<ModelTraits>): Partial<EncodeRequestOptions> => ({
  traits: { ...TRAITS, ...more },
});

function errorOf(more: Partial<ModelRequest>, options?: Partial<EncodeRequestOptions>): GatewayError {
  try {
    encode(more, options);
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

const text = (value: string) => ({ type: "text" as const, text: value });
const user = (...parts: UserPart[]): Message => ({ role: "user", parts });
const assistant = (...parts: AssistantPart[]): Message => ({ role: "assistant", parts });
const call = (id: string, kind: "function" | "custom" = "function"): AssistantPart => ({
  type: "tool-call",
  id,
  name: "f",
  namespace: null,
  kind,
  input: kind === "custom" ? "x" : "",
});
const result = (callId: string, more: object = {}): UserPart => ({
  type: "tool-result",
  callId,
  name: null,
  content: [text("ok")],
  isError: false,
  at: "messages[2]",
  ...more,
});
const tool = (name: string, more: Partial<FunctionTool> = {}): FunctionTool => ({
  kind: "function",
  name,
  namespace: null,
  description: null,
  parameters: null,
  strict: null,
  isDeferred: false,
  cache: null,
  at: "tools[0]",
  ...more,
});
const image: UserPart = {
  type: "image",
  source: { kind: "base64", mimeType: "image/png", data: "AAAA" },
  at: "x",
};

describe("the conversation", () => {
  test("H-69, H-116 instructions and turns are items in their order", () => {
    const { input } = bodyOf({
      system: [text("one"), text("two")],
      messages: [
        user(text("a")),
        assistant(text("b"), call("call_1")),
        user(result("call_1"), text("c")),
        { role: "system", parts: [text("now")] },
      ],
    });
    expect(input).toEqual([
      {
        type: "message",
        role: "developer",
        content: [
          { type: "input_text", text: "one" },
          { type: "input_text", text: "two" },
        ],
      },
      { type: "message", role: "user", content: [{ type: "input_text", text: "a" }] },
      { type: "message", role: "assistant", content: [{ type: "output_text", text: "b" }] },
      { type: "function_call", call_id: "call_1", name: "f", arguments: "{}" },
      { type: "function_call_output", call_id: "call_1", output: "ok" },
      { type: "message", role: "user", content: [{ type: "input_text", text: "c" }] },
      { type: "message", role: "developer", content: [{ type: "input_text", text: "now" }] },
    ]);
  });

  test("H-70 where instructions must come first, later ones become text of the user, in a tag", () => {
    const messages: Message[] = [user(text("a")), { role: "system", parts: [text("now")] }];
    const repairs = { ...GPT.repairs, systemFirst: true };
    expect(JSON.stringify(bodyOf({ messages }, { repairs }).input)).toContain("<system-reminder>");
    expect(droppedOf({ messages }, { repairs })).toEqual(["messages"]);
  });

  test("H-77 a turn that the model would have to go on from stays, and is named", () => {
    const messages = [user(text("a")), assistant(text("b"))];
    expect(bodyOf({ messages }).input.at(-1)).toMatchObject({ role: "assistant" });
    expect(droppedOf({ messages })).toEqual(["messages"]);
  });

  test("results hold images; failed ones say so; those of custom tools have their own type", () => {
    const { input } = bodyOf({
      messages: [
        user(text("a")),
        assistant(call("1"), call("2", "custom")),
        user(result("1", { content: [text("see"), image], isError: true }), result("2")),
      ],
    });
    expect(input.slice(-2)).toEqual([
      {
        type: "function_call_output",
        call_id: "1",
        output: [
          { type: "input_text", text: "Error: see" },
          { type: "input_image", image_url: "data:image/png;base64,AAAA", detail: "auto" },
        ],
      },
      { type: "custom_tool_call_output", call_id: "2", output: "ok" },
    ]);
  });

  test("where results take no images, those come behind the last result", () => {
    const messages = [
      user(text("a")),
      assistant(call("1"), call("2")),
      user(result("1", { content: [image] }), result("2")),
    ];
    const { input } = bodyOf({ messages }, traits({ resultImages: false }));
    expect(input.slice(-3).map((item) => item.type)).toEqual([
      "function_call_output",
      "function_call_output",
      "message",
    ]);
    expect(input.at(-1)).toMatchObject({ role: "user", content: [{ type: "input_image" }] });
  });

  test("H-78, H-97, H-98 reasoning goes back to its maker, directly before what it led to, without ids", () => {
    const seal = (maker: string, place: Seal["place"] = "reasoning"): Seal => ({
      maker,
      place,
      data: `by ${maker}`,
    });
    const thought = (maker: string, words = ""): AssistantPart => ({
      type: "reasoning",
      text: words,
      seal: seal(maker),
    });
    const messages = [
      user(text("a")),
      assistant(thought("openai", "hm"), call("1"), thought("anthropic", "no"), call("2"), thought("openai")),
      user(result("1"), result("2")),
    ];
    const { input } = bodyOf({ messages });
    expect(input.map((item) => item.type)).toEqual([
      "message",
      "reasoning",
      "function_call",
      "function_call",
      "function_call_output",
      "function_call_output",
    ]);
    expect(input[1]).toEqual({
      type: "reasoning",
      summary: [{ type: "summary_text", text: "hm" }],
      encrypted_content: "by openai",
    });
    expect(droppedOf({ messages })).toEqual([]);
    const repaired = bodyOf({ messages }, { repairs: { ...GPT.repairs, withoutSeals: true } });
    expect(JSON.stringify(repaired.input)).not.toContain("reasoning");
    expect(repaired.include).toEqual(["reasoning.encrypted_content"]);
    // Models that do not think refuse reasoning in their input.
    const thinking = { ...TRAITS.thinking, kind: "none", efforts: [], isOnByDefault: false } as const;
    expect(JSON.stringify(bodyOf({ messages }, traits({ thinking })).input)).not.toContain("reasoning");
  });

  test("ids of calls that are too long are shortened alike in call and result", () => {
    const id = `toolu_${"x".repeat(80)}`;
    const { input } = bodyOf({ messages: [user(text("a")), assistant(call(id)), user(result(id))] });
    expect(String(input[1]?.call_id)).toMatch(/^call_[0-9a-f]{32}$/);
    expect(input[2]?.call_id).toBe(input[1]?.call_id);
  });

  test("H-76 refusals and phases go back as they were", () => {
    const parts: AssistantPart[] = [
      { ...text("a"), phase: "commentary" },
      { ...text("b"), phase: "final_answer" },
      { type: "refusal", text: "no" },
    ];
    expect(bodyOf({ messages: [user(text("q")), assistant(...parts)] }).input.slice(1)).toEqual([
      {
        type: "message",
        role: "assistant",
        phase: "commentary",
        content: [{ type: "output_text", text: "a" }],
      },
      {
        type: "message",
        role: "assistant",
        phase: "final_answer",
        content: [
          { type: "output_text", text: "b" },
          { type: "refusal", refusal: "no" },
        ],
      },
    ]);
  });

  test("H-103 documents: files as they are, text as text", () => {
    const part = (source: object, more: object = {}) =>
      ({ type: "document", source, title: "T", at: "messages[0].content[0]", ...more }) as UserPart;
    const pdf = { kind: "base64", mimeType: "application/pdf", data: "AAAA" };
    const content = (one: UserPart): unknown => bodyOf({ messages: [user(one)] }).input[0]?.content;
    expect(content(part(pdf))).toEqual([
      { type: "input_file", filename: "T", file_data: "data:application/pdf;base64,AAAA" },
    ]);
    expect(content(part({ kind: "url", url: "https://a/b.pdf" }))).toEqual([
      { type: "input_file", file_url: "https://a/b.pdf" },
    ]);
    const cited = part({ kind: "text", text: "body" }, { citations: true });
    expect(content(cited)).toEqual([{ type: "input_text", text: "T\n\nbody" }]);
    expect(droppedOf({ messages: [user(cited)] })).toEqual(["messages[0].content[0].citations"]);
    expect(
      errorOf({ messages: [user(part(pdf))] }, traits({ input: { ...TRAITS.input, pdf: false } })),
    ).toMatchObject({
      kind: "not_translatable",
      param: "messages[0].content[0]",
    });
  });

  test.each([
    [
      "a type that is not taken",
      { type: "image", source: { kind: "base64", mimeType: "image/heic", data: "AAAA" }, at: "p" },
    ],
    [
      "a file of another provider",
      { type: "image", source: { kind: "provider-file", id: "f", maker: "anthropic" }, at: "p" },
    ],
    ["video", { type: "video", source: { kind: "url", url: "https://a", mimeType: null }, at: "p" }],
    [
      "sound behind a URL",
      { type: "audio", source: { kind: "url", url: "https://a", mimeType: null }, at: "p" },
    ],
  ] as [string, UserPart][])("H-101, H-104 %s is refused at its place", (_, part) => {
    expect(errorOf({ messages: [user(part)] })).toMatchObject({ kind: "not_translatable", param: "p" });
  });

  test("marks of the cache: the last four, where the model takes any", () => {
    const messages = [
      user(
        ...[1, 2, 3, 4, 5].map((n) => ({
          ...text(`${n}`),
          cache: { ttl: n === 5 ? ("12h" as const) : null },
        })),
      ),
    ];
    expect(JSON.stringify(bodyOf({ messages }))).not.toContain("prompt_cache_breakpoint");
    const content = bodyOf({ messages }, traits({ cacheBreakpoints: true })).input[0]
      ?.content as JsonObject[];
    expect(content.map((part) => part.prompt_cache_breakpoint)).toEqual([
      undefined,
      { mode: "explicit" },
      { mode: "explicit" },
      { mode: "explicit" },
      { mode: "explicit", ttl: "12h" },
    ] as never);
  });
});

describe("tools", () => {
  test("H-115 strict is said of each: false unless asked for, and only where the schema is closed", () => {
    const open = { type: "object", properties: { a: { type: "string" } } };
    const closed = { ...open, required: ["a"], additionalProperties: false };
    const tools = [
      tool("a", { parameters: open }),
      tool("b", { parameters: closed, strict: true }),
      tool("c", { parameters: open, strict: true, at: "tools[2]" }),
      tool("d"),
    ];
    const { body, dropped } = encode({ tools });
    expect(body.tools.map((one) => one.strict)).toEqual([false, true, false, false]);
    expect(body.tools[3]).toEqual({
      type: "function",
      name: "d",
      parameters: { type: "object", properties: {} },
      strict: false,
    });
    // OpenAI refuses an object that does not say what its properties are.
    expect(bodyOf({ tools: [tool("e", { parameters: { type: "object" } })] }).tools[0]?.parameters).toEqual({
      type: "object",
      properties: {},
    });
    expect(dropped.map((drop) => drop.field)).toEqual(["tools[2].strict"]);
  });

  test("H-106 names that are not taken are changed everywhere, and can be changed back", () => {
    const name = "mcp:files.read — all";
    const { body, names } = encode({
      tools: [tool(name), tool("spawn", { namespace: "agents" })],
      toolChoice: { mode: "tool", tool: { name, namespace: null } },
    });
    const [first, second] = body.tools;
    expect(String(first?.name)).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
    expect(body.tool_choice).toEqual({ type: "function", name: first?.name });
    expect(names.original(String(first?.name))).toMatchObject({ name, namespace: null });
    expect(second?.name).toBe("agents__spawn");
    expect(names.original("agents__spawn")).toMatchObject({ name: "spawn", namespace: "agents" });
  });

  test("H-107 the same tool twice is one tool, two of one name are refused", () => {
    expect(bodyOf({ tools: [tool("a"), tool("a", { at: "tools[1]" })] }).tools.length).toBe(1);
    expect(errorOf({ tools: [tool("a"), tool("a", { description: "x", at: "tools[1]" })] })).toMatchObject({
      kind: "bad_request",
      param: "tools[1]",
    });
  });

  test("custom tools are native", () => {
    const custom = {
      kind: "custom",
      name: "p",
      namespace: null,
      description: "d",
      grammar: { syntax: "lark", definition: "start: A" },
      at: "x",
    } as const;
    const { tools, tool_choice } = bodyOf({
      tools: [custom],
      toolChoice: { mode: "subset", tools: [{ name: "p", namespace: null }], isRequired: true },
    });
    expect(tools).toEqual([
      {
        type: "custom",
        name: "p",
        description: "d",
        format: { type: "grammar", syntax: "lark", definition: "start: A" },
      },
    ]);
    expect(tool_choice).toEqual({
      type: "allowed_tools",
      mode: "required",
      tools: [{ type: "custom", name: "p" }],
    });
  });

  test("a choice without tools is left out", () => {
    expect(bodyOf({ toolChoice: { mode: "required" }, parallelToolCalls: false })).not.toHaveProperty(
      "tool_choice",
    );
  });

  test("a model that cannot be forced is not forced", () => {
    const forced = { tools: [tool("a")], toolChoice: { mode: "required" } } as const;
    expect(bodyOf(forced, traits({ forcedTools: false }))).not.toHaveProperty("tool_choice");
    expect(droppedOf(forced, traits({ forcedTools: false }))).toEqual(["toolChoice"]);
    expect(bodyOf(forced).tool_choice).toBe("required");
  });

  test("search of the web keeps its limits, or is refused", () => {
    const search: WebSearchTool = {
      kind: "web-search",
      allowedDomains: ["a.org"],
      blockedDomains: null,
      maxUses: 2,
      userLocation: { country: "DE" },
      contextSize: null,
      externalAccess: null,
      at: "tools[0]",
    };
    const body = bodyOf({ tools: [search] });
    expect(body.tools).toEqual([
      {
        type: "web_search",
        filters: { allowed_domains: ["a.org"] },
        user_location: { type: "approximate", country: "DE" },
      },
    ]);
    expect(body.max_tool_calls).toBe(2);
    expect(errorOf({ tools: [{ ...search, blockedDomains: ["b.org"] }] }).param).toBe("tools[0]");
    expect(errorOf({ tools: [search] }, traits({ webSearch: false })).param).toBe("tools[0]");
    const hosted = {
      kind: "hosted",
      maker: "anthropic",
      type: "code_execution_20250825",
      raw: {},
      at: "tools[0]",
    } as const;
    expect(errorOf({ tools: [hosted] })).toMatchObject({ kind: "not_translatable", param: "tools[0]" });
  });
});

describe("settings", () => {
  test("nothing is stored, and the state of the reasoning is asked for", () => {
    expect(bodyOf({ stream: true })).toEqual({
      model: "gpt-6",
      input: [{ type: "message", role: "user", content: [{ type: "input_text", text: "hi" }] }],
      include: ["reasoning.encrypted_content"],
      store: false,
      stream: true,
    } as never);
    const plain = traits({ thinking: { ...TRAITS.thinking, kind: "none", efforts: [] } });
    expect(bodyOf({}, plain)).not.toHaveProperty("include");
  });

  test("counting gets what counts", () => {
    const { path, body } = encode(
      { maxOutputTokens: 99, tools: [tool("a")], stream: true },
      { purpose: "count" },
    );
    expect(path).toBe("/v1/responses/input_tokens");
    expect(Object.keys(body)).toEqual(["model", "tools", "input"]);
    expect(codec.decodeCount({ object: "response.input_tokens", input_tokens: 7 })).toBe(7);
    expect(codec.encodeCount(7)).toBe('{"object":"response.input_tokens","input_tokens":7}');
  });

  test("thinking is asked for in words that the model takes", () => {
    const reasoning = (more: object) => ({
      reasoning: { effort: null, budgetTokens: null, isDynamic: false, isShown: null, ...more },
    });
    expect(bodyOf(reasoning({ effort: "high", isShown: true })).reasoning).toEqual({
      effort: "high",
      summary: "auto",
    });
    expect(bodyOf(reasoning({ budgetTokens: 8000 })).reasoning).toEqual({ effort: "medium" });
    const some = traits({
      thinking: { ...TRAITS.thinking, efforts: ["low", "medium", "high"], isOnByDefault: false },
    });
    expect(bodyOf(reasoning({ effort: "max" }), some).reasoning).toEqual({ effort: "high" });
    expect(droppedOf(reasoning({ effort: "max" }), some)).toEqual(["reasoning"]);
    expect(bodyOf(reasoning({ isDynamic: true, isShown: true }), some).reasoning).toEqual({
      effort: "medium",
      summary: "auto",
    });
    const none = traits({ thinking: { ...TRAITS.thinking, kind: "none", efforts: [] } });
    expect(bodyOf(reasoning({ effort: "low" }), none)).not.toHaveProperty("reasoning");
    expect(droppedOf(reasoning({ effort: "low" }), none)).toEqual(["reasoning"]);
  });

  test("H-64, H-117 what the API does not have is dropped by name, refused, or watched by the gateway", () => {
    const sampling = {
      temperature: 0.5,
      topP: 1,
      topK: 5,
      seed: 1,
      frequencyPenalty: 1,
      presencePenalty: 0,
      logitBias: { "1": 1 },
    };
    expect(droppedOf({ sampling })).toEqual(["topK", "seed", "frequencyPenalty", "logitBias"]);
    expect(bodyOf({ sampling })).toMatchObject({ temperature: 0.5, top_p: 1 });
    expect(droppedOf({ sampling }, traits({ sampling: "none" }))).toContain("temperature");
    expect(bodyOf({ sampling }, traits({ sampling: "none" }))).not.toHaveProperty("top_p");
    expect(encode({ stop: ["END"] }).watchedStops).toEqual(["END"]);
    expect(errorOf({ candidates: 2 })).toMatchObject({ kind: "not_translatable", param: "candidates" });
    expect(errorOf({ logprobs: 2 })).toMatchObject({ kind: "not_translatable", param: "logprobs" });
  });

  test("H-147 an answer in sound or pictures is refused", () => {
    expect(errorOf({ outputModalities: ["text", "audio"] })).toMatchObject({ param: "outputModalities" });
  });

  test("H-112 the limit is held to what the model takes", () => {
    expect(bodyOf({ maxOutputTokens: 5 }).max_output_tokens).toBe(16);
    expect(bodyOf({ maxOutputTokens: 1_000_000 }).max_output_tokens).toBe(128_000);
    expect(droppedOf({ maxOutputTokens: 5 })).toEqual(["maxOutputTokens"]);
  });

  test("H-110 structured output stands beside tools", () => {
    const schema = {
      type: "object",
      properties: { a: { type: "string" } },
      required: ["a"],
      additionalProperties: false,
    };
    const output = { kind: "json-schema", name: null, description: null, schema, strict: null } as const;
    const body = bodyOf({ output, tools: [tool("f")], verbosity: "low" });
    expect(body.text).toEqual({
      format: { type: "json_schema", name: "output", schema, strict: true },
      verbosity: "low",
    });
    expect(body).not.toHaveProperty("tool_choice");
    const asTool = encode({ output }, traits({ structuredOutput: false }));
    expect(asTool.body.tool_choice).toEqual({ type: "function", name: "structured_output" });
    expect(asTool.names.original("structured_output")?.kind).toBe("output");
  });

  test("the mode of plain JSON is only taken where JSON is spoken of", () => {
    expect(JSON.stringify(bodyOf({ output: { kind: "json" } }).input)).toContain("Answer in JSON.");
    const messages = [user(text("as json, please"))];
    expect(droppedOf({ output: { kind: "json" }, messages })).toEqual([]);
  });

  test("H-146 a long id of the user is hashed, and keeps the conversation at one cache", () => {
    const userId = JSON.stringify({ device_id: "d".repeat(64), session_id: "s".repeat(36) });
    const body = bodyOf({ userId });
    expect(body.safety_identifier).toMatch(/^[0-9a-f]{64}$/);
    expect(body.prompt_cache_key).toBe(body.safety_identifier);
    expect(bodyOf({ userId: "u", cacheKey: "k" })).toMatchObject({
      safety_identifier: "u",
      prompt_cache_key: "k",
    });
    expect(bodyOf({ userId: "u" }, { profile: COMPATIBLE })).toMatchObject({ user: "u" });
  });

  test("tiers and metadata", () => {
    expect(bodyOf({ serviceTier: "standard_only", metadata: { a: "b" } })).toMatchObject({
      service_tier: "default",
      metadata: { a: "b" },
    });
    expect(droppedOf({ serviceTier: "gold", metadata: { a: { b: 1 } } })).toEqual([
      "metadata",
      "serviceTier",
    ]);
  });
});

describe("errors of upstreams", () => {
  const error = (body: unknown) => decodeError(typeof body === "string" ? body : JSON.stringify(body));

  test.each([
    [{ error: { message: "m", type: "t", code: "c", param: "p" } }, { message: "m", code: "c", param: "p" }],
    [
      { error: { message: "m", type: "t", code: null, param: null } },
      { message: "m", code: "t", param: null },
    ],
    [
      [{ error: { message: "m", status: "INVALID_ARGUMENT", code: 400 } }],
      { message: "m", code: "INVALID_ARGUMENT", param: null },
    ],
    [{ error: "m" }, { message: "m", code: null, param: null }],
    [
      { message: "m", code: "c" },
      { message: "m", code: "c", param: null },
    ],
    [{ detail: "m" }, { message: "m", code: null, param: null }],
    ["<html>", { message: null, code: null, param: null }],
    ["", { message: null, code: null, param: null }],
  ])("%j", (body, decoded) => {
    expect(error(body)).toEqual(decoded);
  });
});
