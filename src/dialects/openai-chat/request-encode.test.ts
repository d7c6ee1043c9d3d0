import { describe, expect, test } from "bun:test";
import { GatewayError } from "../../core/errors.ts";
import type { AssistantPart, Message, ToolCallPart, UserPart } from "../../model/message.ts";
import type { FunctionTool, ModelRequest, WebSearchTool } from "../../model/request.ts";
import type { ModelTraits } from "../../model/traits.ts";
import type { EncodeRequestOptions } from "../codec.ts";
import { openaiChatCodec } from "./codec.ts";
import { COMPATIBLE, type Json, OPENAI, PLAIN, TRAITS } from "./fixtures/codec-under-test.ts";

const encode = (request: Partial<ModelRequest>, options: EncodeRequestOptions = OPENAI) =>
  openaiChatCodec.encodeRequest({ ...PLAIN, ...request }, options);
const bodyOf = (request: Partial<ModelRequest>, options?: EncodeRequestOptions): Json =>
  JSON.parse(JSON.stringify(encode(request, options).body));
const messagesOf = (messages: readonly Message[], options?: EncodeRequestOptions): Json[] =>
  bodyOf({ messages }, options).messages;
const droppedOf = (request: Partial<ModelRequest>, options?: EncodeRequestOptions): string[] =>
  encode(request, options).dropped.map((drop) => drop.field);
const withTraits = (traits: Partial<ModelTraits>, options = OPENAI): EncodeRequestOptions => ({
  ...options,
  traits: { ...TRAITS, ...traits },
});
const withThinking = (thinking: Partial<ModelTraits["thinking"]>, options = OPENAI): EncodeRequestOptions =>
  withTraits({ thinking: { ...TRAITS.thinking, ...thinking } }, options);
const NO_THINKING = { kind: "none", efforts: [], isOnByDefault: false } as const;

