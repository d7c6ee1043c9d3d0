import { describe, expect, test } from "bun:test";
import { decode, droppedOf, faultOf, HI, tool, whole } from "./fixtures/client-under-test.ts";

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
      reasoning: { effort: "high", budgetTokens: null, isDynamic: false, isShown: true },
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
    expect(whole({ stream: true, stream_options: { include_usage: true } }).replyContext).toEqual({
      includeUsage: true,
      usesFunctions: false,
    });
    expect(whole({ stream: true }).replyContext).toMatchObject({ includeUsage: false });
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
      droppedOf({ messages, watermark: true, prediction: { type: "content", content: "x" }, store: true }),
    ).toEqual(["watermark", "messages[0].sent_at", "prediction", "store"]);
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

  test("a tool of a kind that only its provider has is kept, for the target to run it or name it", () => {
    expect(decode({ tools: [{ type: "file_search" }] }).tools).toMatchObject([
      { kind: "hosted", type: "file_search", raw: { type: "file_search" }, at: "tools[0]" },
    ]);
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
