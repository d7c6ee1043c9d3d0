import { describe, expect, test } from "bun:test";
import { GatewayError } from "../../core/errors.ts";
import type { ModelEvent, ModelReply, Stop } from "../../neutral/event.ts";
import { fold, unfold } from "../../neutral/fold.ts";
import type { AssistantPart, Seal } from "../../neutral/message.ts";
import { unwrapSeal } from "../../neutral/seal.ts";
import { NO_USAGE, type Usage } from "../../neutral/usage.ts";
import { geminiCodec } from "./codec.ts";
import { chunksIn, decodeStream, encodeOptions, encodeStream } from "./fixtures/codec-under-test.ts";

const END: Stop = { kind: "end", raw: null, sequence: null, explanation: null, category: null, token: null };
const USAGE: Usage = {
  ...NO_USAGE,
  inputTokens: 10,
  cacheReadTokens: 4,
  cacheWriteTokens: 2,
  outputTokens: 9,
  reasoningTokens: 3,
};
const FOREIGN: Seal = { maker: "anthropic", place: "reasoning", data: "sig+/=" };
const identity = { modelVersion: "gemini-client", responseId: "01ID" };

function reply(parts: readonly AssistantPart[], stop: Partial<Stop> = {}): ModelReply {
  return { id: "up", model: "up", parts, usage: USAGE, stop: { ...END, ...stop } };
}
const streamOf = (...args: Parameters<typeof reply>) => encodeStream(unfold(reply(...args)));
const bodyOf = (...args: Parameters<typeof reply>) =>
  JSON.parse(geminiCodec.encodeReply(reply(...args), encodeOptions("json")));
const callOf = (input: string, more: object = {}): AssistantPart => ({
  type: "tool-call",
  id: "toolu_1",
  name: "f",
  namespace: null,
  kind: "function",
  input,
  ...more,
});
/** All parts of a stream's chunks but the empty one at its end. */
const partsIn = (stream: string) =>
  chunksIn(stream)
    .slice(0, -1)
    .flatMap(
      (chunk) => (chunk as { candidates: { content: { parts: object[] } }[] }).candidates[0]?.content.parts,
    );

test("H-63 a stream is bare data events; the last has the reason and the usage together", () => {
  const stream = streamOf([{ type: "text", text: "a\u2028😀\n" }]);
  expect(stream).not.toInclude("event:");
  expect(stream).not.toInclude("[DONE]");
  expect(chunksIn(stream)).toEqual([
    { candidates: [{ content: { parts: [{ text: "a\u2028😀\n" }], role: "model" }, index: 0 }], ...identity },
    {
      candidates: [{ content: { parts: [{ text: "" }], role: "model" }, finishReason: "STOP", index: 0 }],
      usageMetadata: {
        promptTokenCount: 10,
        cachedContentTokenCount: 4,
        candidatesTokenCount: 6,
        thoughtsTokenCount: 3,
        totalTokenCount: 19,
      },
      ...identity,
    },
  ]);
});

test("H-63, H-67 an answer of nothing has one chunk, with usage even when the upstream gave none", () => {
  const events: ModelEvent[] = [
    { type: "start", id: null, model: null },
    { type: "end", stop: END },
  ];
  expect(chunksIn(encodeStream(events))).toEqual([
    expect.objectContaining({
      usageMetadata: { promptTokenCount: 0, candidatesTokenCount: 0, totalTokenCount: 0 },
    }),
  ]);
});

describe("as an array", () => {
  test("H-30 it is one JSON value with the chunks of the stream", () => {
    const events = unfold(reply([{ type: "text", text: "a" }, callOf("{}")]));
    expect(JSON.parse(encodeStream(events, "json-array"))).toEqual(chunksIn(encodeStream(events)));
  });

  test("H-30 it is closed behind an error, at the beginning and in the middle", () => {
    for (const count of [0, 3]) {
      const encoder = geminiCodec.makeStreamEncoder(encodeOptions("json-array"));
      const written = unfold(reply([{ type: "text", text: "a" }]))
        .slice(0, count)
        .map((event) => encoder.encode(event))
        .join("");
      const all = JSON.parse(written + encoder.fail(new GatewayError("upstream_cut", "cut"), "id"));
      expect(all).toBeArrayOfSize(count === 0 ? 1 : 2);
      expect(all.at(-1).error).toMatchObject({ code: 503, status: "UNAVAILABLE" });
    }
  });
});

