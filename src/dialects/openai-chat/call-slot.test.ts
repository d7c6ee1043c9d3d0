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
    "H-47 arguments that are no JSON go out as they came, with finish reason %s",
    (reason) => {
      const stream = calls(fragment(0, "f", '{"path":"/a')) + chunk({}, reason) + DONE;
      expect(outlineOf(stream)).toEqual(['tool-call:f(call_0) {"path":"/a', "end:tool-calls"]);
    },
  );

  test.each(["[1]", '"x"', '{"a":1}}', '{"a":1} {"b":2}'])("H-47 %s goes out as it came", (args) => {
    expect(outlineOf(calls(fragment(0, "f", args)) + done)).toEqual([
      `tool-call:f(call_0) ${args}`,
      "end:tool-calls",
    ]);
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

  test("H-6 texts that look like repetitions take no more than linear time", () => {
    const long = "a".repeat(1_000_000);
    const alike = `${long}}{${long}`;
    expect(outline(decodePieces([encode(calls(fragment(0, "f", alike, "x")) + done)]))[0]).toEndWith(alike);
    const whole = `{"a":"${long}"}`;
    const behind = Array.from({ length: 20_000 }, () => calls(fragment(0, null, "{}"))).join("");
    const stream = calls(fragment(0, "f", whole, "x")) + behind + done;
    expect(outline(decodePieces([encode(stream)]))[0]).toEndWith("{}");
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
