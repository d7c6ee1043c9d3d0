/** What clients of the Responses API read, judged by the documented grammar and by the official SDK. */
import { describe, expect, test } from "bun:test";
import OpenAI from "openai";
import { GatewayError } from "../../core/errors.ts";
import type { BlockStart, ModelEvent, Stop } from "../../neutral/event.ts";
import type { Seal } from "../../neutral/message.ts";
import { unwrapSeal } from "../../neutral/seal.ts";
import { NO_USAGE } from "../../neutral/usage.ts";
import { withReply } from "../fixtures/server-under-test.ts";
import { openaiResponsesCodec as codec } from "./codec.ts";
import { encodeOptions, SEED, streamOf, type WireEvent, wireEvents } from "./fixtures/codec-under-test.ts";

const START: ModelEvent = { type: "start", id: "x", model: "y" };
const stop = (kind: Stop["kind"] = "end", more: Partial<Stop> = {}): ModelEvent => ({
  type: "end",
  stop: { kind, raw: null, sequence: null, explanation: null, category: null, token: null, ...more },
});
const block = (start: BlockStart, seal: Seal | null, ...texts: string[]): ModelEvent[] => [
  { type: "open", block: start },
  ...texts.map((text): ModelEvent => ({ type: "delta", text })),
  { type: "close", seal },
];
const text = (...texts: string[]): ModelEvent[] => block({ kind: "text", phase: null }, null, ...texts);
const call = (id: string, name: string, more: object, ...texts: string[]): ModelEvent[] =>
  block(
    { kind: "tool-call", id, name, namespace: null, call: "function", seal: null, ...more },
    null,
    ...texts,
  );
const usage: ModelEvent = {
  type: "usage",
  usage: {
    ...NO_USAGE,
    inputTokens: 10,
    cacheReadTokens: 4,
    outputTokens: 7,
  },
};

type Item = Record<string, unknown> & { id: string; type: string };
const encode = (...events: ModelEvent[]): WireEvent[] => wireEvents(streamOf([START, ...events]));
const types = (events: readonly WireEvent[]): string[] =>
  events.map((event) => event.type.replace("response.", ""));
const responseOf = (events: readonly WireEvent[]) =>
  events.findLast((event) => event.response !== undefined)?.response as Record<string, unknown> & {
    output: Item[];
  };