test("H-8, H-16 a failure is a chunk with a numeric code, and nothing comes after it", () => {
  const encoder = geminiCodec.makeStreamEncoder(encodeOptions("sse"));
  const [start, open, delta, ...rest] = unfold(reply([{ type: "text", text: "a" }]));
  for (const event of [start, open, delta]) encoder.encode(event as ModelEvent);
  const [error, ...more] = chunksIn(
    encoder.fail(new GatewayError("upstream_cut", "The upstream went."), "id"),
  );
  expect(error).toMatchObject({ error: { code: 503, message: "The upstream went.", status: "UNAVAILABLE" } });
  expect(more).toEqual([]);
  expect(rest.map((event) => encoder.encode(event)).join("")).toBe("");
  expect(encoder.fail(new GatewayError("internal", "x"), "id")).toBe("");
});

describe("a call", () => {
  test("H-49 is one part with its id, however its arguments came", () => {
    const block = {
      kind: "tool-call",
      id: "c1",
      name: "f",
      namespace: null,
      call: "function",
      seal: null,
    } as const;
    const encoder = geminiCodec.makeStreamEncoder(encodeOptions("sse"));
    expect(encoder.encode({ type: "open", block })).toBe("");
    for (const text of ['{"a', '":"\\', 'n"}']) expect(encoder.encode({ type: "delta", text })).toBe("");
    expect(chunksIn(encoder.encode({ type: "close", seal: null }))).toMatchObject([
      {
        candidates: [{ content: { parts: [{ functionCall: { id: "c1", name: "f", args: { a: "\n" } } }] } }],
      },
    ]);
  });

  test("H-48, H-145 without arguments has none; keys of the prototype are data", () => {
    expect(streamOf([callOf("")])).toInclude('"args":{}');
    expect(streamOf([callOf('{"__proto__":{"a":1}}')])).toInclude('"args":{"__proto__":{"a":1}}');
    expect(bodyOf([callOf("")]).candidates[0].content.parts).toEqual([
      { functionCall: { id: "toolu_1", name: "f", args: {} } },
    ]);
  });

  test("H-46, H-47 with broken arguments is left out at the limit, and a failure else", () => {
    const parts = [{ type: "text", text: "a" } as const, callOf('{"a":')];
    expect(bodyOf(parts, { kind: "length" }).candidates[0]).toMatchObject({
      content: { parts: [{ text: "a" }] },
      finishReason: "MAX_TOKENS",
    });
    expect(partsIn(streamOf(parts, { kind: "length" }))).toEqual([{ text: "a" }]);
    expect(() => bodyOf(parts, { kind: "tool-calls" })).toThrow(GatewayError);
    expect(() => streamOf(parts, { kind: "tool-calls" })).toThrow(GatewayError);
  });

  test("H-49 ends with STOP", () => {
    expect(bodyOf([callOf("{}")], { kind: "tool-calls" }).candidates[0].finishReason).toBe("STOP");
  });
});

describe("thinking", () => {
  test("H-54 is parts marked as thoughts, with their signature on an empty one behind", () => {
    const parts = partsIn(
      streamOf([
        { type: "reasoning", text: "why", seal: { maker: "gemini", place: "reasoning", data: "QQ==" } },
        { type: "text", text: "a" },
      ]),
    );
    expect(parts).toEqual([
      { text: "why", thought: true },
      { text: "", thought: true, thoughtSignature: "QQ==" },
      { text: "a" },
    ]);
  });

  test("of another maker is sealed in base64, and read back as what it was", () => {
    const parts: AssistantPart[] = [
      { type: "reasoning", text: "why", seal: FOREIGN },
      { type: "reasoning", text: "", seal: { ...FOREIGN, place: "redacted" } },
      callOf("{}", { seal: { maker: "openai", place: "call", data: "gAAA" } }),
      { type: "text", text: "a" },
    ];
    const stream = streamOf(parts, { kind: "tool-calls" });
    for (const [, token] of stream.matchAll(/"thoughtSignature":"([^"]*)"/g)) {
      expect(token).toMatch(/^[A-Za-z0-9+/]+={0,2}$/);
      expect((token as string).length % 4).toBe(0);
      expect(unwrapSeal(token as string)).not.toBeNull();
    }
    expect(fold(decodeStream(stream)).parts).toEqual(parts);
    expect(
      geminiCodec.decodeReply(bodyOf(parts, { kind: "tool-calls" }), { idSeed: "S", maxFrameBytes: 1 }).parts,
    ).toEqual(parts);
  });
});

