import { describe, expect, test } from "bun:test";
import type { AssistantPart, Message, Seal, ToolResultPart, UserPart } from "../../neutral/message.ts";
import type { FunctionTool, ReasoningRequest, Tool, WebSearchTool } from "../../neutral/request.ts";
import type { EncodeRequestOptions } from "../codec.ts";
import { PLAIN_SAMPLING } from "../fixtures/plain-request.ts";
import { encodeOf, NO_REPAIRS, OLD_TRAITS, TRAITS } from "./fixtures/codec-under-test.ts";

const said = (text: string): Message => ({ role: "user", parts: [{ type: "text", text }] });
const user = (...parts: UserPart[]): Message => ({ role: "user", parts });
const assistant = (...parts: AssistantPart[]): Message => ({ role: "assistant", parts });
const text = (value: string): AssistantPart => ({ type: "text", text: value });
const HI = said("Hi");
const OWN: Seal = { maker: "gemini", place: "call", data: "T3du" };

function callOf(id: string, name = "f", more: object = {}): AssistantPart {
  return { type: "tool-call", id, name, namespace: null, kind: "function", input: "{}", ...more };
}
function resultOf(
  callId: string,
  content: ToolResultPart["content"] | string,
  isError = false,
): ToolResultPart {
  const parts = typeof content === "string" ? [{ type: "text" as const, text: content }] : content;
  return { type: "tool-result", callId, name: null, content: parts, isError, at: `messages[${callId}]` };
}
function toolOf(name: string, more: Partial<FunctionTool> = {}): FunctionTool {
  return {
    kind: "function",
    name,
    namespace: null,
    description: null,
    parameters: null,
    strict: null,
    isDeferred: false,
    cache: null,
    at: `tools.${name}`,
    ...more,
  };
}
const SEARCH: WebSearchTool = {
  kind: "web-search",
  allowedDomains: null,
  blockedDomains: null,
  maxUses: null,
  userLocation: null,
  contextSize: null,
  externalAccess: null,
  at: "tools[1]",
};
const contentsOf = (messages: Message[], options: Partial<EncodeRequestOptions> = {}) =>
  encodeOf({ messages }, options).body.contents as { role: string; parts: Record<string, unknown>[] }[];
const bodyOf = (...args: Parameters<typeof encodeOf>) => encodeOf(...args).body as Record<string, never>;
const refusalOf = (...args: Parameters<typeof encodeOf>) => {
  try {
    encodeOf(...args);
  } catch (cause) {
    return cause as { kind: string; param: string; message: string };
  }
  return null;
};
const droppedOf = (...args: Parameters<typeof encodeOf>) =>
  encodeOf(...args).dropped.map(({ field }) => field);
const old = { traits: OLD_TRAITS };

test("the stable comes first, and a request of nothing but words says nothing else", () => {
  expect(JSON.stringify(encodeOf({}).body)).toBe('{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}');
  const whole = encodeOf({
    system: [{ type: "text", text: "s" }],
    tools: [toolOf("f")],
    toolChoice: { mode: "required" },
    maxOutputTokens: 9,
    serviceTier: "flex",
  });
  expect(Object.keys(whole.body)).toEqual([
    "tools",
    "systemInstruction",
    "contents",
    "toolConfig",
    "generationConfig",
    "serviceTier",
  ]);
});

test("H-31, H-132 paths name the model and the method", () => {
  expect(encodeOf({}).path).toBe("/v1beta/models/gemini-3-flash:generateContent");
  expect(encodeOf({ stream: true }).path).toBe("/v1beta/models/gemini-3-flash:streamGenerateContent?alt=sse");
  expect(encodeOf({}, { model: "tunedModels/a b" }).path).toBe("/v1beta/tunedModels/a%20b:generateContent");
  expect(encodeOf({}, { model: "a/b" }).path).toBe("/v1beta/models/a%2Fb:generateContent");
  const count = encodeOf({ tools: [toolOf("f")], maxOutputTokens: 5 }, { purpose: "count" });
  expect(count.path).toBe("/v1beta/models/gemini-3-flash:countTokens");
  expect(count.body).toEqual({
    generateContentRequest: {
      model: "models/gemini-3-flash",
      tools: [{ functionDeclarations: [{ name: "f" }] }],
      contents: [{ role: "user", parts: [{ text: "Hi" }] }],
    },
  });
});

