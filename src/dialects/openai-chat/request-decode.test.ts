import { describe, expect, test } from "bun:test";
import { GatewayError } from "../../core/errors.ts";
import type { ModelRequest } from "../../model/request.ts";
import { wrapSeal } from "../../model/seal.ts";
import type { DecodedRequest } from "../codec.ts";
import { openaiChatCodec } from "./codec.ts";

const HI = { role: "user", content: "Hi" };
const whole = (body: object): DecodedRequest =>
  openaiChatCodec.decodeRequest({ model: "m", messages: [HI], ...body }, { model: "", stream: false });
const decode = (body: object): ModelRequest => whole(body).request;
const messagesOf = (...messages: object[]) => decode({ messages }).messages;
const droppedOf = (body: object): string[] => whole(body).dropped.map((drop) => drop.field);

function faultOf(body: object): Pick<GatewayError, "kind" | "param" | "message"> {
  try {
    whole(body);
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

const tool = (name: string, more: object = {}): object => ({ type: "function", function: { name, ...more } });
const call = (id: string, name: string, args: string): object => ({
  id,
  type: "function",
  function: { name, arguments: args },
});

describe("members", () => {
  test("each finds its place", () => {
    const request = decode({
      stream: true,
      max_completion_tokens: 100,
      stop: ["a", "b"],
      temperature: 0.5,
      top_p: 0.9,
      top_k: 40,
      frequency_penalty: 1,
      presence_penalty: -1,
      logit_bias: { "50256": -100 },
      seed: 7,
      n: 2,
      logprobs: true,
      top_logprobs: 3,
      reasoning_effort: "high",
      verbosity: "low",
      parallel_tool_calls: false,
      modalities: ["text", "audio"],
      metadata: { a: "b" },
      service_tier: "flex",
      safety_identifier: "u1",
      user: "u2",
      prompt_cache_key: "k",
      prompt_cache_options: { mode: "implicit", ttl: "30m" },
    });
    expect(request).toMatchObject({
      model: "m",
      stream: true,
      maxOutputTokens: 100,
      stop: ["a", "b"],
      sampling: {
        temperature: 0.5,
        topP: 0.9,
        topK: 40,
        seed: 7,
        frequencyPenalty: 1,
        presencePenalty: -1,
        logitBias: { "50256": -100 },
      },
      candidates: 2,
      logprobs: 3,
      reasoning: { effort: "high", budgetTokens: null, isDynamic: false, isShown: null },
      verbosity: "low",
      parallelToolCalls: false,
      outputModalities: ["audio"],
      metadata: { a: "b" },
      serviceTier: "flex",
      userId: "u1",
      cacheKey: "k",
      cacheWhole: { ttl: "30m" },
    });
  });

  test("what is not said is null, and null is not said", () => {
    const empty = decode({});
    expect(empty).toMatchObject({ stream: false, stop: [], candidates: 1, logprobs: null, reasoning: null });
    const nulls = Object.fromEntries(
      [
        "stream",
        "stop",
        "temperature",
        "n",
        "tools",
        "tool_choice",
        "response_format",
        "reasoning_effort",
        "user",
      ].map((key) => [key, null]),
    );
    expect(decode(nulls)).toEqual(empty);
    expect(droppedOf(nulls)).toEqual([]);
  });

  test("a single stop sequence, and an empty one", () => {
    expect(decode({ stop: "END" }).stop).toEqual(["END"]);
    expect(decode({ stop: "" }).stop).toEqual([]);
  });

  test("H-148 both limits: the newer counts, and the other is named when it differs", () => {
    expect(whole({ max_completion_tokens: 5, max_tokens: 9 })).toMatchObject({
      request: { maxOutputTokens: 5 },
      dropped: [{ field: "max_tokens" }],
    });
    expect(droppedOf({ max_completion_tokens: 5, max_tokens: 5 })).toEqual([]);
    expect(decode({ max_tokens: 9 }).maxOutputTokens).toBe(9);
  });

  test("H-112 no limit is none, and 0 is refused", () => {
    expect(decode({}).maxOutputTokens).toBeNull();
    expect(faultOf({ max_completion_tokens: 0 })).toMatchObject({
      kind: "bad_request",
      param: "max_completion_tokens",
    });
  });

  test("H-42 whether usage is asked for is remembered for the reply", () => {
    expect(whole({ stream: true, stream_options: { include_usage: true } }).echo).toEqual({
      includeUsage: true,
      usesFunctions: false,
    });
    expect(whole({ stream: true }).echo).toMatchObject({ includeUsage: false });
  });

  test("H-110 a schema for the answer beside tools: both are there", () => {
    const schema = { type: "object", properties: { a: { type: "string" } } };
    const format = {
      type: "json_schema",
      json_schema: { name: "x", schema, strict: true, description: "d" },
    };
    const request = decode({ response_format: format, tools: [tool("f")] });
    expect(request.output).toEqual({
      kind: "json-schema",
      name: "x",
      description: "d",
      schema,
      strict: true,
    });
    expect(request.tools).toHaveLength(1);
    expect(decode({ response_format: { type: "json_object" } }).output).toEqual({ kind: "json" });
    expect(decode({ response_format: { type: "text" } }).output).toBeNull();
  });

  test("H-147 sound is asked for: the answer's modalities say so, its settings go with it", () => {
    const audio = { voice: "alloy", format: "wav" };
    expect(decode({ modalities: ["text", "audio"], audio }).outputModalities).toEqual(["audio"]);
    expect(droppedOf({ audio })).toEqual(["audio"]);
  });

  test("members that nobody knows are named, once for all messages", () => {
    const messages = [
      { ...HI, sent_at: 1 },
      { ...HI, sent_at: 2 },
    ];
    expect(
      droppedOf({ messages, min_p: 0.1, prediction: { type: "content", content: "x" }, store: true }),
    ).toEqual(["min_p", "messages[0].sent_at", "prediction", "store"]);
    expect(droppedOf({ store: false, stream_options: { include_obfuscation: false } })).toEqual([]);
  });

  test("moderation that blocks cannot be left out; one that only scores can", () => {
    const policy = (mode: string) => ({ moderation: { model: "omni", policy: { output: { mode } } } });
    expect(faultOf(policy("block"))).toMatchObject({ kind: "not_translatable", param: "moderation" });
    expect(droppedOf(policy("score"))).toEqual(["moderation"]);
  });

  test("web_search_options is a search by the provider", () => {
    const location = { type: "approximate", approximate: { city: "Bern", country: "CH", odd: 1 } };
    expect(
      decode({ web_search_options: { search_context_size: "low", user_location: location } }).tools,
    ).toEqual([
      {
        kind: "web-search",
        allowedDomains: null,
        blockedDomains: null,
        maxUses: null,
        userLocation: { city: "Bern", country: "CH" },
        contextSize: "low",
        externalAccess: null,
        at: "web_search_options",
      },
    ]);
  });

  test.each<[object, string]>([
    [{ messages: [] }, "messages"],
    [{ messages: "x" }, "messages"],
    [{ messages: [7] }, "messages[0]"],
    [{ messages: [{ role: "narrator", content: "x" }] }, "messages[0].role"],
    [{ messages: [{ role: "user", content: null }] }, "messages[0].content"],
    [{ messages: [{ role: "user", content: [{ type: "smell" }] }] }, "messages[0].content[0].type"],
    [{ messages: [{ role: "user", content: [{ type: "text", text: 7 }] }] }, "messages[0].content[0].text"],
    [
      { messages: [{ role: "system", content: [{ type: "image_url", image_url: { url: "https://x" } }] }] },
      "messages[0].content[0].type",
    ],
    [{ messages: [{ role: "tool", content: "x" }] }, "messages[0].tool_call_id"],
    [{ messages: [{ role: "assistant", tool_calls: [{ id: "a" }] }] }, "messages[0].tool_calls[0].function"],
    [{ model: 7 }, "model"],
    [{ temperature: "hot" }, "temperature"],
    [{ n: 0 }, "n"],
    [{ stop: [1] }, "stop[0]"],
    [{ reasoning_effort: "huge" }, "reasoning_effort"],
    [{ tools: {} }, "tools"],
    [{ tools: [{ type: "function", function: {} }] }, "tools[0].function.name"],
    [{ tools: [tool("f", { parameters: "x" })] }, "tools[0].function.parameters"],
    [{ tools: [tool("f")], tool_choice: { type: "function", function: { name: "g" } } }, "tool_choice"],
    [{ response_format: { type: "yaml" } }, "response_format.type"],
  ])("%j is refused by name", (body, param) => {
    const fault = faultOf(body);
    expect(fault).toMatchObject({ kind: "bad_request", param });
    expect(fault.message).toContain(param);
  });

  test("a tool of a kind that only its provider has is refused, not lost", () => {
    expect(faultOf({ tools: [{ type: "file_search" }] })).toMatchObject({
      kind: "not_translatable",
      param: "tools[0].type",
    });
  });

  test("H-144 nesting of 500 levels passes, more than 512 is refused; 2,000 tools and 1 MB of schema pass", () => {
    const nest = (levels: number): object => {
      let schema: object = {};
      for (let level = 0; level < levels; level++) schema = { properties: schema };
      return schema;
    };
    expect(decode({ tools: [tool("f", { parameters: nest(490) })] }).tools).toHaveLength(1);
    expect(faultOf({ tools: [tool("f", { parameters: nest(520) })] }).kind).toBe("bad_request");
    const many = Array.from({ length: 2000 }, (_, n) =>
      tool(`f${n}`, { parameters: { type: "object", description: "x".repeat(500) } }),
    );
    expect(decode({ tools: many }).tools).toHaveLength(2000);
  });

  test("H-145 keys of the prototype are data", () => {
    const parameters = JSON.parse(
      '{"type":"object","properties":{"__proto__":{"type":"string"},"constructor":{}}}',
    );
    const [found] = decode({ tools: [tool("f", { parameters })] }).tools;
    expect(JSON.stringify(found)).toContain('"__proto__":{"type":"string"}');
    expect(({} as Record<string, unknown>).type).toBeUndefined();
  });
});

describe("tools", () => {
  test("H-115 functions keep whether they are strict, and that nothing was said", () => {
    const parameters = { type: "object", properties: {} };
    expect(
      decode({ tools: [tool("f", { description: "d", parameters, strict: true }), tool("g")] }).tools,
    ).toEqual([
      {
        kind: "function",
        name: "f",
        namespace: null,
        description: "d",
        parameters,
        strict: true,
        isDeferred: false,
        cache: null,
        at: "tools[0]",
      },
      {
        kind: "function",
        name: "g",
        namespace: null,
        description: null,
        parameters: null,
        strict: null,
        isDeferred: false,
        cache: null,
        at: "tools[1]",
      },
    ]);
  });

  test("custom tools with a grammar", () => {
    const format = { type: "grammar", grammar: { syntax: "lark", definition: "start: WORD" } };
    expect(decode({ tools: [{ type: "custom", custom: { name: "x", format } }] }).tools).toMatchObject([
      { kind: "custom", name: "x", grammar: { syntax: "lark", definition: "start: WORD" } },
    ]);
  });

  test.each<[unknown, unknown]>([
    ["auto", { mode: "auto" }],
    ["none", { mode: "none" }],
    ["required", { mode: "required" }],
    [
      { type: "function", function: { name: "f" } },
      { mode: "tool", tool: { name: "f", namespace: null } },
    ],
    [
      { type: "custom", custom: { name: "f" } },
      { mode: "tool", tool: { name: "f", namespace: null } },
    ],
    [
      { type: "allowed_tools", allowed_tools: { mode: "required", tools: [tool("f")] } },
      { mode: "subset", tools: [{ name: "f", namespace: null }], isRequired: true },
    ],
  ])("tool_choice %j", (choice, expected) => {
    expect(decode({ tools: [tool("f"), tool("g")], tool_choice: choice }).toolChoice).toEqual(
      expected as never,
    );
  });

  test("a choice without tools is left out, and named when it mattered", () => {
    expect(whole({ tool_choice: "auto" })).toMatchObject({ request: { toolChoice: null }, dropped: [] });
    expect(droppedOf({ tool_choice: "required" })).toEqual(["tool_choice"]);
  });

  test("H-116 functions of the deprecated form: tools, choice, calls and results with ids of their own", () => {
    const { request, echo } = whole({
      functions: [{ name: "f", parameters: { type: "object" } }],
      function_call: { name: "f" },
      messages: [
        HI,
        { role: "assistant", content: null, function_call: { name: "f", arguments: '{"a":1}' } },
        { role: "function", name: "f", content: "one" },
        { role: "assistant", content: null, function_call: { name: "f", arguments: "{}" } },
        { role: "function", name: "f", content: null },
      ],
    });
    expect(echo).toEqual({ includeUsage: false, usesFunctions: true });
    expect(request).toMatchObject({
      tools: [{ kind: "function", name: "f", at: "functions[0]" }],
      toolChoice: { mode: "tool", tool: { name: "f" } },
      parallelToolCalls: false,
      messages: [
        { role: "user" },
        {
          role: "assistant",
          parts: [{ type: "tool-call", id: "call_function_1", name: "f", input: '{"a":1}' }],
        },
        {
          role: "user",
          parts: [{ type: "tool-result", callId: "call_function_1", content: [{ text: "one" }] }],
        },
        { role: "assistant", parts: [{ type: "tool-call", id: "call_function_3" }] },
        { role: "user", parts: [{ type: "tool-result", callId: "call_function_3", content: [] }] },
      ],
    });
  });

  test("H-116 a function's result that nobody called for is refused", () => {
    expect(faultOf({ messages: [HI, { role: "function", name: "f", content: "x" }] })).toMatchObject({
      kind: "bad_request",
      param: "messages[1].name",
    });
  });
});

describe("messages", () => {
  test("instructions in front stay apart; those between the turns stay where they are", () => {
    const request = decode({
      messages: [
        { role: "system", content: "A" },
        {
          role: "developer",
          content: [
            { type: "text", text: "B" },
            { type: "text", text: "C", prompt_cache_breakpoint: { mode: "explicit", ttl: "12h" } },
          ],
        },
        HI,
        { role: "system", content: "D" },
      ],
    });
    expect(request.system).toEqual([
      { type: "text", text: "A" },
      { type: "text", text: "B" },
      { type: "text", text: "C", cache: { ttl: "12h" } },
    ]);
    expect(request.messages).toEqual([
      { role: "user", parts: [{ type: "text", text: "Hi" }] },
      { role: "system", parts: [{ type: "text", text: "D" }] },
    ]);
  });

  test("H-75 an assistant's content of null or nothing beside calls is no text", () => {
    for (const content of [null, "", undefined, [{ type: "text", text: "" }]])
      expect(
        messagesOf(HI, { role: "assistant", content, tool_calls: [call("a", "f", "{}")] })[1]?.parts,
      ).toEqual([{ type: "tool-call", id: "a", namespace: null, name: "f", kind: "function", input: "{}" }]);
  });

  test("H-76 refusals of the history, as a part and as a member", () => {
    const content = [{ type: "refusal", refusal: "No." }];
    expect(messagesOf(HI, { role: "assistant", content })[1]?.parts).toEqual([
      { type: "refusal", text: "No." },
    ]);
    expect(messagesOf(HI, { role: "assistant", content: null, refusal: "No." })[1]?.parts).toEqual([
      { type: "refusal", text: "No." },
    ]);
  });

  test("H-95 thinking that the client sends back is not sent on, and not named", () => {
    const answer = {
      role: "assistant",
      content: "x",
      reasoning_content: "Hm",
      reasoning: "Hm",
      annotations: [],
    };
    const { request, dropped } = whole({ messages: [HI, answer, HI] });
    expect(request.messages[1]?.parts).toEqual([{ type: "text", text: "x" }]);
    expect(dropped).toEqual([]);
  });

  test("H-92 a signature on a call stays with exactly that call, ours unwrapped, Google's own as it is", () => {
    const seal = { maker: "gemini", place: "call", data: "c2ln" } as const;
    const signed = (token: string): object => ({
      ...call("a", "f", "{}"),
      extra_content: { google: { thought_signature: token } },
    });
    for (const token of [wrapSeal(seal), "c2ln"])
      expect(
        messagesOf(HI, { role: "assistant", tool_calls: [signed(token), call("b", "f", "{}")] })[1]?.parts,
      ).toEqual([
        { type: "tool-call", id: "a", namespace: null, name: "f", kind: "function", input: "{}", seal },
        { type: "tool-call", id: "b", namespace: null, name: "f", kind: "function", input: "{}" },
      ]);
  });

  test("H-88 a result is text, whatever is in it", () => {
    const content = '{"error":"x"}';
    const result = messagesOf(HI, { role: "tool", tool_call_id: "a", content })[1];
    expect(result?.parts).toMatchObject([
      { type: "tool-result", callId: "a", content: [{ type: "text", text: content }], isError: false },
    ]);
  });

  test("H-101 images: of a data: URL in any spelling, of the web, and of what is no image", () => {
    const sourceOf = (url: string) => {
      const [message] = messagesOf({
        role: "user",
        content: [{ type: "image_url", image_url: { url, detail: "low" } }],
      });
      return message?.parts[0];
    };
    expect(sourceOf("DATA:image/JPG;charset=x;base64,_-8")).toEqual({
      type: "image",
      source: { kind: "base64", mimeType: "image/jpeg", data: "/+8=" },
      detail: "low",
      at: "messages[0].content[0]",
    });
    expect(sourceOf("https://x/y.png")).toMatchObject({ source: { kind: "url", url: "https://x/y.png" } });
    for (const url of ["data:application/zip;base64,aGk=", "ftp://x", "data:image/png;base64,%%"])
      expect(() => sourceOf(url)).toThrow("messages[0].content[0].image_url.url");
  });

  test("H-102 files: a PDF with its name, a text as text, and one that OpenAI holds", () => {
    const partOf = (file: object) =>
      messagesOf({ role: "user", content: [{ type: "file", file }] })[0]?.parts[0];
    const at = "messages[0].content[0]";
    expect(partOf({ file_data: "data:application/pdf;base64,aGk=", filename: "a.pdf" })).toEqual({
      type: "document",
      title: "a.pdf",
      source: { kind: "base64", mimeType: "application/pdf", data: "aGk=" },
      at,
    });
    expect(partOf({ file_data: "data:text/plain;base64,w6Q=", filename: "a.txt" })).toEqual({
      type: "document",
      title: "a.txt",
      source: { kind: "text", text: "ä" },
      at,
    });
    expect(partOf({ file_id: "file-1" })).toMatchObject({
      source: { kind: "provider-file", id: "file-1", maker: "openai" },
    });
    expect(() => partOf({})).toThrow("file_data");
  });

  test("H-104 sound", () => {
    const audio = { data: "aGk=", format: "mp3" };
    expect(
      messagesOf({ role: "user", content: [{ type: "input_audio", input_audio: audio }] })[0]?.parts,
    ).toEqual([
      {
        type: "audio",
        source: { kind: "base64", mimeType: "audio/mpeg", data: "aGk=" },
        at: "messages[0].content[0]",
      },
    ]);
  });

  test("names of participants, and calls of custom tools", () => {
    const custom = { id: "a", type: "custom", custom: { name: "exec", input: "ls" } };
    expect(
      messagesOf({ ...HI, name: "Ann" }, { role: "assistant", name: "Bot", tool_calls: [custom] }),
    ).toEqual([
      { role: "user", parts: [{ type: "text", text: "Hi" }], name: "Ann" },
      {
        role: "assistant",
        parts: [{ type: "tool-call", id: "a", namespace: null, name: "exec", kind: "custom", input: "ls" }],
        name: "Bot",
      },
    ]);
  });

  test("sound of a former answer, which only OpenAI holds, is refused", () => {
    expect(faultOf({ messages: [HI, { role: "assistant", audio: { id: "audio_1" } }, HI] })).toMatchObject({
      kind: "not_translatable",
      param: "messages[1].audio",
    });
  });
});
