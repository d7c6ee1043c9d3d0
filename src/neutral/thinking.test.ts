import { describe, expect, test } from "bun:test";
import type { ReasoningRequest } from "./request.ts";
import { budgetOf, effortOf, nearestEffort } from "./thinking.ts";
import { EFFORTS, type Effort, type ModelTraits, PLAIN_CHAT } from "./traits.ts";

const asked = (more: Partial<ReasoningRequest>): ReasoningRequest => ({
  effort: null,
  budgetTokens: null,
  isDynamic: false,
  isShown: null,
  ...more,
});

function budgetModel(minBudgetTokens: number, maxBudgetTokens: number, canDisable = true): ModelTraits {
  return {
    contextTokens: null,
    maxOutputTokens: null,
    thinking: {
      kind: "budget",
      efforts: [],
      minBudgetTokens,
      maxBudgetTokens,
      canDisable,
      isOnByDefault: false,
    },
    sampling: "all",
    input: { image: true, pdf: true, audio: false, video: false },
    structuredOutput: true,
    midSystem: false,
    prefill: false,
    stop: true,
    forcedTools: true,
    sealedCalls: false,
    resultImages: true,
    needsResponsesForTools: false,
    reasonsOnResponses: false,
    needsCompletionLimit: false,
    verbosity: false,
    closedSchemas: false,
    plainKeys: false,
    cacheBreakpoints: false,
    webSearch: false,
    onChat: PLAIN_CHAT,
  };
}

describe("thinking", () => {
  test("a budget has a word", () => {
    const words: [number, Effort][] = [
      [0, "none"],
      [1, "minimal"],
      [1024, "minimal"],
      [1025, "medium"],
      [8192, "medium"],
      [8193, "high"],
      [24_576, "high"],
      [24_577, "xhigh"],
      [32_000, "xhigh"],
    ];
    for (const [budgetTokens, effort] of words) expect(effortOf(asked({ budgetTokens }))).toBe(effort);
    expect(effortOf(asked({ effort: "low", budgetTokens: 9999 }))).toBe("low");
    expect(effortOf(asked({ isDynamic: true }))).toBeNull();
    expect(effortOf(null)).toBeNull();
  });

  test("a word has a budget, by what the model takes", () => {
    const coarse = EFFORTS.map((effort) => budgetOf(asked({ effort }), budgetModel(1024, 63_999), null));
    expect(coarse).toEqual([0, 1024, 2048, 8192, 16_384, 31_999, 63_999]);
    const fine = EFFORTS.map((effort) => budgetOf(asked({ effort }), budgetModel(512, 24_576), null));
    expect(fine).toEqual([0, 512, 1024, 8192, 24_576, 24_576, 24_576]);
    expect(budgetOf(asked({ isDynamic: true }), budgetModel(1024, 32_000), null)).toBeNull();
    expect(budgetOf(null, budgetModel(1024, 32_000), null)).toBeNull();
  });

  test("a model that always thinks gets its least", () => {
    expect(budgetOf(asked({ effort: "none" }), budgetModel(128, 32_768, false), null)).toBe(128);
    expect(budgetOf(asked({ budgetTokens: 0 }), budgetModel(128, 32_768, false), null)).toBe(128);
  });

  test("H-111 a budget stays below the answer's limit, and goes where too little is left", () => {
    const model = budgetModel(1024, 32_000);
    expect(budgetOf(asked({ budgetTokens: 8000 }), model, 4096)).toBe(4095);
    expect(budgetOf(asked({ budgetTokens: 8000 }), model, 1025)).toBe(1024);
    expect(budgetOf(asked({ budgetTokens: 8000 }), model, 1024)).toBe(0);
    expect(budgetOf(asked({ budgetTokens: 10 }), model, null)).toBe(1024);
    // Also for models that take less: what is left would be thought away to the last token.
    expect(budgetOf(asked({ effort: "medium" }), budgetModel(1, 24_576), 300)).toBe(0);
    expect(budgetOf(asked({ effort: "medium" }), budgetModel(128, 32_768, false), 300)).toBe(128);
    expect(budgetOf(asked({ effort: "minimal" }), budgetModel(1, 24_576), 900)).toBe(512);
  });

  test("a word that a model has not gives way to its neighbour", () => {
    const cases: [Effort, Effort[], Effort | null][] = [
      ["medium", ["low", "medium", "high"], "medium"],
      ["minimal", ["none", "low", "high"], "low"],
      ["medium", ["low", "high"], "high"],
      ["xhigh", ["low", "high", "max"], "high"],
      ["max", ["low", "high", "xhigh"], "xhigh"],
      ["none", ["low", "high"], "low"],
      ["none", ["none", "low"], "none"],
      ["high", ["minimal", "low"], "low"],
      ["xhigh", ["max"], "max"],
      ["low", ["none"], "none"],
      ["low", [], null],
    ];
    for (const [effort, efforts, nearest] of cases) expect(nearestEffort(effort, efforts)).toBe(nearest);
  });
});
