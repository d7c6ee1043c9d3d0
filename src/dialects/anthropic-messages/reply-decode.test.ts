import { describe, expect, test } from "bun:test";
import { GatewayError } from "../../core/errors.ts";
import { NO_USAGE } from "../../neutral/usage.ts";
import { anthropicMessagesCodec as codec } from "./codec.ts";
import { decodeError } from "./error-decode.ts";
import { OPTIONS } from "./fixtures/codec-under-test.ts";

const message = (content: unknown[], more: object = {}) => ({
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "claude",
  content,
  stop_reason: "end_turn",
  stop_sequence: null,
  usage: { input_tokens: 5, output_tokens: 2 },
  ...more,
});
const decode = (body: object) => codec.decodeReply(JSON.parse(JSON.stringify(body)), OPTIONS);

function errorOf(body: object): GatewayError {
  try {
    decode(body);
  } catch (error) {
    if (error instanceof GatewayError) return error;
  }
  throw new Error("no GatewayError");
}

test("a reply with all that it may hold", () => {
  const reply = decode(
    message(
      [
        { type: "thinking", thinking: "hm", signature: "sig" },
        {
          type: "text",
          text: "a",
          citations: [{ type: "char_location", cited_text: "c", document_index: 1, document_title: null }],
        },
        { type: "tool_use", id: "t1", name: "f", input: { a: [1, { b: null }] } },
      ],
      { stop_reason: "tool_use" },
    ),
  );
  expect(reply).toEqual({
    id: "msg_1",
    model: "claude",
    parts: [
      { type: "reasoning", text: "hm", seal: { maker: "anthropic", place: "reasoning", data: "sig" } },
      {
        type: "text",
        text: "a",
        annotations: [
          { kind: "document", documentIndex: 1, title: null, citedText: "c", start: null, end: null },
        ],
      },
      {
        type: "tool-call",
        id: "t1",
        name: "f",
        namespace: null,
        kind: "function",
        input: '{"a":[1,{"b":null}]}',
      },
    ],
    usage: {
      ...NO_USAGE,
      inputTokens: 5,
      outputTokens: 2,
    },
    stop: {
      kind: "tool-calls",
      raw: "tool_use",
      sequence: null,
      explanation: null,
      category: null,
      token: null,
    },
  });
});

test("H-145 keys of the prototype in arguments are data", () => {
  const body = JSON.parse(
    '{"type":"message","content":[{"type":"tool_use","id":"t","name":"f","input":{"__proto__":{"x":1},"constructor":2}}],"stop_reason":"tool_use"}',
  );
  expect(codec.decodeReply(body, OPTIONS).parts).toMatchObject([
    { input: '{"__proto__":{"x":1},"constructor":2}' },
  ]);
});

describe("what is no reply", () => {
  test("an error in a 200 is told in detail", () => {
    const error = errorOf({ type: "error", error: { type: "overloaded_error", message: "Overloaded" } });
    expect(error.kind).toBe("upstream_garbage");
    expect(error.detail).toBe('{"type":"overloaded_error","message":"Overloaded"}');
  });

  test.each([{}, { type: "message" }, { type: "message", content: "text" }, { choices: [] }])(
    "%j",
    (body) => {
      expect(errorOf(body).kind).toBe("upstream_garbage");
    },
  );
});

describe("errors", () => {
  test.each([
    [
      '{"type":"error","error":{"type":"invalid_request_error","message":"messages.0.content: too long"}}',
      { message: "messages.0.content: too long", code: "invalid_request_error", param: "messages.0.content" },
    ],
    [
      '{"type":"error","error":{"type":"invalid_request_error","message":"no","details":{"error_code":"thread_not_found"}}}',
      { message: "no", code: "thread_not_found", param: null },
    ],
    ['{"error":"busy"}', { message: "busy", code: null, param: null }],
    ['{"message":"m","code":"c"}', { message: "m", code: "c", param: null }],
    ['{"detail":"d"}', { message: "d", code: null, param: null }],
    ['[{"error":{"message":"g","code":400}}]', { message: "g", code: null, param: null }],
    ["<html>", { message: null, code: null, param: null }],
    ["", { message: null, code: null, param: null }],
    ["null", { message: null, code: null, param: null }],
  ])("%s", (body, expected) => {
    expect(decodeError(body)).toEqual(expected);
  });
});

test("counts", () => {
  expect(codec.decodeCount({ input_tokens: 14 })).toBe(14);
  expect(codec.decodeCount({})).toBeNull();
  expect(codec.encodeCount(14)).toBe('{"input_tokens":14}');
});
