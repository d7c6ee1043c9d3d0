import { describe, expect, test } from "bun:test";
import { wrapSeal } from "../../neutral/seal.ts";
import { decodeOf } from "./fixtures/codec-under-test.ts";

const user = (...parts: object[]) => ({ role: "user", parts });
const model = (...parts: object[]) => ({ role: "model", parts });
const HI = user({ text: "Hi" });
const requestOf = (body: object) => decodeOf({ contents: [HI], ...body }).request;
const messagesOf = (...contents: object[]) => decodeOf({ contents }).request.messages;
const fieldsOf = (body: object) => decodeOf({ contents: [HI], ...body }).dropped.map(({ field }) => field);
const callTo = (name: string, args: object = {}, more: object = {}) => ({
  functionCall: { name, args, ...more },
});
const resultOf = (name: string, response: object, more: object = {}) => ({
  functionResponse: { name, response, ...more },
});

// The form of Gemini CLI 0.61, as observed in November 2026.
const CLI_BODY = {
  contents: [HI],
  systemInstruction: { role: "user", parts: [{ text: "You are an agent." }, { text: "Be brief." }] },
  tools: [
    {
      functionDeclarations: [
        {
          name: "read_file",
          description: "Reads.",
          parametersJsonSchema: { type: "object", properties: { p: { type: "string" } } },
        },
      ],
    },
  ],
  generationConfig: {
    temperature: 1,
    topP: 0.95,
    topK: 64,
    thinkingConfig: { includeThoughts: true, thinkingLevel: "HIGH" },
  },
};

test("H-113 a request of Gemini CLI", () => {
  const { request, dropped } = decodeOf(CLI_BODY);
  expect(dropped).toEqual([]);
  expect(request).toMatchObject({
    model: "gemini-client",
    stream: false,
    system: [
      { type: "text", text: "You are an agent." },
      { type: "text", text: "Be brief." },
    ],
    messages: [{ role: "user", parts: [{ type: "text", text: "Hi" }] }],
    tools: [
      {
        kind: "function",
        name: "read_file",
        description: "Reads.",
        parameters: { type: "object", properties: { p: { type: "string" } } },
        at: "tools[0].functionDeclarations[0]",
      },
    ],
    sampling: { temperature: 1, topP: 0.95, topK: 64 },
    reasoning: { effort: "high", budgetTokens: null, isDynamic: false, isShown: true },
  });
});

test("names in snake case are the same names; what users name stays as it is", () => {
  const snake = {
    contents: [
      HI,
      model({ function_call: { name: "f_g", args: { some_key: 1 } }, thought_signature: "QQ==" }),
      user(
        { function_response: { name: "f_g", response: { output: "x" } } },
        { inline_data: { mime_type: "image/png", data: "aGk=" } },
      ),
    ],
    system_instruction: { parts: [{ text: "s" }] },
    tools: [
      { function_declarations: [{ name: "f_g", parameters_json_schema: { properties: { a_b: {} } } }] },
      { google_search: {} },
    ],
    tool_config: { function_calling_config: { mode: "ANY", allowed_function_names: ["f_g"] } },
    generation_config: {
      max_output_tokens: 9,
      stop_sequences: ["x"],
      thinking_config: { thinking_budget: 0 },
    },
  };
  const camel = {
    contents: [
      HI,
      model({ functionCall: { name: "f_g", args: { some_key: 1 } }, thoughtSignature: "QQ==" }),
      user(
        { functionResponse: { name: "f_g", response: { output: "x" } } },
        { inlineData: { mimeType: "image/png", data: "aGk=" } },
      ),
    ],
    systemInstruction: { parts: [{ text: "s" }] },
    tools: [
      { functionDeclarations: [{ name: "f_g", parametersJsonSchema: { properties: { a_b: {} } } }] },
      { googleSearch: {} },
    ],
    toolConfig: { functionCallingConfig: { mode: "ANY", allowedFunctionNames: ["f_g"] } },
    generationConfig: { maxOutputTokens: 9, stopSequences: ["x"], thinkingConfig: { thinkingBudget: 0 } },
  };
  expect(decodeOf(snake)).toEqual(decodeOf(camel));
  expect(decodeOf(camel).request).toMatchObject({
    toolChoice: { mode: "tool", tool: { name: "f_g", namespace: null } },
    maxOutputTokens: 9,
    stop: ["x"],
    reasoning: { effort: "none", isShown: false },
  });
});

