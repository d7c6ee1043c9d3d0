/** What is done to a request that stays in its own dialect. */
import { describe, expect, test } from "bun:test";
import { GatewayError } from "../../core/errors.ts";
import type { Amendment, ParameterValues } from "../../neutral/amendment.ts";
import { OPENAI } from "../../upstreams/profiles.ts";
import { openaiResponsesCodec as codec } from "./codec.ts";
import { TRAITS } from "./fixtures/codec-under-test.ts";
import { withoutSeals } from "./unseal.ts";

const NOTHING: ParameterValues = {
  temperature: null,
  topP: null,
  topK: null,
  maxOutputTokens: null,
  effort: null,
  thinkingBudgetTokens: null,
  stop: null,
  seed: null,
};
const amendment = (more: Partial<Amendment>): Amendment => ({
  thinking: null,
  search: false,
  systemBefore: null,
  systemAfter: null,
  defaults: NOTHING,
  fixed: NOTHING,
  ...more,
});
const amendBody = (body: object, more: Partial<Amendment>, traits = TRAITS) =>
  codec.amend({ model: "m", ...body }, amendment(more), { traits, profile: OPENAI });
const amend = (...args: Parameters<typeof amendBody>) => amendBody(...args).body;

describe("an amendment", () => {
  test("nothing asked is nothing changed", () => {
    const body = { model: "m", input: "x", reasoning: { effort: "low" }, odd: { a: 1 } };
    expect(JSON.stringify(amend(body, {}))).toBe(JSON.stringify(body));
  });

  test("text stands in front of all instructions, and behind those at the beginning", () => {
    const input = [
      { role: "developer", content: "d" },
      { role: "user", content: "x" },
    ];
    expect(amend({ instructions: "i", input }, { systemBefore: "b", systemAfter: "a" })).toMatchObject({
      instructions: "b\n\ni",
      input: [input[0], { role: "developer", content: [{ type: "input_text", text: "a" }] }, input[1]],
    });
    expect(amend({ input: "x" }, { systemBefore: "b", systemAfter: "a" })).toMatchObject({
      instructions: "b\n\na",
      input: "x",
    });
  });

  test("a suffix asks for thinking where the client says nothing of it, and for search where there is none", () => {
    const thinking = { budgetTokens: 8000 };
    expect(amend({}, { thinking }).reasoning).toEqual({ summary: "auto", effort: "medium" });
    expect(amend({ reasoning: { effort: "low" } }, { thinking }).reasoning).toEqual({ effort: "low" });
    expect(amend({ tools: [{ type: "function", name: "f" }] }, { search: true }).tools).toEqual([
      { type: "function", name: "f" },
      { type: "web_search" },
    ]);
    expect(amend({ tools: [{ type: "web_search_preview" }] }, { search: true }).tools).toEqual([
      { type: "web_search_preview" },
    ]);
  });

  test("values that the API has no member for, or the model no use, are left out and named", () => {
    const fixed = { ...NOTHING, stop: ["x"], seed: 1, topK: 2, temperature: 0.5 };
    const { body, dropped } = amendBody({}, { fixed });
    expect(body).toEqual({ model: "m", temperature: 0.5 });
    expect(dropped.map(({ field }) => field)).toEqual(["topK", "stop", "seed"]);
    const dull = {
      ...TRAITS,
      sampling: "none" as const,
      thinking: { ...TRAITS.thinking, kind: "none" as const, efforts: [] },
    };
    const less = amendBody({}, { fixed: { ...NOTHING, temperature: 0.5, effort: "low" } }, dull);
    expect(less.body).toEqual({ model: "m" });
    expect(less.dropped.map(({ field }) => field)).toEqual(["temperature", "reasoning"]);
  });

  test("a search by name where there is none is refused", () => {
    expect(() => amend({}, { search: true }, { ...TRAITS, webSearch: false })).toThrow(GatewayError);
  });

  test("defaults give way to the client, what is fixed does not", () => {
    const values = { ...NOTHING, temperature: 0.5, maxOutputTokens: 9, effort: "low" as const };
    const asked = { temperature: 1, max_output_tokens: 99, reasoning: { effort: "high" } };
    expect(amend(asked, { defaults: values })).toMatchObject(asked);
    expect(amend({}, { defaults: values })).toMatchObject({
      temperature: 0.5,
      max_output_tokens: 9,
      reasoning: { effort: "low" },
    });
    expect(amend(asked, { fixed: values })).toMatchObject({
      temperature: 0.5,
      max_output_tokens: 9,
      reasoning: { effort: "low" },
    });
  });
});

test("H-97 a body without its sealed reasoning; null where it holds none", () => {
  const user = { role: "user", content: "x" };
  const call = { type: "function_call", call_id: "1", name: "f", arguments: "{}" };
  const body = {
    model: "m",
    input: [
      user,
      { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "x" },
      { ...call, id: "fc_1" },
    ],
    store: false,
  };
  expect(withoutSeals(body)).toEqual({ model: "m", input: [user, call], store: false });
  expect(withoutSeals({ model: "m", input: [user, call] })).toBeNull();
  expect(withoutSeals({ model: "m", input: "x" })).toBeNull();
});