describe("instructions", () => {
  test("H-69, H-72 in front are one part each, without the block that accounts to another provider", () => {
    const system = ["x-anthropic-billing-header: cc_version=1;", "You are an agent.", ""].map((value) => ({
      type: "text" as const,
      text: value,
    }));
    expect(bodyOf({ system }).systemInstruction).toEqual({ parts: [{ text: "You are an agent." }] } as never);
  });

  test("H-69, H-72 between the turns and at the end are tagged text of the user", () => {
    const note: Message = { role: "system", parts: [{ type: "text", text: "Mind this." }] };
    const tagged = { text: "<system-reminder>\nMind this.\n</system-reminder>" };
    const { body, dropped } = encodeOf({ messages: [HI, assistant(text("a")), said("b"), note] });
    expect(body.contents).toEqual([
      { role: "user", parts: [{ text: "Hi" }] },
      { role: "model", parts: [{ text: "a" }] },
      { role: "user", parts: [{ text: "b" }, tagged] },
    ]);
    expect(dropped).toHaveLength(1);
  });
});

describe("turns", () => {
  test("of one role are one, the user begins, and empty ones are left out", () => {
    expect(
      contentsOf([assistant(text("a")), assistant(text("b")), said(""), said("c"), said("d")]),
    ).toMatchObject([
      { role: "user" },
      { role: "model", parts: [{ text: "a" }, { text: "b" }] },
      { role: "user", parts: [{ text: "c" }, { text: "d" }] },
    ]);
    const foreign: AssistantPart = { type: "reasoning", text: "t", seal: { ...OWN, maker: "anthropic" } };
    expect(contentsOf([HI, assistant(foreign), said("b")])).toEqual([
      { role: "user", parts: [{ text: "Hi" }, { text: "b" }] },
    ]);
  });

  test("H-77 that end with the assistant are refused, and a conversation of none", () => {
    expect(refusalOf({ messages: [HI, assistant(text("a"))] })).toMatchObject({
      kind: "not_translatable",
      param: "messages",
    });
    expect(encodeOf({ messages: [HI, assistant(text("a"))] }, { purpose: "count" }).path).toEndWith(
      "countTokens",
    );
    expect(refusalOf({ messages: [] })).toMatchObject({ kind: "not_translatable", param: "messages" });
  });

  test("H-76 refusals of the past are text", () => {
    expect(contentsOf([HI, assistant({ type: "refusal", text: "no" }), HI])[1]).toEqual({
      role: "model",
      parts: [{ text: "no" }],
    });
  });
});

describe("results", () => {
  test("H-89 of parallel calls stand in one content in the order of the calls, names looked up", () => {
    const messages = [
      HI,
      assistant(callOf("a", "f"), callOf("b", "g")),
      user(resultOf("b", "B")),
      user(resultOf("a", "A")),
    ];
    expect(contentsOf([...messages, said("next")])[2]).toEqual({
      role: "user",
      parts: [
        { functionResponse: { id: "a", name: "f", response: { output: "A" } } },
        { functionResponse: { id: "b", name: "g", response: { output: "B" } } },
        { text: "next" },
      ],
    });
  });

  test("H-73 that are missing are filled in, so that the count is equal", () => {
    const [, , results] = contentsOf([HI, assistant(callOf("a"), callOf("b")), user(resultOf("b", "B"))]);
    expect(results?.parts).toMatchObject([
      { functionResponse: { id: "a", response: { error: expect.any(String) } } },
      { functionResponse: { id: "b", response: { output: "B" } } },
    ]);
  });

  test("H-88 are wrapped, never splat", () => {
    const json = '{"error":"not one","output":1}';
    const [, , results] = contentsOf([
      HI,
      assistant(callOf("a"), callOf("b")),
      user(resultOf("a", json), resultOf("b", "bad", true)),
    ]);
    expect(results?.parts).toMatchObject([
      { functionResponse: { response: { output: json } } },
      { functionResponse: { response: { error: "bad" } } },
    ]);
  });

  test("H-90 of a call that nobody made are refused", () => {
    expect(refusalOf({ messages: [HI, user(resultOf("zzz", "x"))] })).toMatchObject({ kind: "bad_request" });
  });

  test("H-99 with a picture hold it, or show it behind all results", () => {
    const image = {
      type: "image",
      source: { kind: "base64", mimeType: "image/png", data: "aGk=" },
      at: "x",
    } as const;
    const messages = [
      HI,
      assistant(callOf("a"), callOf("b")),
      user(resultOf("a", [{ type: "text", text: "see" }, image]), resultOf("b", "B")),
    ];
    const inlineData = { mimeType: "image/png", data: "aGk=" };
    expect(contentsOf(messages)[2]?.parts[0]).toEqual({
      functionResponse: { id: "a", name: "f", response: { output: "see" }, parts: [{ inlineData }] },
    });
    expect(contentsOf(messages, old)[2]?.parts).toMatchObject([
      { functionResponse: { id: "a" } },
      { functionResponse: { id: "b" } },
      { inlineData },
    ]);
  });

  test("H-89 ids of any form fit, the same for the call and its result", () => {
    const id = `toolu+${"x".repeat(100)}`;
    const contents = contentsOf([HI, assistant(callOf(id)), user(resultOf(id, "x"))]);
    const call = contents[1]?.parts[0]?.functionCall as { id: string };
    expect(call.id).toMatch(/^[A-Za-z0-9_.:-]{1,64}$/);
    expect(contents[2]?.parts[0]?.functionResponse).toMatchObject({ id: call.id });
  });

  test("H-89 arguments that are no object are kept as text", () => {
    const { body, dropped } = encodeOf({
      messages: [HI, assistant(callOf("a", "f", { input: "[1" })), user(resultOf("a", "x"))],
    });
    expect(JSON.stringify(body)).toInclude('"args":{"_raw":"[1"}');
    expect(dropped).toMatchObject([{ field: "messages" }]);
  });

  test("H-145 arguments with names of the prototype are data", () => {
    const messages = [
      HI,
      assistant(callOf("a", "f", { input: '{"__proto__":{"x":1}}' })),
      user(resultOf("a", "x")),
    ];
    expect(JSON.stringify(encodeOf({ messages }).body)).toInclude('"args":{"__proto__":{"x":1}}');
  });
});

