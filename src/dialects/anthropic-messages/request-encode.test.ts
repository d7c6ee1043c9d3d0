import { describe, expect, test } from "bun:test";
import { GatewayError } from "../../core/errors.ts";
import type { AssistantPart, Message, UserPart } from "../../model/message.ts";
import type { FunctionTool, ModelRequest, ReasoningRequest } from "../../model/request.ts";
import { checkMessages } from "../../simulator/anthropic-messages/rules.ts";
import type { EncodeRequestOptions } from "../codec.ts";
import { encodeRequest, MANUAL_TRAITS, REQUEST_OPTIONS, TRAITS } from "./fixtures/codec-under-test.ts";

type Block = Record<string, unknown> & { type: string };
const user = (...parts: (UserPart | string)[]): Message => ({
  role: "user",
  parts: parts.map((part) => (typeof part === "string" ? text(part) : part)),
});
const assistant = (...parts: (AssistantPart | string)[]): Message => ({
  role: "assistant",
  parts: parts.map((part) => (typeof part === "string" ? text(part) : part)),
});
const system = (value: string): Message => ({ role: "system", parts: [text(value)] });
const text = (value: string, more: object = {}) => ({ type: "text" as const, text: value, ...more });
const call = (id: string, input = "{}", more: object = {}): AssistantPart => ({
  type: "tool-call",
  id,
  name: "f",
  namespace: null,
  kind: "function",
  input,
  ...more,
});
const result = (callId: string, value = "ok", more: object = {}): UserPart => ({
  type: "tool-result",
  callId,
  name: null,
  content: [text(value)],
  isError: false,
  at: `result ${callId}`,
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
  at: `tool ${name}`,
  ...more,
});
const reasoning = (more: Partial<ReasoningRequest>): ReasoningRequest => ({
  effort: null,
  budgetTokens: null,
  isDynamic: false,
  isShown: null,
  ...more,
});
const manual = { model: "claude-sonnet-4-5", traits: MANUAL_TRAITS };

/** Encodes what the strict provider has to take as it is. */
function encode(request: Partial<ModelRequest>, options: Partial<EncodeRequestOptions> = {}) {
  const encoded = encodeRequest(request, options);
  const body = JSON.parse(JSON.stringify(encoded.body));
  const isCount = options.purpose === "count";
  const header = (name: string) => (name === "anthropic-version" ? "2023-06-01" : undefined);
  try {
    checkMessages({ body, model: body.model, header } as Parameters<typeof checkMessages>[0], isCount);
  } catch (refusal) {
    throw new Error(`the provider refused it: ${JSON.stringify(refusal)}`);
  }
  return { ...encoded, body, fields: encoded.dropped.map(({ field }) => field) };
}

const rolesOf = (body: { messages: { role: string; content: Block[] }[] }) =>
  body.messages.map(({ role, content }) => `${role}: ${content.map(({ type }) => type).join(" ")}`);

