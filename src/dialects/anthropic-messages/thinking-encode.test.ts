import { describe, expect, test } from "bun:test";
import type { ModelRequest, ReasoningRequest } from "../../neutral/request.ts";
import type { EncodeRequestOptions } from "../codec.ts";
import { PLAIN_SAMPLING } from "../fixtures/plain-request.ts";
import { MANUAL_TRAITS, TRAITS } from "./fixtures/codec-under-test.ts";
import {
  assistant,
  call,
  encodeAccepted,
  manual,
  reasoning,
  result,
  tool,
  user,
} from "./fixtures/request-under-test.ts";

describe("thinking", () => {
  const thinkingOf = (
    asked: Partial<ReasoningRequest>,
    options: Partial<EncodeRequestOptions> = {},
    more: Partial<ModelRequest> = {},
  ) => {
    const { body, fields } = encodeAccepted({ reasoning: reasoning(asked), ...more }, options);
    return [body.thinking, body.output_config?.effort, fields];
  };
  const always = {
    traits: {
      ...TRAITS,
      thinking: { ...TRAITS.thinking, efforts: ["low", "medium", "high"] as const, canDisable: false },
    },
    model: "claude-fable-5",
  };

  test("a model that decides for itself gets a word", () => {
    expect(thinkingOf({ effort: "minimal" })).toEqual([{ type: "adaptive" }, "low", []]);
    expect(thinkingOf({ budgetTokens: 20_000 })).toEqual([{ type: "adaptive" }, "high", []]);
    expect(thinkingOf({ isDynamic: true, isShown: false })).toEqual([
      { type: "adaptive", display: "omitted" },
      undefined,
      [],
    ]);
    expect(thinkingOf({ effort: "none" })).toEqual([{ type: "disabled" }, undefined, []]);
    expect(thinkingOf({ effort: "max" }, always)).toEqual([{ type: "adaptive" }, "high", ["reasoning"]]);
    expect(thinkingOf({ effort: "none" }, always)).toEqual([{ type: "adaptive" }, "low", ["reasoning"]]);
  });

  test("H-111 one that is given a budget gets one that it takes, below the limit of the answer", () => {
    expect(thinkingOf({ effort: "high" }, manual)).toEqual([
      { type: "enabled", budget_tokens: 16_384 },
      undefined,
      [],
    ]);
    expect(thinkingOf({ budgetTokens: 50_000 }, manual, { maxOutputTokens: 4000 })).toEqual([
      { type: "enabled", budget_tokens: 3999 },
      undefined,
      [],
    ]);
    expect(thinkingOf({ budgetTokens: 5000 }, manual, { maxOutputTokens: 500 })).toEqual([
      undefined,
      undefined,
      ["reasoning"],
    ]);
    expect(thinkingOf({ isDynamic: true }, manual)).toEqual([
      { type: "enabled", budget_tokens: 8192 },
      undefined,
      [],
    ]);
    expect(thinkingOf({ effort: "none" }, manual)).toEqual([undefined, undefined, []]);
  });

  test("a forced call, sampling, and a turn that does not begin with thinking", () => {
    const forced = { tools: [tool("f")], toolChoice: { mode: "required" } } as const;
    expect(thinkingOf({ effort: "high" }, manual, forced)).toEqual([undefined, undefined, ["reasoning"]]);
    expect(thinkingOf({ effort: "high" }, {}, forced)).toEqual([{ type: "adaptive" }, "high", []]);
    const sampling = {
      ...PLAIN_SAMPLING,
      temperature: 0.2,
    };
    expect(thinkingOf({ effort: "high" }, manual, { sampling })[2]).toEqual(["temperature"]);
    const messages = [user("a"), assistant(call("c1")), user(result("c1"))];
    expect(thinkingOf({ effort: "high" }, manual, { messages })).toEqual([
      undefined,
      undefined,
      ["reasoning"],
    ]);
  });

  test("a model that cannot think is not asked to, and that is named", () => {
    const traits = { ...MANUAL_TRAITS, thinking: { ...MANUAL_TRAITS.thinking, kind: "none" as const } };
    expect(thinkingOf({ effort: "high" }, { ...manual, traits })).toEqual([
      undefined,
      undefined,
      ["reasoning"],
    ]);
  });
});