describe("calls and results", () => {
  test("H-77 the model's turn says where it began", () => {
    const [, turn] = messagesOf(HI, model({ text: "a" }), model({ text: "b" }));
    expect(turn).toEqual({ role: "assistant", parts: [{ type: "text", text: "ab" }], at: "contents[1]" });
  });

  test("H-86 without ids get the same ones each time, and pair by order within a name", () => {
    const contents = [
      HI,
      model(callTo("f", { n: 1 }), callTo("g"), callTo("f", { n: 2 })),
      user(resultOf("g", { output: "g1" }), resultOf("f", { output: "f1" }), resultOf("f", { output: "f2" })),
      model(callTo("f")),
      { role: "function", parts: [resultOf("f", { output: "f3" })] },
    ];
    const messages = messagesOf(...contents);
    expect(messages).toEqual(messagesOf(...contents));
    expect(messages[1]).toMatchObject({
      parts: [
        { id: "call_history_0", name: "f", input: '{"n":1}' },
        { id: "call_history_1", name: "g" },
        { id: "call_history_2", name: "f", input: '{"n":2}' },
      ],
    });
    expect(messages[2]).toMatchObject({
      parts: [
        { callId: "call_history_1", content: [{ text: "g1" }] },
        { callId: "call_history_0", content: [{ text: "f1" }] },
        { callId: "call_history_2", content: [{ text: "f2" }] },
      ],
    });
    expect(messages[4]).toMatchObject({ parts: [{ callId: "call_history_3", content: [{ text: "f3" }] }] });
  });

  test("H-86 pair by id where there is one, in whatever order they come", () => {
    const [, , results] = messagesOf(
      HI,
      model(callTo("f", {}, { id: "a" }), callTo("f", {}, { id: "b" }), callTo("f")),
      user(resultOf("f", {}, { id: "b" }), resultOf("f", {}, { id: "x" }), resultOf("f", {})),
    );
    expect(results).toMatchObject({
      parts: [{ callId: "b" }, { callId: "call_history_2" }, { callId: "a" }],
    });
  });

  test("H-90 that answer nothing are refused", () => {
    const contents = [HI, model(callTo("f")), user(resultOf("g", {}))];
    expect(() => decodeOf({ contents })).toThrow(
      /"contents\[2\]\.parts\[0\]\.functionResponse" answers no call/,
    );
  });

  test.each([
    [{ output: "x" }, "x", false],
    [{ output: { a: [1] } }, '{"a":[1]}', false],
    [{ error: "y" }, "y", true],
    [{ error: { code: 1 } }, '{"code":1}', true],
    [{ output: "x", error: "y" }, '{"output":"x","error":"y"}', false],
    [{ result: 5 }, '{"result":5}', false],
  ])("H-87 a payload %j", (response, text, isError) => {
    const [, , results] = messagesOf(HI, model(callTo("f")), user(resultOf("f", response)));
    expect(results).toMatchObject({ parts: [{ content: [{ type: "text", text }], isError }] });
  });

  test("H-86 hold pictures and documents", () => {
    const parts = [
      { inlineData: { mimeType: "image/png", data: "aGk=" } },
      { inlineData: { mimeType: "application/pdf", data: "aGk=" } },
    ];
    const [, , results] = messagesOf(HI, model(callTo("f")), user(resultOf("f", {}, { parts })));
    expect(results).toMatchObject({ parts: [{ content: [{ type: "image" }, { type: "document" }] }] });
  });
});

