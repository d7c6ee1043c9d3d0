// What a careless translation would send to OpenAI: refused here as the real providers refuse it.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  caseRequest,
  type Dialect,
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

const user = (content: unknown = "Hi") => ({ role: "user", content });
const object = (properties: Body, more: Body = {}) => ({
  type: "object",
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
  ...more,
});
const fn = (parameters: Body, more: Body = {}) => ({
  type: "function",
  function: { name: "f", parameters, ...more },
});
const item = (...rest: Body[]) => ({ input: [user(), ...rest] });

const CASES: Readonly<Record<"openai-chat" | "openai-responses", readonly RefusalCase[]>> = {
  "openai-responses": [
    [
      "a long call id",
      item({ type: "function_call", call_id: "x".repeat(65), name: "f", arguments: "{}" }),
      /maximum length 64/,
    ],
    [
      "reasoning before the user's words",
      item({ type: "reasoning", id: "rs_1", summary: [] }, user()),
      /without its required following item/,
    ],
    [
      "reasoning that was not stored",
      {
        store: false,
        ...item({ type: "reasoning", id: "rs_1", summary: [] }, { role: "assistant", content: "x" }, user()),
      },
      /'rs_1' not found\. Items are not persisted/,
    ],
    [
      "output in the user's words",
      { input: [user([{ type: "output_text", text: "x" }])] },
      /Invalid value: 'output_text'\. Supported values are: 'input_text'/,
    ],
    [
      "input in the assistant's words",
      item({ role: "assistant", content: [{ type: "input_text", text: "x" }] }),
      /Invalid value: 'input_text'\. Supported values are: 'output_text' and 'refusal'/,
    ],
    [
      "an image that is no base64",
      { input: [user([{ type: "input_image", image_url: "data:image/png;base64,*" }])] },
      /Expected a base64-encoded data URL/,
    ],
    [
      "an image of an unknown kind",
      { input: [user([{ type: "input_image", image_url: "data:image/heic;base64,AA==" }])] },
      /Expected a base64-encoded data URL/,
    ],
    [
      "a function without properties",
      { tools: [{ type: "function", name: "f", strict: false, parameters: { type: "object" } }] },
      /object schema missing properties/,
    ],
    [
      "a strict format with an optional property",
      {
        text: {
          format: {
            type: "json_schema",
            name: "a",
            strict: true,
            schema: object({ a: { type: "object", properties: { b: {} }, additionalProperties: false } }),
          },
        },
      },
      /In context=\('properties', 'a'\), 'required' is required .* Missing 'b'/,
    ],
  ],
  "openai-chat": [
    [
      "a long call id",
      {
        messages: [
          user(),
          {
            role: "assistant",
            tool_calls: [{ id: "x".repeat(41), type: "function", function: { name: "f", arguments: "{}" } }],
          },
        ],
      },
      /maximum length 40/,
    ],
    [
      "reasoning in the history of an official model",
      { messages: [user(), { role: "assistant", content: "x", reasoning_content: "y" }, user()] },
      /Unknown parameter: 'messages\[1\]\.reasoning_content'/,
    ],
    [
      "an image in a tool message",
      {
        messages: [
          user(),
          {
            role: "assistant",
            tool_calls: [{ id: "a", type: "function", function: { name: "f", arguments: "{}" } }],
          },
          {
            role: "tool",
            tool_call_id: "a",
            content: [{ type: "image_url", image_url: { url: "data:image/png;base64,AA==" } }],
          },
        ],
      },
      /Invalid value: 'image_url'/,
    ],
    [
      "an image that is no base64",
      { messages: [user([{ type: "image_url", image_url: { url: "data:image/png;base64,*" } }])] },
      /Expected a base64-encoded data URL/,
    ],
    [
      "a function without properties",
      { tools: [fn({ type: "object" })] },
      /object schema missing properties/,
    ],
    ["a function that is no object", { tools: [fn({ type: "string" })] }, /got 'type: "string"'/],
    [
      "an array of anything",
      { tools: [fn(object({ a: { type: "array" } }))] },
      /In context=\('properties', 'a'\), array schema missing items/,
    ],
    [
      "a strict function that is open",
      { tools: [fn(object({}, { additionalProperties: true }), { strict: true })] },
      /'additionalProperties'/,
    ],
    [
      "a strict format of all of several",
      {
        response_format: {
          type: "json_schema",
          json_schema: { name: "a", strict: true, schema: object({ a: { allOf: [] } }) },
        },
      },
      /Invalid schema for response_format 'a': In context=\('properties', 'a'\), 'allOf' is not permitted/,
    ],
  ],
};

for (const [dialect, cases] of Object.entries(CASES)) {
  describe(`${dialect} refuses`, () => {
    test.each<RefusalCase>([...cases])("%s", async (_, body, message) => {
      const { status, error } = await refusalOf(simulator, caseRequest(dialect as Dialect, body));

      expect(error.message).toMatch(message);
      expect(status).toBeOneOf([400, 403]);
    });
  });
}

test("sealed reasoning says whether it is another's or nobody's", async () => {
  const ask = (key: string, body: Body) =>
    post(
      simulator,
      sample("openai-responses", { key, model: "gpt-5-mini", body: { store: false, ...body } }),
    );
  const first = await ask("sk-one", { include: ["reasoning.encrypted_content"] });
  const { output } = (await first.json()) as { output: Body[] };
  const again = (key: string, sealed: unknown) =>
    ask(
      key,
      item(
        { type: "reasoning", summary: [], encrypted_content: sealed },
        { role: "assistant", content: "x" },
        user(),
      ),
    );

  expect((await again("sk-one", output[0]?.encrypted_content)).status).toBe(200);
  expect(await (await again("sk-two", output[0]?.encrypted_content)).text()).toContain(
    "organization_id did not match",
  );
  const foreign = await again("sk-one", "Zm9v");
  expect(foreign.status).toBe(400);
  expect(await foreign.json()).toMatchObject({
    error: { code: "invalid_encrypted_content", message: expect.stringContaining("could not be decrypted") },
  });
});

test("results go to the calls of the stored response, and to no other", async () => {
  const tools = [{ type: "function", name: "f", strict: false, parameters: object({}) }];
  const first = await post(simulator, sample("openai-responses", { fault: "calls=1", body: { tools } }));
  const { id, output } = (await first.json()) as { id: string; output: Body[] };
  const answer = (call_id: unknown) =>
    post(
      simulator,
      sample("openai-responses", {
        body: {
          tools,
          previous_response_id: id,
          input: [{ type: "function_call_output", call_id, output: "x" }],
        },
      }),
    );

  expect((await answer(output[0]?.call_id)).status).toBe(200);
  expect(await (await answer("call_other")).text()).toContain("No tool call found");
});

test("a function that does not say how strict it is, is strict for Responses and lax for Chat", async () => {
  const parameters = {
    type: "object",
    properties: { a: { type: "string" }, b: { type: "string" } },
    required: ["a"],
  };
  const responses = await post(
    simulator,
    sample("openai-responses", {
      fault: "calls=1",
      body: { tools: [{ type: "function", name: "f", parameters }] },
    }),
  );
  const chat = await post(
    simulator,
    sample("openai-chat", { fault: "calls=1", body: { tools: [fn(parameters)] } }),
  );

  expect(await responses.json()).toMatchObject({
    tools: [{ name: "f", strict: true }],
    output: [{ arguments: '{"a":"example","b":"example"}' }],
  });
  expect(await chat.text()).toContain('{\\"a\\":\\"example\\"}');
});