describe("signatures", () => {
  const DUMMY = "skip_thought_signature_validator";
  const signatures = (contents: ReturnType<typeof contentsOf>) =>
    contents.map(({ parts }) => parts.map((part) => part.thoughtSignature ?? null));
  const steps = (seal: Seal | null) => {
    const sealed = seal === null ? {} : { seal };
    return [
      HI,
      assistant(callOf("a", "f", sealed), callOf("b")),
      user(resultOf("a", "x"), resultOf("b", "x")),
      assistant(text("so"), callOf("c")),
      user(resultOf("c", "x")),
    ];
  };

  test("H-91 the first call of each step without one gets the stand-in, the others none", () => {
    expect(signatures(contentsOf(steps(null)))).toEqual([
      [null],
      [DUMMY, null],
      [null, null],
      [null, DUMMY],
      [null],
    ]);
    expect(signatures(contentsOf(steps({ ...OWN, maker: "anthropic" })))[1]).toEqual([DUMMY, null]);
    expect(
      signatures(contentsOf(steps(null), old))
        .flat()
        .every((each) => each === null),
    ).toBe(true);
  });

  test("H-91 a turn that is over keeps its bytes", () => {
    const former = contentsOf(steps(null));
    const grown = contentsOf([...steps(null), assistant(text("done")), said("more")]);
    expect(JSON.stringify(grown)).toStartWith(JSON.stringify(former).slice(0, -1));
  });

  test("H-92 a stored one goes back to exactly the part that had it", () => {
    expect(signatures(contentsOf(steps(OWN)))).toEqual([
      [null],
      ["T3du", null],
      [null, null],
      [null, DUMMY],
      [null],
    ]);
    const second = [
      HI,
      assistant(callOf("a"), callOf("b", "f", { seal: OWN })),
      user(resultOf("a", "x"), resultOf("b", "x")),
    ];
    expect(signatures(contentsOf(second))[1]).toEqual([DUMMY, "T3du"]);
    const sealed: AssistantPart[] = [
      { type: "reasoning", text: "why", seal: { ...OWN, place: "reasoning" } },
      { type: "text", text: "a", seal: { ...OWN, place: "text" } },
      { type: "reasoning", text: "", seal: { ...OWN, place: "text" } },
    ];
    expect(contentsOf([HI, assistant(...sealed), HI])[1]?.parts).toEqual([
      { text: "why", thought: true, thoughtSignature: "T3du" },
      { text: "a", thoughtSignature: "T3du" },
      { text: "", thoughtSignature: "T3du" },
    ]);
  });

  test("H-93 after a refusal none goes back, and the stand-in takes the place of those on calls", () => {
    const repairs = { ...NO_REPAIRS, withoutSeals: true };
    expect(signatures(contentsOf(steps(OWN), { repairs }))).toEqual([
      [null],
      [DUMMY, null],
      [null, null],
      [null, DUMMY],
      [null],
    ]);
    expect(signatures(contentsOf(steps(OWN), { ...old, repairs }))).toEqual([
      [null],
      [DUMMY, null],
      [null, null],
      [null, null],
      [null],
    ]);
    const thought: AssistantPart = { type: "reasoning", text: "why", seal: { ...OWN, place: "reasoning" } };
    expect(contentsOf([HI, assistant(thought, text("a")), HI], { repairs })[1]?.parts).toEqual([
      { text: "a" },
    ]);
  });

  test("thoughts of other makers, and of nobody known, are not sent, without a word", () => {
    const parts: AssistantPart[] = [
      { type: "reasoning", text: "why", seal: { ...OWN, maker: "openai" } },
      { type: "reasoning", text: "why", seal: null },
      text("a"),
    ];
    const { body, dropped } = encodeOf({ messages: [HI, assistant(...parts), HI] });
    expect(JSON.stringify(body)).not.toInclude("why");
    expect(dropped).toEqual([]);
  });
});