describe("a model's turn", () => {
  test("in chunks, as SDKs keep streams, is one with whole parts", () => {
    const messages = messagesOf(
      HI,
      model({ text: "wh", thought: true }),
      model({ text: "y", thought: true }),
      model({ text: "", thought: true, thoughtSignature: "QQ==" }),
      model({ text: "Hel" }),
      model({ text: "lo" }),
      model({ text: "", thoughtSignature: "Qg==" }),
      model(callTo("f")),
      model({ text: "" }),
      user(resultOf("f", {})),
    );
    expect(messages[1]).toMatchObject({
      role: "assistant",
      parts: [
        { type: "reasoning", text: "why", seal: { maker: "gemini", place: "reasoning", data: "QQ==" } },
        { type: "text", text: "Hello", seal: { maker: "gemini", place: "text", data: "Qg==" } },
        { type: "tool-call", name: "f" },
      ],
    });
    expect(messages).toHaveLength(3);
  });

  test("keeps other makers' seals by their tokens, in either alphabet of base64, and no stand-ins", () => {
    const reasoning = { maker: "anthropic", place: "reasoning", data: "s>>>???" } as const;
    const redacted = { maker: "anthropic", place: "redacted", data: "r" } as const;
    const token = wrapSeal(reasoning).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    const [, turn] = messagesOf(
      HI,
      model(
        { text: "why", thought: true, thoughtSignature: token },
        { text: "", thought: true, thoughtSignature: wrapSeal(redacted) },
        { ...callTo("f"), thoughtSignature: "skip_thought_signature_validator" },
        { ...callTo("f"), thoughtSignature: "QQ==" },
      ),
      user(resultOf("f", {}), resultOf("f", {})),
    );
    expect(turn?.parts).toMatchObject([
      { type: "reasoning", text: "why", seal: reasoning },
      { type: "reasoning", text: "", seal: redacted },
      { type: "tool-call" },
      { type: "tool-call", seal: { maker: "gemini", place: "call", data: "QQ==" } },
    ]);
    expect(turn?.parts[2]).not.toHaveProperty("seal");
  });

  test("H-5 keeps what only Google knows, whatever it is", () => {
    const [, turn] = messagesOf(
      HI,
      model({ executableCode: { code: "1" } }, { newThing: 1, thoughtSignature: "QQ==" }),
      HI,
    );
    expect(turn?.parts).toMatchObject([
      {
        type: "opaque",
        name: "executableCode",
        raw: { maker: "gemini", data: '{"executableCode":{"code":"1"}}' },
      },
      { type: "opaque", name: "newThing", at: "contents[1].parts[1]" },
    ]);
  });
});

describe("media", () => {
  const partOf = (part: object) => messagesOf(user(part))[0]?.parts[0];

  test("H-101 inline is told apart by its type, and put into standard base64", () => {
    expect(partOf({ inlineData: { mimeType: "image/JPG", data: "_-8" } })).toEqual({
      type: "image",
      source: { kind: "base64", mimeType: "image/jpeg", data: "/+8=" },
      at: "contents[0].parts[0]",
    });
    expect(
      partOf({ inlineData: { mimeType: "application/pdf", data: "aGk=", displayName: "a.pdf" } }),
    ).toMatchObject({
      type: "document",
      title: "a.pdf",
    });
    expect(partOf({ inlineData: { mimeType: "audio/wav", data: "aGk=" } })).toMatchObject({ type: "audio" });
    expect(partOf({ inlineData: { mimeType: "video/mp4", data: "aGk=" } })).toMatchObject({ type: "video" });
    expect(partOf({ inlineData: { mimeType: "text/csv", data: "aGk=" } })).toMatchObject({
      type: "document",
    });
  });

  test.each([
    ["https://generativelanguage.googleapis.com/v1beta/files/abc", "document", "provider-file"],
    ["files/abc", "document", "provider-file"],
    ["gs://bucket/a.png", "image", "provider-file"],
    ["https://www.youtube.com/watch?v=x", "video", "url"],
    ["https://youtu.be/x", "video", "url"],
    ["https://a.example/x/b.PNG?q=1", "image", "url"],
    ["https://a.example/b.pdf", "document", "url"],
  ])("H-105 by URI: %s", (fileUri, type, kind) => {
    expect(partOf({ fileData: { fileUri } })).toMatchObject({ type, source: { kind } });
  });

  test.each([
    [
      { inlineData: { mimeType: "image/png", data: "%%" } },
      '"contents[0].parts[0].inlineData.data" must be base64',
    ],
    [{ inlineData: { data: "aGk=" } }, 'inlineData.mimeType" must be a media type'],
    [{ fileData: { fileUri: "ftp://x" } }, '"contents[0].parts[0].fileData.fileUri" must be an https'],
    [{ hologram: {} }, '"contents[0].parts[0]" must hold text, inlineData'],
    [{ functionCall: { name: "f" } }, '"contents[0].parts[0]" must hold text, inlineData'],
    [{ text: 5 }, '"contents[0].parts[0].text" must be a string, not a number'],
  ])("%j is refused", (part, message) => {
    expect(() => messagesOf(user(part))).toThrow(message);
  });

  test("is dropped as far as only Google looks at it that way", () => {
    const { dropped } = decodeOf({ contents: [user({ text: "x", videoMetadata: { fps: 1 } })] });
    expect(dropped).toMatchObject([{ field: "contents[0].parts[0].videoMetadata" }]);
  });
});

