import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { GatewayError } from "../core/errors.ts";
import type { DialectName, Peek, UsageOption } from "./dialect.ts";
import { DIALECTS } from "./index.ts";
import { peekRequest, rewriteRequest } from "./peek.ts";

const OPTION = DIALECTS["openai-chat"].usageOption as UsageOption;
const withModel = (body: Uint8Array, peeked: Peek, model: string) =>
  rewriteRequest(body, peeked, model, null);
const withUsageInjected = (body: Uint8Array, peeked: Peek) => rewriteRequest(body, peeked, null, OPTION);

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array): string => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
const peek = (body: string, dialect: DialectName = "openai-chat") => peekRequest(dialect, encode(body));

function refusal(body: string, dialect: DialectName = "openai-chat"): GatewayError {
  try {
    peek(body, dialect);
  } catch (error) {
    expect(error).toBeInstanceOf(GatewayError);
    return error as GatewayError;
  }
  throw new Error("the body was taken");
}

describe("what a request says", () => {
  test("is found at its top level alone", () => {
    const body =
      '{"messages":[{"role":"user","content":"\\"model\\":\\"no\\"","model":"no"}],"metadata":{"model":"no","stream":true},"tools":[{"model":["no"]}],"model":"yes"}';
    expect(peek(body)).toMatchObject({
      model: "yes",
      stream: false,
    });
  });

  test("usage is on only where the member of stream_options says true", () => {
    expect(OPTION.isOff(peek('{"include_usage":true,"x":{"stream_options":{"include_usage":true}}}'))).toBe(
      true,
    );
    expect(OPTION.isOff(peek('{"stream_options":{"include_usage":null}}'))).toBe(true);
    expect(OPTION.isOff(peek('{"stream_options":{"include_usage":true}}'))).toBe(false);
  });

  test("functions with an effort may want the other dialect", () => {
    const mayNeed = (body: string) => DIALECTS["openai-chat"].alternative?.mayBeNeeded(peek(body));
    expect(mayNeed('{"tools":[{"type":"function"}],"reasoning_effort":"low"}')).toBe(true);
    expect(mayNeed('{"tools":[{"type":"function"}],"reasoning_effort":"none"}')).toBe(false);
    expect(mayNeed('{"tools":[{"type":"function"}]}')).toBe(false);
    expect(mayNeed('{"tools":[],"reasoning_effort":"low"}')).toBe(false);
  });

  test("is found whatever its spelling", () => {
    const body = '\ufeff\n{ "mod\\u0065l"\t:\r"gpt\\u002d5 \\"ü\\"" ,"stream" : true }\n';
    const seen = peek(body);
    expect(seen).toMatchObject({ model: 'gpt-5 "ü"', stream: true });
    expect(decode(encode(body).slice(seen.modelStart, seen.modelEnd))).toBe('"gpt\\u002d5 \\"ü\\""');
  });

  test("is what parsing the whole body says", () => {
    const body = fc.record(
      {
        model: fc.string(),
        stream: fc.boolean(),
        stream_options: fc.oneof(fc.constant(null), fc.record({ include_usage: fc.boolean() })),
        messages: fc.jsonValue(),
        "": fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(body, fc.constantFrom(undefined, 1, "\t"), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        const seen = peek(text);
        expect(seen.model).toBe(value.model ?? null);
        expect(seen.stream).toBe(value.stream ?? false);
        expect(OPTION.isOff(seen)).toBe(value.stream_options?.include_usage !== true);
        const options = { ...value.stream_options, include_usage: true };
        expect(JSON.parse(decode(withUsageInjected(encode(text), seen)))).toEqual(
          JSON.parse(JSON.stringify({ ...value, stream_options: options })),
        );
      }),
      { numRuns: 500 },
    );
  });

  test("a stream of null is none", () => {
    expect(peek('{"model":"m","stream":null}').stream).toBe(false);
  });

  test("a Gemini body names no model", () => {
    expect(peek('{"model":7,"contents":[]}', "gemini")).toMatchObject({ model: null, stream: false });
  });

  test.each([
    ["openai-responses", '{"previous_response_id":"resp_1"}', "resp_1", "previous_response_id"],
    ["openai-responses", '{"conversation":"conv_1"}', "conv_1", "conversation"],
    ["openai-responses", '{"conversation":{"id":"conv_2","x":1}}', "conv_2", "conversation.id"],
    ["anthropic-messages", '{"container":"c_1"}', "c_1", "container"],
    ["anthropic-messages", '{"container":{"skills":[],"id":"c_2"}}', "c_2", "container.id"],
    [
      "anthropic-messages",
      '{"thread":{"type":"continue","previous_message_id":"msg_1"}}',
      "msg_1",
      "thread.previous_message_id",
    ],
    ["gemini", '{"cachedContent":"cachedContents/1"}', "cachedContents/1", "cachedContent"],
    ["gemini", '{"cached_content":"cachedContents/1"}', "cachedContents/1", "cached_content"],
    ["openai-responses", '{"previous_response_id":null,"conversation":null}', null, null],
    ["openai-chat", '{"previous_response_id":"resp_1"}', null, null],
  ] as const)("%s %s names the state %p", (dialect, body, stateId, stateField) => {
    expect(peek(body, dialect)).toMatchObject({ stateId, stateField });
  });
});

