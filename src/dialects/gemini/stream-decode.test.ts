import { describe, expect, test } from "bun:test";
import type { ModelEvent } from "../../neutral/event.ts";
import { fold } from "../../neutral/fold.ts";
import { readStream } from "../fixtures/tap-under-test.ts";
import { geminiCodec } from "./codec.ts";
import { decodeError } from "./error-decode.ts";
import { array, chunk, decodePieces, decodeStream, partsOf, sse } from "./fixtures/codec-under-test.ts";

const STOP = { finishReason: "STOP" };
const say = (text: string, more: object = {}) => chunk([{ text }], more);
const call = (name: string, args: object | undefined, more: object = {}) => ({
  functionCall: { name, ...(args === undefined ? null : { args }), ...more },
});
const bytes = (text: string) => new TextEncoder().encode(text);
const types = (events: readonly ModelEvent[]) => events.map(({ type }) => type).join(" ");

// The fixture follows the documented form of streams with thoughts, as of November 2026.
test("H-1, H-55 a recorded stream: thought, text with an astral character, signature on an empty last part", () => {
  const events = decodeStream(readStream("gemini"));
  const reply = fold(events);
  expect(reply).toMatchObject({
    id: "r1",
    model: "gemini-3-flash",
    parts: [
      { type: "reasoning", text: "thinking", seal: null },
      {
        type: "text",
        text: '"finishReason":"STOP" 😀',
        seal: { maker: "gemini", place: "text", data: "c2ln" },
      },
    ],
    stop: { kind: "end", raw: "STOP" },
    usage: { inputTokens: 15, cacheReadTokens: 8, outputTokens: 37, reasoningTokens: 28 },
  });
});

test("H-2, H-3, H-4 line ends of every kind, comments and a byte order mark are framing", () => {
  const one = JSON.stringify(say("a\u2028b\u0085c"));
  const two = JSON.stringify(say("d", STOP));
  const stream = `\ufeff: hello\r\n\r\ndata:${one}\r\r: ping\n\ndata: ${two}\r\n\r\n`;
  expect(partsOf(decodeStream(stream))).toEqual([{ type: "text", text: "a\u2028b\u0085cd" }]);
});

test("H-5 unknown parts and members are passed over", () => {
  const stream = sse(
    chunk(
      [{ audioTranscription: { text: "x" } }, { hologram: {} }, { text: "a" }],
      { aura: 1 },
      { mood: "calm" },
    ),
    say("b", STOP),
  );
  expect(partsOf(decodeStream(stream))).toEqual([{ type: "text", text: "ab" }]);
});

test("H-6 a frame over the bound is garbage, and nothing comes after it", () => {
  const events: ModelEvent[] = [];
  const decoder = geminiCodec.makeStreamDecoder("sse", { idSeed: "S", maxFrameBytes: 1000 });
  decoder.push(bytes(`${sse(say("a"))}data: {"candidates":[${" ".repeat(2000)}`), (event) =>
    events.push(event),
  );
  decoder.push(bytes(sse(say("b", STOP))), (event) => events.push(event));
  decoder.end((event) => events.push(event));
  expect(types(events)).toBe("start open delta close fail");
  const inArray: ModelEvent[] = [];
  const arrays = geminiCodec.makeStreamDecoder("json-array", { idSeed: "S", maxFrameBytes: 1000 });
  arrays.push(bytes(`[{"candidates":[${" ".repeat(2000)}`), (event) => inArray.push(event));
  expect(types(inArray)).toBe("fail");
});

describe("a cut", () => {
  test.each([
    ["after content", sse(say("a"), say("b"))],
    ["in a frame", `${sse(say("a"))}data: {"candidates":[{"finishReason":"ST`],
    ["with usage but no finish", sse(chunk([{ text: "a" }], {}, { usageMetadata: { promptTokenCount: 3 } }))],
  ])("H-8 %s has no end", (_where, stream) => {
    const decoder = geminiCodec.makeStreamDecoder("sse", { idSeed: "S", maxFrameBytes: 1 << 20 });
    const events: ModelEvent[] = [];
    decoder.push(bytes(stream), (event) => events.push(event));
    expect(decoder.isFinished).toBe(false);
    decoder.end((event) => events.push(event));
    expect(events.some(({ type }) => type === "end")).toBe(false);
  });

  test("H-8 has told what the prompt cost", () => {
    const usageMetadata = { promptTokenCount: 7, totalTokenCount: 7 };
    expect(
      decodePieces("sse", [bytes(sse(chunk([{ text: "a" }], {}, { usageMetadata })))], true),
    ).toContainEqual({
      type: "usage",
      usage: expect.objectContaining({ inputTokens: 7, outputTokens: 0 }),
    });
  });

  test("H-8 of an array before its bracket is one, too, unless the answer was finished", () => {
    expect(types(decodePieces("json-array", [bytes(`[${JSON.stringify(say("a"))}`)]))).toBe(
      "start open delta",
    );
    const finished = `[${JSON.stringify(say("a", STOP))}`;
    expect(types(decodePieces("json-array", [bytes(finished)]))).toBe("start open delta close end");
  });
});

