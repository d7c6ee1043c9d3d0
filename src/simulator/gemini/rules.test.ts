// What Gemini refuses, in its own words.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  caseRequest,
  post,
  type RefusalCase,
  refusalOf,
  sample,
  startForTest,
} from "../fixtures/simulator-under-test.ts";
import type { Simulator } from "../server/simulator.ts";

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startForTest();
});
afterAll(() => simulator.close());

type Body = Record<string, unknown>;

const turn = (role: string, ...parts: unknown[]) => ({ role, parts });
const hello = turn("user", { text: "Hi" });
const asks = (name = "f", more: Body = {}) => ({ functionCall: { name, args: {} }, ...more });
const answers = (name = "f") => ({ functionResponse: { name, response: { output: "x" } } });
const config = (generationConfig: Body) => ({ generationConfig });
const declares = (...functionDeclarations: unknown[]) => ({ tools: [{ functionDeclarations }] });

describe("Gemini refuses", () => {
  test.each<RefusalCase>([
    ["an unknown model", { model: "gemini-no-such" }, /is not found for API version/],
    ["an unknown field", { messages: [] }, /Unknown name "messages": Cannot find field/],
    [
      "an unknown field within",
      config({ maxTokens: 5 }),
      /Unknown name "maxTokens" at 'generation_config': Cannot find field/,
    ],
    [
      "an unknown field of a part",
      { contents: [turn("user", { text: "x", cacheControl: {} })] },
      /Unknown name "cacheControl" at 'contents\[0\]\.parts\[0\]'/,
    ],
    ["no contents", { contents: undefined }, /contents is not specified/],
    ["empty contents", { contents: [] }, /contents is not specified/],
    ["an unknown role", { contents: [turn("assistant", { text: "x" })] }, /valid role: user, model/],
    ["an empty text", { contents: [turn("user", { text: "" })] }, /required oneof field 'data'/],
    [
      "an empty text beside another part",
      { contents: [hello, turn("model", { text: "x" }, { text: "" }), hello] },
      /required oneof field 'data'/,
    ],
    ["no parts", { contents: [turn("user")] }, /parts must not be empty/],
    [
      "two kinds in a part",
      { contents: [turn("user", { text: "x", fileData: { fileUri: "https://a" } })] },
      /oneof field 'data' is already set/,
    ],
    ["a model first", { contents: [turn("model", { text: "x" }), hello] }, /starts with a user turn/],
    [
      "a wrong type",
      config({ temperature: "hot" }),
      /Invalid value at 'generation_config.temperature' \(TYPE_FLOAT\), "hot"/,
    ],
    ["a temperature too high", config({ temperature: 3 }), /at most 2/],
    ["six stops", config({ stopSequences: ["a", "b", "c", "d", "e", "f"] }), /at most 5/],
    [
      "budget and level",
      config({ thinkingConfig: { thinkingBudget: 1, thinkingLevel: "LOW" } }),
      /only one of thinking budget and thinking level/,
    ],
    [
      "a level on an old model",
      config({ thinkingConfig: { thinkingLevel: "LOW" } }),
      /Thinking level is not supported/,
    ],
    [
      "no thinking of a Pro",
      { model: "gemini-2.5-pro", ...config({ thinkingConfig: { thinkingBudget: 0 } }) },
      /only works in thinking mode/,
    ],
    [
      "minimal thinking of a Pro",
      { model: "gemini-3-pro-preview", ...config({ thinkingConfig: { thinkingLevel: "MINIMAL" } }) },
      /MINIMAL is not supported/,
    ],
    ["a schema for plain text", config({ responseSchema: { type: "OBJECT" } }), /application\/json/],
    [
      "JSON Schema words in a schema",
      declares({
        name: "f",
        parameters: { type: "object", properties: { a: { type: "string" } }, additionalProperties: false },
      }),
      /Unknown name "additionalProperties"/,
    ],
    ["a list of types", declares({ name: "f", parameters: { type: ["string", "null"] } }), /not repeating/],
    ["a list without items", declares({ name: "f", parameters: { type: "ARRAY" } }), /items: missing field/],
    [
      "an object without properties",
      declares({ name: "f", parameters: { type: "OBJECT", properties: {} } }),
      /non-empty for OBJECT/,
    ],
    [
      "numbers in an enum",
      declares({ name: "f", parameters: { type: "INTEGER", enum: [1] } }),
      /TYPE_STRING/,
    ],
    [
      "both kinds of schema",
      declares({ name: "f", parameters: {}, parametersJsonSchema: {} }),
      /must not both be set/,
    ],
    ["a function name with a digit first", declares({ name: "1f" }), /Invalid function name/],
    ["two functions of one name", declares({ name: "f" }, { name: "f" }), /Duplicate function declaration/],
    [
      "allowed names with AUTO",
      {
        ...declares({ name: "f" }),
        toolConfig: { functionCallingConfig: { mode: "AUTO", allowedFunctionNames: ["f"] } },
      },
      /ANY or VALIDATED/,
    ],
    [
      "fewer results than calls",
      { contents: [hello, turn("model", asks(), asks("g")), turn("user", answers())] },
      /number of function response parts is equal/,
    ],
    [
      "a result of nothing",
      { contents: [hello, turn("model", { text: "x" }), turn("user", answers())] },
      /immediately after a function call turn/,
    ],
    [
      "a result of another function",
      { contents: [hello, turn("model", asks()), turn("user", answers("g"))] },
      /does not match a function call/,
    ],
    [
      "a call without its signature",
      { model: "gemini-3-flash", contents: [hello, turn("model", asks()), turn("user", answers())] },
      /missing a thought_signature/,
    ],
    [
      "a foreign signature",
      {
        model: "gemini-3-flash",
        contents: [hello, turn("model", asks("f", { thoughtSignature: "Zm9v" })), turn("user", answers())],
      },
      /Corrupted thought signature/,
    ],
  ])("%s", async (_, body, message) => {
    const { status, error } = await refusalOf(simulator, caseRequest("gemini", body));
    expect(error.message).toMatch(message);
    expect(status).toBeOneOf([400, 404]);
  });

  test("with the violated field", async () => {
    const { error } = await refusalOf(simulator, sample("gemini", { body: config({ maxTokens: 5 }) }));
    expect(error).toMatchObject({
      code: 400,
      status: "INVALID_ARGUMENT",
      details: [{ fieldViolations: [{ field: "generation_config" }] }],
    });
  });

  test("a stream that is no event stream with the error in an array", async () => {
    const { headers } = sample("gemini");
    const path = "/v1beta/models/gemini-3-flash:streamGenerateContent";
    const response = await post(simulator, { path, headers, body: { contents: [] } });
    expect(await response.json()).toEqual([expect.objectContaining({ error: expect.anything() })]);
  });
});

test("Gemini takes back the chunks of a stream, each as a turn, with the empty one at its end", async () => {
  const contents = [hello, turn("model", asks()), turn("model", { text: "" }), turn("user", answers())];
  const response = await post(
    simulator,
    sample("gemini", { body: { contents, ...declares({ name: "f" }) } }),
  );
  expect(response.status).toBe(200);
});