describe("tools", () => {
  const schemaOf = (parameters: object | null) =>
    (
      bodyOf({ tools: [toolOf("f", { parameters: parameters as never })] }).tools as never as [
        { functionDeclarations: [{ parametersJsonSchema?: object }] },
      ]
    )[0].functionDeclarations[0].parametersJsonSchema;

  test("stand all in one declaration list, without arguments without a schema", () => {
    const parameters = {
      type: "object",
      properties: { a: { type: "string", const: "x" } },
      additionalProperties: false,
    };
    const tools = [toolOf("f", { description: "d", parameters }), toolOf("g")];
    expect(bodyOf({ tools }).tools).toEqual([
      {
        functionDeclarations: [
          { name: "f", description: "d", parametersJsonSchema: parameters },
          { name: "g" },
        ],
      },
    ] as never);
    for (const none of [
      null,
      {},
      { type: "object" },
      { type: "object", properties: {}, additionalProperties: false, $schema: "x" },
    ])
      expect(schemaOf(none)).toBeUndefined();
    const map = { type: "object", additionalProperties: { type: "string" } };
    expect(schemaOf(map)).toEqual(map);
  });

  test("H-109 schemas go as JSON Schema, without $schema and without references that have neighbours", () => {
    const $defs = { a: { type: "string" } };
    const plain = { type: "object", properties: { a: { $ref: "#/$defs/a" } }, $defs };
    expect(schemaOf({ $schema: "https://json-schema.org/x", ...plain })).toEqual(plain);
    const withNeighbour = {
      type: "object",
      properties: { a: { $ref: "#/$defs/a", description: "d" } },
      $defs,
    };
    expect(schemaOf(withNeighbour)).toEqual({
      type: "object",
      properties: { a: { type: "string", description: "d" } },
    });
    const odd = {
      type: ["object"],
      properties: { a: { enum: [1, 2], not: {} } },
      patternProperties: { x: {} },
    };
    expect(schemaOf(odd)).toEqual(odd);
  });

  test("H-109 a schema that leads to itself keeps its references, without what Gemini refuses beside them", () => {
    const next = { $ref: "#/$defs/node" };
    const nodeOf = (reference: object) => ({ type: "object", properties: { next: reference } });
    const parameters = {
      type: "object",
      properties: { root: { ...next, description: "d" } },
      $defs: { node: nodeOf({ ...next, description: "e" }) },
    };
    expect(schemaOf(parameters)).toEqual({
      type: "object",
      properties: { root: next },
      $defs: { node: nodeOf(next) },
    });
  });

  test("H-106, H-107 names fit and come back; the same tool twice is one, two of one name are refused", () => {
    const name = `1${"x".repeat(150)}`;
    const request = { tools: [toolOf(name), toolOf("ok.name:1-2"), toolOf("ok.name:1-2")] };
    const { body, names } = encodeOf(request);
    const declared = (
      body.tools as [{ functionDeclarations: { name: string }[] }]
    )[0].functionDeclarations.map((each) => each.name);
    expect(declared).toHaveLength(2);
    expect(declared[0]).toMatch(/^[A-Za-z_][A-Za-z0-9_.:-]{0,127}$/);
    expect(declared[1]).toBe("ok.name:1-2");
    expect(names.original(declared[0] as string)).toMatchObject({ name });
    expect(refusalOf({ tools: [toolOf("f"), toolOf("f", { description: "other" })] })).toMatchObject({
      kind: "bad_request",
    });
  });

  test("H-82 namespaces are flattened in tools, choices and history", () => {
    const tools = [toolOf("spawn", { namespace: "agents" })];
    const messages = [HI, assistant(callOf("a", "spawn", { namespace: "agents" })), user(resultOf("a", "x"))];
    const { body, names } = encodeOf({
      tools,
      messages,
      toolChoice: { mode: "tool", tool: { name: "spawn", namespace: "agents" } },
    });
    expect(JSON.stringify(body).match(/agents__spawn/g)).toHaveLength(4);
    expect(names.original("agents__spawn")).toEqual({ name: "spawn", namespace: "agents", kind: "function" });
  });

  test("of free text are functions with one string", () => {
    const grammar = { syntax: "lark", definition: "start: x" } as const;
    const tool: Tool = {
      kind: "custom",
      name: "exec",
      namespace: null,
      description: "Runs.",
      grammar,
      at: "tools[0]",
    };
    const messages = [
      HI,
      assistant(callOf("a", "exec", { kind: "custom", input: 'say "hi"' })),
      user(resultOf("a", "x")),
    ];
    const { body, names, dropped } = encodeOf({ tools: [tool], messages });
    expect(body.tools).toMatchObject([
      { functionDeclarations: [{ name: "exec", parametersJsonSchema: { required: ["input"] } }] },
    ]);
    expect(JSON.stringify(body)).toInclude('"args":{"input":"say \\"hi\\""}');
    expect(names.original("exec")?.kind).toBe("custom");
    expect(dropped).toMatchObject([{ field: "tools[0].format" }]);
  });

  test.each([
    [{ mode: "none" }, { mode: "NONE" }],
    [{ mode: "required" }, { mode: "ANY" }],
    [
      { mode: "tool", tool: { name: "f", namespace: null } },
      { mode: "ANY", allowedFunctionNames: ["f"] },
    ],
    [
      { mode: "subset", tools: [{ name: "f", namespace: null }], isRequired: true },
      { mode: "ANY", allowedFunctionNames: ["f"] },
    ],
    [
      { mode: "subset", tools: [{ name: "f", namespace: null }], isRequired: false },
      { mode: "VALIDATED", allowedFunctionNames: ["f"] },
    ],
  ] as const)("are chosen by %j", (toolChoice, functionCallingConfig) => {
    expect(bodyOf({ tools: [toolOf("f")], toolChoice }).toolConfig).toEqual({
      functionCallingConfig,
    } as never);
  });

  test("are the model's choice unless they are strict; a choice of nothing is dropped", () => {
    expect(bodyOf({ tools: [toolOf("f")], toolChoice: { mode: "auto" } }).toolConfig).toBeUndefined();
    expect(bodyOf({ tools: [toolOf("f", { strict: true })] }).toolConfig).toEqual({
      functionCallingConfig: { mode: "VALIDATED" },
    } as never);
    expect(bodyOf({ toolChoice: { mode: "required" } }).toolConfig).toBeUndefined();
    expect(droppedOf({ toolChoice: { mode: "required" } })).toEqual(["toolChoice"]);
    expect(droppedOf({ tools: [toolOf("f")], parallelToolCalls: false })).toEqual(["parallelToolCalls"]);
    expect(droppedOf({ tools: [toolOf("f", { isDeferred: true })] })).toEqual(["tools.f"]);
  });

  test("H-85 web search goes beside functions where the model takes both", () => {
    const tools = [toolOf("f"), SEARCH];
    expect(bodyOf({ tools })).toMatchObject({
      tools: [{ functionDeclarations: [{ name: "f" }] }, { googleSearch: {} }],
      toolConfig: { includeServerSideToolInvocations: true },
    });
    expect(bodyOf({ tools: [SEARCH] }, old).tools).toEqual([{ googleSearch: {} }] as never);
    expect(bodyOf({ tools }, old).tools).toMatchObject([{ functionDeclarations: [{ name: "f" }] }]);
    expect(droppedOf({ tools }, old)).toEqual(["tools[1]"]);
    expect(refusalOf({ tools, toolChoice: { mode: "web-search" } }, old)).toMatchObject({
      kind: "not_translatable",
      param: "tools[1]",
    });
    expect(refusalOf({ tools: [SEARCH] }, { traits: { ...TRAITS, webSearch: false } })).toMatchObject({
      param: "tools[1]",
    });
    expect(refusalOf({ tools: [{ ...SEARCH, allowedDomains: ["a.example"] }] })).toMatchObject({
      param: "tools[1]",
    });
    const cachedOnly = encodeOf({ tools: [{ ...SEARCH, externalAccess: false }] });
    expect(cachedOnly.body.tools).toBeUndefined();
    expect(cachedOnly.dropped).toMatchObject([{ field: "tools[1]" }]);
    expect(droppedOf({ tools: [{ ...SEARCH, maxUses: 1 }] })).toEqual(["tools[1].max_uses"]);
  });

  test("that another provider runs are refused by their place; Google's own go as they are", () => {
    const hosted = (maker: string): Tool => ({
      kind: "hosted",
      maker,
      type: "x",
      raw: { urlContext: {} },
      at: "tools[3]",
    });
    expect(refusalOf({ tools: [hosted("openai")] })).toMatchObject({
      kind: "not_translatable",
      param: "tools[3]",
    });
    expect(bodyOf({ tools: [hosted("gemini")] }).tools).toEqual([{ urlContext: {} }] as never);
  });
});