describe("an error in the stream", () => {
  const error = { code: 503, message: "The model is overloaded.", status: "UNAVAILABLE" };

  test("H-13, H-16 is told with its object, at the beginning or after content", () => {
    expect(decodeStream(sse({ error }))).toEqual([
      { type: "fail", raw: JSON.stringify(error), message: "The model is overloaded." },
    ]);
    const events = decodeStream(sse(say("a"), { error }, say("b", STOP)));
    expect(types(events)).toBe("start open delta close fail");
  });

  test("H-13, H-16 is told in an array, in place of one, and in one within an event", () => {
    for (const text of [array({ error }), JSON.stringify({ error }), array(say("a"), { error })]) {
      expect(decodeStream(text, "json-array").at(-1)).toMatchObject({
        type: "fail",
        raw: JSON.stringify(error),
      });
    }
    expect(decodeStream(`data: ${array({ error })}\n\n`)).toMatchObject([{ type: "fail" }]);
  });

  test("H-13, H-16 of any size keeps what classification reads", () => {
    const long = { ...error, details: [{ text: "x".repeat(10_000) }] };
    const [failure] = decodePieces("sse", [bytes(sse({ error: long }))]);
    const raw = failure?.type === "fail" ? (failure.raw ?? "") : "";
    expect(raw.length).toBeLessThan(4097);
    expect(JSON.parse(raw)).toEqual(error);
  });
});

describe("calls come whole", () => {
  test("H-50 with their own ids, or with minted ones, and end as tool-calls", () => {
    const events = decodeStream(sse(chunk([call("f", { a: 1 }, { id: "x1" }), call("g", undefined)], STOP)));
    expect(fold(events)).toMatchObject({
      parts: [
        { type: "tool-call", id: "x1", name: "f", input: '{"a":1}' },
        { type: "tool-call", id: "call_SEED_0", name: "g", input: "{}" },
      ],
      stop: { kind: "tool-calls", raw: "STOP" },
    });
  });

  test("H-52 in several chunks, with the finish in a last one without parts", () => {
    const events = decodeStream(
      sse(
        chunk([{ text: "Let me see." }]),
        chunk([{ ...call("f", { a: 1 }), thoughtSignature: "c2ln" }]),
        chunk([call("f", { a: 2 })]),
        { candidates: [{ content: { role: "model", parts: [] }, finishReason: "STOP", index: 0 }] },
      ),
    );
    expect(fold(events)).toMatchObject({
      parts: [
        { type: "text" },
        { id: "call_SEED_0", seal: { maker: "gemini", place: "call", data: "c2ln" } },
        { id: "call_SEED_1" },
      ],
      stop: { kind: "tool-calls" },
    });
    expect(fold(events).parts[2]).not.toHaveProperty("seal");
  });

  test("H-143 the second call of one id gets another", () => {
    const parts = partsOf(
      decodeStream(sse(chunk([call("f", {}, { id: "a" }), call("f", {}, { id: "a" })], STOP))),
    );
    expect(parts).toMatchObject([{ id: "a" }, { id: "call_SEED_0" }]);
  });

  test("H-145 keys of the prototype are data", () => {
    const stream = `data: {"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"__proto__":{"a":1},"constructor":2}}}]},"finishReason":"STOP"}]}\n\n`;
    expect(partsOf(decodeStream(stream))).toMatchObject([{ input: '{"__proto__":{"a":1},"constructor":2}' }]);
  });

  test("H-50 without a name are garbage", () => {
    expect(decodeStream(sse(chunk([{ functionCall: { args: {} } }]))).at(-1)).toMatchObject({
      type: "fail",
      raw: null,
    });
  });
});