describe("the grammar", () => {
  test("H-56 a text", () => {
    const events = encode(...text("he", "y"), usage, stop());
    expect(types(events)).toEqual([
      "created",
      "in_progress",
      "output_item.added",
      "content_part.added",
      "output_text.delta",
      "output_text.delta",
      "output_text.done",
      "content_part.done",
      "output_item.done",
      "completed",
    ]);
    expect(events.map((event) => event.sequence_number)).toEqual([...events.keys()]);
    const ids = events.slice(3, 8).map((event) => event.item_id);
    expect(new Set(ids)).toEqual(new Set([`msg_${SEED}_0`]));
    expect(events[4]).toEqual({
      type: "response.output_text.delta",
      sequence_number: 4,
      item_id: `msg_${SEED}_0`,
      output_index: 0,
      content_index: 0,
      logprobs: [],
      delta: "he",
    });
    const response = responseOf(events);
    expect(response.output).toEqual([events[8]?.item as Item]);
    expect(response).toMatchObject({
      id: `resp_${SEED}`,
      status: "completed",
      store: false,
      model: "claude",
      created_at: 1_764_000_000,
      usage: {
        input_tokens: 10,
        input_tokens_details: { cached_tokens: 4, cache_write_tokens: 0 },
        output_tokens: 7,
        output_tokens_details: { reasoning_tokens: 0 },
        total_tokens: 17,
      },
    });
  });

  test("H-57 a call, a text, a call: indexes rise, and each item is done before the end", () => {
    const events = encode(
      ...call("call_1", "f", {}, "{}"),
      ...text("x"),
      ...call("call_2", "g", {}, "{}"),
      stop("tool-calls"),
    );
    const added = events.filter((event) => event.type === "response.output_item.added");
    expect(added.map((event) => event.output_index)).toEqual([0, 1, 2]);
    expect(types(events).filter((type) => type === "output_item.done").length).toBe(3);
    expect(types(events).slice(-2)).toEqual(["output_item.done", "completed"]);
    expect(responseOf(events).output.map((item) => item.type)).toEqual([
      "function_call",
      "message",
      "function_call",
    ]);
  });

  test("H-50 a call without arguments has an empty object", () => {
    const events = encode(...call("call_1", "f", {}), stop("tool-calls"));
    expect(types(events).slice(2, 6)).toEqual([
      "output_item.added",
      "function_call_arguments.delta",
      "function_call_arguments.done",
      "output_item.done",
    ]);
    expect(events[4]).toMatchObject({ arguments: "{}" });
  });

  test("H-54 thinking and text in turn are items in turn, a summary with its own events", () => {
    const thinking = (words: string): ModelEvent[] => block({ kind: "reasoning" }, null, words);
    const events = encode(...thinking("a"), ...text("b"), ...thinking("c"), ...text("d"), stop());
    expect(responseOf(events).output.map((item) => item.type)).toEqual([
      "reasoning",
      "message",
      "reasoning",
      "message",
    ]);
    expect(types(events).slice(2, 8)).toEqual([
      "output_item.added",
      "reasoning_summary_part.added",
      "reasoning_summary_text.delta",
      "reasoning_summary_text.done",
      "reasoning_summary_part.done",
      "output_item.done",
    ]);
    expect(events[7]?.item).toMatchObject({ summary: [{ type: "summary_text", text: "a" }] });
  });

  test("H-60 an answer of nothing is complete", () => {
    const events = encode(stop());
    expect(types(events)).toEqual(["created", "in_progress", "completed"]);
    expect(responseOf(events)).toMatchObject({ status: "completed", output: [], usage: { total_tokens: 0 } });
  });

  test("H-59 what ran out of tokens is incomplete, its last message too, with usage", () => {
    const events = encode(
      ...text("a"),
      ...call("call_1", "f", {}, "{}"),
      ...text("b"),
      usage,
      stop("length"),
    );
    expect(types(events).at(-1)).toBe("incomplete");
    expect(responseOf(events)).toMatchObject({
      status: "incomplete",
      incomplete_details: { reason: "max_output_tokens" },
      usage: { total_tokens: 17 },
      output: [{ status: "completed" }, { status: "completed" }, { status: "incomplete" }],
    });
  });

  test("H-76, H-137 a refusal keeps its words; a filter's has none, or the provider's", () => {
    const refusal = encode(...block({ kind: "refusal" }, null, "no"), stop("refusal"));
    expect(responseOf(refusal)).toMatchObject({
      status: "completed",
      output: [{ content: [{ type: "refusal", refusal: "no" }] }],
    });
    expect(types(refusal)).toContain("refusal.delta");
    expect(types(refusal)).toContain("refusal.done");
    expect(responseOf(encode(stop("refusal")))).toMatchObject({
      status: "incomplete",
      incomplete_details: { reason: "content_filter" },
      output: [],
    });
    expect(responseOf(encode(stop("refusal", { explanation: "against the rules" })))).toMatchObject({
      status: "incomplete",
      incomplete_details: { reason: "content_filter" },
      output: [{ content: [{ type: "refusal", refusal: "against the rules" }] }],
    });
  });

  test("references are told within their part, one to the whole of it with its end in code points", () => {
    const url = { kind: "url", url: "https://a", title: "A", citedText: null } as const;
    const events = encode(
      { type: "open", block: { kind: "text", phase: null } },
      { type: "delta", text: "😀b" },
      { type: "annotation", annotation: { ...url, start: 0, end: 1 } },
      { type: "annotation", annotation: { ...url, start: null, end: null } },
      { type: "close", seal: null },
      stop(),
    );
    const citation = { type: "url_citation", start_index: 0, url: "https://a", title: "A" };
    expect(responseOf(events).output[0]).toMatchObject({
      content: [
        {
          annotations: [
            { ...citation, end_index: 1 },
            { ...citation, end_index: 2 },
          ],
        },
      ],
    });
    const told = events.filter((event) => event.type === "response.output_text.annotation.added");
    expect(told.map((event) => event.annotation_index)).toEqual([0, 1]);
  });
});

