import { describe, expect, test } from "bun:test";
import { GatewayError } from "../../core/errors.ts";
import type { BlockStart, ModelEvent, Stop } from "../../neutral/event.ts";
import { fold, unfold } from "../../neutral/fold.ts";
import type { AssistantPart } from "../../neutral/message.ts";
import { wrapSeal } from "../../neutral/seal.ts";
import { NO_USAGE } from "../../neutral/usage.ts";
import { openaiChatCodec } from "./codec.ts";
import { chunksOf, encodeStream, type Json, REPLY } from "./fixtures/codec-under-test.ts";

const START: ModelEvent = { type: "start", id: "up", model: "up-model" };
const CLOSE: ModelEvent = { type: "close", seal: null };
const stop = (kind: Stop["kind"], more: Partial<Stop> = {}): ModelEvent => ({
  type: "end",
  stop: { kind, raw: null, sequence: null, explanation: null, category: null, token: null, ...more },
});
const block = (start: BlockStart, ...texts: string[]): ModelEvent[] => [
  { type: "open", block: start },
  ...texts.map((text): ModelEvent => ({ type: "delta", text })),
  CLOSE,
];
const text = (...texts: string[]) => block({ kind: "text", phase: null }, ...texts);
const call = (id: string, name: string, ...args: string[]) =>
  block({ kind: "tool-call", id, name, namespace: null, call: "function", seal: null }, ...args);

const WITH_USAGE = { ...REPLY, replyContext: { includeUsage: true, usesFunctions: false } };
const deltasOf = (events: ModelEvent[], options = REPLY): Json[] =>
  chunksOf(encodeStream(events, options)).map((chunk) => chunk.choices[0]?.delta);
const messageOf = (events: ModelEvent[], options = REPLY): Json =>
  JSON.parse(openaiChatCodec.encodeReply(fold(events), options)).choices[0];

