import { describe, expect, test } from "bun:test";
import { GatewayError } from "../../core/errors.ts";
import type { ModelReply } from "../../neutral/event.ts";
import { openaiChatCodec } from "./codec.ts";
import { decodeError } from "./error-decode.ts";
import { DECODE } from "./fixtures/codec-under-test.ts";

function decode(message: object, finishReason: string | null = "stop", more: object = {}): ModelReply {
  const body = {
    id: "chatcmpl-1",
    object: "chat.completion",
    model: "m-1",
    choices: [{ index: 0, message: { role: "assistant", ...message }, finish_reason: finishReason, ...more }],
    usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 },
  };
  return openaiChatCodec.decodeReply(body, DECODE);
}

function faultOf(body: object): GatewayError {
  try {
    openaiChatCodec.decodeReply(body as never, DECODE);
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

const call = (id: string, name: string, args: string): object => ({
  id,
  type: "function",
  function: { name, arguments: args },
});

describe("whole replies", () => {
  test("thinking, text and calls, with id, model and usage", () => {
    const reply = decode(
      {
        reasoning_content: "Hm",
        content: "I look.",
        refusal: null,
        tool_calls: [call("a", "f", '{"x":1}'), call("b", "g", "")],
      },
      "tool_calls",
    );
    expect(reply).toMatchObject({
      id: "chatcmpl-1",
      model: "m-1",
      parts: [
        { type: "reasoning", text: "Hm" },
        { type: "text", text: "I look." },
        { type: "tool-call", id: "a", name: "f", kind: "function", input: '{"x":1}' },
        { type: "tool-call", id: "b", name: "g", input: "" },
      ],
      usage: { inputTokens: 5, outputTokens: 2 },
      stop: { kind: "tool-calls", raw: "tool_calls" },
    });
  });

  test("H-46 a call that the limit cut off is kept as it came, and the stop says so", () => {
    const reply = decode(
      { content: null, tool_calls: [call("a", "f", "{}"), call("b", "g", '{"x":')] },
      "length",
    );
    expect(reply.parts).toMatchObject([
      { type: "tool-call", id: "a", input: "{}" },
      { type: "tool-call", id: "b", input: '{"x":' },
    ]);
    expect(reply.stop.kind).toBe("length");
  });

  test("H-47 malformed arguments go on as they came: they are the model's answer", () => {
    const reply = decode({ tool_calls: [call("a", "f", '{"x":')] }, "tool_calls");
    expect(reply.parts).toMatchObject([{ type: "tool-call", id: "a", input: '{"x":' }]);
  });

  test("an answer without a choice that was counted is empty; one that was not is garbage", () => {
    const usage = { prompt_tokens: 3, completion_tokens: 0, total_tokens: 3 };
    expect(openaiChatCodec.decodeReply({ choices: [], usage }, DECODE)).toMatchObject({
      parts: [],
      usage: { inputTokens: 3 },
      stop: { kind: "end" },
    });
    expect(faultOf({ choices: [] })).toMatchObject({ kind: "upstream_garbage" });
  });

  test("H-137 a filter that left nothing is an answer", () => {
    expect(decode({ content: null }, "content_filter")).toMatchObject({
      parts: [],
      stop: { kind: "refusal" },
    });
  });

  test("a refusal, and an annotation within the text", () => {
    expect(decode({ content: null, refusal: "No." })).toMatchObject({
      parts: [{ type: "refusal", text: "No." }],
      stop: { kind: "refusal", raw: "stop" },
    });
    const cited = {
      type: "url_citation",
      url_citation: { url: "https://a", title: "A", start_index: 1, end_index: 3 },
    };
    expect(decode({ content: "abcd", annotations: [cited] }).parts).toEqual([
      {
        type: "text",
        text: "abcd",
        annotations: [{ kind: "url", url: "https://a", title: "A", citedText: null, start: 1, end: 3 }],
      },
    ]);
  });

  test("H-65 the stop string, when the server names it", () => {
    expect(decode({ content: "x" }, "stop", { stop_reason: "###" }).stop).toMatchObject({
      kind: "stop-sequence",
      sequence: "###",
    });
  });

  test("H-145 keys of the prototype in arguments are data", () => {
    const args = '{"__proto__":{"polluted":true},"constructor":1}';
    expect(decode({ tool_calls: [call("a", "f", args)] }, "tool_calls").parts).toMatchObject([
      { input: args },
    ]);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  test.each<[string, object]>([
    ["nothing", {}],
    ["no choice", { choices: [] }],
    ["no message", { choices: [{}] }],
    ["a list of texts", { choices: ["x"] }],
  ])("%s is no answer", (_what, body) => {
    expect(faultOf(body).kind).toBe("upstream_garbage");
  });

  test("an error in a 200 is told with its object", () => {
    const error = faultOf({ error: { message: "m", code: "busy" } });
    expect(error.kind).toBe("upstream_garbage");
    expect(JSON.parse(error.detail ?? "")).toEqual({ message: "m", code: "busy" });
  });
});

describe("error bodies", () => {
  test.each<[string, object]>([
    [
      '{"error":{"message":"m","type":"invalid_request_error","param":"messages[0]","code":"bad_code"}}',
      { message: "m", code: "bad_code", param: "messages[0]" },
    ],
    [
      '{"error":{"message":"m","type":"t","param":null,"code":null}}',
      { message: "m", code: "t", param: null },
    ],
    [
      '[{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED"}}]',
      { message: "m", code: "RESOURCE_EXHAUSTED" },
    ],
    ['{"error":"text"}', { message: "text", code: null, param: null }],
    ['{"message":"text","code":7}', { message: "text", code: "7" }],
    ['{"detail":"text"}', { message: "text", code: null }],
    ['{"detail":[{"loc":["body"],"msg":"a"},{"msg":"b"}]}', { message: "a; b" }],
    [
      '{"object":"error","message":"text","type":"NotFoundError","code":404}',
      { message: "text", code: "NotFoundError" },
    ],
    ["<html>", { message: null, code: null, param: null }],
    ["null", { message: null, code: null, param: null }],
    ["", { message: null, code: null, param: null }],
  ])("%s", (body, expected) => {
    expect(decodeError(body)).toMatchObject(expected);
  });
});