describe("calls", () => {
  test("H-82 a namespace stands apart from the name", () => {
    const events = encode(
      ...call("call_1", "spawn_agent", { namespace: "multi_agent_v1" }, "{}"),
      stop("tool-calls"),
    );
    for (const type of ["response.output_item.added", "response.output_item.done"]) {
      expect(events.find((event) => event.type === type)?.item).toMatchObject({
        name: "spawn_agent",
        namespace: "multi_agent_v1",
      });
    }
  });

  test("H-83 the input of a custom tool is its text", () => {
    const events = encode(
      ...call("call_1", "apply_patch", { call: "custom" }, "*** a\n", "“b”"),
      stop("tool-calls"),
    );
    expect(types(events).slice(2, 7)).toEqual([
      "output_item.added",
      "custom_tool_call_input.delta",
      "custom_tool_call_input.delta",
      "custom_tool_call_input.done",
      "output_item.done",
    ]);
    expect(responseOf(events).output[0]).toMatchObject({
      id: `ctc_${SEED}_0`,
      type: "custom_tool_call",
      call_id: "call_1",
      input: "*** a\n“b”",
    });
  });

  test("ids of letters and digits stay, others become such, always the same", () => {
    const idOf = (id: string): unknown =>
      responseOf(encode(...call(id, "f", {}, "{}"), stop("tool-calls"))).output[0]?.call_id;
    expect(idOf("toolu_01ABC")).toBe("toolu_01ABC");
    // A client gives it back as it is, and only then it may be too long for the next provider.
    expect(idOf("x".repeat(65))).toBe("x".repeat(65));
    const long = idOf("x".repeat(16_385));
    expect(long).toMatch(/^call_[0-9a-f]{32}$/);
    expect(idOf("x".repeat(16_385))).toBe(long);
    expect(idOf("a.b:c")).toMatch(/^call_[\w-]+$/);
  });

  test("a client that searches its own tools gets that call as an item of its own", () => {
    const body = {
      model: "m",
      input: "x",
      tools: [{ type: "tool_search", execution: "client", parameters: {} }],
    };
    const { replyContext, request } = codec.decodeRequest(body, { model: "m", stream: true });
    expect(request.tools).toMatchObject([{ kind: "function", name: "tool_search" }]);
    const events = [START, ...call("call_1", "tool_search", {}, '{"query":"a"}'), stop("tool-calls")];
    expect(responseOf(wireEvents(streamOf(events, { replyContext }))).output).toMatchObject([
      {
        type: "tool_search_call",
        execution: "client",
        call_id: "call_1",
        arguments: { query: "a" },
        status: "completed",
      },
    ]);
  });
});

