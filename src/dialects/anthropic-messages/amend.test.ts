import { describe, expect, test } from "bun:test";
import { GatewayError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Amendment } from "../../neutral/amendment.ts";
import { ANTHROPIC } from "../../upstreams/profiles.ts";
import { anthropicMessagesCodec as codec } from "./codec.ts";
import { MANUAL_TRAITS, OPTIONS, TRAITS } from "./fixtures/codec-under-test.ts";
import { withoutSeals } from "./unseal.ts";

const NO_VALUES: Amendment["fixed"] = {
  temperature: null,
  topP: null,
  topK: null,
  maxOutputTokens: null,
  effort: null,
  thinkingBudgetTokens: null,
  stop: null,
  seed: null,
};
const NOTHING: Amendment = {
  thinking: null,
  search: false,
  systemBefore: null,
  systemAfter: null,
  defaults: NO_VALUES,
  fixed: NO_VALUES,
};
const BODY = {
  model: "m",
  max_tokens: 10_000,
  messages: [{ role: "user", content: "Hi" }],
  new_member: { a: 1 },
};
const amendBody = (body: JsonObject, amendment: Partial<Amendment>, traits = TRAITS) =>
  codec.amend(body, { ...NOTHING, ...amendment }, { traits, profile: ANTHROPIC });
const amend = (...args: Parameters<typeof amendBody>) => amendBody(...args).body;

describe("a relayed body", () => {
  test("of which nothing is asked stays as it is", () => {
    expect(JSON.stringify(amend(BODY, {}))).toBe(JSON.stringify(BODY));
  });

  test("gets instructions around the client's, behind Claude Code's first line", () => {
    const around = { systemBefore: "B", systemAfter: "A" };
    expect(amend({ ...BODY, system: "s" }, around).system).toMatchObject([
      { text: "B" },
      { text: "s" },
      { text: "A" },
    ]);
    expect(amend(BODY, around).system).toMatchObject([{ text: "B" }, { text: "A" }]);
    const billing = { type: "text", text: "x-anthropic-billing-header: x" };
    expect(amend({ ...BODY, system: [billing, { type: "text", text: "s" }] }, around).system).toMatchObject([
      billing,
      { text: "B" },
      { text: "s" },
      { text: "A" },
    ]);
  });

  test("gets the provider's web search, unless there is one", () => {
    expect(amend(BODY, { search: true }).tools).toEqual([
      { type: "web_search_20250305", name: "web_search" },
    ]);
    const tools = [{ type: "web_search_20260209", name: "web_search" }];
    expect(amend({ ...BODY, tools }, { search: true }).tools).toEqual(tools);
  });

  test("gets defaults where the client says nothing, and fixed values whatever it says", () => {
    const values = { ...NO_VALUES, temperature: 0.5, maxOutputTokens: 99, stop: ["x"] };
    expect(amend({ ...BODY, temperature: 0.1 }, { defaults: values }, MANUAL_TRAITS)).toMatchObject({
      temperature: 0.1,
      max_tokens: 10_000,
      stop_sequences: ["x"],
    });
    expect(amend({ ...BODY, temperature: 0.1 }, { fixed: values }, MANUAL_TRAITS)).toMatchObject({
      temperature: 0.5,
      max_tokens: 99,
    });
    const both = { defaults: { ...NO_VALUES, temperature: 0.2 }, fixed: { ...NO_VALUES, topP: 0.5 } };
    const one = amend({ ...BODY, temperature: 1 }, both, MANUAL_TRAITS);
    expect([one.top_p, "temperature" in one]).toEqual([0.5, false]);
    expect(amend(BODY, { fixed: values })).not.toHaveProperty("temperature");
  });

  test("thinks as the model's name says, unless the client says how", () => {
    const thinking = { budgetTokens: 4000 };
    expect(amend(BODY, { thinking }, MANUAL_TRAITS)).toMatchObject({
      thinking: { type: "enabled", budget_tokens: 4000 },
    });
    expect(amend(BODY, { thinking: { budgetTokens: null } })).toMatchObject({
      thinking: { type: "adaptive", display: "summarized" },
    });
    expect(
      amend({ ...BODY, temperature: 0.3, output_config: { format: { a: 1 } } }, { thinking }),
    ).toMatchObject({
      thinking: { type: "adaptive" },
      output_config: { format: { a: 1 }, effort: "medium" },
    });
    expect(amend({ ...BODY, temperature: 0.3 }, { thinking }, MANUAL_TRAITS)).not.toHaveProperty(
      "temperature",
    );
    const own = { ...BODY, thinking: { type: "disabled" } };
    expect(amend(own, { thinking })).toEqual(own);
    expect(amend(own, { fixed: { ...NO_VALUES, effort: "low" } })).toMatchObject({
      thinking: { type: "adaptive" },
      output_config: { effort: "low" },
    });
  });
});