describe("media", () => {
  const partsOf = (part: UserPart, options: Partial<EncodeRequestOptions> = {}) =>
    contentsOf([user(part)], options)[0]?.parts;
  const base64 = (mimeType: string) => ({ kind: "base64", mimeType, data: "aGk=" }) as const;
  const at = "messages[0].content[1]";

  test("go inline, by their address, or as Google's file", () => {
    expect(partsOf({ type: "image", source: base64("image/png"), at })).toEqual([
      { inlineData: { mimeType: "image/png", data: "aGk=" } },
    ]);
    const url = (value: string) => ({ kind: "url", url: value, mimeType: null }) as const;
    expect(partsOf({ type: "image", source: url("https://a.example/b.jpg?x"), at })).toEqual([
      { fileData: { mimeType: "image/jpeg", fileUri: "https://a.example/b.jpg?x" } },
    ]);
    expect(partsOf({ type: "video", source: url("https://youtu.be/x"), at })).toEqual([
      { fileData: { fileUri: "https://youtu.be/x" } },
    ]);
    expect(
      partsOf({
        type: "document",
        source: { kind: "provider-file", id: "files/a", maker: "gemini" },
        title: null,
        at,
      }),
    ).toEqual([{ fileData: { fileUri: "files/a" } }]);
  });

  test("H-103 documents of text are text with their title; citations are named as lost", () => {
    const part: UserPart = {
      type: "document",
      source: { kind: "text", text: "body" },
      title: "T",
      context: "c",
      citations: true,
      at,
    };
    expect(partsOf(part)).toEqual([{ text: "T\n\nc\n\nbody" }]);
    expect(droppedOf({ messages: [user(part)] })).toEqual([`${at}.citations`]);
  });

  test("H-104 sound goes inline", () => {
    expect(partsOf({ type: "audio", source: base64("audio/wav"), at })).toEqual([
      { inlineData: { mimeType: "audio/wav", data: "aGk=" } },
    ]);
  });

  const blind = { traits: { ...TRAITS, input: { image: false, pdf: false, audio: false, video: false } } };
  test.each<[string, UserPart, Partial<EncodeRequestOptions>]>([
    ["H-101 a GIF", { type: "image", source: base64("image/gif"), at }, {}],
    [
      "a document of a word processor",
      { type: "document", source: base64("application/msword"), title: null, at },
      {},
    ],
    [
      "H-105 another provider's file",
      { type: "image", source: { kind: "provider-file", id: "f", maker: "openai" }, at },
      {},
    ],
    ["a picture for a model without eyes", { type: "image", source: base64("image/png"), at }, blind],
    [
      "a PDF for one that reads none",
      { type: "document", source: base64("application/pdf"), title: null, at },
      blind,
    ],
    ["a sound for one without ears", { type: "audio", source: base64("audio/wav"), at }, blind],
    ["a film for one without eyes", { type: "video", source: base64("video/mp4"), at }, blind],
  ])("%s is refused by its place", (_what, part, options) => {
    expect(refusalOf({ messages: [user(part)] }, options)).toMatchObject({
      kind: "not_translatable",
      param: at,
    });
  });

  test("what another provider made is left out by name, a compacted history is refused", () => {
    const opaque = (name: string): Message =>
      assistant({ type: "opaque", name, raw: { maker: "openai", place: "raw", data: "{}" }, at: "input[3]" });
    expect(droppedOf({ messages: [HI, opaque("code_interpreter_call"), HI] })).toEqual(["input[3]"]);
    expect(refusalOf({ messages: [HI, opaque("compaction"), HI] })).toMatchObject({ param: "input[3]" });
    const own = (data: string): Message =>
      assistant({
        type: "opaque",
        name: "executableCode",
        raw: { maker: "gemini", place: "raw", data },
        at: "input[3]",
      });
    expect(contentsOf([HI, own('{"executableCode":{"code":"1"}}'), HI])[1]?.parts).toEqual([
      { executableCode: { code: "1" } },
    ]);
    expect(droppedOf({ messages: [HI, own("{broken"), HI] })).toEqual(["input[3]"]);
  });
});

