import { describe, expect, test } from "bun:test";
import type { ModelEvent } from "../../neutral/event.ts";
import { openaiChatCodec } from "./codec.ts";
import {
  calls,
  chunk,
  DECODE,
  DONE,
  decodePieces,
  decodeStream,
  fragment,
  outline,
  replyOf,
} from "./fixtures/codec-under-test.ts";

const outlineOf = (stream: string): string[] => outline(decodeStream(stream));
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const usage = (prompt: number, completion: number): object => ({
  usage: { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion },
});

describe("the end", () => {
  test("H-10 a finish reason and the end of the body, without [DONE]", () => {
    expect(outlineOf(chunk({ content: "x" }) + chunk({}, "stop"))).toEqual(["text:x", "end:end"]);
  });

  test("H-10 even without the last blank line", () => {
    expect(outlineOf((chunk({ content: "x" }) + chunk({}, "stop")).slice(0, -2))).toEqual([
      "text:x",
      "end:end",
    ]);
  });

  test("H-11 nothing counts behind [DONE]", () => {
    const stream = `${chunk({ content: "x" }, "stop") + DONE + chunk({ content: "y" })}data: {garbage\n\n`;
    expect(outlineOf(stream)).toEqual(["text:x", "end:end"]);
  });

  test("H-12 [DONE] ends the answer while the body goes on; the finish alone makes it ready to end", () => {
    const decoder = openaiChatCodec.makeStreamDecoder("sse", DECODE);
    const events: ModelEvent[] = [];
    const emit = (event: ModelEvent) => events.push(event);
    decoder.push(encode(chunk({ content: "x" })), emit);
    expect(decoder.isFinished).toBe(false);
    decoder.push(encode(chunk({}, "stop")), emit);
    expect(decoder.isFinished).toBe(true);
    expect(events.at(-1)?.type).toBe("delta");
    decoder.push(encode(DONE), emit);
    expect(events.at(-1)?.type).toBe("end");
    const count = events.length;
    decoder.end(emit);
    expect(events.length).toBe(count);
  });

  test("H-23 [DONE] without any finish reason: complete", () => {
    expect(outlineOf(chunk({ content: "x" }) + DONE)).toEqual(["text:x", "end:end"]);
    expect(outlineOf(calls(fragment(0, "f", '{"a":1}')) + DONE).at(-1)).toBe("end:tool-calls");
    // Whoever hears the answer checks the arguments of its calls.
    expect(outlineOf(calls(fragment(0, "f", '{"a":')) + DONE)).toEqual([
      'tool-call:f(call_0) {"a":',
      "end:tool-calls",
    ]);
  });

  test("H-67 the role alone, then [DONE]: an empty answer", () => {
    expect(decodeStream(chunk({ role: "assistant" }) + DONE).map((event) => event.type)).toEqual([
      "start",
      "end",
    ]);
  });

  test("H-8 an end of the body before any finish is told by no event", () => {
    for (const stream of [
      chunk({ content: "x" }),
      chunk({ content: "x" }) + chunk({ content: "y" }).slice(0, 40),
      `${chunk({ content: "x" })}data: {"cho`,
    ])
      expect(decodeStream(stream).map((event) => event.type)).toEqual(["start", "open", "delta"]);
    expect(decodeStream("")).toEqual([]);
  });

  test.each<[string, string]>([
    ["on every chunk", chunk({ content: "x" }, null, usage(5, 1)) + chunk({}, "stop", usage(5, 9)) + DONE],
    ["in the chunk that finishes", chunk({ content: "x" }) + chunk({}, "stop", usage(5, 9)) + DONE],
    [
      "in two chunks behind it",
      chunk({ content: "x" }, "stop") +
        `data: ${JSON.stringify({ choices: [], ...usage(5, 1) })}\n\ndata: ${JSON.stringify({ choices: [], ...usage(5, 9) })}\n\n` +
        DONE,
    ],
    [
      "before the content",
      chunk({ role: "assistant" }, null, usage(5, 9)) + chunk({ content: "x" }, "stop") + DONE,
    ],
    [
      "within the choice",
      `data: ${JSON.stringify({ choices: [{ delta: { content: "x" }, finish_reason: "stop", ...usage(5, 9) }] })}\n\n${DONE}`,
    ],
  ])("H-43 usage %s: the last holds, and is told once", (_where, stream) => {
    const told = decodeStream(stream).filter((event) => event.type === "usage");
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ usage: { inputTokens: 5, outputTokens: 9 } });
  });

  test("H-149 counts that cannot be are brought to what can", () => {
    const odd = {
      usage: {
        prompt_tokens: -4,
        completion_tokens: 5,
        total_tokens: -1,
        prompt_tokens_details: { cached_tokens: 9 },
        completion_tokens_details: { reasoning_tokens: 8 },
      },
    };
    expect(replyOf(chunk({ content: "x" }, "stop", odd) + DONE).usage).toMatchObject({
      inputTokens: 0,
      cacheReadTokens: 0,
      outputTokens: 5,
      reasoningTokens: 5,
    });
  });

  test("H-65 the stop string that matched, when the server names it", () => {
    const finish = (stop: unknown): string =>
      `data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: "stop", stop_reason: stop }] })}\n\n`;
    const stopOf = (stop: unknown) => replyOf(chunk({ content: "x" }) + finish(stop) + DONE).stop;
    expect(stopOf("###")).toMatchObject({ kind: "stop-sequence", sequence: "###" });
    expect(stopOf(151_645)).toMatchObject({ kind: "end", sequence: null });
    expect(stopOf(null)).toMatchObject({ kind: "end", sequence: null });
  });

  test("H-137 a filter that left nothing is a refusal, not a failure", () => {
    const stream =
      chunk({ role: "assistant", content: null }) + chunk({ content: null }, "content_filter") + DONE;
    expect(outlineOf(stream)).toEqual(["end:refusal"]);
  });

  test("servers that repeat their finish reason lose nothing", () => {
    const stream = chunk({ content: "a" }, "stop") + chunk({ content: "b" }, "stop") + DONE;
    expect(outlineOf(stream)).toEqual(["text:ab", "end:end"]);
  });

  test("a call behind the finish reason is not lost", () => {
    const stream =
      chunk({ content: "a" }, "stop") + calls(fragment(0, "f", "{}"), fragment(1, "g", "")) + DONE;
    expect(outlineOf(stream)).toEqual([
      "text:a",
      "tool-call:f(call_0) {}",
      "tool-call:g(call_1) ",
      "end:tool-calls",
    ]);
  });

  test("H-66 what was used is told once, behind all content", () => {
    const stream =
      chunk({ content: "a" }, null, usage(5, 1)) + chunk({ content: "b" }, "stop", usage(5, 2)) + DONE;
    expect(decodeStream(stream).map((event) => event.type)).toEqual([
      "start",
      "open",
      "delta",
      "delta",
      "close",
      "usage",
      "end",
    ]);
  });

  test("of several choices the first counts", () => {
    const other = `data: ${JSON.stringify({ choices: [{ index: 1, delta: { content: "no" } }] })}\n\n`;
    const stream = chunk({ content: "a" }) + other + chunk({ content: "b" }, "stop") + other + DONE;
    expect(outlineOf(stream)).toEqual(["text:ab", "end:end"]);
  });
});