describe("what decides the cost of the answer", () => {
  test.each([
    ["openai-chat", '{"max_tokens":100}', 100],
    ["openai-chat", '{"max_completion_tokens":200}', 200],
    ["openai-chat", '{"max_completion_tokens":200,"max_tokens":100}', 200],
    ["openai-chat", '{"max_tokens":300,"max_tokens":1}', 300],
    ["openai-chat", '{"max\\u005ftokens":7}', 7],
    ["openai-chat", '{"max_tokens":"400"}', 400],
    ["openai-chat", '{"max_tokens":1e3}', 1000],
    ["openai-chat", '{"max_tokens":10.2}', 11],
    ["openai-chat", '{"max_tokens":0}', 0],
    ["openai-chat", '{"max_tokens":null}', null],
    ["openai-chat", '{"max_tokens":-5}', null],
    ["openai-chat", '{"max_tokens":"many"}', null],
    ["openai-chat", '{"max_tokens":""}', null],
    ["openai-chat", '{"max_tokens":[5]}', null],
    ["openai-chat", `{"max_tokens":1${"0".repeat(400)}}`, 1e9],
    ["openai-chat", '{"max_tokens":1e999}', 1e9],
    ["openai-chat", '{"messages":[{"max_tokens":5}],"metadata":{"max_tokens":5}}', null],
    ["openai-responses", '{"max_output_tokens":500}', 500],
    ["anthropic-messages", '{"max_tokens":600}', 600],
    ["gemini", '{"generationConfig":{"maxOutputTokens":700}}', 700],
    ["gemini", '{"generation_config":{"max_output_tokens":"800"}}', 800],
    ["gemini", '{"maxOutputTokens":900}', null],
    ["gemini", '{"generationConfig":null}', null],
  ] as const)("%s %s: the most of an answer is %p", (dialect, body, most) => {
    expect(peek(body, dialect).maxOutputTokens).toBe(most);
  });

  test.each([
    ["openai-chat", "{}", 1],
    ["openai-chat", '{"n":3}', 3],
    ["openai-chat", '{"n":0}', 1],
    ["openai-chat", '{"n":null}', 1],
    ["openai-chat", '{"n":5,"n":1}', 5],
    ["gemini", '{"generationConfig":{"candidateCount":4}}', 4],
    ["gemini", '{"generation_config":{"candidate_count":2}}', 2],
  ] as const)("%s %s: it asks for %p answers", (dialect, body, answers) => {
    expect(peek(body, dialect).answers).toBe(answers);
  });

  test.each([
    ["openai-chat", '{"service_tier":"flex"}', { tier: "flex" }],
    ["openai-chat", '{"service_tier":null}', { tier: null }],
    [
      "openai-responses",
      '{"service_tier":"priority","background":true}',
      { tier: "priority", isBackground: true },
    ],
    ["openai-responses", '{"background":false}', { isBackground: false }],
    ["openai-responses", '{"background":"true"}', { isBackground: false }],
    ["anthropic-messages", '{"service_tier":"auto","speed":"fast"}', { tier: "fast" }],
    ["anthropic-messages", '{"speed":"fast","service_tier":"auto"}', { tier: "fast" }],
    ["anthropic-messages", '{"inference_geo":"us"}', { region: "us" }],
    ["gemini", '{"serviceTier":"flex"}', { tier: "flex" }],
  ] as const)("%s %s: tier, place and background", (dialect, body, seen) => {
    expect(peek(body, dialect)).toMatchObject(seen);
  });

  test.each([
    ["openai-chat", '{"models":["a","b"]}', true],
    ["openai-chat", '{"models":"a"}', true],
    ["openai-responses", '{"models":[{"model":"a"}]}', true],
    ["anthropic-messages", '{"fallbacks":[{"model":"a"}]}', true],
    ["openai-chat", '{"models":[],"fallbacks":null}', false],
    ["openai-chat", '{"metadata":{"models":["a"]}}', false],
  ] as const)("%s %s: other models are named: %p", (dialect, body, named) => {
    expect(peek(body, dialect).namesFallbacks).toBe(named);
  });

  test.each([
    ["openai-chat", '{"user":"u-1"}', "u-1"],
    ["openai-responses", '{"user":"u-\\u0032"}', "u-2"],
    ["anthropic-messages", '{"metadata":{"user_id":"u-3"}}', "u-3"],
    ["anthropic-messages", '{"metadata":{"user_id":null}}', null],
    ["anthropic-messages", '{"metadata":"u-4"}', null],
    ["openai-chat", '{"user":{"id":1}}', null],
  ] as const)("%s %s: the user is %p", (dialect, body, user) => {
    expect(peek(body, dialect)).toMatchObject({ user, stateId: null });
  });
});