describe("arguments in pieces", () => {
  const piece = (jsonPath: string, value: object, willContinue?: boolean) => ({
    jsonPath,
    ...value,
    ...(willContinue ? { willContinue } : null),
  });
  const pieces = (partialArgs: object[], willContinue = true, more: object = {}) =>
    chunk([{ functionCall: { ...more, partialArgs, ...(willContinue ? { willContinue } : null) } }]);

  test("H-51 are put together by their paths, and told when the call is whole", () => {
    const events = decodeStream(
      sse(
        chunk([{ functionCall: { name: "f", id: "v1", willContinue: true }, thoughtSignature: "c2ln" }]),
        pieces([piece("$.a.b[0]", { stringValue: "on" }, true)]),
        pieces([piece("$.a.b[0]", { stringValue: "e" })]),
        pieces([piece("$.a.b[1]", { numberValue: 2.5 }), piece("$.a['c d']", { boolValue: false })]),
        pieces([piece('$["__proto__"].x', { nullValue: "NULL_VALUE" }), piece("$.t", { stringValue: "" })]),
        chunk([{ functionCall: {} }]),
        say("", STOP),
      ),
    );
    expect(partsOf(events)).toEqual([
      {
        type: "tool-call",
        id: "v1",
        name: "f",
        namespace: null,
        kind: "function",
        input: '{"a":{"b":["one",2.5],"c d":false},"__proto__":{"x":null},"t":""}',
        seal: { maker: "gemini", place: "call", data: "c2ln" },
      },
    ]);
  });

  test("H-51 of two calls after one another", () => {
    const events = decodeStream(
      sse(
        pieces([piece("$.n", { numberValue: 1 })], true, { name: "f" }),
        pieces([piece("$.n", { numberValue: 2 })], false, { name: "g" }),
        chunk([{ text: "" }], STOP),
      ),
    );
    expect(partsOf(events)).toMatchObject([
      { name: "f", input: '{"n":1}' },
      { name: "g", input: '{"n":2}' },
    ]);
  });

  test("H-46 of a call that the limit cut off are left out", () => {
    const events = decodeStream(
      sse(
        say("a"),
        pieces([piece("$.n", { stringValue: "x" }, true)], true, { name: "f" }),
        say("", { finishReason: "MAX_TOKENS" }),
      ),
    );
    expect(fold(events)).toMatchObject({ parts: [{ type: "text", text: "a" }], stop: { kind: "length" } });
    expect(fold(events).parts).toHaveLength(1);
  });

  test.each([
    ["no path", [{ stringValue: "x" }]],
    ["a path from nowhere", [piece("a.b", { stringValue: "x" })]],
    ["a path that is none", [piece("$..a", { stringValue: "x" })]],
    ["the root itself", [piece("$", { stringValue: "x" })]],
    ["an index far away", [piece("$.a[999999999]", { stringValue: "x" })]],
    ["a name in a list", [piece("$.a[0]", { numberValue: 1 }), piece("$.a.b", { numberValue: 1 })]],
  ])("H-51 with %s are garbage", (_what, partialArgs) => {
    expect(decodeStream(sse(pieces(partialArgs, true, { name: "f" }))).at(-1)).toMatchObject({
      type: "fail",
      raw: null,
    });
  });
});

test("H-53 chunks without parts, content or candidates say nothing", () => {
  const events = decodeStream(
    sse(
      { candidates: [{ content: { role: "model" }, index: 0 }] },
      { candidates: [{ index: 0 }] },
      { candidates: [] },
      { usageMetadata: { promptTokenCount: 5 } },
      say("a", STOP),
    ),
  );
  expect(types(events)).toBe("start usage open delta close end");
});

test("H-54 thoughts and text in turn are blocks of their own", () => {
  const thought = (text: string) => chunk([{ text, thought: true }]);
  const events = decodeStream(sse(thought("t1"), thought("t2"), say("a"), thought("t3"), say("b", STOP)));
  expect(partsOf(events).map((part) => [part.type, (part as { text: string }).text])).toEqual([
    ["reasoning", "t1t2"],
    ["text", "a"],
    ["reasoning", "t3"],
    ["text", "b"],
  ]);
});

