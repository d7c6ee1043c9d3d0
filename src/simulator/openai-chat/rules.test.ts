// What OpenAI Chat Completions refuses, in its own words.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  caseRequest,
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

const fn = (name: string, parameters: Body = { type: "object", properties: {} }) => ({
  type: "function",
  function: { name, parameters },
});
const user = (content: unknown = "Hi") => ({ role: "user", content });
const call = (id: string) => ({ id, type: "function", function: { name: "f", arguments: "{}" } });

describe("OpenAI Chat refuses", () => {
  test.each<RefusalCase>([
    ["no model", { model: undefined }, /must provide a model/],
    ["an unknown model", { model: "gpt-no-such" }, /does not exist/],
    ["another vendor's model", { model: "claude-opus-5" }, /does not exist/],
    ["no messages", { messages: undefined }, /Missing required parameter: 'messages'/],
    ["empty messages", { messages: [] }, /'messages': empty array/],
    ["an unknown field", { thinking: {} }, /Unrecognized request argument supplied: thinking/],
    ["an unknown role", { messages: [{ role: "model", content: "x" }] }, /Invalid value: 'model'/],
    [
      "an unknown field of a message",
      { messages: [{ ...user(), reasoning_content: "" }] },
      /Unknown parameter: 'messages\[0\]\.reasoning_content'/,
    ],
    [
      "an unknown part",
      { messages: [user([{ type: "input_text", text: "x" }])] },
      /Invalid value: 'input_text'/,
    ],
    [
      "an image in a tool message",
      {
        messages: [
          user(),
          { role: "assistant", tool_calls: [call("a")] },
          { role: "tool", tool_call_id: "a", content: [{ type: "image_url", image_url: { url: "data:" } }] },
        ],
      },
      /Invalid value: 'image_url'/,
    ],
    ["a wrong type", { temperature: "hot" }, /Invalid type for 'temperature': expected a decimal/],
    ["a temperature too high", { temperature: 2.5 }, /'temperature': decimal above maximum value/],
    ["five stops", { stop: ["a", "b", "c", "d", "e"] }, /'stop': array too long/],
    ["a tool name with a dot", { tools: [fn("a.b")] }, /does not match pattern/],
    ["an empty list of tools", { tools: [] }, /too short - 'tools'/],
    ["a choice without tools", { tool_choice: "auto" }, /only allowed when 'tools' are specified/],
    [
      "a choice of no tool",
      { tools: [fn("f")], tool_choice: { type: "function", function: { name: "g" } } },
      /no function named 'g'/,
    ],
    [
      "an unanswered call",
      { messages: [user(), { role: "assistant", tool_calls: [call("a")] }, user()] },
      /must be followed by tool messages/,
    ],
    [
      "an answer to nothing",
      { messages: [user(), { role: "tool", tool_call_id: "a", content: "x" }] },
      /must be a response to a preceeding message/,
    ],
    [
      "an answer to another call",
      {
        messages: [
          user(),
          { role: "assistant", tool_calls: [call("a")] },
          { role: "tool", tool_call_id: "b", content: "x" },
        ],
      },
      /'tool_call_id' of 'b' not found/,
    ],
    [
      "a long call id",
      { messages: [user(), { role: "assistant", tool_calls: [call("a".repeat(41))] }] },
      /maximum length 40/,
    ],
    ["an assistant that says nothing", { messages: [user(), { role: "assistant" }] }, /'content'/],
    [
      "max_tokens of a reasoning model",
      { model: "gpt-5-mini", max_tokens: 5 },
      /Use 'max_completion_tokens' instead/,
    ],
    ["temperature of a reasoning model", { model: "o3", temperature: 0.5 }, /Only the default \(1\) value/],
    ["stop of a reasoning model", { model: "o3", stop: "x" }, /'stop' is not supported/],
    [
      "tools with reasoning of GPT-5.4",
      { model: "gpt-5.4", tools: [fn("f")], reasoning_effort: "low" },
      /use \/v1\/responses/,
    ],
    ["stream options without a stream", { stream: false, stream_options: {} }, /only allowed when 'stream'/],
    [
      "JSON that is not spoken of",
      { response_format: { type: "json_object" } },
      /must contain the word 'json'/,
    ],
    ["long metadata", { metadata: { a: "x".repeat(513) } }, /maximum length 512/],
    ["a long user", { user: "x".repeat(65) }, /maximum length 64/],
  ])("%s", async (_, body, message) => {
    const { status, error } = await refusalOf(simulator, caseRequest("openai-chat", body));
    expect(error.message).toMatch(message);
    expect(status).toBeOneOf([400, 404]);
  });

  test("with the parameter's path", async () => {
    const { error } = await refusalOf(
      simulator,
      sample("openai-chat", { body: { messages: [{ role: "user" }] } }),
    );
    expect(error).toMatchObject({ param: "messages[0].content", code: "missing_required_parameter" });
  });
});
