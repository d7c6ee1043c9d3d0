import { describe, expect, test } from "bun:test";
import { GatewayError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Amendment, ParameterValues } from "../../neutral/amendment.ts";
import { GEMINI } from "../../upstreams/profiles.ts";
import { geminiCodec } from "./codec.ts";
import { OLD_TRAITS, TRAITS } from "./fixtures/codec-under-test.ts";
import { withoutSeals } from "./unseal.ts";

const NO_VALUES: ParameterValues = {
  temperature: null,
  topP: null,
  topK: null,
  maxOutputTokens: null,
  effort: null,
  thinkingBudgetTokens: null,
  stop: null,
  seed: null,
};
const amendBody = (body: JsonObject, amendment: Partial<Amendment>, traits = TRAITS) =>
  geminiCodec.amend(
    body,
    {
      thinking: null,
      search: false,
      systemBefore: null,
      systemAfter: null,
      defaults: NO_VALUES,
      fixed: NO_VALUES,
      ...amendment,
    },
    { traits, profile: GEMINI },
  );

const amend = (...args: Parameters<typeof amendBody>) => amendBody(...args).body;

describe("an amended body", () => {
  test("of which nothing is asked stays as it is", () => {
    const body = { contents: [], generation_config: { top_p: 1 }, unknown: 1 };
    expect(amend(body, {})).toEqual(body);
  });

  test("gets instructions before and behind the client's, in whichever form they are", () => {
    const more = { systemBefore: "b", systemAfter: "a" };
    const parts = [{ text: "b" }, { text: "x" }, { text: "a" }];
    expect(amend({ systemInstruction: { role: "user", parts: [{ text: "x" }] } }, more)).toEqual({
      systemInstruction: { role: "user", parts },
    });
    expect(amend({ system_instruction: "x" }, more)).toEqual({ system_instruction: { parts } });
    expect(amend({}, { systemBefore: "b" })).toEqual({ systemInstruction: { parts: [{ text: "b" }] } });
  });

  test("gets values in the spelling that is there: fixed ones always, defaults where nothing is said", () => {
    const defaults = { ...NO_VALUES, temperature: 0.1, topP: 0.2, stop: ["x"] };
    const fixed = { ...NO_VALUES, maxOutputTokens: 7 };
    expect(
      amend({ generation_config: { temperature: 1, max_output_tokens: 99 } }, { defaults, fixed }),
    ).toEqual({
      generation_config: { temperature: 1, max_output_tokens: 7, stopSequences: ["x"] },
    });
    expect(amend({ generation_config: {} }, { defaults })).toEqual({
      generation_config: { temperature: 0.1, topP: 0.2, stopSequences: ["x"] },
    });
  });

  test("thinks as the model's name says, unless the client says how", () => {
    const suffix = { thinking: { budgetTokens: 8192 } };
    expect(amend({}, suffix)).toEqual({
      generationConfig: { thinkingConfig: { includeThoughts: true, thinkingLevel: "MEDIUM" } },
    });
    expect(amend({}, { thinking: { budgetTokens: null } }, OLD_TRAITS)).toEqual({
      generationConfig: { thinkingConfig: { includeThoughts: true, thinkingBudget: -1 } },
    });
    const said = { generationConfig: { thinkingConfig: { thinkingLevel: "LOW" } } };
    expect(amend(said, suffix)).toEqual(said);
    expect(
      amend(
        { generationConfig: { thinking_config: { include_thoughts: true, thinking_budget: 5 } } },
        { fixed: { ...NO_VALUES, effort: "high" } },
      ),
    ).toEqual({ generationConfig: { thinking_config: { include_thoughts: true, thinkingLevel: "HIGH" } } });
  });

  test("searches, once", () => {
    expect(amend({}, { search: true })).toEqual({ tools: [{ googleSearch: {} }] });
    const has = { tools: [{ google_search: {} }] };
    expect(amend(has, { search: true })).toEqual(has);
    expect(amend({ tools: [{ function_declarations: [] }], tool_config: {} }, { search: true })).toEqual({
      tools: [{ function_declarations: [] }, { googleSearch: {} }],
      tool_config: { includeServerSideToolInvocations: true },
    });
  });

  test("names what the model does not take", () => {
    const cannot = { ...TRAITS, thinking: { ...TRAITS.thinking, kind: "none" as const }, webSearch: false };
    const { dropped } = amendBody({}, { thinking: { budgetTokens: 4000 } }, cannot);
    expect(dropped.map(({ field }) => field)).toEqual(["reasoning"]);
    expect(() => amend({}, { search: true }, cannot)).toThrow(GatewayError);
  });

  test("of a count is the one within", () => {
    expect(amend({ generateContentRequest: { contents: [] } }, { systemBefore: "b" })).toEqual({
      generateContentRequest: { contents: [], systemInstruction: { parts: [{ text: "b" }] } },
    });
  });
});

describe("a body without seals", () => {
  test("H-93 has the stand-in on the first call that had one, and no other signature", () => {
    const call = (signature?: string) => ({
      functionCall: { name: "f" },
      ...(signature === undefined ? null : { thoughtSignature: signature }),
    });
    const body = {
      contents: [
        { role: "user", parts: [{ text: "Hi" }] },
        {
          role: "model",
          parts: [{ text: "t", thought: true, thought_signature: "QQ==" }, call("QQ=="), call("Qg==")],
        },
        { role: "model", parts: [{ text: "a" }, { text: "", thoughtSignature: "QQ==" }, call()] },
      ],
      tools: [],
    };
    expect(withoutSeals(body)).toEqual({
      contents: [
        { role: "user", parts: [{ text: "Hi" }] },
        {
          role: "model",
          parts: [{ text: "t", thought: true }, call("skip_thought_signature_validator"), call()],
        },
        { role: "model", parts: [{ text: "a" }, call()] },
      ],
      tools: [],
    });
  });

  test("H-93 is none where there is nothing to take out", () => {
    const contents = [
      { parts: [{ functionCall: { name: "f" }, thoughtSignature: "skip_thought_signature_validator" }] },
      5,
    ];
    expect(withoutSeals({ contents })).toBeNull();
    expect(withoutSeals({ contents: "x" })).toBeNull();
  });
});