describe("a signature", () => {
  const sign = (data: string, thought = false) => ({
    text: "",
    ...(thought ? { thought } : null),
    thoughtSignature: data,
  });

  test("H-55 on an empty part belongs to the text or thought before it", () => {
    const parts = partsOf(
      decodeStream(
        sse(
          chunk([{ text: "t", thought: true }]),
          chunk([sign("QQ==")]),
          say("a"),
          chunk([sign("Qg==")], STOP),
        ),
      ),
    );
    expect(parts).toEqual([
      { type: "reasoning", text: "t", seal: { maker: "gemini", place: "reasoning", data: "QQ==" } },
      { type: "text", text: "a", seal: { maker: "gemini", place: "text", data: "Qg==" } },
    ]);
  });

  test("H-55 with nothing before it stands alone, without an empty text", () => {
    const parts = partsOf(decodeStream(sse(chunk([call("f", {})]), chunk([sign("QQ==")], STOP))));
    expect(parts).toMatchObject([
      { type: "tool-call" },
      { type: "reasoning", text: "", seal: { place: "text", data: "QQ==" } },
    ]);
  });

  test("H-55 does not cover what comes after it", () => {
    const parts = partsOf(
      decodeStream(sse(chunk([{ text: "a", thoughtSignature: "QQ==" }]), say("b", STOP))),
    );
    expect(parts).toMatchObject([{ text: "a", seal: { data: "QQ==" } }, { text: "b" }]);
  });
});

test("H-67 an answer of nothing is one", () => {
  expect(fold(decodeStream(sse(say("", STOP))))).toMatchObject({ parts: [], stop: { kind: "end" } });
});

describe("a refusal", () => {
  test("H-137 of the prompt ends the answer", () => {
    const blocked = {
      promptFeedback: { blockReason: "PROHIBITED_CONTENT", blockReasonMessage: "no" },
      usageMetadata: { promptTokenCount: 4, totalTokenCount: 4 },
    };
    expect(fold(decodeStream(sse(blocked)))).toMatchObject({
      parts: [],
      usage: { inputTokens: 4, outputTokens: 0 },
      stop: { kind: "refusal", raw: "PROHIBITED_CONTENT", explanation: "no" },
    });
  });

  test.each(["SAFETY", "RECITATION", "BLOCKLIST", "SPII", "LANGUAGE", "IMAGE_SAFETY"])(
    "H-137 by %s",
    (finishReason) => {
      const events = decodeStream(sse(say("a"), { candidates: [{ finishReason, finishMessage: "why" }] }));
      expect(events.at(-1)).toMatchObject({
        stop: { kind: "refusal", raw: finishReason, explanation: "why" },
      });
    },
  );
});

describe("a finish", () => {
  test.each(["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MALFORMED_RESPONSE", "OTHER"])(
    "by %s ends the answer with words that say so",
    (finishReason) => {
      const events = decodeStream(
        sse(say("a"), { candidates: [{ finishReason, finishMessage: "bad call" }] }),
      );
      const words = `The model ended its answer with "${finishReason}": bad call`;
      expect(events.slice(-3)).toMatchObject([
        { type: "delta", text: words },
        { type: "close" },
        { type: "end", stop: { kind: "malformed", raw: finishReason, explanation: words } },
      ]);
    },
  );

  test("of a kind that nobody knows yet is an end; one that is not specified is none", () => {
    expect(decodeStream(sse(say("a", { finishReason: "BORED" }))).at(-1)).toMatchObject({
      stop: { kind: "end", raw: "BORED" },
    });
    const open = decodeStream(sse(say("a", { finishReason: "FINISH_REASON_UNSPECIFIED" })));
    expect(types(open)).toBe("start open delta");
  });

  test("H-139 by CONTINUATION has its token, and the next request goes on with it", () => {
    const events = decodeStream(sse(say("a", { finishReason: "CONTINUATION", continuationToken: "t1" })));
    const reply = fold(events);
    expect(reply.stop).toMatchObject({ kind: "continuation", token: "t1" });
    expect(geminiCodec.continueReply({ contents: [] }, reply)).toEqual({
      contents: [],
      continuationToken: "t1",
    });
    const without = fold(decodeStream(sse(say("a", { finishReason: "CONTINUATION" }))));
    expect(without.stop.kind).toBe("length");
    expect(geminiCodec.continueReply({ contents: [] }, without)).toBeNull();
  });

  test("is the end at the end of the body, at `]` and at [DONE], not before", () => {
    const decoder = geminiCodec.makeStreamDecoder("sse", { idSeed: "S", maxFrameBytes: 1 << 20 });
    const events: ModelEvent[] = [];
    decoder.push(bytes(sse(say("a", STOP))), (event) => events.push(event));
    expect(decoder.isFinished).toBe(true);
    expect(types(events)).toBe("start open delta");
    decoder.push(bytes("data: [DONE]\n\n"), (event) => events.push(event));
    expect(types(events)).toBe("start open delta close end");
    expect(types(decodePieces("json-array", [bytes(array(say("a", STOP)))], true))).toBe(
      "start open delta close end",
    );
  });
});