function errorOf(request: Partial<ModelRequest>, options: Partial<EncodeRequestOptions> = {}): GatewayError {
  try {
    encodeRequest(request, options);
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error("it was taken");
}

describe("the body", () => {
  test("the stable prefix comes first, what may change per turn behind it", () => {
    const { body, path, headers } = encode({
      system: [text("s")],
      tools: [tool("f")],
      stream: true,
      maxOutputTokens: 50,
      stop: ["END"],
      userId: "u",
      serviceTier: "default",
    });
    expect(Object.keys(body)).toEqual([
      "model",
      "tools",
      "system",
      "messages",
      "max_tokens",
      "stream",
      "stop_sequences",
      "metadata",
      "service_tier",
      "cache_control",
    ]);
    expect(body).toMatchObject({
      model: "claude-opus-5",
      metadata: { user_id: "u" },
      service_tier: "standard_only",
    });
    expect(path).toBe("/v1/messages");
    expect(headers).toEqual([]);
  });

  test("a count has only what counting needs", () => {
    const { body, path } = encode(
      { tools: [tool("f")], stream: true, maxOutputTokens: 50, stop: ["END"], userId: "u" },
      { purpose: "count" },
    );
    expect(path).toBe("/v1/messages/count_tokens");
    expect(Object.keys(body)).toEqual(["model", "tools", "messages"]);
  });

  test("H-112 without a limit the model's own is asked for; a higher one is lowered and named", () => {
    expect(encode({}).body.max_tokens).toBe(128_000);
    expect(encode({}, { traits: { ...TRAITS, maxOutputTokens: null } }).body.max_tokens).toBe(32_000);
    const { body, fields } = encode({ maxOutputTokens: 999_999 });
    expect(body.max_tokens).toBe(128_000);
    expect(fields).toEqual(["maxOutputTokens"]);
  });

  test("H-113 sampling that a current model refuses is left out and named", () => {
    const { body, fields } = encode({
      sampling: {
        temperature: 1,
        topP: 0.95,
        topK: 64,
        seed: 1,
        frequencyPenalty: 1,
        presencePenalty: 1,
        logitBias: { a: 1 },
      },
      reasoning: reasoning({ effort: "high", isShown: true }),
    });
    expect(body).toMatchObject({
      thinking: { type: "adaptive", display: "summarized" },
      output_config: { effort: "high" },
    });
    expect(body).not.toHaveProperty("temperature");
    expect(fields).toEqual([
      "temperature",
      "topP",
      "topK",
      "seed",
      "frequencyPenalty",
      "presencePenalty",
      "logitBias",
    ]);
  });

  test("an older model takes one of temperature and top_p, and no more than 1", () => {
    const sampling = {
      temperature: 1.5,
      topP: null,
      topK: 5,
      seed: null,
      frequencyPenalty: null,
      presencePenalty: null,
      logitBias: null,
    };
    expect(encode({ sampling }, manual)).toMatchObject({
      body: { temperature: 1, top_k: 5 },
      fields: ["temperature"],
    });
    expect(encode({ sampling: { ...sampling, temperature: 0.3, topP: 1 } }, manual)).toMatchObject({
      body: { temperature: 0.3 },
      fields: ["topP"],
    });
    expect(encode({ sampling: { ...sampling, temperature: 1, topP: 0.5 } }, manual)).toMatchObject({
      body: { top_p: 0.5 },
      fields: ["temperature"],
    });
  });

  test("stop sequences that are blank, or that the model does not take, are watched here", () => {
    const { body, watchedStops } = encode({ stop: ["END", "\n\n"] });
    expect([body.stop_sequences, watchedStops]).toEqual([["END"], ["\n\n"]]);
    expect(encode({ stop: ["END"] }, { traits: { ...TRAITS, stop: false } }).watchedStops).toEqual(["END"]);
  });

  test.each([
    ["candidates", { candidates: 2 }],
    ["logprobs", { logprobs: 0 }],
    ["outputModalities", { outputModalities: ["audio"] }],
  ])("H-147 %s is refused by name", (param, request) => {
    expect(errorOf(request)).toMatchObject({ kind: "not_translatable", param });
  });
});

describe("conversation", () => {
  test("H-73, H-75 results of one turn's calls stand in the order of the calls, text behind them", () => {
    const { body } = encode({
      messages: [
        user("a"),
        assistant("", call("c1"), call("c2")),
        user(result("c2", "two")),
        user(result("c1", "one")),
        user("go"),
      ],
    });
    expect(rolesOf(body)).toEqual([
      "user: text",
      "assistant: tool_use tool_use",
      "user: tool_result tool_result text",
    ]);
    expect(body.messages[2].content.map(({ tool_use_id }: Block) => tool_use_id)).toEqual([
      "c1",
      "c2",
      undefined,
    ]);
  });

  test("H-74 results that come later are moved up to their calls, and that is named", () => {
    const { body, fields } = encode({
      messages: [
        user("a"),
        assistant(call("c1"), call("c2")),
        user(result("c1")),
        user("and?"),
        user(result("c2")),
      ],
    });
    expect(rolesOf(body).at(-1)).toBe("user: tool_result tool_result text");
    expect(fields).not.toEqual([]);
  });

  test("H-72 instructions stand where they may, elsewhere in the user's turn", () => {
    const messages = [system("x"), user("a"), assistant("b"), system("y"), user("c"), system("z")];
    const { body, fields } = encode({ messages });
    expect(rolesOf(body)).toEqual(["user: text text", "assistant: text", "user: text text", "system: text"]);
    expect(fields).toEqual(["messages"]);
  });

  test("H-69, H-71 a model without instructions between the turns gets them in a tag of the user's turn, behind results", () => {
    const messages = [user("a"), assistant(call("c1")), user(result("c1")), system("Mind.")];
    const { body, fields } = encode({ messages, tools: [tool("f")] }, manual);
    expect(rolesOf(body).at(-1)).toBe("user: tool_result text");
    expect(body.messages[2].content[1].text).toBe("<system-reminder>\nMind.\n</system-reminder>");
    expect(fields).toEqual(["messages"]);
    expect(rolesOf(encode({ messages, tools: [tool("f")] }).body).at(-1)).toBe("system: text");
  });

  test("instructions are blocks of their own, blank ones are left out", () => {
    expect(encode({ system: [text("a"), text(" \n"), text("b")] }).body.system).toEqual([
      { type: "text", text: "a" },
      { type: "text", text: "b" },
    ]);
  });

  test("H-76 words of a refusal are text", () => {
    const { body } = encode({
      messages: [user("a"), assistant({ type: "refusal", text: "No." }), user("b")],
    });
    expect(body.messages[1].content).toEqual([{ type: "text", text: "No." }]);
  });

  test("H-77 an answer that has been begun is refused by name where the model cannot go on with it", () => {
    const begun: Message = { role: "assistant", parts: [text("Once ")], at: "messages[1]" };
    expect(errorOf({ messages: [user("a"), begun] })).toMatchObject({
      kind: "not_translatable",
      param: "messages[1]",
    });
    const { body } = encode(
      { messages: [user("a"), begun], reasoning: reasoning({ effort: "high" }) },
      manual,
    );
    expect(body.messages[1].content).toEqual([{ type: "text", text: "Once" }]);
    expect(body).not.toHaveProperty("thinking");
  });

  test("a conversation of nothing is a 400", () => {
    expect(errorOf({ messages: [user(" ")] }).kind).toBe("bad_request");
  });

  test("H-78, H-92 thinking that was signed here goes back to the byte, before its call", () => {
    const seal = (data: string) => ({ maker: "anthropic", place: "reasoning" as const, data });
    const { body } = encodeRequest({
      messages: [
        user("a"),
        assistant(
          { type: "reasoning", text: " hm\n", seal: seal("S1") },
          call("c1"),
          { type: "reasoning", text: "", seal: { maker: "anthropic", place: "redacted", data: "R" } },
          call("c2"),
        ),
        user(result("c1"), result("c2")),
      ],
    });
    expect((body.messages as { content: Block[] }[])[1]?.content).toMatchObject([
      { type: "thinking", thinking: " hm\n", signature: "S1" },
      { type: "tool_use", id: "c1" },
      { type: "redacted_thinking", data: "R" },
      { type: "tool_use", id: "c2" },
    ]);
  });

  test("H-91, H-94, H-95 thinking of others, or of nobody, is left out without a word; so is all when a seal was refused", () => {
    const foreign = { maker: "openai", place: "reasoning" as const, data: "x" };
    const messages = [
      user("a"),
      assistant(
        { type: "reasoning", text: "hm", seal: foreign },
        { type: "reasoning", text: "x", seal: null },
        call("c1", "{}", { seal: { ...foreign, place: "call" } }),
      ),
      user(result("c1")),
    ];
    const { body, dropped } = encode({ messages });
    expect(rolesOf(body)).toEqual(["user: text", "assistant: tool_use", "user: tool_result"]);
    expect(dropped).toEqual([]);
    const own = assistant({ type: "reasoning", text: "hm", seal: { ...foreign, maker: "anthropic" } }, "b");
    const repairs = { ...REQUEST_OPTIONS.repairs, withoutSeals: true };
    expect(rolesOf(encode({ messages: [user("a"), own, user("c")] }, { repairs }).body)[1]).toBe(
      "assistant: text",
    );
  });

  test("a turn of nothing but another's thinking leaves no empty turn, and instructions still stand where they may", () => {
    const messages = [
      user("a"),
      assistant({ type: "reasoning", text: "hm", seal: null }),
      user("b"),
      system("s"),
      assistant({ type: "reasoning", text: "x", seal: null }),
      user("c"),
    ];
    expect(rolesOf(encode({ messages }).body)).toEqual(["user: text text text text"]);
  });

  test("H-138 the provider's own blocks go back as they were", () => {
    const blocks = [
      { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: { query: "q" } },
      { type: "web_search_tool_result", tool_use_id: "srvtoolu_1", content: [] },
    ];
    const search: AssistantPart = {
      type: "search",
      id: "srvtoolu_1",
      queries: [],
      sources: [],
      raw: { maker: "anthropic", place: "raw", data: JSON.stringify(blocks) },
    };
    const { body } = encode({ messages: [user("a"), assistant(search, "b"), user("c")] });
    expect(body.messages[1].content.slice(0, 2)).toEqual(blocks);
    expect(
      rolesOf(encode({ messages: [user("a"), assistant({ ...search, raw: null }, "b"), user("c")] }).body)[1],
    ).toBe("assistant: text");
  });

  test("ids that are not legal are changed alike in call and result", () => {
    const { body } = encode({ messages: [user("a"), assistant(call("fc:1 ü")), user(result("fc:1 ü"))] });
    expect(body.messages[1].content[0].id).toMatch(/^toolu_[a-f0-9]+$/);
    expect(body.messages[2].content[0].tool_use_id).toBe(body.messages[1].content[0].id);
  });

  test("arguments that are no object are sent under a name of their own, and that is named", () => {
    const { body, fields } = encode({
      messages: [user("a"), assistant(call("c1", "[1"), call("c2", "")), user(result("c1"), result("c2"))],
    });
    expect(body.messages[1].content.map(({ input }: Block) => input)).toEqual([{ _raw: "[1" }, {}]);
    expect(fields).toEqual(["messages"]);
  });

  test("H-86, H-143 two calls of one id are told apart, each with its result", () => {
    const { body } = encode({
      messages: [user("a"), assistant(call("c"), call("c")), user(result("c", "1"), result("c", "2"))],
    });
    const ids = body.messages[1].content.map(({ id }: Block) => id);
    expect(new Set(ids).size).toBe(2);
    expect(body.messages[2].content.map(({ tool_use_id, content }: Block) => [tool_use_id, content])).toEqual(
      [
        [ids[0], "1"],
        [ids[1], "2"],
      ],
    );
  });

  test("H-87 results of tools: errors are marked, nothing is nothing", () => {
    const { body } = encode({
      messages: [
        user("a"),
        assistant(call("c1"), call("c2")),
        user(result("c1", "bad", { isError: true }), result("c2", "", { content: [] })),
      ],
    });
    expect(body.messages[2].content).toEqual([
      { type: "tool_result", tool_use_id: "c1", content: "bad", is_error: true },
      { type: "tool_result", tool_use_id: "c2" },
    ]);
  });
});

describe("media", () => {
  const image = (mimeType: string): UserPart => ({
    type: "image",
    source: { kind: "base64", mimeType, data: "AAAA" },
    at: "here",
  });
  const document = (
    source: Extract<UserPart, { type: "document" }>["source"],
    more: object = {},
  ): UserPart => ({ type: "document", source, title: null, at: "here", ...more });
  const blockOf = (part: UserPart) => encode({ messages: [user(part)] }).body.messages[0].content[0];

  test("H-101 images by their types, or by URL", () => {
    expect(blockOf(image("image/jpeg"))).toEqual({
      type: "image",
      source: { type: "base64", media_type: "image/jpeg", data: "AAAA" },
    });
    expect(
      blockOf({
        type: "image",
        source: { kind: "url", url: "https://a.example/i.png", mimeType: null },
        at: "",
      }),
    ).toEqual({ type: "image", source: { type: "url", url: "https://a.example/i.png" } });
    expect(errorOf({ messages: [user(image("image/heic"))] })).toMatchObject({
      kind: "not_translatable",
      param: "here",
    });
    expect(errorOf({ messages: [user(image("image/heic"))] }).message).toContain("image/heic");
  });

  test("H-99 images in results stay in them", () => {
    const content = [
      text("see"),
      { type: "image", source: { kind: "base64", mimeType: "image/png", data: "AAAA" }, at: "" },
    ];
    const { body } = encode({
      messages: [user("a"), assistant(call("c1")), user(result("c1", "", { content }))],
    });
    expect(body.messages[2].content[0].content.map(({ type }: Block) => type)).toEqual(["text", "image"]);
  });

  test("H-102 documents: PDF with its name, text as text, others refused by name", () => {
    const pdf = { kind: "base64", mimeType: "application/pdf", data: "AAAA" } as const;
    expect(blockOf(document(pdf, { title: "a.pdf", context: "c", citations: true }))).toEqual({
      type: "document",
      source: { type: "base64", media_type: "application/pdf", data: "AAAA" },
      title: "a.pdf",
      context: "c",
      citations: { enabled: true },
    });
    expect(blockOf(document({ ...pdf, mimeType: "text/csv", data: btoa("a,b") }))).toMatchObject({
      source: { type: "text", media_type: "text/plain", data: "a,b" },
    });
    expect(blockOf(document({ kind: "parts", parts: [text("x")] }))).toMatchObject({
      source: { type: "content", content: [{ type: "text", text: "x" }] },
    });
    expect(errorOf({ messages: [user(document({ ...pdf, mimeType: "application/zip" }))] })).toMatchObject({
      kind: "not_translatable",
      param: "here",
    });
  });

  test.each(["audio", "video"] as const)("H-104 %s is refused by name", (type) => {
    const part = {
      type,
      source: { kind: "base64", mimeType: `${type}/x`, data: "AAAA" },
      at: "here",
    } as UserPart;
    expect(errorOf({ messages: [user(part)] })).toMatchObject({ kind: "not_translatable", param: "here" });
  });

  test("H-105 files of another provider are refused by name, Anthropic's own are named by their ids", () => {
    const file = (maker: string) => document({ kind: "provider-file", id: "f1", maker });
    expect(errorOf({ messages: [user(file("openai"))] })).toMatchObject({
      kind: "not_translatable",
      param: "here",
    });
    expect(blockOf(file("anthropic"))).toMatchObject({ source: { type: "file", file_id: "f1" } });
  });
});

describe("tools", () => {
  test("H-106 names that are not legal are changed everywhere and can be told back", () => {
    const long = "x".repeat(70);
    const tools = [tool("a.b:c"), tool("ü"), tool(long), tool("spawn", { namespace: "agents" })];
    const { body, names } = encode({
      tools,
      toolChoice: { mode: "tool", tool: { name: "a.b:c", namespace: null } },
      messages: [user("a"), assistant(call("c1", "{}", { name: "a.b:c" })), user(result("c1"))],
    });
    const wire = body.tools.map(({ name }: Block) => name);
    expect(wire.every((name: string) => /^[a-zA-Z0-9_-]{1,64}$/.test(name))).toBe(true);
    expect(body.messages[1].content[0].name).toBe(wire[0]);
    expect(body.tool_choice).toEqual({ type: "tool", name: wire[0] });
    expect(wire.map((name: string) => names.original(name)?.name)).toEqual(["a.b:c", "ü", long, "spawn"]);
    expect(names.original(wire[3])).toMatchObject({ namespace: "agents" });
  });

  test("H-107 a tool that is there twice is sent once, two that differ are a 400", () => {
    expect(encode({ tools: [tool("f"), tool("f")] }).body.tools).toHaveLength(1);
    expect(errorOf({ tools: [tool("f"), tool("f", { description: "other" })] }).kind).toBe("bad_request");
  });

  test("a tool without arguments, one with a root that is no object", () => {
    const { body } = encode({
      tools: [
        tool("a"),
        tool("b", {
          parameters: { $schema: "x", anyOf: [{ type: "object", properties: { p: { type: "string" } } }] },
        }),
      ],
    });
    expect(body.tools.map(({ input_schema }: { input_schema: Block }) => input_schema.type)).toEqual([
      "object",
      "object",
    ]);
  });

  test("a strict tool is held to what the provider checks; what it does not check is told and named", () => {
    const parameters = {
      type: "object",
      properties: { n: { type: "integer", minimum: 1 } },
      required: ["n"],
    };
    const { body, fields } = encode({ tools: [tool("f", { strict: true, parameters })] });
    expect(body.tools[0]).toMatchObject({ strict: true, input_schema: { additionalProperties: false } });
    expect(JSON.stringify(body.tools[0])).not.toContain('"minimum"');
    expect(fields).toEqual(["tool f"]);
    const { body: loose, fields: named } = encode(
      { tools: [tool("f", { strict: true, parameters })] },
      { traits: { ...TRAITS, structuredOutput: false } },
    );
    expect(loose.tools[0]).not.toHaveProperty("strict");
    expect(named).toEqual(["tool f.strict"]);
  });

  test("free text is the one argument of a function, its grammar is told and named", () => {
    const { body, names, fields } = encode({
      tools: [
        {
          kind: "custom",
          name: "patch",
          namespace: null,
          description: "Patches",
          grammar: { syntax: "lark", definition: "start: /a/" },
          at: "tool patch",
        },
      ],
      messages: [
        user("a"),
        assistant(call("c1", "free text", { kind: "custom", name: "patch" })),
        user(result("c1")),
      ],
    });
    expect(body.tools[0].input_schema.required).toEqual(["input"]);
    expect(body.tools[0].description).toContain("start: /a/");
    expect(body.messages[1].content[0].input).toEqual({ input: "free text" });
    expect(names.original("patch")?.kind).toBe("custom");
    expect(fields).toEqual(["tool patch"]);
  });

  const search = {
    kind: "web-search",
    allowedDomains: ["a.example"],
    blockedDomains: null,
    maxUses: 2,
    userLocation: { city: "Bern" },
    contextSize: null,
    externalAccess: null,
    at: "tool search",
  } as const;

  test("H-85 web search goes to the provider's own; one that may not leave its cache is left out and named", () => {
    expect(encode({ tools: [search] }).body.tools).toEqual([
      {
        type: "web_search_20250305",
        name: "web_search",
        allowed_domains: ["a.example"],
        max_uses: 2,
        user_location: { type: "approximate", city: "Bern" },
      },
    ]);
    expect(
      encode({ tools: [search, tool("f")], toolChoice: { mode: "web-search" } }).body.tool_choice,
    ).toEqual({ type: "tool", name: "web_search" });
    expect(encode({ tools: [{ ...search, externalAccess: false }] })).toMatchObject({
      fields: ["tool search"],
    });
    expect(errorOf({ tools: [{ ...search, blockedDomains: ["b.example"] }] })).toMatchObject({
      kind: "not_translatable",
      param: "tool search",
    });
    expect(errorOf({ tools: [search] }, { traits: { ...TRAITS, webSearch: false } }).param).toBe(
      "tool search",
    );
  });

  test("a client's tool of the search's name gets another, and is told back", () => {
    const { body, names } = encode({ tools: [tool("web_search"), search] });
    expect(body.tools.map(({ name }: Block) => name)).toEqual(["client_web_search", "web_search"]);
    expect(names.original("client_web_search")?.name).toBe("web_search");
    expect(names.original("web_search")).toBeNull();
  });

  test("another provider's tools are refused by name, Anthropic's own go as they are", () => {
    const hosted = (maker: string) =>
      ({
        kind: "hosted",
        maker,
        type: "code_execution_20260521",
        raw: { type: "code_execution_20260521", name: "code_execution" },
        at: "tools[0]",
      }) as const;
    expect(errorOf({ tools: [hosted("openai")] })).toMatchObject({
      kind: "not_translatable",
      param: "tools[0]",
    });
    expect(encode({ tools: [hosted("anthropic")] }).body.tools).toEqual([hosted("anthropic").raw]);
  });

  test.each([
    [null, null, undefined],
    [null, false, { type: "auto", disable_parallel_tool_use: true }],
    [{ mode: "auto" }, null, { type: "auto" }],
    [{ mode: "required" }, false, { type: "any", disable_parallel_tool_use: true }],
    [{ mode: "none" }, false, { type: "none" }],
    [{ mode: "tool", tool: { name: "f", namespace: null } }, true, { type: "tool", name: "f" }],
  ] as const)("the choice %j, parallel %j", (toolChoice, parallelToolCalls, expected) => {
    expect(encode({ tools: [tool("f")], toolChoice, parallelToolCalls }).body.tool_choice).toEqual(
      expected as never,
    );
  });

  test("a choice among some offers those alone", () => {
    const toolChoice = { mode: "subset", tools: [{ name: "b", namespace: null }], isRequired: true } as const;
    const { body } = encode({ tools: [tool("a"), tool("b")], toolChoice });
    expect([body.tools.map(({ name }: Block) => name), body.tool_choice]).toEqual([["b"], { type: "any" }]);
  });

  test("a choice without tools is left out; one of a tool that is not there is a 400", () => {
    expect(encode({ toolChoice: { mode: "required" } })).toMatchObject({ fields: ["toolChoice"] });
    expect(
      errorOf({ tools: [tool("f")], toolChoice: { mode: "tool", tool: { name: "x", namespace: null } } })
        .kind,
    ).toBe("bad_request");
  });
});

describe("structured output", () => {
  const schema = { type: "object", properties: { n: { type: "integer", minimum: 1 } }, required: ["n"] };
  const output = { kind: "json-schema", name: "out", description: null, schema, strict: true } as const;

  test("H-110 goes beside tools, without forcing one", () => {
    const { body, fields } = encode({ output, tools: [tool("f")] });
    expect(body.output_config.format).toMatchObject({
      type: "json_schema",
      schema: { type: "object", additionalProperties: false },
    });
    expect(body).not.toHaveProperty("tool_choice");
    expect(fields).toEqual(["output"]);
  });

  test("where the model has none, a call is forced whose arguments are the answer", () => {
    const traits = { ...MANUAL_TRAITS, structuredOutput: false };
    const { body, names } = encode(
      { output, reasoning: reasoning({ effort: "high" }) },
      { ...manual, traits },
    );
    expect(body.tool_choice).toEqual({
      type: "tool",
      name: "structured_output",
      disable_parallel_tool_use: true,
    });
    expect(body.tools[0].input_schema).toEqual(schema);
    expect(names.original("structured_output")?.kind).toBe("output");
    expect(body).not.toHaveProperty("thinking");
    const withTools = encode({ output, tools: [tool("structured_output")] }, { ...manual, traits });
    expect(withTools.body.tool_choice).toEqual({ type: "any", disable_parallel_tool_use: true });
    expect(new Set(withTools.body.tools.map(({ name }: Block) => name)).size).toBe(2);
  });

  test("JSON without a schema is asked for in words, and named", () => {
    const { body, fields } = encode({ system: [text("s")], output: { kind: "json" } });
    expect(body.system).toHaveLength(2);
    expect(body.system[1].text).toContain("JSON object");
    expect(fields).toEqual(["output"]);
  });
});

describe("thinking", () => {
  const thinkingOf = (
    asked: Partial<ReasoningRequest>,
    options: Partial<EncodeRequestOptions> = {},
    more: Partial<ModelRequest> = {},
  ) => {
    const { body, fields } = encode({ reasoning: reasoning(asked), ...more }, options);
    return [body.thinking, body.output_config?.effort, fields];
  };
  const always = {
    traits: {
      ...TRAITS,
      thinking: { ...TRAITS.thinking, efforts: ["low", "medium", "high"] as const, canDisable: false },
    },
    model: "claude-fable-5",
  };

  test("a model that decides for itself gets a word", () => {
    expect(thinkingOf({ effort: "minimal" })).toEqual([{ type: "adaptive" }, "low", []]);
    expect(thinkingOf({ budgetTokens: 20_000 })).toEqual([{ type: "adaptive" }, "high", []]);
    expect(thinkingOf({ isDynamic: true, isShown: false })).toEqual([
      { type: "adaptive", display: "omitted" },
      undefined,
      [],
    ]);
    expect(thinkingOf({ effort: "none" })).toEqual([{ type: "disabled" }, undefined, []]);
    expect(thinkingOf({ effort: "max" }, always)).toEqual([{ type: "adaptive" }, "high", ["reasoning"]]);
    expect(thinkingOf({ effort: "none" }, always)).toEqual([{ type: "adaptive" }, "low", ["reasoning"]]);
  });

  test("H-111 one that is given a budget gets one that it takes, below the limit of the answer", () => {
    expect(thinkingOf({ effort: "high" }, manual)).toEqual([
      { type: "enabled", budget_tokens: 16_384 },
      undefined,
      [],
    ]);
    expect(thinkingOf({ budgetTokens: 50_000 }, manual, { maxOutputTokens: 4000 })).toEqual([
      { type: "enabled", budget_tokens: 3999 },
      undefined,
      [],
    ]);
    expect(thinkingOf({ budgetTokens: 5000 }, manual, { maxOutputTokens: 500 })).toEqual([
      undefined,
      undefined,
      ["reasoning"],
    ]);
    expect(thinkingOf({ isDynamic: true }, manual)).toEqual([
      { type: "enabled", budget_tokens: 8192 },
      undefined,
      [],
    ]);
    expect(thinkingOf({ effort: "none" }, manual)).toEqual([undefined, undefined, []]);
  });

  test("a forced call, sampling, and a turn that does not begin with thinking", () => {
    const forced = { tools: [tool("f")], toolChoice: { mode: "required" } } as const;
    expect(thinkingOf({ effort: "high" }, manual, forced)).toEqual([undefined, undefined, ["reasoning"]]);
    expect(thinkingOf({ effort: "high" }, {}, forced)).toEqual([{ type: "adaptive" }, "high", []]);
    const sampling = {
      temperature: 0.2,
      topP: null,
      topK: null,
      seed: null,
      frequencyPenalty: null,
      presencePenalty: null,
      logitBias: null,
    };
    expect(thinkingOf({ effort: "high" }, manual, { sampling })[2]).toEqual(["temperature"]);
    const messages = [user("a"), assistant(call("c1")), user(result("c1"))];
    expect(thinkingOf({ effort: "high" }, manual, { messages })).toEqual([
      undefined,
      undefined,
      ["reasoning"],
    ]);
  });

  test("a model that cannot think is not asked to, and that is named", () => {
    const traits = { ...MANUAL_TRAITS, thinking: { ...MANUAL_TRAITS.thinking, kind: "none" as const } };
    expect(thinkingOf({ effort: "high" }, { ...manual, traits })).toEqual([
      undefined,
      undefined,
      ["reasoning"],
    ]);
  });
});

describe("caching", () => {
  const marked = (value: string, ttl: "5m" | "1h" | "24h" | null = null) => text(value, { cache: { ttl } });

  test("without any mark the whole prompt is cached, as clients of other dialects expect", () => {
    expect(encode({}).body.cache_control).toEqual({ type: "ephemeral" });
    expect(encode({ cacheWhole: { ttl: "24h" } }).body.cache_control).toEqual({
      type: "ephemeral",
      ttl: "1h",
    });
    expect(encode({ system: [marked("s")] }).body).not.toHaveProperty("cache_control");
  });

  test("H-108 of more than four marks the last four stay, and none lasts longer than one before it", () => {
    const { body } = encode({
      tools: [tool("f", { cache: { ttl: "1h" } })],
      system: [marked("s", "1h")],
      messages: [
        user(marked("a", "1h"), marked("b", "5m")),
        assistant("x"),
        user(marked("c", "1h"), marked("d")),
      ],
    });
    const marks = [
      ...body.tools,
      ...body.system,
      ...body.messages.flatMap(({ content }: { content: Block[] }) => content),
    ].map((block) => block.cache_control?.ttl ?? (block.cache_control ? "" : null));
    expect(marks).toEqual([null, null, "1h", "5m", null, "", ""]);
  });
});
