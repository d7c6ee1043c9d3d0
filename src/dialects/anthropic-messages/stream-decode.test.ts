import { describe, expect, test } from "bun:test";
import { NO_USAGE } from "../../neutral/usage.ts";
import { readStream } from "../fixtures/tap-under-test.ts";
import { anthropicMessagesCodec as codec } from "./codec.ts";
import {
  blockFrames,
  decodePieces,
  decodeStream,
  endFrames,
  frame,
  jsonDelta,
  OPTIONS,
  replyOf,
  startFrame,
  textDelta,
} from "./fixtures/codec-under-test.ts";

const TEXT = { type: "text", text: "" };
const tool = (id: string, name = "f") => ({ type: "tool_use", id, name, input: {} });
const encode = (text: string) => new TextEncoder().encode(text);
const kinds = (stream: string) => decodeStream(stream).map(({ type }) => type);

describe("blocks", () => {
  test("the recorded stream: hidden thinking, text that looks like an event, usage by the last counts", () => {
    expect(replyOf(readStream("anthropic-messages"))).toEqual({
      id: "msg_1",
      model: "claude-opus-5",
      parts: [
        { type: "reasoning", text: "", seal: { maker: "anthropic", place: "reasoning", data: "c2ln" } },
        { type: "text", text: 'event: message_stop\ndata: {"type":"message_stop"}\n\n 😀' },
      ],
      usage: {
        ...NO_USAGE,
        inputTokens: 1325,
        cacheReadTokens: 1000,
        cacheWriteTokens: 300,
        cacheWrite1hTokens: 200,
        outputTokens: 40,
        reasoningTokens: 15,
        serviceTier: "standard",
      },
      stop: { kind: "end", raw: "end_turn", sequence: null, explanation: null, category: null, token: null },
    });
  });

  test("H-39 texts, thinking and calls come in order, each in a block of its own", () => {
    const stream =
      startFrame() +
      blockFrames(0, TEXT, textDelta("one")) +
      blockFrames(
        1,
        { type: "thinking", thinking: "", signature: "" },
        { type: "thinking_delta", thinking: "hm" },
        { type: "signature_delta", signature: "s1" },
      ) +
      blockFrames(2, TEXT, textDelta("two")) +
      blockFrames(3, tool("toolu_1"), jsonDelta(""), jsonDelta('{"a"'), jsonDelta(":1}")) +
      endFrames("tool_use");
    expect(replyOf(stream).parts).toEqual([
      { type: "text", text: "one" },
      { type: "reasoning", text: "hm", seal: { maker: "anthropic", place: "reasoning", data: "s1" } },
      { type: "text", text: "two" },
      { type: "tool-call", id: "toolu_1", name: "f", namespace: null, kind: "function", input: '{"a":1}' },
    ]);
  });

  test("H-40 a call without a piece of arguments is a call without arguments", () => {
    const reply = replyOf(startFrame() + blockFrames(0, tool("toolu_1")) + endFrames("tool_use"));
    expect(reply.parts).toMatchObject([{ type: "tool-call", input: "" }]);
    expect(reply.stop.kind).toBe("tool-calls");
  });

  test("H-143 an id that comes twice is another the second time", () => {
    const stream =
      startFrame() + blockFrames(0, tool("t")) + blockFrames(1, tool("t")) + endFrames("tool_use");
    const ids = replyOf(stream).parts.map((part) => (part.type === "tool-call" ? part.id : ""));
    expect(ids).toEqual(["t", "call_SEED_1"]);
  });

  test("H-62 redacted thinking is reasoning with a seal of its own place", () => {
    const stream = startFrame() + blockFrames(0, { type: "redacted_thinking", data: "AAAA" }) + endFrames();
    expect(replyOf(stream).parts).toEqual([
      { type: "reasoning", text: "", seal: { maker: "anthropic", place: "redacted", data: "AAAA" } },
    ]);
  });

  test("H-61 thinking whose text is omitted is a seal alone", () => {
    const stream =
      startFrame() +
      blockFrames(
        0,
        { type: "thinking", thinking: "", signature: "" },
        { type: "signature_delta", signature: "sig" },
      ) +
      endFrames();
    expect(replyOf(stream).parts).toEqual([
      { type: "reasoning", text: "", seal: { maker: "anthropic", place: "reasoning", data: "sig" } },
    ]);
  });

  test("citations are annotations of the text that they stand in", () => {
    const citation = {
      type: "web_search_result_location",
      url: "https://a.example/",
      title: "A",
      cited_text: "c",
      encrypted_index: "x",
    };
    const page = {
      type: "page_location",
      document_index: 2,
      document_title: "D",
      cited_text: "p",
      start_page_number: 1,
      end_page_number: 2,
    };
    const stream =
      startFrame() +
      blockFrames(
        0,
        TEXT,
        { type: "citations_delta", citation },
        textDelta("said"),
        { type: "citations_delta", citation: page },
        { type: "citations_delta", citation: { type: "new" } },
      ) +
      endFrames();
    expect(replyOf(stream).parts).toEqual([
      {
        type: "text",
        text: "said",
        annotations: [
          { kind: "url", url: "https://a.example/", title: "A", citedText: "c", start: null, end: null },
          { kind: "document", documentIndex: 2, title: "D", citedText: "p", start: null, end: null },
        ],
      },
    ]);
  });
});