describe("usage", () => {
  test("is a running total: the last that is not a placeholder counts", () => {
    const usage = (promptTokenCount: number, candidatesTokenCount: number) => ({
      usageMetadata: { promptTokenCount, candidatesTokenCount },
    });
    const events = decodeStream(
      sse(chunk([{ text: "a" }], {}, usage(4, 1)), chunk([{ text: "b" }], STOP, usage(4, 6)), usage(0, 0)),
    );
    expect(fold(events).usage).toMatchObject({ inputTokens: 4, outputTokens: 6 });
  });

  test("H-149 that makes no sense is put right", () => {
    const usageMetadata = {
      promptTokenCount: 5,
      cachedContentTokenCount: 9,
      candidatesTokenCount: -3,
      thoughtsTokenCount: 2,
    };
    expect(fold(decodeStream(sse(chunk([{ text: "a" }], STOP, { usageMetadata })))).usage).toMatchObject({
      inputTokens: 5,
      cacheReadTokens: 5,
      outputTokens: 2,
      reasoningTokens: 2,
    });
  });
});

describe("grounding", () => {
  const groundingMetadata = {
    webSearchQueries: ["weather"],
    groundingChunks: [
      { web: { uri: "https://a.example/1", title: "A" } },
      { web: { uri: "https://b.example/2" } },
      { retrievedContext: { title: "no address" } },
    ],
    groundingSupports: [
      { segment: { startIndex: 7, endIndex: 12, text: "sunny" }, groundingChunkIndices: [0, 2, 9] },
      { segment: { endIndex: 5, text: "日本" }, groundingChunkIndices: [1] },
    ],
  };

  test("counts bytes on the wire and code points inside, and tells the search before the end", () => {
    const events = decodeStream(sse(say("日本 "), say("sunny 😀", { ...STOP, groundingMetadata })));
    expect(types(events)).toBe("start open delta delta annotation annotation close part end");
    expect(partsOf(events)).toEqual([
      {
        type: "text",
        text: "日本 sunny 😀",
        annotations: [
          { kind: "url", url: "https://a.example/1", title: "A", citedText: null, start: 3, end: 8 },
          { kind: "url", url: "https://b.example/2", title: null, citedText: null, start: 0, end: 2 },
        ],
      },
      {
        type: "search",
        id: "call_SEED_0",
        queries: ["weather"],
        sources: [
          { url: "https://a.example/1", title: "A" },
          { url: "https://b.example/2", title: null },
        ],
        raw: null,
      },
    ]);
  });

  test("of text that is elsewhere is passed over, and its sources are still told", () => {
    const events = decodeStream(sse(say("other words", { ...STOP, groundingMetadata })));
    expect(types(events)).toBe("start open delta close part end");
  });

  test("citations of recited text are annotations", () => {
    const citationMetadata = { citationSources: [{ startIndex: 0, endIndex: 3, uri: "https://c.example" }] };
    expect(partsOf(decodeStream(sse(say("abcdef", { ...STOP, citationMetadata }))))).toMatchObject([
      { annotations: [{ url: "https://c.example", start: 0, end: 3 }] },
    ]);
  });
});