describe("a refusal", () => {
  test("H-137 is SAFETY with what was said as the message", () => {
    const parts: AssistantPart[] = [{ type: "refusal", text: "I will not." }];
    for (const candidate of [
      bodyOf(parts).candidates[0],
      (chunksIn(streamOf(parts)).at(-1) as { candidates: object[] }).candidates[0],
    ])
      expect(candidate).toMatchObject({ finishReason: "SAFETY", finishMessage: "I will not." });
    expect(bodyOf([], { kind: "refusal", explanation: "policy" }).candidates[0]).toMatchObject({
      content: { parts: [] },
      finishReason: "SAFETY",
      finishMessage: "policy",
    });
  });
});

describe("sources", () => {
  const parts: AssistantPart[] = [
    {
      type: "search",
      id: "s",
      queries: ["q"],
      sources: [{ url: "https://b.example", title: null }],
      raw: null,
    },
    { type: "reasoning", text: "hm", seal: null },
    {
      type: "text",
      text: "日本 is 😀 far",
      annotations: [
        { kind: "url", url: "https://a.example", title: "A", citedText: "x", start: 0, end: 7 },
        { kind: "url", url: "https://b.example", title: "B", citedText: null, start: null, end: null },
        { kind: "document", documentIndex: 0, title: "D", citedText: "words", start: 8, end: 11 },
      ],
    },
  ];

  test("stand on the last chunk, with offsets in bytes of their part", () => {
    const expected = {
      webSearchQueries: ["q"],
      groundingChunks: [
        { web: { uri: "https://b.example" } },
        { web: { uri: "https://a.example", title: "A" } },
        { retrievedContext: { title: "D", text: "words" } },
      ],
      groundingSupports: [
        {
          segment: { partIndex: 1, startIndex: 0, endIndex: 14, text: "日本 is 😀" },
          groundingChunkIndices: [1],
        },
        {
          segment: { partIndex: 1, startIndex: 0, endIndex: 18, text: "日本 is 😀 far" },
          groundingChunkIndices: [0],
        },
        { segment: { partIndex: 1, startIndex: 15, endIndex: 18, text: "far" }, groundingChunkIndices: [2] },
      ],
    };
    expect(bodyOf(parts).candidates[0].groundingMetadata).toEqual(expected);
    const chunks = chunksIn(streamOf(parts)) as { candidates: [{ groundingMetadata?: object }] }[];
    expect(chunks.map(({ candidates }) => candidates[0].groundingMetadata)).toEqual([
      undefined,
      undefined,
      expected,
    ]);
  });
});

test("sources of neighbouring texts name places in the one part that clients make of them", () => {
  const cited = (text: string): AssistantPart => ({
    type: "text",
    text,
    annotations: [
      { kind: "url", url: "https://a.example", title: null, citedText: null, start: null, end: null },
    ],
  });
  const parts: AssistantPart[] = [
    { type: "text", text: "é: " },
    cited("one."),
    { type: "text", text: " " },
    cited("two."),
  ];
  const groundingSupports = [
    { segment: { startIndex: 4, endIndex: 8, text: "one." }, groundingChunkIndices: [0] },
    { segment: { startIndex: 9, endIndex: 13, text: "two." }, groundingChunkIndices: [0] },
  ];
  const [candidate] = bodyOf(parts).candidates;
  expect(candidate).toMatchObject({
    content: { parts: [{ text: "é: one. two." }] },
    groundingMetadata: { groundingSupports },
  });
  expect(chunksIn(streamOf(parts)).at(-1)).toMatchObject({
    candidates: [{ groundingMetadata: { groundingSupports } }],
  });
});

test("pictures go out as data or by their address; what only another provider has does not", () => {
  const parts: AssistantPart[] = [
    { type: "image", source: { kind: "base64", mimeType: "image/png", data: "aGk=" }, at: "" },
    { type: "image", source: { kind: "url", url: "https://x.example/a.png", mimeType: null }, at: "" },
    { type: "opaque", name: "code_execution", raw: { maker: "anthropic", place: "raw", data: "{}" }, at: "" },
    {
      type: "opaque",
      name: "executableCode",
      raw: { maker: "gemini", place: "raw", data: '{"executableCode":{"code":"1"}}' },
      at: "",
    },
  ];
  expect(partsIn(streamOf(parts))).toEqual([
    { inlineData: { mimeType: "image/png", data: "aGk=" } },
    { fileData: { fileUri: "https://x.example/a.png" } },
    { executableCode: { code: "1" } },
  ]);
});

test("H-132 counts are told by their total", () => {
  expect(geminiCodec.encodeCount(31)).toBe('{"totalTokens":31}');
  expect(geminiCodec.decodeCount({ totalTokens: 31, promptTokensDetails: [] })).toBe(31);
  expect(geminiCodec.decodeCount({ error: {} })).toBeNull();
});
