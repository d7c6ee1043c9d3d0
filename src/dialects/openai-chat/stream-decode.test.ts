import { describe, expect, test } from "bun:test";
import type { ModelEvent } from "../../model/event.ts";
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

describe("blocks", () => {
  test("a text goes out piece by piece, with id, model, usage and the raw stop", () => {
    const stream =
      chunk({ role: "assistant", content: "" }) +
      chunk({ content: "Grüße, " }) +
      chunk({ content: "日本 😀" }) +
      chunk({}, "stop") +
      `data: ${JSON.stringify({ choices: [], ...usage(7, 3) })}\n\n` +
      DONE;
    expect(decodeStream(stream)).toEqual([
      { type: "start", id: "chatcmpl-1", model: "m-1" },
      { type: "open", block: { kind: "text", phase: null } },
      { type: "delta", text: "Grüße, " },
      { type: "delta", text: "日本 😀" },
      { type: "close", seal: null },
      {
        type: "usage",
        usage: {
          inputTokens: 7,
          cacheReadTokens: null,
          cacheWriteTokens: null,
          cacheWrite1hTokens: null,
          outputTokens: 3,
          reasoningTokens: null,
        },
      },
      {
        type: "end",
        stop: { kind: "end", raw: "stop", sequence: null, explanation: null, category: null, token: null },
      },
    ]);
  });

  test("H-32 text, then two tool calls: three blocks, none within another", () => {
    const stream =
      chunk({ content: "Let me see." }) +
      calls(fragment(0, "read", "")) +
      calls(fragment(0, null, '{"a"')) +
      calls(fragment(0, null, ":1}")) +
      calls(fragment(1, "write", '{"b":2}')) +
      chunk({}, "tool_calls") +
      DONE;
    expect(outlineOf(stream)).toEqual([
      "text:Let me see.",
      'tool-call:read(call_0) {"a":1}',
      'tool-call:write(call_1) {"b":2}',
      "end:tool-calls",
    ]);
  });

  test("H-33 calls whose fragments alternate are told one after the other, in order of appearance, complete", () => {
    const stream =
      calls(fragment(0, "a", '{"x"'), fragment(1, "b", '{"y"')) +
      calls(fragment(1, null, ":[1")) +
      calls(fragment(0, null, ":{}")) +
      calls(fragment(1, null, "]}"), fragment(0, null, "}")) +
      chunk({}, "tool_calls") +
      DONE;
    expect(outlineOf(stream)).toEqual([
      'tool-call:a(call_0) {"x":{}}',
      'tool-call:b(call_1) {"y":[1]}',
      "end:tool-calls",
    ]);
  });

  test("H-34 white space between calls is dropped; real text behind a call is a block of its own", () => {
    const stream =
      calls(fragment(0, "a", "{}")) +
      chunk({ content: "\n" }) +
      calls(fragment(1, "b", '{"y":')) +
      chunk({ content: "\n" }) +
      chunk({ content: "and so" }) +
      calls(fragment(1, null, "1}")) +
      chunk({ content: " on" }) +
      chunk({}, "tool_calls") +
      DONE;
    expect(outlineOf(stream)).toEqual([
      "tool-call:a(call_0) {}",
      'tool-call:b(call_1) {"y":1}',
      "text:\nand so on",
      "end:tool-calls",
    ]);
  });

  test.each(["reasoning_content", "reasoning"])(
    "H-35 thinking in %s comes first, in a block of its own",
    (member) => {
      const stream =
        chunk({ role: "assistant", [member]: "Hm" }) +
        chunk({ [member]: ", so." }) +
        chunk({ content: "Yes" }) +
        chunk({}, "stop") +
        DONE;
      expect(outlineOf(stream)).toEqual(["reasoning:Hm, so.", "text:Yes", "end:end"]);
    },
  );

  test("H-35 thinking that a server tells in two members, and in details, is told once", () => {
    const twice =
      chunk({ reasoning_content: "A", reasoning: "A" }) + chunk({ reasoning: "B", reasoning_content: "B" });
    expect(outlineOf(twice + chunk({}, "stop") + DONE)[0]).toBe("reasoning:AB");
    const details = [
      { type: "reasoning.text", text: "C", signature: "s" },
      { type: "reasoning.encrypted", data: "x" },
    ];
    const detailed = chunk({ reasoning_details: details }) + chunk({ content: "D" });
    expect(outlineOf(detailed + chunk({}, "stop") + DONE)).toEqual(["reasoning:C", "text:D", "end:end"]);
  });

  test("H-36 the chunk that changes the kind loses nothing of what it carries", () => {
    const stream =
      chunk({ reasoning_content: "think" }) +
      chunk({ reasoning_content: "ing", content: "Text" }) +
      chunk({ content: "!", tool_calls: [fragment(0, "f", '{"a":1}')] }) +
      chunk({}, "tool_calls") +
      DONE;
    expect(outlineOf(stream)).toEqual([
      "reasoning:thinking",
      "text:Text!",
      'tool-call:f(call_0) {"a":1}',
      "end:tool-calls",
    ]);
  });

  test("H-37 one chunk with text, a call and the finish: all three, in that order", () => {
    const stream = chunk({ content: "T", tool_calls: [fragment(0, "f", "{}")] }, "tool_calls") + DONE;
    expect(outlineOf(stream)).toEqual(["text:T", "tool-call:f(call_0) {}", "end:tool-calls"]);
  });

  test("H-5 deltas and frames that nobody knows are skipped", () => {
    const stream =
      ": OPENROUTER PROCESSING\n\n" +
      "event: ping\ndata: {}\n\n" +
      'data: {"choices":[],"prompt_filter_results":[]}\n\n' +
      chunk({ content: "a", obfuscation: "xyz", audio: { id: "u" }, tool_calls: [null, 7] }) +
      chunk({ content: { odd: 1 } }) +
      "data:\n\n" +
      chunk({}, "stop") +
      DONE;
    expect(outlineOf(stream)).toEqual(["text:a", "end:end"]);
  });

  test("content as a list of parts, thinking among them", () => {
    const parts = [
      { type: "thinking", thinking: [{ type: "text", text: "Hm" }] },
      { type: "text", text: "Yes" },
    ];
    expect(outlineOf(chunk({ content: parts }, "stop") + DONE)).toEqual([
      "reasoning:Hm",
      "text:Yes",
      "end:end",
    ]);
  });

  test("refusals are blocks of their own, and end the answer as one", () => {
    const stream = chunk({ refusal: "I " }) + chunk({ refusal: "won't" }) + chunk({}, "stop") + DONE;
    expect(outlineOf(stream)).toEqual(["refusal:I won't", "end:refusal"]);
  });

  test("annotations count over all text; each block gets its own share", () => {
    const annotations = [
      { type: "url_citation", url_citation: { url: "https://a", title: "A", start_index: 0, end_index: 2 } },
      { type: "url_citation", url_citation: { url: "https://b", title: "", start_index: 3, end_index: 4 } },
      { type: "url_citation", url_citation: { url: "https://c", start_index: 0, end_index: 0 } },
      { type: "file_citation" },
    ];
    const stream =
      chunk({ content: "😀b" }) +
      calls(fragment(0, "f", "{}")) +
      chunk({ content: "cd" }) +
      chunk({ annotations }) +
      chunk({}, "stop") +
      DONE;
    const found = decodeStream(stream).flatMap((event) =>
      event.type === "annotation" ? [event.annotation] : [],
    );
    expect(found).toEqual([
      { kind: "url", url: "https://a", title: "A", citedText: null, start: 0, end: 0 },
      { kind: "url", url: "https://b", title: null, citedText: null, start: 1, end: 2 },
      { kind: "url", url: "https://c", title: null, citedText: null, start: null, end: null },
    ]);
  });
});