describe("streams", () => {
  test("H-39 texts between thinking and calls: joined without separators, thinking apart, calls counted from 0", () => {
    const events = [
      START,
      ...block({ kind: "reasoning" }, "Hm"),
      ...text("A", "b"),
      ...call("x", "f", '{"a"', ":1}"),
      ...text("C"),
      ...call("y", "g", "{}"),
      stop("tool-calls"),
    ];
    expect(deltasOf(events)).toEqual([
      { role: "assistant", content: "", refusal: null },
      { reasoning_content: "Hm" },
      { content: "A" },
      { content: "b" },
      { tool_calls: [{ index: 0, id: "x", type: "function", function: { name: "f", arguments: "" } }] },
      { tool_calls: [{ index: 0, function: { arguments: '{"a"' } }] },
      { tool_calls: [{ index: 0, function: { arguments: ":1}" } }] },
      { content: "C" },
      { tool_calls: [{ index: 1, id: "y", type: "function", function: { name: "g", arguments: "" } }] },
      { tool_calls: [{ index: 1, function: { arguments: "{}" } }] },
      {},
    ]);
    expect(messageOf(events)).toMatchObject({
      message: { content: "AbC", reasoning_content: "Hm", tool_calls: [{ id: "x" }, { id: "y" }] },
      finish_reason: "tool_calls",
    });
  });

  test("every chunk has the same id, time, model and object; the last alone a finish reason", () => {
    const chunks = chunksOf(encodeStream([START, ...text("a"), stop("length")]));
    for (const chunk of chunks)
      expect(chunk).toMatchObject({
        id: "chatcmpl-SEED",
        object: "chat.completion.chunk",
        created: 1_764_000_000,
        model: "my-model",
      });
    expect(chunks.map((chunk) => chunk.choices[0].finish_reason)).toEqual([null, null, "length"]);
  });

  test("H-40 a call without arguments: they are {} in the end", () => {
    const events = [START, ...call("x", "f"), stop("tool-calls")];
    const args = deltasOf(events).flatMap((delta) => delta.tool_calls ?? []);
    expect(args.map((each: Json) => each.function.arguments)).toEqual(["", "{}"]);
    expect(messageOf(events).message.tool_calls[0].function.arguments).toBe("{}");
  });

  test("H-41 nothing is ever an empty frame", () => {
    const events = [START, ...text("a"), { type: "usage", usage: NO_USAGE } as const, stop("end")];
    for (const frame of encodeStream(events).split("\n\n")) expect(frame).not.toBe("data: ");
  });

  test("H-42 usage not asked for: no member of that name; asked for: null on all chunks, and one chunk with it", () => {
    const usage = { ...NO_USAGE, inputTokens: 9, cacheReadTokens: 4, outputTokens: 3, reasoningTokens: 1 };
    const events: ModelEvent[] = [START, ...text("a"), { type: "usage", usage }, stop("end")];
    expect(encodeStream(events)).not.toContain("usage");
    const chunks = chunksOf(encodeStream(events, WITH_USAGE));
    const last = chunks.pop();
    for (const chunk of chunks) expect(chunk.usage).toBeNull();
    expect(last).toMatchObject({
      choices: [],
      usage: {
        prompt_tokens: 9,
        completion_tokens: 3,
        total_tokens: 12,
        prompt_tokens_details: { cached_tokens: 4 },
        completion_tokens_details: { reasoning_tokens: 1 },
      },
    });
  });

  test("H-43 usage told twice: the last one, once", () => {
    const told = (outputTokens: number): ModelEvent => ({
      type: "usage",
      usage: { ...NO_USAGE, outputTokens },
    });
    const events = [START, told(1), ...text("a"), told(5), stop("end")];
    const chunks = chunksOf(encodeStream(events, WITH_USAGE)).filter((chunk) => chunk.usage !== null);
    expect(chunks.map((chunk) => chunk.usage.completion_tokens)).toEqual([5]);
  });

  test("H-8, H-16 a failure is an error chunk and the end mark; nothing comes behind it", () => {
    const encoder = openaiChatCodec.makeStreamEncoder(REPLY);
    encoder.encode(START);
    const error = new GatewayError("upstream_cut", "The upstream broke off.");
    const said = encoder.fail(error, "req-1");
    expect(said).toBe(
      'data: {"error":{"message":"The upstream broke off.","type":"server_error","param":null,"code":"upstream_disconnected"}}\n\ndata: [DONE]\n\n',
    );
    expect(encoder.encode(stop("end"))).toBe("");
    expect(encoder.fail(error, "req-1")).toBe("");
  });

  test("annotations come once, before the finish, counted over all text in code points", () => {
    const cite = (url: string, start: number | null, end: number | null): ModelEvent => ({
      type: "annotation",
      annotation: { kind: "url", url, title: null, citedText: null, start, end },
    });
    const events: ModelEvent[] = [
      START,
      { type: "open", block: { kind: "text", phase: null } },
      { type: "delta", text: "😀b" },
      cite("https://a", 0, 1),
      CLOSE,
      { type: "open", block: { kind: "text", phase: null } },
      { type: "delta", text: "cd" },
      cite("https://b", 1, 2),
      cite("https://c", null, null),
      CLOSE,
      stop("end"),
    ];
    const expected = [
      { type: "url_citation", url_citation: { start_index: 0, end_index: 1, title: "", url: "https://a" } },
      { type: "url_citation", url_citation: { start_index: 3, end_index: 4, title: "", url: "https://b" } },
      { type: "url_citation", url_citation: { start_index: 2, end_index: 4, title: "", url: "https://c" } },
    ];
    expect(deltasOf(events).slice(-2)).toEqual([{ annotations: expected }, {}]);
    expect(messageOf(events).message.annotations).toEqual(expected);
  });

  test("H-137 a refusal with nothing said: content_filter, and what the provider says of it", () => {
    const events = [START, stop("refusal", { explanation: "Not this." })];
    expect(deltasOf(events)).toEqual([
      { role: "assistant", content: "", refusal: null },
      { refusal: "Not this." },
      {},
    ]);
    expect(messageOf(events)).toMatchObject({
      message: { content: null, refusal: "Not this." },
      finish_reason: "content_filter",
    });
  });

  test("a refusal that was told in words is not told again", () => {
    const events = [
      START,
      ...block({ kind: "refusal" }, "No."),
      stop("refusal", { explanation: "Not this." }),
    ];
    expect(deltasOf(events)[1]).toEqual({ refusal: "No." });
    expect(deltasOf(events)).toHaveLength(3);
    expect(messageOf(events).message.refusal).toBe("No.");
  });

  test.each<[Stop["kind"], string]>([
    ["end", "stop"],
    ["stop-sequence", "stop"],
    ["length", "length"],
    ["context-full", "length"],
    ["pause", "stop"],
    ["continuation", "length"],
  ])("an end by %s is finish reason %s", (kind, reason) => {
    expect(chunksOf(encodeStream([START, ...text("a"), stop(kind)])).at(-1).choices[0].finish_reason).toBe(
      reason,
    );
  });

  test("H-141 a search of the provider is no call", () => {
    const part: AssistantPart = { type: "search", id: "s", queries: ["q"], sources: [], raw: null };
    const events: ModelEvent[] = [START, { type: "part", part }, ...text("Found."), stop("end")];
    expect(deltasOf(events).some((delta) => delta.tool_calls !== undefined)).toBe(false);
    expect(messageOf(events)).toMatchObject({ message: { content: "Found." }, finish_reason: "stop" });
  });

  test("an image that the model made is handed on", () => {
    const source = { kind: "base64", mimeType: "image/png", data: "aGk=" } as const;
    const events: ModelEvent[] = [
      START,
      { type: "part", part: { type: "image", source, at: "" } },
      stop("end"),
    ];
    const images = [{ type: "image_url", image_url: { url: "data:image/png;base64,aGk=" } }];
    expect(deltasOf(events)[1]).toEqual({ images });
    expect(messageOf(events).message.images).toEqual(images);
  });

  test("free text of a custom tool is no JSON", () => {
    const start: BlockStart = {
      kind: "tool-call",
      id: "x",
      name: "exec",
      namespace: null,
      call: "custom",
      seal: null,
    };
    const events = [START, ...block(start, "ls ", "-l"), stop("tool-calls")];
    expect(deltasOf(events).slice(1, 4)).toEqual([
      { tool_calls: [{ index: 0, id: "x", type: "custom", custom: { name: "exec", input: "" } }] },
      { tool_calls: [{ index: 0, custom: { input: "ls " } }] },
      { tool_calls: [{ index: 0, custom: { input: "-l" } }] },
    ]);
    expect(messageOf(events).message.tool_calls).toEqual([
      { id: "x", type: "custom", custom: { name: "exec", input: "ls -l" } },
    ]);
  });

  test("Google's seal of a call stands in its member; others have none", () => {
    const sealed = (maker: string): ModelEvent[] => {
      const seal = { maker, place: "call", data: "c2ln" } as const;
      const start: BlockStart = {
        kind: "tool-call",
        id: "x",
        name: "f",
        namespace: null,
        call: "function",
        seal,
      };
      return [START, ...block(start, "{}"), stop("tool-calls")];
    };
    const seal = { maker: "gemini", place: "call", data: "c2ln" } as const;
    const extra = { google: { thought_signature: wrapSeal(seal) } };
    expect(deltasOf(sealed("gemini"))[1].tool_calls[0].extra_content).toEqual(extra);
    expect(messageOf(sealed("gemini")).message.tool_calls[0].extra_content).toEqual(extra);
    expect(encodeStream(sealed("anthropic"))).not.toContain("extra_content");
  });

  test("clients that named functions in the deprecated way get their call in it", () => {
    const options = { ...REPLY, replyContext: { includeUsage: false, usesFunctions: true } };
    const events = [START, ...call("x", "f", '{"a":1}'), stop("tool-calls")];
    expect(deltasOf(events, options).slice(1)).toEqual([
      { function_call: { name: "f", arguments: "" } },
      { function_call: { arguments: '{"a":1}' } },
      {},
    ]);
    expect(messageOf(events, options)).toMatchObject({
      message: { content: null, function_call: { name: "f", arguments: '{"a":1}' } },
      finish_reason: "function_call",
    });
  });

  test("a whole reply has all that OpenAI's has", () => {
    const reply = fold([START, ...text("Hi"), stop("end")]);
    expect(JSON.parse(openaiChatCodec.encodeReply(reply, REPLY))).toEqual({
      id: "chatcmpl-SEED",
      object: "chat.completion",
      created: 1_764_000_000,
      model: "my-model",
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: "Hi", refusal: null, annotations: [] },
          logprobs: null,
          finish_reason: "stop",
        },
      ],
      usage: {
        prompt_tokens: 0,
        completion_tokens: 0,
        total_tokens: 0,
        prompt_tokens_details: { cached_tokens: 0, cache_write_tokens: 0, audio_tokens: 0 },
        completion_tokens_details: {
          reasoning_tokens: 0,
          audio_tokens: 0,
          accepted_prediction_tokens: 0,
          rejected_prediction_tokens: 0,
        },
      },
    });
    expect(unfold(reply)).toHaveLength(5);
  });
});