test("pictures and what Google's own tools did are parts", () => {
  const executableCode = { language: "PYTHON", code: "1+1" };
  const events = decodeStream(
    sse(
      chunk([{ text: "a" }, { executableCode }, { codeExecutionResult: { outcome: "OUTCOME_OK" } }]),
      chunk([{ inlineData: { mimeType: "image/png", data: "aGk=" } }], STOP),
    ),
  );
  expect(partsOf(events)).toMatchObject([
    { type: "text" },
    {
      type: "opaque",
      name: "executableCode",
      raw: { maker: "gemini", place: "raw", data: JSON.stringify({ executableCode }) },
    },
    { type: "opaque", name: "codeExecutionResult" },
    { type: "image", source: { kind: "base64", mimeType: "image/png", data: "aGk=" } },
  ]);
});

test("only the first candidate is read", () => {
  const other = { content: { parts: [{ text: "x" }] }, index: 1, finishReason: "STOP" };
  const stream = sse({ candidates: [other] }, say("a"), { candidates: [other, { index: 0, ...STOP }] });
  expect(partsOf(decodeStream(stream))).toEqual([{ type: "text", text: "a" }]);
});

describe("an array", () => {
  test("H-30 gives the same events as server-sent events", () => {
    const chunks = [say('a]"}{'), chunk([call("f", { a: '\\"]' })]), say("", STOP)];
    expect(decodeStream(array(...chunks), "json-array")).toEqual(decodeStream(sse(...chunks)));
  });

  test.each(["[}", "hello", '[{"candidates":[]} {}]', "[[[[["])(
    "H-30 that is none is garbage or a cut: %s",
    (text) => {
      expect(decodeStream(text, "json-array").some(({ type }) => type === "end")).toBe(false);
    },
  );
});

describe("a whole reply", () => {
  const decode = (body: object) =>
    geminiCodec.decodeReply(body as never, { idSeed: "SEED", maxFrameBytes: 1 });

  test("H-14 says the same as its stream, with each signed part for itself", () => {
    const reply = decode(
      chunk(
        [
          { text: "t", thought: true },
          { text: "a" },
          { text: "b", thoughtSignature: "QQ==" },
          call("f", { a: 1 }),
        ],
        STOP,
        {
          responseId: "r",
          modelVersion: "v",
          usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 2 },
        },
      ),
    );
    expect(reply).toMatchObject({
      id: "r",
      model: "v",
      parts: [
        { type: "reasoning", text: "t" },
        { type: "text", text: "a" },
        { type: "text", text: "b", seal: { data: "QQ==" } },
        { type: "tool-call", name: "f", input: '{"a":1}' },
      ],
      usage: { inputTokens: 1, outputTokens: 2 },
      stop: { kind: "tool-calls" },
    });
  });

  test("H-137 that was blocked is a refusal without parts", () => {
    expect(decode({ promptFeedback: { blockReason: "SAFETY" } })).toMatchObject({
      parts: [],
      stop: { kind: "refusal", raw: "SAFETY" },
    });
  });

  test("that the model garbled is an answer with words", () => {
    expect(decode(chunk([], { finishReason: "MALFORMED_FUNCTION_CALL" }))).toMatchObject({
      parts: [{ type: "text", text: 'The model ended its answer with "MALFORMED_FUNCTION_CALL"' }],
      stop: { kind: "malformed" },
    });
  });

  test("that is none, or an error, is refused", () => {
    expect(() => decode({ choices: [] })).toThrow("no candidates");
    const error = { code: 500, message: "oh no", status: "INTERNAL" };
    try {
      decode({ error });
      expect.unreachable();
    } catch (cause) {
      expect(cause).toMatchObject({
        kind: "upstream_garbage",
        message: "oh no",
        detail: JSON.stringify(error),
      });
    }
  });
});

describe("an error body", () => {
  const violation = {
    "@type": "type.googleapis.com/google.rpc.BadRequest",
    fieldViolations: [{ field: "contents" }],
  };

  test.each([
    [
      { error: { code: 400, message: "m", status: "INVALID_ARGUMENT", details: [violation] } },
      "m",
      "INVALID_ARGUMENT",
      "contents",
    ],
    [[{ error: { code: 429, message: "m" } }], "m", "429", null],
    [{ error: "text" }, "text", null, null],
    [{ message: "text" }, "text", null, null],
    [{ detail: "text" }, "text", null, null],
    ["text", "text", null, null],
  ])("%j", (body, message, code, param) => {
    expect(decodeError(JSON.stringify(body))).toEqual({ message, code, param });
  });

  test("of no JSON says nothing", () => {
    expect(decodeError("<html>")).toEqual({ message: null, code: null, param: null });
  });
});