describe("blocks of the provider's own tools", () => {
  const use = { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: {} };
  const result = {
    type: "web_search_tool_result",
    tool_use_id: "srvtoolu_1",
    content: [
      {
        type: "web_search_result",
        url: "https://a.example/",
        title: "A",
        encrypted_content: "E",
        page_age: null,
      },
    ],
  };

  test("H-141, H-142 a search and its result are one part, no call; both blocks stay for the next turn", () => {
    const stream =
      startFrame() +
      blockFrames(0, use, jsonDelta('{"query":'), jsonDelta('"cats"}')) +
      blockFrames(1, result) +
      blockFrames(2, TEXT, textDelta("Cats.")) +
      endFrames();
    const reply = replyOf(stream);
    expect(reply.stop.kind).toBe("end");
    expect(reply.parts).toEqual([
      {
        type: "search",
        id: "srvtoolu_1",
        queries: ["cats"],
        sources: [{ url: "https://a.example/", title: "A" }],
        raw: {
          maker: "anthropic",
          place: "raw",
          data: JSON.stringify([{ ...use, input: { query: "cats" } }, result]),
        },
      },
      { type: "text", text: "Cats." },
    ]);
  });

  test("H-138 a search that was interrupted is told before the answer pauses", () => {
    const stream =
      startFrame() + blockFrames(0, use, jsonDelta('{"query":"cats"}')) + endFrames("pause_turn");
    const reply = replyOf(stream);
    expect(reply.stop.kind).toBe("pause");
    expect(reply.parts).toMatchObject([{ type: "search", queries: ["cats"], sources: [] }]);
  });

  test("others are kept as they are", () => {
    const fetched = {
      type: "web_fetch_tool_result",
      tool_use_id: "srvtoolu_9",
      content: { type: "web_fetch_result", url: "https://a.example/" },
    };
    const stream = startFrame() + blockFrames(0, fetched) + endFrames();
    expect(replyOf(stream).parts).toEqual([
      {
        type: "opaque",
        name: "web_fetch_tool_result",
        raw: { maker: "anthropic", place: "raw", data: JSON.stringify(fetched) },
        at: "content[0]",
      },
    ]);
  });

  test("H-68 where a refused model's place is taken, nothing is said and nothing begins anew", () => {
    const stream =
      startFrame() +
      blockFrames(0, TEXT, textDelta("a")) +
      blockFrames(1, { type: "fallback", from: "x", to: "y" }) +
      startFrame({ input_tokens: 5 }) +
      blockFrames(2, TEXT, textDelta("b")) +
      endFrames("end_turn", { output_tokens: 7 });
    const reply = replyOf(stream);
    expect(reply.parts.map((part) => (part.type === "text" ? part.text : part.type))).toEqual(["a", "b"]);
    expect(reply.model).toBe("claude-up");
    expect(reply.usage).toMatchObject({ inputTokens: 5, outputTokens: 7 });
  });
});

describe("framing", () => {
  test("H-5 events, deltas and blocks' members that nobody knows are skipped", () => {
    const stream =
      startFrame() +
      frame("new_event", { x: 1 }) +
      frame("content_block_start", { index: 0, content_block: TEXT }) +
      frame("content_block_delta", { index: 0, delta: { type: "new_delta", x: 1 } }) +
      frame("content_block_delta", { index: 0, delta: textDelta("a") }) +
      frame("content_block_stop", { index: 0 }) +
      endFrames();
    expect(replyOf(stream).parts).toEqual([{ type: "text", text: "a" }]);
  });

  test("H-41 pings, comments and a borrowed [DONE] say nothing", () => {
    const stream = `: hello\n\n${startFrame()}${frame("ping")}${blockFrames(0, TEXT, textDelta("a"))}data: [DONE]\n\n${endFrames()}data: [DONE]\n\n`;
    expect(kinds(stream)).toEqual(["start", "usage", "open", "delta", "close", "usage", "end"]);
  });

  test("line ends of every kind, and characters that naive readers take for line ends", () => {
    const text = "\u2028\u2029\u0085😀";
    const stream = startFrame() + blockFrames(0, TEXT, textDelta(text)) + endFrames();
    const crlf = stream.replaceAll("\n", "\r\n");
    expect(replyOf(stream).parts).toEqual([{ type: "text", text }]);
    expect(decodeStream(crlf, "\u2028\u2029\u0085😀")).toEqual(decodeStream(stream, "😀"));
    expect(decodeStream(stream.replaceAll("\n", "\r"), "\r\r")).toEqual(decodeStream(stream));
  });

  test("events without names, and without the last blank line", () => {
    const stream = (startFrame() + blockFrames(0, TEXT, textDelta("a")) + endFrames())
      .replaceAll(/event: .*\n/g, "")
      .trimEnd();
    expect(kinds(stream)).toEqual(["start", "usage", "open", "delta", "close", "usage", "end"]);
  });

  test("blocks that begin without the end of the former, as some compatible servers send them", () => {
    const stream =
      startFrame() +
      frame("content_block_start", { index: 0, content_block: TEXT }) +
      frame("content_block_delta", { index: 0, delta: textDelta("a") }) +
      blockFrames(1, tool("t"), jsonDelta("{}")) +
      endFrames("end_turn");
    const reply = replyOf(stream);
    expect(reply.parts.map(({ type }) => type)).toEqual(["text", "tool-call"]);
    expect(reply.stop).toMatchObject({ kind: "tool-calls", raw: "end_turn" });
  });
});