describe("tools", () => {
  test("H-109 schemas of Google's subset become JSON Schema", () => {
    const parameters = {
      type: "OBJECT",
      properties: {
        a: { type: "STRING", nullable: true, enum: ["x"], description: "d" },
        b: { type: "ARRAY", items: { type: "INTEGER", format: "int32" }, minItems: "1", max_items: 3 },
        __proto__x: { anyOf: [{ type: "NUMBER" }, { type: "BOOLEAN" }], nullable: true },
      },
      required: ["a"],
      propertyOrdering: ["b", "a"],
      example: { a: "x" },
    };
    const [tool] = requestOf({ tools: [{ functionDeclarations: [{ name: "f", parameters }] }] }).tools;
    expect(tool).toMatchObject({
      parameters: {
        type: "object",
        properties: {
          a: { type: ["string", "null"], enum: ["x", null], description: "d" },
          b: { type: "array", items: { type: "integer", format: "int32" }, minItems: 1, maxItems: 3 },
          __proto__x: { anyOf: [{ type: "number" }, { type: "boolean" }, { type: "null" }] },
        },
        required: ["a"],
        examples: [{ a: "x" }],
      },
    });
    expect((tool as { parameters: object }).parameters).not.toHaveProperty("propertyOrdering");
  });

  test("H-145 properties of any name are data", () => {
    const parameters = JSON.parse('{"type":"OBJECT","properties":{"__proto__":{"type":"STRING"}}}');
    const [tool] = requestOf({ tools: [{ functionDeclarations: [{ name: "f", parameters }] }] }).tools;
    expect(JSON.stringify(tool)).toInclude('"properties":{"__proto__":{"type":"string"}}');
  });

  test("H-85 search is web search, all else that Google runs is its own", () => {
    const { tools } = requestOf({
      tools: [{ googleSearch: { excludeDomains: ["a.example"] } }, { urlContext: {}, codeExecution: {} }],
    });
    expect(tools).toMatchObject([
      { kind: "web-search", blockedDomains: ["a.example"], at: "tools[0].googleSearch" },
      {
        kind: "hosted",
        maker: "gemini",
        type: "urlContext",
        raw: { urlContext: {} },
        at: "tools[1].urlContext",
      },
      { kind: "hosted", type: "codeExecution" },
    ]);
    expect(fieldsOf({ tools: [{ googleSearch: { timeRangeFilter: {} } }] })).toEqual([
      "tools[0].googleSearch.timeRangeFilter",
    ]);
  });

  test.each([
    [{ mode: "AUTO", allowedFunctionNames: ["f"] }, { mode: "auto" }],
    [{ mode: "NONE" }, { mode: "none" }],
    [{ mode: "any" }, { mode: "required" }],
    [{ mode: "VALIDATED" }, { mode: "auto" }],
    [
      { mode: "ANY", allowedFunctionNames: ["f", "g"] },
      { mode: "subset", isRequired: true },
    ],
    [
      { mode: "VALIDATED", allowedFunctionNames: ["f"] },
      { mode: "subset", isRequired: false },
    ],
    [{}, null],
  ])("are chosen by %j", (functionCallingConfig, expected) => {
    const { toolChoice } = requestOf({
      toolConfig: { functionCallingConfig, includeServerSideToolInvocations: true },
    });
    if (expected === null) expect(toolChoice).toBeNull();
    else expect(toolChoice).toMatchObject(expected);
  });
});

describe("generationConfig", () => {
  const configOf = (generationConfig: object) => requestOf({ generationConfig });

  test("is read whole", () => {
    expect(
      configOf({
        seed: -3,
        presencePenalty: 0.5,
        frequencyPenalty: 0.25,
        candidateCount: 2,
        responseLogprobs: true,
        logprobs: 5,
        responseModalities: ["TEXT", "IMAGE"],
        responseMimeType: "application/json",
        responseSchema: { type: "OBJECT" },
      }),
    ).toMatchObject({
      sampling: { seed: -3, presencePenalty: 0.5, frequencyPenalty: 0.25 },
      candidates: 2,
      logprobs: 5,
      outputModalities: ["image"],
      output: { kind: "json-schema", schema: { type: "object" } },
    });
  });

  test.each([
    [{ thinkingBudget: -1 }, { effort: null, budgetTokens: null, isDynamic: true, isShown: false }],
    [{ thinkingBudget: 0 }, { effort: "none", budgetTokens: null, isDynamic: false, isShown: false }],
    [
      { thinkingBudget: 99, includeThoughts: true },
      { effort: null, budgetTokens: 99, isDynamic: false, isShown: true },
    ],
    [
      { thinkingLevel: "minimal" },
      { effort: "minimal", budgetTokens: null, isDynamic: false, isShown: false },
    ],
  ])("thinks by %j", (thinkingConfig, reasoning) => {
    expect(configOf({ thinkingConfig }).reasoning).toEqual(reasoning as never);
  });

  test.each([
    [{ temperature: "hot" }, '"generationConfig.temperature" must be a number, not a string'],
    [
      { maxOutputTokens: 1.5 },
      '"generationConfig.maxOutputTokens" must be a whole number of at least 1, not ',
    ],
    [{ maxOutputTokens: 0 }, '"generationConfig.maxOutputTokens" must be a whole number of at least 1, not '],
    [{ stopSequences: ["a", 1] }, '"generationConfig.stopSequences[1]" must be a string'],
    [{ thinkingConfig: { thinkingBudget: 5, thinkingLevel: "LOW" } }, "a level or a budget, not both"],
    [
      { responseSchema: { type: "OBJECT" } },
      '"generationConfig.responseMimeType" must be "application/json"',
    ],
    [{ responseMimeType: "application/json", responseSchema: {}, responseJsonSchema: {} }, "not both"],
    [{ responseMimeType: "text/x.enum", responseSchema: {} }, "text/x.enum"],
  ])("%j is refused with the place", (generationConfig, message) => {
    expect(() => configOf(generationConfig)).toThrow(message);
  });

  test("what others lack is named", () => {
    expect(fieldsOf({ generationConfig: { mediaResolution: "HIGH", speechConfig: {} } })).toEqual([
      "generationConfig.mediaResolution",
      "generationConfig.speechConfig",
    ]);
  });
});