describe("failures", () => {
  test.each<[string, string]>([
    ["a chunk", 'data: {"error":{"message":"overloaded","type":"server_error","code":"busy"}}\n\n'],
    [
      "an event of that name",
      'event: error\ndata: {"message":"overloaded","type":"server_error","code":"busy"}\n\n',
    ],
    ["a choice", 'data: {"choices":[{"delta":{},"error":{"message":"overloaded","code":"busy"}}]}\n\n'],
    ["vLLM's object", 'data: {"object":"error","message":"overloaded","code":"busy"}\n\n'],
  ])("H-16 an error in the stream, as %s, fails it; nothing counts behind it", (_how, error) => {
    const events = decodeStream(chunk({ content: "x" }) + error + chunk({}, "stop") + DONE);
    const last = events.at(-1);
    expect(last).toMatchObject({ type: "fail", message: "overloaded" });
    expect(last?.type === "fail" && last.raw).toContain('"busy"');
    expect(events.filter((event) => event.type === "end")).toEqual([]);
  });

  test("an error that is a text, and one that is huge", () => {
    expect(decodeStream('data: {"error":"no room"}\n\n')).toEqual([
      { type: "fail", raw: '{"message":"no room"}', message: "no room" },
    ]);
    const huge = { error: { message: "m".repeat(9000), code: "c", more: ["x".repeat(9000)] } };
    const [fail] = decodePieces([encode(`data: ${JSON.stringify(huge)}\n\n`)]);
    expect(fail?.type === "fail" && (fail.raw?.length ?? 0)).toBeLessThan(4096);
    expect(fail?.type === "fail" && JSON.parse(fail.raw ?? "")).toMatchObject({ code: "c" });
  });

  test("usage that is known goes before the failure", () => {
    const events = decodeStream(
      `${chunk({ content: "x" }, null, usage(5, 1))}data: {"error":{"message":"m"}}\n\n`,
    );
    expect(events.map((event) => event.type)).toEqual(["start", "open", "delta", "close", "usage", "fail"]);
  });

  test.each(["error", "network_error", "insufficient_system_resource", "abort"])(
    "finish reason %s is the server's failure",
    (reason) => {
      expect(decodeStream(chunk({ content: "x" }) + chunk({}, reason) + DONE).at(-1)?.type).toBe("fail");
    },
  );

  test.each(["data: {garbage\n\n", "data: 7\n\n", "data: []\n\n", DONE])("garbage %p fails", (stream) => {
    expect(decodeStream(stream)).toMatchObject([{ type: "fail", raw: null }]);
  });

  test("a frame beyond the cap fails", () => {
    const decoder = openaiChatCodec.makeStreamDecoder("sse", { idSeed: "S", maxFrameBytes: 100 });
    const events: ModelEvent[] = [];
    decoder.push(encode(`data: ${"x".repeat(200)}`), (event) => events.push(event));
    expect(events).toMatchObject([{ type: "fail", raw: null }]);
  });
});