describe("ends", () => {
  test.each([
    ["end_turn", "end"],
    ["max_tokens", "length"],
    ["model_context_window_exceeded", "context-full"],
    ["pause_turn", "pause"],
    ["refusal", "refusal"],
    ["compaction", "end"],
    ["tool_use", "end"],
  ] as const)("%s without a call is %s", (reason, kind) => {
    expect(replyOf(startFrame() + endFrames(reason)).stop).toMatchObject({ kind, raw: reason });
  });

  test("a stop sequence is named", () => {
    const { stop } = replyOf(startFrame() + endFrames("stop_sequence", {}, { stop_sequence: "END" }));
    expect(stop).toMatchObject({ kind: "stop-sequence", sequence: "END" });
  });

  test("H-137 a refusal with nothing in it is an answer, with its explanation", () => {
    const stop_details = { type: "refusal", category: "cyber", explanation: "No." };
    const reply = replyOf(startFrame() + endFrames("refusal", { output_tokens: 0 }, { stop_details }));
    expect(reply.parts).toEqual([]);
    expect(reply.stop).toMatchObject({ kind: "refusal", explanation: "No.", category: "cyber" });
  });

  test("H-8 a stream that is cut before its stop reason has no end", () => {
    const stream =
      startFrame() +
      frame("content_block_start", { index: 0, content_block: TEXT }) +
      frame("content_block_delta", { index: 0, delta: textDelta("a") });
    const decoder = codec.makeStreamDecoder("sse", OPTIONS);
    const seen: string[] = [];
    decoder.push(encode(stream), ({ type }) => seen.push(type));
    expect(decoder.isFinished).toBe(false);
    decoder.end(({ type }) => seen.push(type));
    expect(seen).toEqual(["start", "usage", "open", "delta"]);
  });

  test("with its stop reason the answer is whole, though message_stop is missing", () => {
    const stream =
      startFrame() +
      blockFrames(0, TEXT, textDelta("a")) +
      frame("message_delta", { delta: { stop_reason: "end_turn" }, usage: { output_tokens: 2 } });
    expect(kinds(stream)).toEqual(["start", "usage", "open", "delta", "close", "usage", "end"]);
  });

  test("H-16 an error in the stream fails it, with the upstream's own words", () => {
    const stream =
      startFrame() +
      blockFrames(0, TEXT, textDelta("a")) +
      frame("error", { error: { type: "overloaded_error", message: "Overloaded" } }) +
      endFrames();
    expect(decodeStream(stream).at(-1)).toEqual({
      type: "fail",
      raw: '{"type":"overloaded_error","message":"Overloaded"}',
      message: "Overloaded",
    });
  });

  test("H-16 an error as the first event", () => {
    const stream = frame("error", { error: { type: "api_error", message: "x" } });
    expect(decodeStream(stream)).toEqual([
      { type: "fail", raw: '{"type":"api_error","message":"x"}', message: "x" },
    ]);
  });

  test.each([
    ["no JSON", "data: {\n\n"],
    ["no object", "data: [1]\n\n"],
    [
      "a piece of a block that is not open",
      frame("content_block_delta", { index: 4, delta: textDelta("a") }),
    ],
    [
      "a call of no tool",
      frame("content_block_start", { index: 0, content_block: { type: "tool_use", id: "a" } }),
    ],
  ])("garbage fails the stream: %s", (_, garbage) => {
    const events = decodeStream(startFrame() + garbage + endFrames());
    expect(events.at(-1)).toMatchObject({ type: "fail", raw: null });
  });

  test("H-144 a frame larger than the bound, or nested without end, is garbage", () => {
    const long = frame("content_block_start", {
      index: 0,
      content_block: { ...TEXT, text: "x".repeat(1 << 20) },
    });
    expect(decodePieces([encode(startFrame() + long.slice(0, -2)), encode("\n\n")]).at(-1)?.type).toBe(
      "fail",
    );
    const deep = `data: {"type":"content_block_start","content_block":{"type":"x","input":${"[".repeat(200_000)}${"]".repeat(200_000)}}}\n\n`;
    expect(decodePieces([encode(startFrame() + deep)]).at(-1)?.type).toBe("fail");
  });
});