describe("the body", () => {
  test.each(["cachedContent", "continuationToken", "modelArmorConfig"])("with %s is refused", (name) => {
    try {
      decodeOf({ contents: [HI], [name]: "x" });
      expect.unreachable();
    } catch (cause) {
      expect(cause).toMatchObject({ kind: "not_translatable", param: name });
    }
  });

  test("names what is left out, and what nobody knows", () => {
    const body = {
      safetySettings: [{ category: "x", threshold: "y" }],
      store: true,
      wish: 1,
      labels: { a: "b" },
      serviceTier: "FLEX",
    };
    expect(fieldsOf(body)).toEqual(["safetySettings", "store", "wish"]);
    expect(requestOf(body)).toMatchObject({ metadata: { a: "b" }, serviceTier: "flex" });
    expect(fieldsOf({ safetySettings: [], store: false })).toEqual([]);
  });

  test("H-132 of a count is read bare and wrapped", () => {
    const wrapped = decodeOf({
      generateContentRequest: { model: "models/x", contents: [HI], systemInstruction: "s" },
    });
    expect(wrapped.dropped).toEqual([]);
    expect(wrapped.request).toMatchObject({ system: [{ text: "s" }], messages: [{ role: "user" }] });
    expect(decodeOf({ contents: HI }).request.messages).toEqual(
      decodeOf({ contents: [HI] }).request.messages,
    );
  });

  test.each([
    [{}, '"contents" is missing; it must be an array of turns'],
    [{ contents: [] }, '"contents" must hold at least one turn'],
    [{ contents: "x" }, '"contents" must be an array of turns, not a string'],
    [{ contents: [{ role: "system", parts: [] }] }, '"contents[0].role" must be "user" or "model"'],
    [{ contents: [HI], tools: [{ functionDeclarations: [{}] }] }, "tools[0].functionDeclarations[0].name"],
    [
      { contents: [HI], systemInstruction: { parts: [{ inlineData: {} }] } },
      '"systemInstruction.parts[0]" must hold text',
    ],
  ])("%j is refused", (body, message) => {
    expect(() => decodeOf(body)).toThrow(message);
  });

  test("H-144 nested too deeply is refused, and 2,000 tools of 500 levels are read", () => {
    const nest = (depth: number) => JSON.parse(`${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`);
    expect(() => messagesOf(HI, model(callTo("f", nest(600))))).toThrow(
      "is nested more than 512 levels deep; flatten it",
    );
    expect(() => messagesOf(HI, model({ executableCode: nest(600) }))).toThrow(
      "is nested more than 512 levels deep; flatten it",
    );
    const deep = (depth: number) =>
      JSON.parse(`${'{"type":"ARRAY","items":'.repeat(depth)}{"type":"STRING"}${"}".repeat(depth)}`);
    const declare = (name: string, depth: number) => ({ name, parameters: deep(depth) });
    expect(() => requestOf({ tools: [{ functionDeclarations: [declare("f", 600)] }] })).toThrow(
      'parameters" is nested more than 512 levels deep; flatten it',
    );
    const functionDeclarations = Array.from({ length: 2000 }, (_, n) => declare(`f${n}`, n === 0 ? 500 : 20));
    expect(requestOf({ tools: [{ functionDeclarations }] }).tools).toHaveLength(2000);
  });
});