describe("thinking", () => {
  const thinkingOf = (reasoning: Partial<ReasoningRequest>, options: Partial<EncodeRequestOptions> = {}) => {
    const request = {
      reasoning: { effort: null, budgetTokens: null, isDynamic: false, isShown: null, ...reasoning },
    };
    const { body, dropped } = encodeOf(request, options);
    const config = body.generationConfig as { thinkingConfig?: object } | undefined;
    return [config?.thinkingConfig ?? null, dropped.map(({ field }) => field)];
  };
  const minimal = {
    traits: { ...TRAITS, thinking: { ...TRAITS.thinking, efforts: ["minimal", "low", "high"] as const } },
  };

  test.each([
    [{ effort: "high" }, {}, { thinkingLevel: "HIGH" }, []],
    [{ effort: "max" }, {}, { thinkingLevel: "HIGH" }, []],
    [{ effort: "minimal" }, {}, { thinkingLevel: "LOW" }, []],
    [{ effort: "none" }, {}, { thinkingLevel: "LOW" }, ["reasoning"]],
    [{ effort: "none" }, minimal, { thinkingLevel: "MINIMAL" }, []],
    [{ budgetTokens: 20_000 }, {}, { thinkingLevel: "HIGH" }, []],
    [{ isDynamic: true, isShown: true }, {}, { includeThoughts: true }, []],
    [{ isDynamic: true, effort: "low" }, {}, { thinkingLevel: "LOW" }, []],
    [{ isShown: false }, {}, null, []],
    [{ effort: "none" }, old, { thinkingBudget: 128 }, ["reasoning"]],
    [{ effort: "high", isShown: true }, old, { includeThoughts: true, thinkingBudget: 24_576 }, []],
    [{ budgetTokens: 1 }, old, { thinkingBudget: 128 }, []],
    [{ isDynamic: true }, old, { thinkingBudget: -1 }, []],
  ] as const)("%j: a level or a budget, never both", (reasoning, options, config, dropped) => {
    expect(thinkingOf(reasoning, options)).toEqual([config as never, dropped as never]);
  });

  test("H-111 is left out and named where the answer's limit leaves no room for it", () => {
    const thinking = { ...OLD_TRAITS.thinking, minBudgetTokens: 1, canDisable: true };
    const reasoning = { effort: "high", budgetTokens: null, isDynamic: false, isShown: true } as const;
    const encoded = encodeOf({ reasoning, maxOutputTokens: 500 }, { traits: { ...OLD_TRAITS, thinking } });
    expect(encoded.body.generationConfig).toEqual({
      maxOutputTokens: 500,
      thinkingConfig: { thinkingBudget: 0 },
    });
    expect(encoded.dropped.map(({ field }) => field)).toEqual(["reasoning"]);
  });

  test("of a model that cannot be told is dropped by name", () => {
    const traits = { ...TRAITS, thinking: { ...TRAITS.thinking, kind: "none" as const, efforts: [] } };
    expect(thinkingOf({ effort: "high" }, { traits })).toEqual([null, ["reasoning"]]);
    expect(thinkingOf({ effort: "none" }, { traits })).toEqual([null, []]);
  });
});