describe("calls as servers give them", () => {
  const done = chunk({}, "tool_calls") + DONE;

  test.each<[string, string, string[]]>([
    [
      "without any index, by their ids",
      calls({ id: "x", function: { name: "a", arguments: '{"p"' } }) +
        calls({ id: "x", function: { arguments: ":1}" } }) +
        calls({ id: "y", function: { name: "b", arguments: "{}" } }),
      ['tool-call:a(x) {"p":1}', "tool-call:b(y) {}"],
    ],
    [
      "without index and id, by the last one",
      calls({ function: { name: "a", arguments: '{"p"' } }) +
        calls({ function: { arguments: ":1}" } }) +
        calls({ function: { name: "b", arguments: "{}" } }),
      ['tool-call:a(call_SEED_0) {"p":1}', "tool-call:b(call_SEED_1) {}"],
    ],
    [
      "twice in one list without index and id",
      calls({ function: { name: "a", arguments: "" } }, { function: { name: "a", arguments: "" } }),
      ["tool-call:a(call_SEED_0) ", "tool-call:a(call_SEED_1) "],
    ],
    [
      "with index 1 first, and gaps",
      calls(fragment(1, "a", '{"p":1}')) + calls(fragment(7, "b", "{}")),
      ['tool-call:a(call_1) {"p":1}', "tool-call:b(call_7) {}"],
    ],
    [
      "with the id and the name on each fragment",
      calls(fragment(0, "a", '{"p"', "x")) +
        calls(fragment(0, "a", ":1}", "x")) +
        calls(fragment(0, "a", "", "x")),
      ['tool-call:a(x) {"p":1}'],
    ],
    [
      "with the name in the second fragment",
      calls({ index: 0, id: "x", function: { arguments: "" } }) +
        calls({ index: 0, function: { name: "a", arguments: '{"p":1}' } }),
      ['tool-call:a(x) {"p":1}'],
    ],
    [
      "with a name that comes behind arguments and another call",
      calls({ index: 0, id: "x", function: { arguments: '{"p":' } }) +
        calls(fragment(1, "b", "{}", "y")) +
        calls({ index: 0, function: { name: "a", arguments: "1}" } }),
      ['tool-call:a(x) {"p":1}', "tool-call:b(y) {}"],
    ],
    [
      "with empty ids",
      calls(fragment(0, "a", "{}", "")) + calls(fragment(1, "b", "{}", "")),
      ["tool-call:a(call_SEED_0) {}", "tool-call:b(call_SEED_1) {}"],
    ],
    [
      "all with index 0 and ids of their own",
      calls(fragment(0, "a", '{"p":1}', "x")) + calls(fragment(0, "a", '{"p":2}', "y")),
      ['tool-call:a(x) {"p":1}', 'tool-call:a(y) {"p":2}'],
    ],
    [
      "whole, with arguments that are an object",
      calls({ index: 0, id: "x", function: { name: "a", arguments: { p: 1 } } }),
      ['tool-call:a(x) {"p":1}'],
    ],
    [
      "in the deprecated form",
      chunk({ function_call: { name: "a", arguments: "" } }) +
        chunk({ function_call: { arguments: '{"p":1}' } }),
      ['tool-call:a(call_SEED_0) {"p":1}'],
    ],
  ])("H-45 %s", (_how, stream, expected) => {
    expect(outlineOf(stream + done)).toEqual([...expected, "end:tool-calls"]);
  });

  test("H-143 an id that comes twice: the second call gets one of its own", () => {
    const stream = calls(fragment(0, "a", "{}", "x")) + calls(fragment(1, "a", '{"p":1}', "x"));
    expect(outlineOf(stream + done)).toEqual([
      "tool-call:a(x) {}",
      'tool-call:a(call_SEED_1) {"p":1}',
      "end:tool-calls",
    ]);
  });

  test("H-46 arguments that the limit cut off go out as they came, and the stop says so", () => {
    const stream = calls(fragment(0, "f", '{"path":"/a')) + chunk({}, "length") + DONE;
    expect(outlineOf(stream)).toEqual(['tool-call:f(call_0) {"path":"/a', "end:length"]);
  });

  test.each(["tool_calls", "stop"])(
    "H-47 arguments that are no JSON fail, with finish reason %s",
    (reason) => {
      const stream = calls(fragment(0, "f", '{"path":"/a')) + chunk({}, reason) + DONE;
      expect(decodeStream(stream).at(-1)).toEqual({
        type: "fail",
        raw: null,
        message: "upstream produced malformed tool arguments",
      });
    },
  );

  test.each(["[1]", '"x"', '{"a":1}}', '{"a":1} {"b":2}'])("H-47 %s is no object of arguments", (args) => {
    expect(decodeStream(calls(fragment(0, "f", args)) + done).at(-1)?.type).toBe("fail");
  });

  test.each(["", "null", "  ", "\n"])("H-48 arguments %p are none", (args) => {
    const events = decodeStream(calls(fragment(0, "f", args)) + done);
    expect(outline(events)).toEqual(["tool-call:f(call_0) ", "end:tool-calls"]);
  });

  test("H-52 calls in several chunks, the finish alone in the last: it ends with calls", () => {
    const stream = calls(fragment(0, "f", "{}")) + calls(fragment(1, "g", "{}")) + chunk({}, "stop") + DONE;
    expect(outlineOf(stream).at(-1)).toBe("end:tool-calls");
  });

  test("finish reason tool_calls without any call is a plain end", () => {
    expect(outlineOf(chunk({ content: "x" }) + done)).toEqual(["text:x", "end:end"]);
  });

  test("free text of a custom tool passes as it is", () => {
    const stream =
      calls({ index: 0, id: "x", type: "custom", custom: { name: "exec", input: "" } }) +
      calls({ index: 0, custom: { input: "ls " } }) +
      calls({ index: 0, custom: { input: '"a' } });
    const events = decodeStream(stream + done);
    expect(outline(events)).toEqual(['tool-call:exec(x) ls "a', "end:tool-calls"]);
    expect(events).toContainEqual({
      type: "open",
      block: { kind: "tool-call", id: "x", name: "exec", namespace: null, call: "custom", seal: null },
    });
  });

  test("Google's signature of a call is its seal", () => {
    const signed = { ...fragment(0, "f", "{}"), extra_content: { google: { thought_signature: "c2ln" } } };
    const reply = replyOf(calls(signed) + done);
    expect(reply.parts[0]).toMatchObject({ seal: { maker: "gemini", place: "call", data: "c2ln" } });
  });

  test("H-144 two thousand calls side by side take no more than linear time", () => {
    const fragments = Array.from({ length: 2000 }, (_, index) => fragment(index, "f", '{"a":'));
    const rest = fragments.map((_, index) => fragment(index, null, "1}"));
    const stream = calls(...fragments) + calls(...rest) + done;
    const events = decodePieces([encode(stream)]);
    expect(events.filter((event) => event.type === "close").length).toBe(2000);
  });

  test("H-6 arguments in very many fragments, with the name on each, take no more than linear time", () => {
    const parts = Array.from({ length: 20_000 }, () => calls(fragment(0, "f", "xxxxxxxxxx", "x")));
    for (const [begin, end] of [
      ['{"a":"', '"}'],
      ["\n", '{"a":1}'],
    ] as const) {
      const middle = begin === "\n" ? parts.map((part) => part.replace("xxxxxxxxxx", "\\n")) : parts;
      const stream =
        calls(fragment(0, "f", begin, "x")) + middle.join("") + calls(fragment(0, "f", end, "x")) + done;
      const [line] = outline(decodePieces([encode(stream)]));
      expect(line?.endsWith(end)).toBe(true);
    }
  });

  test("the first call goes out as it comes, and a second as soon as the first is whole", () => {
    const seen: ModelEvent[] = [];
    const decoder = openaiChatCodec.makeStreamDecoder("sse", DECODE);
    const push = (text: string): string[] => {
      const from = seen.length;
      decoder.push(encode(text), (event) => seen.push(event));
      return seen.slice(from).map((event) => event.type);
    };
    expect(push(calls(fragment(0, "a", '{"p":')))).toEqual(["start", "open", "delta"]);
    expect(push(calls(fragment(0, null, "1}")))).toEqual(["delta"]);
    expect(push(calls(fragment(1, "b", '{"q"')))).toEqual(["close", "open", "delta"]);
    expect(push(calls(fragment(2, "c", "{}")))).toEqual([]);
    expect(push(calls(fragment(1, null, ":1}")))).toEqual(["delta"]);
    expect(push(chunk({}, "tool_calls"))).toEqual(["close", "open", "delta", "close"]);
  });
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
    expect(outlineOf(calls(fragment(0, "f", '{"a":')) + DONE).at(-1)).toBe(
      "fail:upstream produced malformed tool arguments",
    );
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
