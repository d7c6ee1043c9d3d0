import { describe, expect, test } from "bun:test";
import type { ModelReply } from "../../neutral/event.ts";
import type { AssistantPart } from "../../neutral/message.ts";
import { anthropicMessagesCodec as codec } from "./codec.ts";
import { REPLY_OPTIONS, STOP } from "./fixtures/codec-under-test.ts";

const encode = (parts: AssistantPart[], more: Partial<ModelReply> = {}) =>
  JSON.parse(
    codec.encodeReply(
      { id: "up", model: "up", parts, usage: null, stop: STOP, ...more },
      { ...REPLY_OPTIONS, framing: "json" },
    ),
  );
const call = (input: string): AssistantPart => ({
  type: "tool-call",
  id: "c1",
  name: "f",
  namespace: null,
  kind: "function",
  input,
});

test("H-66 a reply has all the members that clients read, and all four counts", () => {
  expect(encode([{ type: "text", text: "Hi" }])).toEqual({
    id: "msg_SEED",
    type: "message",
    role: "assistant",
    model: "asked-for",
    content: [{ type: "text", text: "Hi" }],
    stop_reason: "end_turn",
    stop_sequence: null,
    stop_details: null,
    usage: { input_tokens: 0, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 0 },
  });
});

describe("calls", () => {
  test("H-46 a call that the limit cut is left out, so that nobody carries it out", () => {
    const stop = { ...STOP, kind: "length" as const };
    const reply = encode([{ type: "text", text: "a" }, call('{"a":"x')], { stop });
    expect(reply.content.map(({ type }: { type: string }) => type)).toEqual(["text"]);
    expect(reply.stop_reason).toBe("max_tokens");
  });

  test("H-47 malformed arguments of an answer that ended well are the upstream's error", () => {
    expect(() => encode([call('{"a":')], { stop: { ...STOP, kind: "tool-calls" } })).toThrow(
      /malformed arguments/,
    );
  });

  test.each(["", "null", " \n", "{}"])("H-48 no arguments, however they are said: %j", (input) => {
    expect(encode([call(input)]).content).toMatchObject([{ input: {} }]);
  });

  test("H-145 arguments go out as the text that came: no digit and no key is lost", () => {
    const input = '{"n":12345678901234567890,"__proto__":{"a":1}}';
    const text = codec.encodeReply(
      { id: null, model: null, parts: [call(input)], usage: null, stop: STOP },
      REPLY_OPTIONS,
    );
    expect(text).toContain(`"input":${input}}`);
  });
});

test("H-137 words of a refusal are text, and the stop reason says what they are", () => {
  const reply = encode([{ type: "refusal", text: "I will not." }]);
  expect(reply).toMatchObject({ content: [{ type: "text", text: "I will not." }], stop_reason: "refusal" });
});

test("thinking without text and seal, empty text and images leave no trace", () => {
  const image: AssistantPart = {
    type: "image",
    source: { kind: "url", url: "https://a.example/", mimeType: null },
    at: "",
  };
  expect(
    encode([{ type: "text", text: "" }, { type: "reasoning", text: "", seal: null }, image]).content,
  ).toEqual([]);
});