describe("state of other makers", () => {
  const seal = (place: Seal["place"], maker = "anthropic"): Seal => ({ maker, place, data: "c2lnbmF0dXJl" });

  test("H-61, H-62 thinking without words is an item with its state and no summary", () => {
    for (const place of ["reasoning", "redacted"] as const) {
      const events = encode(...block({ kind: "reasoning" }, seal(place)), stop());
      expect(types(events).filter((type) => type.startsWith("reasoning"))).toEqual([]);
      const [item] = responseOf(events).output;
      expect(item).toMatchObject({ type: "reasoning", summary: [] });
      expect(unwrapSeal(String(item?.encrypted_content))).toEqual(seal(place));
    }
    const own = encode(...block({ kind: "reasoning" }, seal("reasoning", "openai"), "a"), stop());
    expect(responseOf(own).output[0]?.encrypted_content).toBe("c2lnbmF0dXJl");
  });

  test("H-92 a call's state stands directly in front of it", () => {
    const events = encode(
      ...text("a"),
      ...call("call_1", "f", { seal: seal("call", "gemini") }, "{}"),
      stop("tool-calls"),
    );
    const { output } = responseOf(events);
    expect(output.map((item) => item.type)).toEqual(["message", "reasoning", "function_call"]);
    expect(unwrapSeal(String(output[1]?.encrypted_content))).toEqual(seal("call", "gemini"));
  });

  test("H-142 a search is an item in front of the message, with its steps", () => {
    const search: ModelEvent = {
      type: "part",
      part: {
        type: "search",
        id: "srvtoolu_1",
        queries: ["a"],
        sources: [{ url: "https://a", title: "A" }],
        raw: seal("raw"),
      },
    };
    const events = encode(search, ...text("b"), stop());
    const { output } = responseOf(events);
    expect(output.map((item) => item.type)).toEqual(["reasoning", "web_search_call", "message"]);
    expect(output[1]).toEqual({
      id: `ws_${SEED}_1`,
      type: "web_search_call",
      status: "completed",
      action: { type: "search", query: "a", queries: ["a"], sources: [{ type: "url", url: "https://a" }] },
    });
    expect(types(events).slice(4, 9)).toEqual([
      "output_item.added",
      "web_search_call.in_progress",
      "web_search_call.searching",
      "web_search_call.completed",
      "output_item.done",
    ]);
  });
});

test("an image is an item with its data", () => {
  const part = (source: object) => ({ type: "part", part: { type: "image", at: "x", source } }) as ModelEvent;
  const inline = part({ kind: "base64", mimeType: "image/webp", data: "AAAA" });
  expect(responseOf(encode(inline, stop())).output[0]).toMatchObject({
    type: "image_generation_call",
    status: "completed",
    result: "AAAA",
    output_format: "webp",
  });
  const far = part({ kind: "url", url: "https://a/b.png", mimeType: null });
  expect(responseOf(encode(far, stop())).output[0]).toMatchObject({ status: "failed", result: null });
});

test("the response repeats what the request asked for", () => {
  const body = {
    model: "m",
    instructions: "be brief",
    input: "x",
    tools: [{ type: "function", name: "f", parameters: { type: "object" } }],
    tool_choice: "required",
    reasoning: { effort: "high", summary: "auto" },
    text: { verbosity: "low" },
    metadata: { __proto__: "a", b: "c" },
    store: true,
    max_output_tokens: 99,
    client_metadata: { a: 1 },
  };
  const { replyContext } = codec.decodeRequest(JSON.parse(JSON.stringify(body)), {
    model: "m",
    stream: true,
  });
  const { input: _, client_metadata: __, model: ___, ...echoed } = body;
  for (const response of [
    responseOf(wireEvents(streamOf([START, stop()], { replyContext }))),
    wireEvents(streamOf([START, stop()], { replyContext }))[0]?.response,
  ]) {
    expect(response).toMatchObject({
      ...echoed,
      text: { format: { type: "text" }, verbosity: "low" },
      store: false,
      previous_response_id: null,
    });
  }
});

