import { describe, expect, test } from "bun:test";
import { GatewayError } from "../../core/errors.ts";
import { openaiChatCodec } from "./codec.ts";
import { COMPATIBLE, OPENAI, TRAITS } from "./fixtures/codec-under-test.ts";
import { withoutSeals } from "./unseal.ts";

const amend = (...args: Parameters<typeof openaiChatCodec.amend>) => openaiChatCodec.amend(...args).body;

describe("amendments of relayed bodies", () => {
  const none = {
    temperature: null,
    topP: null,
    topK: null,
    maxOutputTokens: null,
    effort: null,
    thinkingBudgetTokens: null,
    stop: null,
    seed: null,
  };
  const nothing = {
    thinking: null,
    search: false,
    systemBefore: null,
    systemAfter: null,
    defaults: none,
    fixed: none,
  };
  const body = {
    model: "m",
    messages: [
      { role: "developer", content: "S" },
      { role: "user", content: "Hi" },
    ],
    temperature: 0.5,
  };

  test("nothing asked: the same", () => {
    expect(JSON.stringify(amend(body, nothing, OPENAI))).toBe(JSON.stringify(body));
  });

  test("values: defaults where the client says nothing, fixed ones always; text around the instructions", () => {
    const amendment = {
      ...nothing,
      thinking: { budgetTokens: 8192 },
      systemBefore: "A",
      systemAfter: "B",
      defaults: { ...none, temperature: 0, topP: 0.5 },
      fixed: { ...none, maxOutputTokens: 9, seed: 1 },
    };
    expect(amend(body, amendment, OPENAI)).toEqual({
      model: "m",
      messages: [
        { role: "developer", content: "A" },
        { role: "developer", content: "S" },
        { role: "developer", content: "B" },
        { role: "user", content: "Hi" },
      ],
      temperature: 0.5,
      reasoning_effort: "medium",
      max_completion_tokens: 9,
      seed: 1,
    });
  });

  test("a limit goes by the client's name, else by the name that the server knows", () => {
    const limited = { ...nothing, fixed: { ...none, maxOutputTokens: 9 } };
    expect(amend(body, limited, OPENAI)).toMatchObject({ max_completion_tokens: 9 });
    expect(amend(body, limited, COMPATIBLE)).toMatchObject({ max_tokens: 9 });
    expect(amend({ ...body, max_completion_tokens: 5 }, limited, COMPATIBLE)).toMatchObject({
      max_completion_tokens: 9,
    });
  });

  test("what the model does not take is left out and named", () => {
    const fixed = { ...none, temperature: 0.1, stop: ["x"], effort: "low" as const };
    const dull = { ...TRAITS, sampling: "none" as const, stop: false };
    const thinking = { ...TRAITS.thinking, kind: "none" as const, efforts: [] };
    const amended = openaiChatCodec.amend(
      body,
      { ...nothing, fixed },
      { ...OPENAI, traits: { ...dull, thinking } },
    );
    expect(amended.body).toEqual(body);
    expect(amended.dropped.map(({ field }) => field)).toEqual(["temperature", "stop", "reasoning"]);
  });

  test("a search by name where there is none is refused", () => {
    expect(() => openaiChatCodec.amend(body, { ...nothing, search: true }, OPENAI)).toThrow(GatewayError);
    expect(
      amend(body, { ...nothing, search: true }, { ...OPENAI, traits: { ...TRAITS, webSearch: true } }),
    ).toHaveProperty("web_search_options");
  });

  test("seals are taken out of the calls, if there are any", () => {
    const call = { id: "a", type: "function", function: { name: "f", arguments: "{}" } };
    const signed = { ...call, extra_content: { google: { thought_signature: "x" } } };
    const withCall = (each: object) => ({
      model: "m",
      messages: [{ role: "assistant", tool_calls: [each] }],
    });
    expect(withoutSeals(withCall(signed))).toEqual(withCall(call));
    expect(withoutSeals(withCall(call))).toBeNull();
  });
});
