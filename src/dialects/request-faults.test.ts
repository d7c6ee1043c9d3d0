/** The faults of a client's request in every dialect: the same words, at the client's own places. */
import { describe, expect, test } from "bun:test";
import { GatewayError } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import type { DialectName } from "./dialect.ts";
import { CODECS } from "./fixtures/codecs.ts";

const decode = (name: DialectName, body: JsonObject) =>
  CODECS[name].decodeRequest(body, { model: "m", stream: false });

function refusalOf(name: DialectName, body: JsonObject): GatewayError {
  try {
    decode(name, body);
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error("the request was not refused");
}

/** Each dialect's request with these turns of the user, settings and tools, and where it holds them. */
interface Spelling {
  readonly request: (members: {
    readonly text?: unknown;
    readonly extra?: JsonObject;
    readonly settings?: JsonObject;
    readonly tool?: unknown;
  }) => JsonObject;
  readonly text: string;
  readonly temperature: string;
  readonly limit: string;
  readonly limitName: string;
  readonly tool: string;
  readonly message: (index: number) => string;
}

const SPELLINGS: Readonly<Record<DialectName, Spelling>> = {
  "anthropic-messages": {
    request: ({ text = "hi", extra, settings, tool }) => ({
      model: "m",
      max_tokens: 9,
      ...settings,
      messages: [0, 1].map(() => ({ role: "user", content: [{ type: "text", text }], ...extra })),
      ...(tool === undefined ? null : { tools: [tool] }),
    }),
    text: "messages[0].content[0].text",
    temperature: "temperature",
    limit: "max_tokens",
    limitName: "max_tokens",
    tool: "tools[0]",
    message: (index) => `messages[${index}]`,
  },
  "openai-chat": {
    request: ({ text = "hi", extra, settings, tool }) => ({
      model: "m",
      ...settings,
      messages: [0, 1].map(() => ({ role: "user", content: [{ type: "text", text }], ...extra })),
      ...(tool === undefined ? null : { tools: [tool] }),
    }),
    text: "messages[0].content[0].text",
    temperature: "temperature",
    limit: "max_completion_tokens",
    limitName: "max_completion_tokens",
    tool: "tools[0]",
    message: (index) => `messages[${index}]`,
  },
  "openai-responses": {
    request: ({ text = "hi", extra, settings, tool }) => ({
      model: "m",
      ...settings,
      input: [0, 1].map(() => ({ role: "user", content: [{ type: "input_text", text }], ...extra })),
      ...(tool === undefined ? null : { tools: [tool] }),
    }),
    text: "input[0].content[0].text",
    temperature: "temperature",
    limit: "max_output_tokens",
    limitName: "max_output_tokens",
    tool: "tools[0]",
    message: (index) => `input[${index}]`,
  },
  gemini: {
    request: ({ text = "hi", extra, settings = {}, tool }) => ({
      generationConfig: settings,
      contents: [0, 1].map(() => ({ role: "user", parts: [{ text }], ...extra })),
      ...(tool === undefined ? null : { tools: [{ functionDeclarations: [tool] }] }),
    }),
    text: "contents[0].parts[0].text",
    temperature: "generationConfig.temperature",
    limit: "generationConfig.maxOutputTokens",
    limitName: "maxOutputTokens",
    tool: "tools[0].functionDeclarations[0]",
    message: (index) => `contents[${index}]`,
  },
};

describe.each(Object.keys(SPELLINGS) as DialectName[])("%s", (name) => {
  const spelling = SPELLINGS[name];
  const { request, text, temperature, limit, limitName, tool } = spelling;

  test.each([
    [text, { text: 5 }, "must be a string, not a number"],
    [text, { text: ["a"] }, "must be a string, not an array"],
    [temperature, { settings: { temperature: "hot" } }, "must be a number, not a string"],
    [
      temperature,
      { settings: { temperature: JSON.parse("1e999") } },
      "must be a number, not a number out of range",
    ],
    [limit, { settings: { [limitName]: 1.5 } }, "must be a whole number of at least 1, not 1.5"],
    [limit, { settings: { [limitName]: true } }, "must be a whole number of at least 1, not a boolean"],
    [tool, { tool: null }, "must be an object, not null"],
    [tool, { tool: [] }, "must be an object, not an empty array"],
  ])("a wrong %s is refused in the same words", (param, members, problem) => {
    // Messages takes 0 as well: it fills Anthropic's cache.
    const least = name === "anthropic-messages" ? problem.replace("at least 1", "at least 0") : problem;
    const error = refusalOf(name, request(members));
    expect([error.kind, error.param, error.message]).toEqual(["bad_request", param, `"${param}" ${least}`]);
  });

  test("a missing name is told from an empty one", () => {
    const of = (declared: unknown): JsonObject => {
      const function_ = { ...(declared === undefined ? null : { name: declared }) };
      const shape = { type: "function", ...function_, function: function_, input_schema: {} };
      const { type: _, ...custom } = shape;
      return request({ tool: name === "anthropic-messages" ? custom : shape });
    };
    const place = name === "openai-chat" ? `${tool}.function.name` : `${tool}.name`;
    expect(refusalOf(name, of(undefined)).message).toBe(
      `"${place}" is missing; it must be a string that is not empty`,
    );
    expect(refusalOf(name, of("")).message).toBe(
      `"${place}" must be a string that is not empty, not an empty string`,
    );
  });

  test("H-119 an unknown member is dropped with the same reason, once for all messages", () => {
    const body = { ...request({ extra: { brand_new: 1, empty: null } }), other: { a: 1 }, nothing: null };
    const { dropped } = decode(name, body);
    const [first, ...rest] = [...dropped].sort((a, b) => (a.field < b.field ? -1 : 1));
    const member = name === "gemini" ? "brandNew" : "brand_new";
    expect([first?.field, ...rest.map(({ field }) => field)]).toEqual(
      [`${spelling.message(0)}.${member}`, "other"].sort(),
    );
    expect(new Set(dropped.map(({ reason }) => reason))).toEqual(
      new Set(["the gateway knows no counterpart of this field at other providers"]),
    );
  });
});

test.each([
  ["anthropic-messages", "messages", "must be an array of at least one message, not an empty array"],
  ["openai-chat", "messages", "must be an array of at least one message, not an empty array"],
  ["openai-responses", "input", "must hold at least one message"],
  ["gemini", "contents", "must hold at least one turn with at least one part"],
] as const)(
  "%s refuses an empty conversation as empty, not as missing or of a wrong type",
  (name, at, problem) => {
    const error = refusalOf(name, { model: "m", max_tokens: 9, [at]: [] });
    expect([error.kind, error.message]).toEqual(["bad_request", `"${at}" ${problem}`]);
  },
);

test("Gemini takes names in snake case and whole numbers in quotes, and only those", () => {
  const contents = [{ role: "user", parts: [{ text: "hi" }] }];
  const limitOf = (config: JsonObject) =>
    decode("gemini", { contents, generation_config: config }).request.maxOutputTokens;
  expect(limitOf({ max_output_tokens: "12" })).toBe(12);
  expect(refusalOf("gemini", { contents, generation_config: { max_output_tokens: "0" } }).message).toBe(
    '"generationConfig.maxOutputTokens" must be a whole number of at least 1, not 0',
  );
  expect(refusalOf("gemini", { contents, generation_config: { max_output_tokens: "1.5" } }).message).toBe(
    '"generationConfig.maxOutputTokens" must be a whole number of at least 1, not a string',
  );
});
