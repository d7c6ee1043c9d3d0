// What OpenAI Responses refuses, in its own words.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { caseRequest, type RefusalCase, refusalOf, startForTest } from "../fixtures/simulator-under-test.ts";
import type { Simulator } from "../server/simulator.ts";

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startForTest();
});
afterAll(() => simulator.close());

type Body = Record<string, unknown>;

const fn = (name: string, parameters: Body = { type: "object", properties: {} }) => ({
  type: "function",
  function: { name, parameters },
});
const user = (content: unknown = "Hi") => ({ role: "user", content });
const item = (rest: Body) => ({ input: [user(), rest] });

describe("OpenAI Responses refuses", () => {
  test.each<RefusalCase>([
    ["no model", { model: undefined }, /Missing required parameter: 'model'/],
    ["no input", { input: undefined }, /must be provided/],
    ["messages", { messages: [] }, /Unknown parameter: 'messages'/],
    ["stop", { stop: ["x"] }, /Unknown parameter: 'stop'/],
    ["a small limit", { max_output_tokens: 8 }, /Expected a value >= 16, but got 8/],
    ["a part of Chat", { input: [user([{ type: "text", text: "x" }])] }, /Invalid value: 'text'/],
    ["a tool in the form of Chat", { tools: [fn("f")] }, /Missing required parameter: 'tools\[0\]\.name'/],
    [
      "a wrong item id",
      item({ type: "function_call", id: "call_1", call_id: "a", name: "f", arguments: "{}" }),
      /Expected an ID that begins with 'fc'/,
    ],
    [
      "a call without output",
      item({ type: "function_call", call_id: "a", name: "f", arguments: "{}" }),
      /No tool output found for function call a/,
    ],
    [
      "an output without a call",
      item({ type: "function_call_output", call_id: "a", output: "x" }),
      /No tool call found .* a/,
    ],
    [
      "reasoning sealed elsewhere",
      item({ type: "reasoning", summary: [], encrypted_content: "Zm9v" }),
      /could not be verified/,
    ],
    [
      "reasoning without what it led to",
      item({ type: "reasoning", id: "rs_1", summary: [] }),
      /without its required following item/,
    ],
    [
      "a reference that was not stored",
      { store: false, ...item({ type: "item_reference", id: "rs_1" }) },
      /not persisted/,
    ],
    ["an unknown previous response", { previous_response_id: "resp_x" }, /Previous response .* not found/],
    [
      "a schema that is not strict",
      {
        tools: [
          {
            type: "function",
            name: "f",
            strict: true,
            parameters: { type: "object", properties: { a: {} } },
          },
        ],
      },
      /additionalProperties/,
    ],
    ["a required tool of none", { tool_choice: "required" }, /must be specified with 'tools'/],
    [
      "effort of a model without reasoning",
      { reasoning: { effort: "low" } },
      /'reasoning.effort' is not supported/,
    ],
    [
      "temperature of a reasoning model",
      { model: "gpt-5-mini", temperature: 0.1 },
      /'temperature' is not supported/,
    ],
  ])("%s", async (_, body, message) => {
    const { status, error } = await refusalOf(simulator, caseRequest("openai-responses", body));
    expect(error.message).toMatch(message);
    expect(status).toBeOneOf([400, 404]);
  });
});