describe("what the model does not take is left out and named", () => {
  const fieldsOf = (...args: Parameters<typeof amendBody>) =>
    amendBody(...args).dropped.map(({ field }) => field);

  test("values that it refuses, and values without a member", () => {
    const fixed = { ...NO_VALUES, temperature: 0.5, topK: 3, seed: 1, maxOutputTokens: 9 };
    expect(fieldsOf(BODY, { fixed })).toEqual(["temperature", "topK", "seed"]);
    expect(fieldsOf(BODY, { fixed }, MANUAL_TRAITS)).toEqual(["seed"]);
  });

  test("the client's sampling beside thinking that the model's name asks for", () => {
    const thinking = { budgetTokens: 4000 };
    expect(fieldsOf({ ...BODY, temperature: 0.3 }, { thinking }, MANUAL_TRAITS)).toEqual(["temperature"]);
    expect(fieldsOf(BODY, { thinking }, MANUAL_TRAITS)).toEqual([]);
  });

  test("thinking that has no room", () => {
    const thinking = { budgetTokens: 4000 };
    expect(fieldsOf({ ...BODY, max_tokens: 100 }, { thinking }, MANUAL_TRAITS)).toEqual(["reasoning"]);
  });

  test("a search by name where there is none is refused", () => {
    expect(() => amend(BODY, { search: true }, { ...TRAITS, webSearch: false })).toThrow(GatewayError);
  });
});

describe("seals that were refused", () => {
  const thought = { type: "thinking", thinking: "hm", signature: "s" };
  const use = { type: "tool_use", id: "t", name: "f", input: {} };
  const answered = { role: "user", content: [{ type: "tool_result", tool_use_id: "t" }] };

  test("H-94 are taken out, with the turns that hold nothing else", () => {
    const messages = [
      BODY.messages[0],
      { role: "assistant", content: [thought, { type: "text", text: "a" }] },
      BODY.messages[0],
      { role: "assistant", content: [{ type: "redacted_thinking", data: "x" }] },
      BODY.messages[0],
    ];
    expect(withoutSeals({ ...BODY, messages })).toEqual({
      ...BODY,
      messages: [
        BODY.messages[0],
        { role: "assistant", content: [{ type: "text", text: "a" }] },
        BODY.messages[0],
        BODY.messages[0],
      ],
    });
  });

  test("manual thinking goes with them where it could not go on without", () => {
    const body = {
      ...BODY,
      thinking: { type: "enabled", budget_tokens: 2000 },
      context_management: { edits: [{ type: "clear_thinking_20251015", keep: "all" }] },
      messages: [BODY.messages[0], { role: "assistant", content: [thought, use] }, answered],
    };
    const stripped = withoutSeals(body);
    expect(stripped).not.toHaveProperty("thinking");
    expect(stripped).not.toHaveProperty("context_management");
    expect(withoutSeals({ ...body, thinking: { type: "adaptive" } })).toHaveProperty("thinking");
  });

  test("without any there is nothing to do", () => {
    expect(withoutSeals(BODY)).toBeNull();
  });
});

test("H-138 a paused answer goes back as it was, as the last message", () => {
  const content = [
    { type: "thinking", thinking: "hm", signature: "s" },
    { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: { query: "q" } },
    {
      type: "web_search_tool_result",
      tool_use_id: "srvtoolu_1",
      content: [{ type: "web_search_result", url: "https://a.example/", title: "A", encrypted_content: "E" }],
    },
    { type: "text", text: "so far" },
    { type: "server_tool_use", id: "srvtoolu_2", name: "web_search", input: { query: "r" } },
  ];
  const reply = codec.decodeReply({ type: "message", content, stop_reason: "pause_turn" }, OPTIONS);
  expect(reply.stop.kind).toBe("pause");
  const body = codec.continueReply(BODY, reply);
  expect(body).toEqual({ ...BODY, messages: [...BODY.messages, { role: "assistant", content }] });
});