function faultOf(request: Partial<ModelRequest>, options?: EncodeRequestOptions): GatewayError {
  try {
    encode(request, options);
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

const text = (value: string) => ({ type: "text", text: value }) as const;
const user = (...parts: (string | UserPart)[]): Message => ({
  role: "user",
  parts: parts.map((part) => (typeof part === "string" ? text(part) : part)),
});
const assistant = (...parts: AssistantPart[]): Message => ({ role: "assistant", parts });
const system = (value: string): Message => ({ role: "system", parts: [text(value)] });
const call = (id: string, input = "{}", more: Partial<ToolCallPart> = {}): ToolCallPart => ({
  type: "tool-call",
  id,
  name: "f",
  namespace: null,
  kind: "function",
  input,
  ...more,
});
const image = (data = "aGk=") =>
  ({
    type: "image",
    source: { kind: "base64", mimeType: "image/png", data },
    at: "messages[1].content[0]",
  }) as const;
const result = (callId: string, ...content: (string | ReturnType<typeof image>)[]): UserPart => ({
  type: "tool-result",
  callId,
  name: null,
  content: content.map((part) => (typeof part === "string" ? text(part) : part)),
  isError: false,
  at: "messages[2]",
});
const fn = (name: string, more: Partial<FunctionTool> = {}): FunctionTool => ({
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

describe("the body", () => {
  test("the stable comes first: model, tools, messages, then what may change", () => {
    const request = { tools: [fn("f")], system: [text("S")], maxOutputTokens: 9, stream: true };
    expect(Object.keys(encode(request).body)).toEqual([
      "model",
      "tools",
      "messages",
      "max_completion_tokens",
      "store",
      "stream",
      "stream_options",
    ]);
    expect(encode(request)).toMatchObject({ path: "/v1/chat/completions", headers: [], dropped: [] });
  });

  test("H-44 usage is asked for in streams, unless the server does not know how", () => {
    expect(bodyOf({ stream: true })).toMatchObject({ stream: true, stream_options: { include_usage: true } });
    const repairs = { ...OPENAI.repairs, withoutStreamOptions: true };
    expect(bodyOf({ stream: true }, { ...OPENAI, repairs })).not.toHaveProperty("stream_options");
    expect(bodyOf({})).not.toHaveProperty("stream");
  });

  test("OpenAI gets what is its own, other servers what all know", () => {
    const request = {
      maxOutputTokens: 9,
      userId: "u",
      cacheKey: "k",
      serviceTier: "flex",
      verbosity: "low",
    } as const;
    expect(bodyOf(request)).toMatchObject({
      max_completion_tokens: 9,
      safety_identifier: "u",
      prompt_cache_key: "k",
      service_tier: "flex",
      verbosity: "low",
      store: false,
    });
    const { messages, model, ...rest } = bodyOf(request, COMPATIBLE);
    expect(rest).toEqual({ max_tokens: 9, user: "u" });
    expect(droppedOf(request, COMPATIBLE)).toEqual(["verbosity", "serviceTier"]);
    expect([model, messages]).toEqual(["up-model", [{ role: "user", content: "Hi" }]]);
  });

  test("H-146 an id of the user that is too long is hashed, always to the same", () => {
    const userId = JSON.stringify({ device_id: "d".repeat(64), session_id: "s".repeat(36) });
    const { safety_identifier: sent } = bodyOf({ userId });
    expect(sent).toMatch(/^user_[0-9a-f]+$/);
    expect(sent.length).toBeLessThanOrEqual(64);
    expect(bodyOf({ userId }).safety_identifier).toBe(sent);
  });

  test("H-112 a limit beyond the model's is lowered and named", () => {
    const options = withTraits({ maxOutputTokens: 100 });
    expect(bodyOf({ maxOutputTokens: 500 }, options).max_completion_tokens).toBe(100);
    expect(droppedOf({ maxOutputTokens: 500 }, options)).toEqual(["maxOutputTokens"]);
    expect(bodyOf({}, options)).not.toHaveProperty("max_completion_tokens");
  });

  test("H-117 stop sequences beyond four are watched by the gateway, all of them where the model takes none", () => {
    const stop = ["a", "b", "c", "d", "e"];
    expect(encode({ stop })).toMatchObject({ body: { stop: ["a", "b", "c", "d"] }, watchedStops: ["e"] });
    const none = encode({ stop }, withTraits({ stop: false }));
    expect(none.body).not.toHaveProperty("stop");
    expect(none.watchedStops).toEqual(stop);
  });

  test.each<[Partial<ModelRequest>, string]>([
    [{ candidates: 2 }, "candidates"],
    [{ logprobs: 0 }, "logprobs"],
    [{ outputModalities: ["audio"] }, "outputModalities"],
  ])("H-117, H-147 %j is refused by name", (request, param) => {
    expect(faultOf(request)).toMatchObject({ kind: "not_translatable", param });
  });

  test("sampling that a model refuses is left out, and named when it asked for anything", () => {
    const sampling = { ...PLAIN.sampling, temperature: 1, topP: 0.5, topK: 5, seed: 7, frequencyPenalty: 1 };
    expect(bodyOf({ sampling })).toMatchObject({ temperature: 1, top_p: 0.5, frequency_penalty: 1, seed: 7 });
    expect(droppedOf({ sampling })).toEqual(["topK"]);
    const none = withTraits({ sampling: "none" });
    expect(bodyOf({ sampling }, none)).not.toHaveProperty("temperature");
    expect(droppedOf({ sampling }, none)).toEqual(["topK", "topP", "frequencyPenalty"]);
    expect(droppedOf({ sampling }, withTraits({ sampling: "one" }))).toEqual(["topK", "topP"]);
  });

  test("metadata is named as lost, as nothing is stored", () => {
    expect(droppedOf({ metadata: { a: "b" } })).toEqual(["metadata"]);
  });
});

describe("thinking", () => {
  const asking = (effort: "none" | "minimal" | "max" | null, more: object = {}): Partial<ModelRequest> => ({
    reasoning: { effort, budgetTokens: null, isDynamic: false, isShown: null, ...more },
  });

  test("an effort in the model's nearest word, a budget as a word, nothing as nothing", () => {
    expect(bodyOf(asking("max")).reasoning_effort).toBe("xhigh");
    expect(bodyOf(asking(null, { budgetTokens: 20_000 })).reasoning_effort).toBe("high");
    expect(bodyOf({})).not.toHaveProperty("reasoning_effort");
    expect(
      bodyOf(asking(null, { isDynamic: true }), withThinking({ isOnByDefault: false })).reasoning_effort,
    ).toBe("medium");
  });

  test("a model that does not think: the wish is named; not to think is no wish", () => {
    expect(bodyOf(asking("max"), withThinking(NO_THINKING))).not.toHaveProperty("reasoning_effort");
    expect(droppedOf(asking("max"), withThinking(NO_THINKING))).toEqual(["reasoning"]);
    expect(droppedOf(asking("none"), withThinking(NO_THINKING))).toEqual([]);
  });

  test("a model that always thinks does so as little as it can", () => {
    const options = withThinking({ efforts: ["low", "medium", "high"], canDisable: false });
    expect(bodyOf(asking("none"), options).reasoning_effort).toBe("low");
    expect(droppedOf(asking("none"), options)).toEqual(["reasoning"]);
  });

  test("H-114 tools with a model that refuses both on Chat: no thinking, and that is named", () => {
    const options = withTraits({ needsResponsesForTools: true });
    const request = { ...asking("max"), tools: [fn("f")] };
    expect(bodyOf(request, options).reasoning_effort).toBe("none");
    expect(droppedOf(request, options)).toEqual(["reasoning"]);
    expect(bodyOf(asking("max"), options).reasoning_effort).toBe("xhigh");
  });
});

describe("instructions", () => {
  test("one message each, of the role that the model knows", () => {
    const request = { system: [text("A"), text("B")] };
    const leading = (options: EncodeRequestOptions) => bodyOf(request, options).messages.slice(0, -1);
    expect(leading(OPENAI)).toEqual([
      { role: "developer", content: "A" },
      { role: "developer", content: "B" },
    ]);
    expect(leading(withThinking(NO_THINKING))[0].role).toBe("system");
    expect(leading(COMPATIBLE)[0].role).toBe("system");
  });

  test("between the turns they stay in place", () => {
    expect(messagesOf([user("a"), system("S"), assistant(text("b")), user("c")], COMPATIBLE)).toEqual([
      { role: "user", content: "a" },
      { role: "system", content: "S" },
      { role: "assistant", content: "b" },
      { role: "user", content: "c" },
    ]);
  });

  test("H-70 where a template wants them first and once: one message, and those between as text of the user", () => {
    const repairs = { ...COMPATIBLE.repairs, systemFirst: true };
    const request = { system: [text("A"), text("B")], messages: [user("a"), system("S"), user("c")] };
    for (const options of [{ ...COMPATIBLE, repairs }, withTraits({ midSystem: false }, COMPATIBLE)]) {
      const { messages } = bodyOf(request, options);
      expect(messages).toEqual([
        { role: "system", content: "A\n\nB" },
        { role: "user", content: "a\n<system-reminder>\nS\n</system-reminder>\nc" },
      ]);
      expect(droppedOf(request, options)).toEqual(["messages"]);
    }
  });
});

describe("turns", () => {
  test("H-79 a text and calls in turns of their own become one message", () => {
    const messages = [
      user("a"),
      assistant(text("b")),
      assistant(call("x", '{"p":1}')),
      user(result("x", "r")),
    ];
    expect(messagesOf(messages)).toEqual([
      { role: "user", content: "a" },
      {
        role: "assistant",
        content: "b",
        tool_calls: [{ id: "x", type: "function", function: { name: "f", arguments: '{"p":1}' } }],
      },
      { role: "tool", tool_call_id: "x", content: "r" },
    ]);
  });

  test("H-73, H-74, H-89 results follow their calls in the order of the calls, each in a message", () => {
    const messages = [
      user("a"),
      assistant(call("x"), call("y")),
      user(result("y", "2")),
      user("between"),
      user(result("x", "1")),
    ];
    expect(messagesOf(messages).slice(2)).toEqual([
      { role: "tool", tool_call_id: "x", content: "1" },
      { role: "tool", tool_call_id: "y", content: "2" },
      { role: "user", content: "between" },
    ]);
  });

  test("H-80, H-90 a result whose call is not there is refused", () => {
    expect(faultOf({ messages: [user("a"), user(result("x", "r"))] }).kind).toBe("bad_request");
  });

  test("H-75 calls without a text: null", () => {
    expect(messagesOf([user("a"), assistant(call("x")), user(result("x", "r"))])[1].content).toBeNull();
  });

  test("H-48 no arguments are {}", () => {
    const messages = [user("a"), assistant(call("x", "")), user(result("x", "r"))];
    expect(messagesOf(messages)[1].tool_calls[0].function.arguments).toBe("{}");
  });

  test("H-99 images of results: a note in their place, and the images in one message behind the last result", () => {
    const messages = [
      user("a"),
      assistant(call("x"), call("y")),
      user(result("x", "see", image("QQ==")), result("y", image("Qg=="))),
      user("thanks"),
    ];
    const url = (data: string) => ({
      type: "image_url",
      image_url: { url: `data:image/png;base64,${data}` },
    });
    expect(messagesOf(messages, COMPATIBLE).slice(2)).toEqual([
      { role: "tool", tool_call_id: "x", content: "see\n[The image is in the next message of the user.]" },
      { role: "tool", tool_call_id: "y", content: "[The image is in the next message of the user.]" },
      {
        role: "user",
        content: [
          { type: "text", text: "Of the result of the tool call x:" },
          url("QQ=="),
          { type: "text", text: "Of the result of the tool call y:" },
          url("Qg=="),
        ],
      },
      { role: "user", content: "thanks" },
    ]);
  });

  test("a result that is an error says so", () => {
    const failed = { ...result("x", "no such file"), isError: true } as UserPart;
    expect(messagesOf([user("a"), assistant(call("x")), user(failed)])[2].content).toBe(
      "Error: no such file",
    );
  });

  test("ids that are too long are shortened alike in the call and the result", () => {
    const id = `toolu_${"x".repeat(60)}`;
    const [, asked, answered] = messagesOf([user("a"), assistant(call(id)), user(result(id, "r"))]);
    expect(asked.tool_calls[0].id.length).toBeLessThanOrEqual(40);
    expect(answered.tool_call_id).toBe(asked.tool_calls[0].id);
  });

  test("H-76 refusals: a member for OpenAI, text for others", () => {
    const messages = [user("a"), assistant({ type: "refusal", text: "No." }), user("b")];
    expect(messagesOf(messages)[1]).toEqual({ role: "assistant", content: null, refusal: "No." });
    expect(messagesOf(messages, COMPATIBLE)[1]).toEqual({ role: "assistant", content: "No." });
  });

  test("H-96 thinking goes back to the server that gave it, with its calls; to nobody else", () => {
    const mark = { maker: "openai-compatible", place: "reasoning", data: "reasoning_content" } as const;
    const turns = (
      seal: typeof mark | { maker: string; place: "reasoning"; data: string } | null,
    ): Message[] => [
      user("a"),
      assistant({ type: "reasoning", text: "Hm", seal }, call("x")),
      user(result("x", "r")),
    ];
    expect(messagesOf(turns(mark), COMPATIBLE)[1].reasoning_content).toBe("Hm");
    expect(messagesOf(turns(mark))[1]).not.toHaveProperty("reasoning_content");
    for (const seal of [null, { maker: "anthropic", place: "reasoning", data: "s" } as const])
      expect(messagesOf(turns(seal), COMPATIBLE)[1]).not.toHaveProperty("reasoning_content");
    const withoutCalls = [
      user("a"),
      assistant({ type: "reasoning", text: "Hm", seal: mark }, text("b")),
      user("c"),
    ];
    expect(messagesOf(withoutCalls, COMPATIBLE)[1]).toEqual({ role: "assistant", content: "b" });
  });

  test("H-91, H-92 Gemini behind this dialect: its signature on its call, the documented dummy where there is none", () => {
    const options = withTraits({ sealedCalls: true }, COMPATIBLE);
    const seal = { maker: "gemini", place: "call", data: "c2ln" } as const;
    const messages = [
      user("a"),
      assistant(call("x", "{}", { seal }), call("y")),
      user(result("x", "1"), result("y", "2")),
      assistant(call("z"), call("w")),
      user(result("z", "3"), result("w", "4")),
    ];
    const signatures = messagesOf(messages, options)
      .flatMap((message) => message.tool_calls ?? [])
      .map((each: Json) => each.extra_content?.google.thought_signature ?? null);
    expect(signatures).toEqual(["c2ln", null, "skip_thought_signature_validator", null]);
    expect(JSON.stringify(messagesOf(messages, COMPATIBLE))).not.toContain("extra_content");
  });

  test("the beginning of an answer is named where the server does not go on with it", () => {
    const messages = [user("a"), assistant(text("{"))];
    expect(droppedOf({ messages })).toEqual([]);
    expect(droppedOf({ messages }, withTraits({ prefill: false }))).toEqual(["messages"]);
  });

  test("parts of text: kept for OpenAI, one text for others", () => {
    expect(messagesOf([user("a", "b")])[0].content).toEqual([text("a"), text("b")]);
    expect(messagesOf([user("a", "b")], COMPATIBLE)[0].content).toBe("a\nb");
  });

  test("cache marks stand where the model counts them", () => {
    const parts = [{ ...text("a"), cache: { ttl: "1h" } } as const];
    const options = withTraits({ cacheBreakpoints: true });
    expect(messagesOf([{ role: "user", parts }], options)[0].content).toEqual([
      { type: "text", text: "a", prompt_cache_breakpoint: { mode: "explicit" } },
    ]);
    expect(messagesOf([{ role: "user", parts }])[0].content).toBe("a");
  });
});

describe("media", () => {
  const contentOf = (part: UserPart, options?: EncodeRequestOptions): Json[] =>
    messagesOf([user(part)], options)[0].content;
  const at = "messages[0].content[0]";
  const pdf = { kind: "base64", mimeType: "application/pdf", data: "aGk=" } as const;

  test("a PDF with its name", () => {
    expect(contentOf({ type: "document", source: pdf, title: null, at })).toEqual([
      { type: "file", file: { filename: "document.pdf", file_data: "data:application/pdf;base64,aGk=" } },
    ]);
  });

  test("H-103 a document of text is text; that it cannot be cited is named", () => {
    const source = { kind: "text", text: "Long." } as const;
    const messages = [user({ type: "document", source, title: "T", citations: true, at })];
    expect(messagesOf(messages)[0].content).toBe("T\n\nLong.");
    expect(droppedOf({ messages })).toEqual([at]);
  });

  test("H-104 sound in the two forms that there are", () => {
    const source = { kind: "base64", mimeType: "audio/wav", data: "aGk=" } as const;
    expect(contentOf({ type: "audio", source, at })).toEqual([
      { type: "input_audio", input_audio: { data: "aGk=", format: "wav" } },
    ]);
  });

  const deaf = withTraits({ input: { image: false, pdf: false, audio: false, video: false } });
  test.each<[string, UserPart, EncodeRequestOptions]>([
    ["an image for the blind", { ...image(), at }, deaf],
    ["a PDF for those who cannot read it", { type: "document", source: pdf, title: null, at }, deaf],
    ["sound for the deaf", { type: "audio", source: { ...pdf, mimeType: "audio/wav" }, at }, deaf],
    [
      "H-101 an image of a type unknown to OpenAI",
      { ...image(), source: { ...pdf, mimeType: "image/heic" }, at },
      OPENAI,
    ],
    [
      "a file of another provider",
      { type: "document", source: { kind: "provider-file", id: "f", maker: "anthropic" }, title: null, at },
      OPENAI,
    ],
    [
      "a document by URL",
      { type: "document", source: { kind: "url", url: "https://x", mimeType: null }, title: null, at },
      OPENAI,
    ],
    ["a video", { type: "video", source: { kind: "url", url: "https://x", mimeType: null }, at }, OPENAI],
  ])("%s is refused by its place", (_what, part, options) => {
    expect(faultOf({ messages: [user(part)] }, options)).toMatchObject({
      kind: "not_translatable",
      param: at,
    });
  });
});

describe("tools", () => {
  const closed = {
    type: "object",
    properties: { a: { type: "string" } },
    required: ["a"],
    additionalProperties: false,
  };
  const open = { type: "object", properties: { a: { type: "string" } } };

  test("H-115 strictness: as asked where it can be, off and named where OpenAI would refuse it", () => {
    const strict = (parameters: object, options?: EncodeRequestOptions) =>
      bodyOf({ tools: [fn("f", { parameters: parameters as never, strict: true })] }, options).tools[0]
        .function.strict;
    expect(strict(closed)).toBe(true);
    expect(strict(open)).toBe(false);
    expect(strict({ ...closed, properties: { a: open } })).toBe(false);
    expect(strict(open, COMPATIBLE)).toBe(true);
    expect(droppedOf({ tools: [fn("f", { parameters: open, strict: true })] })).toEqual(["tools[0].strict"]);
    expect(bodyOf({ tools: [fn("f", { parameters: open })] }).tools[0].function).not.toHaveProperty("strict");
  });

  test("H-106 names that are not allowed are renamed in tools, choice and history, and can be told back", () => {
    const tools = [fn("fs.read"), fn("ls", { namespace: "agents" }), fn("x".repeat(80))];
    const messages = [user("a"), assistant(call("c", "{}", { name: "fs.read" })), user(result("c", "r"))];
    const toolChoice = { mode: "tool", tool: { name: "fs.read", namespace: null } } as const;
    const { body, names } = encode({ tools, messages, toolChoice });
    const sent: Json = JSON.parse(JSON.stringify(body));
    const wire = sent.tools.map((tool: Json) => tool.function.name);
    for (const name of wire) expect(name).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
    expect(new Set(wire).size).toBe(3);
    expect(sent.tool_choice.function.name).toBe(wire[0]);
    expect(sent.messages[1].tool_calls[0].function.name).toBe(wire[0]);
    expect(names.original(wire[1])).toEqual({ name: "ls", namespace: "agents", kind: "function" });
  });

  test("H-107 a tool that comes twice the same is sent once; two that differ are refused", () => {
    expect(bodyOf({ tools: [fn("f"), fn("f", { at: "tools[1]" })] }).tools).toHaveLength(1);
    expect(faultOf({ tools: [fn("f"), fn("f", { description: "other", at: "tools[1]" })] }).kind).toBe(
      "bad_request",
    );
  });

  test("custom tools: as such for OpenAI, as a function with one text for others", () => {
    const custom = {
      kind: "custom",
      name: "exec",
      namespace: null,
      description: "d",
      grammar: { syntax: "regex", definition: "a+" },
      at: "tools[0]",
    } as const;
    const messages = [
      user("a"),
      assistant(call("c", "ls", { name: "exec", kind: "custom" })),
      user(result("c", "r")),
    ];
    const own = bodyOf({ tools: [custom], messages });
    expect(own.tools[0]).toEqual({
      type: "custom",
      custom: {
        name: "exec",
        description: "d",
        format: { type: "grammar", grammar: { definition: "a+", syntax: "regex" } },
      },
    });
    expect(own.messages[1].tool_calls[0]).toEqual({
      id: "c",
      type: "custom",
      custom: { name: "exec", input: "ls" },
    });
    const other = bodyOf({ tools: [custom], messages }, COMPATIBLE);
    expect(other.tools[0].function).toMatchObject({ name: "exec", parameters: { required: ["input"] } });
    expect(other.messages[1].tool_calls[0].function.arguments).toBe('{"input":"ls"}');
    expect(droppedOf({ tools: [custom], messages }, COMPATIBLE)).toEqual(["tools[0]"]);
  });

  test("a choice among some: as such for OpenAI, by showing only those to others", () => {
    const toolChoice = { mode: "subset", tools: [{ name: "g", namespace: null }], isRequired: true } as const;
    const request = { tools: [fn("f"), fn("g")], toolChoice };
    expect(bodyOf(request)).toMatchObject({
      tools: [{}, {}],
      tool_choice: {
        type: "allowed_tools",
        allowed_tools: { mode: "required", tools: [{ type: "function", function: { name: "g" } }] },
      },
    });
    const other = bodyOf(request, COMPATIBLE);
    expect(other.tools.map((tool: Json) => tool.function.name)).toEqual(["g"]);
    expect(other.tool_choice).toBe("required");
  });

  test("a choice without tools is not sent", () => {
    expect(bodyOf({ toolChoice: { mode: "auto" }, parallelToolCalls: true })).not.toHaveProperty(
      "tool_choice",
    );
    expect(droppedOf({ toolChoice: { mode: "required" } })).toEqual(["toolChoice"]);
  });

  const search: WebSearchTool = {
    kind: "web-search",
    allowedDomains: null,
    blockedDomains: null,
    maxUses: 3,
    userLocation: { city: "Bern" },
    contextSize: "low",
    externalAccess: null,
    at: "tools[4]",
  };
  test("web search: of models that search; a search without the web is left out; any other is refused", () => {
    const options = withTraits({ webSearch: true });
    expect(bodyOf({ tools: [search] }, options).web_search_options).toEqual({
      search_context_size: "low",
      user_location: { type: "approximate", approximate: { city: "Bern" } },
    });
    expect(droppedOf({ tools: [search] }, options)).toEqual(["tools[4]"]);
    expect(faultOf({ tools: [search] })).toMatchObject({ kind: "not_translatable", param: "tools[4]" });
    expect(droppedOf({ tools: [{ ...search, externalAccess: false }] })).toEqual(["tools[4]"]);
    expect(faultOf({ tools: [{ ...search, blockedDomains: ["x"] }] }, options).kind).toBe("not_translatable");
  });

  test("a tool that its provider runs is refused", () => {
    const hosted = {
      kind: "hosted",
      maker: "anthropic",
      type: "code_execution",
      raw: {},
      at: "tools[1]",
    } as const;
    expect(faultOf({ tools: [hosted] })).toMatchObject({ kind: "not_translatable", param: "tools[1]" });
  });

  test("H-110 a schema for the answer, beside tools", () => {
    const output = {
      kind: "json-schema",
      name: null,
      description: null,
      schema: closed,
      strict: true,
    } as const;
    expect(bodyOf({ output, tools: [fn("f")] })).toMatchObject({
      response_format: { type: "json_schema", json_schema: { name: "output", schema: closed, strict: true } },
      tools: [{}],
    });
    const told = bodyOf({ output }, withTraits({ structuredOutput: false }, COMPATIBLE));
    expect(told.response_format).toEqual({ type: "json_object" });
    expect(told.messages[0].content).toContain('"additionalProperties":false');
  });
});

describe("amendments of relayed bodies", () => {
  const none = {
    temperature: null,
    topP: null,
    topK: null,
    maxOutputTokens: null,
    effort: null,
    thinkingBudgetTokens: null,
    stop: null,
    seed: null,
  };
  const nothing = {
    thinking: null,
    search: false,
    systemBefore: null,
    systemAfter: null,
    defaults: none,
    fixed: none,
  };
  const body = {
    model: "m",
    messages: [
      { role: "developer", content: "S" },
      { role: "user", content: "Hi" },
    ],
    temperature: 0.5,
  };

  test("nothing asked: the same", () => {
    expect(JSON.stringify(openaiChatCodec.amend(body, nothing, TRAITS))).toBe(JSON.stringify(body));
  });

  test("values: defaults where the client says nothing, fixed ones always; text around the instructions", () => {
    const amendment = {
      ...nothing,
      thinking: { budgetTokens: 8192 },
      systemBefore: "A",
      systemAfter: "B",
      defaults: { ...none, temperature: 0, topP: 0.5 },
      fixed: { ...none, maxOutputTokens: 9, seed: 1 },
    };
    expect(openaiChatCodec.amend(body, amendment, TRAITS)).toEqual({
      model: "m",
      messages: [
        { role: "developer", content: "A" },
        { role: "developer", content: "S" },
        { role: "developer", content: "B" },
        { role: "user", content: "Hi" },
      ],
      temperature: 0.5,
      top_p: 0.5,
      reasoning_effort: "medium",
      max_completion_tokens: 9,
      seed: 1,
    });
  });

  test("a search by name where there is none is refused", () => {
    expect(() => openaiChatCodec.amend(body, { ...nothing, search: true }, TRAITS)).toThrow(GatewayError);
    expect(
      openaiChatCodec.amend(body, { ...nothing, search: true }, { ...TRAITS, webSearch: true }),
    ).toHaveProperty("web_search_options");
  });

  test("seals are taken out of the calls, if there are any", () => {
    const call = { id: "a", type: "function", function: { name: "f", arguments: "{}" } };
    const signed = { ...call, extra_content: { google: { thought_signature: "x" } } };
    const withCall = (each: object) => ({
      model: "m",
      messages: [{ role: "assistant", tool_calls: [each] }],
    });
    expect(openaiChatCodec.withoutSeals(withCall(signed))).toEqual(withCall(call));
    expect(openaiChatCodec.withoutSeals(withCall(call))).toBeNull();
  });
});
