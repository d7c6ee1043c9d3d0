import { describe, expect, test } from "bun:test";
import { NO_USAGE } from "../../neutral/usage.ts";
import { calls, chunk, DONE, decodeStream, fragment, outline } from "./fixtures/codec-under-test.ts";

const outlineOf = (stream: string): string[] => outline(decodeStream(stream));

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
          ...NO_USAGE,
          inputTokens: 7,
          outputTokens: 3,
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