describe("failures", () => {
  const failure = (error: GatewayError, ...events: ModelEvent[]): WireEvent[] => {
    const encoder = codec.makeStreamEncoder(encodeOptions());
    return wireEvents(events.map((event) => encoder.encode(event)).join("") + encoder.fail(error, "01KREQ"));
  };

  test("H-8, H-16, H-58 what was begun is ended as incomplete, then the response has failed", () => {
    const open: ModelEvent[] = [
      START,
      ...text("a"),
      usage,
      { type: "open", block: { kind: "reasoning" } },
      { type: "delta", text: "b" },
    ];
    const events = failure(new GatewayError("upstream_cut", "it broke off"), ...open);
    expect(types(events).slice(-4)).toEqual([
      "reasoning_summary_part.done",
      "output_item.done",
      "failed",
      "error",
    ]);
    expect(types(events)).not.toContain("completed");
    // The SDK in Python raises what has a member `error`.
    const told = { code: "server_error", message: "it broke off", param: null };
    expect(events.at(-1)).toMatchObject({ ...told, error: { ...told, type: "server_error" } });
    expect(responseOf(events)).toMatchObject({
      status: "failed",
      error: { code: "server_error", message: "it broke off" },
      usage: { total_tokens: 17 },
      output: [
        { type: "message", status: "completed" },
        { type: "reasoning", status: "incomplete" },
      ],
    });
    expect(events.map((event) => event.sequence_number)).toEqual([...events.keys()]);
  });

  test("H-58 a call that was cut is not one to be made", () => {
    const [open, piece] = call("call_1", "f", {}, '{"a":') as [ModelEvent, ModelEvent, ModelEvent];
    const events = failure(new GatewayError("upstream_cut", "x"), START, open, piece);
    expect(types(events)).not.toContain("function_call_arguments.done");
    expect(responseOf(events).output).toMatchObject([{ status: "incomplete", arguments: '{"a":' }]);
  });

  test("H-129 codes and words that Codex acts on", () => {
    const errorOf = (...args: ConstructorParameters<typeof GatewayError>): unknown =>
      responseOf(failure(new GatewayError(...args))).error;
    expect(errorOf("context_overflow", "too long")).toMatchObject({ code: "context_length_exceeded" });
    expect(errorOf("credentials_cooling", "All wait.", { retryAfterMs: 2500 })).toEqual({
      code: "rate_limit_exceeded",
      message: "All wait. Please try again in 3s.",
    });
    expect(errorOf("upstream_overloaded", "busy")).toMatchObject({ code: "server_error" });
  });
});

describe("the OpenAI SDK", () => {
  const client = (baseUrl: string): OpenAI => new OpenAI({ apiKey: "k", baseURL: baseUrl, maxRetries: 0 });
  const sse = (body: string) => ({ headers: { "content-type": "text/event-stream" }, body });
  const all: ModelEvent[] = [
    START,
    ...block({ kind: "reasoning" }, { maker: "anthropic", place: "reasoning", data: "AA" }, "hm", "m"),
    ...text("a😀", "b"),
    ...block({ kind: "text", phase: null }, null, "c"),
    { type: "part", part: { type: "search", id: "s", queries: ["q"], sources: [], raw: null } },
    ...call("call_1", "f", { seal: { maker: "gemini", place: "call", data: "AA" } }, '{"a"', ":1}"),
    ...call("call_2", "p", { call: "custom" }, "x"),
    usage,
    stop("tool-calls"),
  ];

  test("its stream helper takes all that there is", async () => {
    await withReply(sse(streamOf(all)), async (url) => {
      const stream = client(url).responses.stream({ model: "m", input: "x" });
      const final = await stream.finalResponse();
      expect(final.output_text).toBe("a😀bc");
      expect(final.status).toBe("completed");
      expect(final.output.map((item) => item.type)).toEqual([
        "reasoning",
        "message",
        "web_search_call",
        "reasoning",
        "function_call",
        "custom_tool_call",
      ]);
      expect(final.usage?.total_tokens).toBe(17);
    });
  });

  test("H-8 it throws when the stream fails, at its beginning and in its midst", async () => {
    for (const begun of [[], [START], all.slice(0, 5)]) {
      const encoder = codec.makeStreamEncoder(encodeOptions());
      const head = begun.map((event) => encoder.encode(event)).join("");
      const body = head + encoder.fail(new GatewayError("upstream_cut", "it broke off"), "01KREQ");
      await withReply(sse(body), async (url) => {
        const final = client(url).responses.stream({ model: "m", input: "x" }).finalResponse();
        const helper = await final.catch((cause: unknown) => cause);
        expect(helper).toBeInstanceOf(OpenAI.APIError);
        expect(String(helper)).toContain("it broke off");
        const plain = async (): Promise<void> => {
          for await (const _ of await client(url).responses.create({ model: "m", input: "x", stream: true }));
        };
        expect(await plain().catch((cause: unknown) => cause)).toBeInstanceOf(OpenAI.APIError);
      });
    }
  });
});