test("H-77 an answer that is to be gone on with is refused by its place", () => {
  const begun = { ...assistant(text("Well,")), at: "messages[1]" } as Message;
  expect(refusalOf({ messages: [HI, begun] })).toMatchObject({
    kind: "not_translatable",
    param: "messages[1]",
  });
  expect(refusalOf({ messages: [HI, assistant(text("Well,"))] })).toMatchObject({ param: "messages" });
});

describe("generationConfig", () => {
  test("holds what Gemini has, in a fixed order", () => {
    const sampling = {
      temperature: 0.5,
      topP: 0.9,
      topK: 5,
      seed: 3,
      frequencyPenalty: 1,
      presencePenalty: 2,
      logitBias: null,
    };
    const { body } = encodeOf({ sampling, maxOutputTokens: 100, stop: ["x"], output: { kind: "json" } });
    expect(JSON.stringify(body.generationConfig)).toBe(
      '{"temperature":0.5,"topP":0.9,"topK":5,"seed":3,"presencePenalty":2,"frequencyPenalty":1,"maxOutputTokens":100,"stopSequences":["x"],"responseMimeType":"application/json"}',
    );
  });

  test("H-64 five stop sequences are Gemini's, the rest the gateway watches", () => {
    const { body, watchedStops } = encodeOf({ stop: ["a", "b", "", "c", "d", "e", "f", "g"] });
    expect(body.generationConfig).toEqual({ stopSequences: ["a", "b", "c", "d", "e"] });
    expect(watchedStops).toEqual(["f", "g"]);
    const none = encodeOf({ stop: ["a"] }, { traits: { ...TRAITS, stop: false } });
    expect([none.body.generationConfig, none.watchedStops]).toEqual([undefined, ["a"]]);
  });

  test("H-112 limits are lowered to the model's, and none is refused", () => {
    expect(encodeOf({ maxOutputTokens: 1e6 })).toMatchObject({
      body: { generationConfig: { maxOutputTokens: 65_536 } },
      dropped: [{ field: "maxOutputTokens" }],
    });
    expect(refusalOf({ maxOutputTokens: 0 })).toMatchObject({ param: "maxOutputTokens" });
  });

  test("H-109, H-110 a schema for the answer goes beside tools where the model takes both", () => {
    const schema = { $schema: "x", type: "object", properties: { a: { type: "integer", minimum: 1 } } };
    const output = { kind: "json-schema", name: "n", description: null, schema, strict: true } as const;
    expect(bodyOf({ output, tools: [toolOf("f")] }).generationConfig).toEqual({
      responseMimeType: "application/json",
      responseJsonSchema: { type: "object", properties: { a: { type: "integer", minimum: 1 } } },
    } as never);
    expect(refusalOf({ output, tools: [toolOf("f")] }, old)).toMatchObject({ param: "output" });
    expect(bodyOf({ output }, old).generationConfig).toBeDefined();
    expect(refusalOf({ output }, { traits: { ...TRAITS, structuredOutput: false } })).toMatchObject({
      param: "output",
    });
  });

  test("H-113 sampling that the model refuses is dropped by name", () => {
    const sampling = {
      ...PLAIN_SAMPLING,
      temperature: 1,
      topP: 0.9,
      topK: 64,
      seed: 2 ** 40,
      logitBias: { 1: 2 },
    };
    const none = encodeOf({ sampling }, { traits: { ...TRAITS, sampling: "none" } });
    expect(none.body.generationConfig).toBeUndefined();
    expect(none.dropped.map(({ field }) => field)).toEqual([
      "logitBias",
      "temperature",
      "topP",
      "topK",
      "seed",
    ]);
    const penalties = { ...sampling, seed: null, logitBias: null, frequencyPenalty: 0.5, presencePenalty: 0 };
    const refusing = encodeOf({ sampling: penalties }, { traits: { ...TRAITS, sampling: "none" } });
    expect(refusing.body.generationConfig).toBeUndefined();
    expect(refusing.dropped.map(({ field }) => field)).toEqual([
      "temperature",
      "topP",
      "topK",
      "frequencyPenalty",
    ]);
    const one = encodeOf({ sampling }, { traits: { ...TRAITS, sampling: "one" } });
    expect(one.body.generationConfig).toEqual({ temperature: 1, topK: 64 });
  });

  test("H-147 pictures are asked only of models that make them", () => {
    expect(refusalOf({ outputModalities: ["image"] })).toMatchObject({
      kind: "not_translatable",
      param: "outputModalities",
    });
    expect(refusalOf({ outputModalities: ["audio"] }, { model: "gemini-3-pro-image" })).toMatchObject({
      param: "outputModalities",
    });
    expect(bodyOf({ outputModalities: ["image"] }, { model: "gemini-3-pro-image" }).generationConfig).toEqual(
      {
        responseModalities: ["TEXT", "IMAGE"],
      } as never,
    );
  });

  test.each([
    [{ candidates: 2 }, "candidates"],
    [{ logprobs: 0 }, "logprobs"],
  ])("%j is refused by name", (request, param) => {
    expect(refusalOf(request)).toMatchObject({ kind: "not_translatable", param });
  });

  test("H-146 what Gemini does not know, whom it is for among it, is dropped by name, caching without a word", () => {
    expect(
      droppedOf({
        verbosity: "low",
        userId: "u",
        metadata: { a: "b" },
        serviceTier: "scale",
        cacheKey: "k",
        cacheWhole: { ttl: "1h" },
      }),
    ).toEqual(["serviceTier", "verbosity", "userId", "metadata"]);
    for (const serviceTier of ["default", "standard", "standard_only"])
      expect(bodyOf({ serviceTier }).serviceTier).toBe("standard" as never);
    expect(encodeOf({ serviceTier: "auto" }).dropped).toEqual([]);
  });
});

test("H-144 2,000 tools and deep schemas are written", () => {
  const deep = JSON.parse(`${'{"type":"array","items":'.repeat(450)}{"type":"string"}${"}".repeat(450)}`);
  const tools = Array.from({ length: 2000 }, (_, n) => toolOf(`f${n}`, n === 0 ? { parameters: deep } : {}));
  expect(bodyOf({ tools }).tools).toBeDefined();
});
