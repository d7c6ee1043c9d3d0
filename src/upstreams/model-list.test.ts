// What the providers' lists say of their models, and what nobody should believe.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseModelList } from "./model-list.ts";

const yes = { supported: true };
const no = { supported: false };

test("Anthropic's capabilities become traits", () => {
  const [model] = parseModelList(
    JSON.stringify({
      data: [
        {
          type: "model",
          id: "claude-next",
          created_at: "2026-09-22T00:00:00Z",
          max_input_tokens: 2_000_000,
          max_tokens: 256_000,
          capabilities: {
            image_input: yes,
            pdf_input: no,
            structured_outputs: yes,
            server_tools: { supported: true, web_search: yes, code_execution: no },
            thinking: {
              supported: true,
              types: { adaptive: yes, enabled: no, disabled: no, between_tools: yes },
            },
            effort: { supported: true, low: yes, medium: yes, high: yes, xhigh: null, max: no },
          },
        },
      ],
      has_more: false,
    }),
  );
  expect(model).toEqual({
    id: "claude-next",
    createdAtS: 1_790_035_200,
    traits: {
      contextTokens: 2_000_000,
      maxOutputTokens: 256_000,
      input: { image: true, pdf: false },
      structuredOutput: true,
      webSearch: true,
      thinking: { kind: "effort", canDisable: false, efforts: ["low", "medium", "high"] },
    },
  });
});

test("a model that thinks by budget, one that does not think, and one without capabilities", () => {
  const capabilities = (types: object, supported = true) => ({ thinking: { supported, types } });
  const traits = parseModelList(
    JSON.stringify({
      data: [
        { id: "a", capabilities: capabilities({ adaptive: no, enabled: yes, disabled: yes }) },
        { id: "b", capabilities: capabilities({ adaptive: no, enabled: no, disabled: yes }, false) },
        { id: "c", capabilities: null, max_tokens: null },
      ],
    }),
  ).map((model) => model.traits);
  expect(traits).toEqual([
    { thinking: { kind: "budget", canDisable: true } },
    { thinking: { kind: "none", isOnByDefault: false } },
    {},
  ]);
});

test("Gemini's limits, OpenRouter's modalities, vLLM's length", () => {
  const gemini = parseModelList(
    JSON.stringify({
      models: [
        {
          name: "models/gemini-4-argon",
          inputTokenLimit: 2_097_152,
          outputTokenLimit: 131_072,
          thinking: true,
        },
        { name: "models/gemma-x", inputTokenLimit: 8_192, thinking: false },
      ],
    }),
  );
  expect(gemini).toEqual([
    {
      id: "gemini-4-argon",
      createdAtS: 0,
      traits: { contextTokens: 2_097_152, maxOutputTokens: 131_072 },
    },
    { id: "gemma-x", createdAtS: 0, traits: { contextTokens: 8_192, thinking: { kind: "none" } } },
  ]);
  const [router, vllm, openai] = parseModelList(
    JSON.stringify({
      data: [
        {
          id: "vendor/seer",
          context_length: 262_144,
          top_provider: { max_completion_tokens: 65_536 },
          architecture: { input_modalities: ["text", "image", "file"] },
        },
        { id: "local", max_model_len: 40_960 },
        { id: "gpt-6", object: "model", created: 7, owned_by: "system" },
      ],
    }),
  );
  expect(router?.traits).toEqual({
    contextTokens: 262_144,
    maxOutputTokens: 65_536,
    input: { image: true, pdf: true, audio: false, video: false },
  });
  expect(vllm?.traits).toEqual({ contextTokens: 40_960 });
  expect(openai).toEqual({ id: "gpt-6", createdAtS: 7, traits: {} });
});

test("numbers and shapes that cannot be are not believed", () => {
  for (const entry of [
    { id: "x", max_tokens: -1, max_input_tokens: 1.5 },
    { id: "x", max_tokens: "9", context_length: 0, max_model_len: 1e300 },
    { id: "x", capabilities: [yes], architecture: "text", top_provider: 7 },
    {
      id: "x",
      capabilities: { thinking: yes, image_input: "yes" },
      architecture: { input_modalities: ["image"] },
    },
  ]) {
    expect(parseModelList(JSON.stringify({ data: [entry] }))).toEqual([
      { id: "x", createdAtS: 0, traits: {} },
    ]);
  }
});

test("whatever a list holds, reading it does not fail", () => {
  fc.assert(
    fc.property(fc.json(), fc.jsonValue(), (text, entry) => {
      parseModelList(text);
      parseModelList(
        JSON.stringify({ data: [entry, { id: "x", capabilities: entry, architecture: entry }] }),
      );
    }),
  );
});