describe("a body that cannot be relayed is refused, with the place and the repair", () => {
  test.each([
    ["", /empty/],
    ["   ", /no JSON object.*byte 3/],
    ["[1]", /array/],
    ['"x"', /not a JSON object.*byte 0/],
    ['{"model":"m"', /before its JSON object is closed.*byte 12/],
    ['{"model":"m}', /before its JSON object is closed/],
    ['{"a" 1}', /not valid JSON.*byte 5/],
    ['{"a":1}}', /continues behind.*byte 7/],
    ['{"model":"a","x":{},"model":"a"}', /twice.*byte 9 and byte 28/],
    ['{"model":"a","mod\\u0065l":"b"}', /twice/],
    ['{"model":7}', /"model" is not a string.*byte 9/],
    ['{"model":null}', /not a string/],
    ['{"model":{"a":1}}', /not a string/],
    ['{"model":"\\x"}', /not a string/],
    [`{"model":"${"m".repeat(70_000)}"}`, /too long/],
    ['{"model":"m","stream":"yes"}', /"stream" is not true or false.*byte 22/],
    [`{"x":${"[".repeat(1001)}${"]".repeat(1001)}}`, /1000 levels deep/],
    [`${'{"x":'.repeat(100_000)}1`, /1000 levels deep/],
  ])("%#", (body, message) => {
    const error = refusal(body);
    expect(error.kind).toBe("bad_request");
    expect(error.message).toMatch(message);
  });

  test("the field at fault is named", () => {
    expect(refusal('{"model":7}').param).toBe("model");
    expect(refusal('{"stream":7}').param).toBe("stream");
  });

  test("garbage throws nothing else", () => {
    const pieces = fc.array(
      fc.constantFrom("{", "}", "[", "]", '"', ":", ",", "\\", "1", "null", '"model"', '"stream_options"'),
    );
    fc.assert(
      fc.property(pieces, (parts) => {
        try {
          const body = encode(parts.join(""));
          rewriteRequest(body, peekRequest("openai-chat", body), "m", OPTION);
        } catch (error) {
          expect(error).toBeInstanceOf(GatewayError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("a rewrite changes only what it must", () => {
  test("the model's bytes, and no other", () => {
    const body =
      '{"seed":1.0,"big":9007199254740993,"x":"\\ud83d","x":1e2,  "model" : "alias" , "messages":[{"model":"alias"}]} \n';
    const bytes = encode(body);
    expect(decode(withModel(bytes, peek(body), "claude-x"))).toBe(
      body.replace('"model" : "alias"', '"model" : "claude-x"'),
    );
    expect(withModel(bytes, peek(body), "alias")).toBe(bytes);
    expect(withModel(encode("{}"), peek("{}"), "m")).toEqual(encode("{}"));
  });

  test.each([
    ["{}", '{"stream_options":{"include_usage":true}}'],
    ['{ "model":"m"}', '{"stream_options":{"include_usage":true}, "model":"m"}'],
    ['{"stream_options":null}', '{"stream_options":{"include_usage":true}}'],
    ['{"stream_options":{ }}', '{"stream_options":{"include_usage":true }}'],
    [
      '{"stream_options":{"include_obfuscation":false}}',
      '{"stream_options":{"include_usage":true,"include_obfuscation":false}}',
    ],
    [
      '{"stream_options":{"a":{"include_usage":false},"include_usage" : false}}',
      '{"stream_options":{"a":{"include_usage":false},"include_usage" : true}}',
    ],
    ['{"stream_options":{"include_usage":null}}', '{"stream_options":{"include_usage":true}}'],
    ['{"stream_options":{"include_usage":true}}', '{"stream_options":{"include_usage":true}}'],
    ['{"stream_options":"what"}', '{"stream_options":"what"}'],
  ])("usage is asked for in %s", (body, expected) => {
    expect(decode(withUsageInjected(encode(body), peek(body)))).toBe(expected);
  });

  test("both at once, in either order of the members", () => {
    for (const body of [
      '{"model":"a","stream_options":{"include_usage":false}}',
      '{"stream_options":{"include_usage":false},"model":"a"}',
      '{"x":1,"model":"a"}',
    ]) {
      const seen = peek(body);
      const rewritten = decode(rewriteRequest(encode(body), seen, "long-name", OPTION));
      expect(rewritten).toBe(
        decode(
          withModel(
            encode(decode(withUsageInjected(encode(body), seen))),
            peek(decode(withUsageInjected(encode(body), seen))),
            "long-name",
          ),
        ),
      );
      expect(peek(rewritten).model).toBe("long-name");
      expect(OPTION.isOff(peek(rewritten))).toBe(false);
    }
  });

  test("what the gateway decided on is what the upstream receives", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.jsonValue(), (model, target, rest) => {
        const body = encode(JSON.stringify({ rest, model, more: rest }));
        const sent = JSON.parse(
          decode(rewriteRequest(body, peekRequest("openai-chat", body), target, OPTION)),
        );
        expect(sent).toEqual(
          JSON.parse(
            JSON.stringify({ rest, model: target, more: rest, stream_options: { include_usage: true } }),
          ),
        );
      }),
      { numRuns: 300 },
    );
  });
});
