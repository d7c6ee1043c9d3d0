// What is known of models: the table, what goes over it, and what holds for every name.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { FamilyName } from "../../config/schema.ts";
import type { DialectName } from "../../dialects/dialect.ts";
import { EFFORTS, type ModelTraits } from "../../neutral/traits.ts";
import { FAMILIES } from "../index.ts";
import { makeModelTraitsTable } from "./model-traits-table.ts";
import type { TraitsOverride } from "./traits-override.ts";

const OWN_DIALECT: Readonly<Record<FamilyName, DialectName>> = {
  anthropic: "anthropic-messages",
  gemini: "gemini",
  openai: "openai-responses",
  vertex: "gemini",
};

/** An upstream that is called by its family. */
function upstreamOf(family: FamilyName) {
  return { name: family, family: FAMILIES[family] };
}

function known(family: FamilyName, model: string, overrides: readonly TraitsOverride[] = []): ModelTraits {
  return makeModelTraitsTable(overrides).traitsOf(upstreamOf(family), OWN_DIALECT[family], model);
}

/** `none low high`, `1024-63999`, or nothing. */
function thinkingOf({ thinking }: ModelTraits): string {
  if (thinking.kind === "none") return thinking.isOnByDefault ? "always" : "never";
  if (thinking.kind === "effort") return thinking.efforts.join(" ");
  return `${thinking.canDisable ? "0, " : ""}${thinking.minBudgetTokens}-${thinking.maxBudgetTokens}`;
}

describe("the table", () => {
  test.each([
    ["claude-fable-5", "low medium high xhigh max", "none", true, false],
    ["claude-fable-5-1", "low medium high xhigh max", "none", true, false],
    ["claude-mythos-5", "low medium high xhigh max", "none", true, false],
    ["claude-opus-5-5", "low medium high xhigh max", "none", true, false],
    ["claude-sonnet-5-5", "low medium high xhigh max", "none", true, false],
    ["claude-haiku-5-5", "none low medium high xhigh max", "none", true, false],
    ["claude-opus-5", "none low medium high xhigh max", "none", true, false],
    ["claude-opus-5-20260724", "none low medium high xhigh max", "none", true, false],
    ["claude-sonnet-5", "none low medium high xhigh max", "none", false, false],
    ["claude-opus-4-8", "none low medium high xhigh max", "none", true, false],
    ["claude-opus-4-7", "none low medium high xhigh max", "none", false, false],
    ["claude-opus-4-6", "none low medium high max", "one", false, false],
    ["claude-sonnet-4-6", "none low medium high max", "one", false, false],
    ["claude-opus-4-5-20251101", "0, 1024-63999", "one", false, true],
    ["claude-sonnet-4-5", "0, 1024-63999", "one", false, true],
    ["claude-haiku-4-5-20251001", "0, 1024-63999", "one", false, true],
    ["claude-opus-4-1-20250805", "0, 1024-31999", "one", false, true],
    ["claude-opus-4-20250514", "0, 1024-31999", "all", false, true],
    ["claude-sonnet-4-0", "0, 1024-63999", "all", false, true],
    ["claude-3-7-sonnet-latest", "0, 1024-63999", "all", false, true],
    ["claude-3-5-sonnet-20241022", "never", "all", false, true],
    ["claude-3-haiku-20240307", "never", "all", false, true],
    // Resellers' spellings.
    ["us.anthropic.claude-opus-4-5-20251101-v1:0", "0, 1024-63999", "one", false, true],
    ["claude-opus-4-5@20251101", "0, 1024-63999", "one", false, true],
    ["anthropic/claude-opus-4.6", "none low medium high max", "one", false, false],
    // Nobody knows these: nothing that one of the newest refuses.
    ["claude-opus-4-9", "low medium high", "none", false, false],
    ["claude-saga-7", "low medium high", "none", false, false],
  ] as const)("Claude: %s thinks by %s, samples %s", (model, thinking, sampling, midSystem, prefill) => {
    const traits = known("anthropic", model);
    expect(thinkingOf(traits)).toBe(thinking);
    expect(traits).toMatchObject({ sampling, midSystem, prefill, stop: true });
    // Messages asks for a limit in every request.
    expect(traits.maxOutputTokens).toBeGreaterThan(0);
  });

  test.each([
    ["gemini-2.5-pro", "128-32768", "all", false],
    ["gemini-2.5-flash", "0, 1-24576", "all", false],
    ["gemini-2.5-flash-lite", "0, 512-24576", "all", false],
    ["models/gemini-2.0-flash", "never", "all", false],
    ["gemini-3-pro-preview", "low high", "all", true],
    ["gemini-3-flash-preview", "minimal low medium high", "all", true],
    ["gemini-3.1-pro-preview-customtools", "low medium high", "all", true],
    ["gemini-3.1-flash-lite", "minimal low medium high", "all", true],
    ["gemini-3.5-flash", "minimal low medium high", "all", true],
    ["gemini-3.5-flash-lite", "minimal low medium high", "none", true],
    ["gemini-3.6-flash", "minimal low medium high", "none", true],
    ["gemini-3.7-flash", "low medium high", "none", true],
    ["gemini-3.8-flash", "low medium high", "none", true],
    ["gemini-3-pro-image", "always", "all", true],
    ["gemini-2.5-flash-image", "never", "all", false],
    ["gemini-4-argon", "low medium high", "none", true],
    ["gemini-flash-latest", "low medium high", "none", true],
    ["gemma-3-27b-it", "never", "all", false],
  ] as const)("Gemini: %s thinks by %s, samples %s", (model, thinking, sampling, sealedCalls) => {
    const traits = known("gemini", model);
    expect(thinkingOf(traits)).toBe(thinking);
    expect(traits).toMatchObject({ sampling, sealedCalls, midSystem: false, prefill: false });
  });

  test.each([
    ["gpt-4o-mini", "never", "all", false],
    ["gpt-4.1", "never", "all", false],
    ["ft:gpt-4o:org::id", "never", "all", false],
    ["o3", "low medium high", "none", false],
    ["o4-mini-2025-04-16", "low medium high", "none", false],
    ["gpt-5", "minimal low medium high", "none", false],
    ["gpt-5-mini-2025-08-07", "minimal low medium high", "none", false],
    ["gpt-5-codex", "low medium high", "none", true],
    ["gpt-5-pro", "high", "none", true],
    ["gpt-5-chat-latest", "never", "all", false],
    ["gpt-5.1", "none low medium high", "none", false],
    ["gpt-5.1-codex-max", "low medium high xhigh", "none", true],
    ["gpt-5.2", "none low medium high xhigh", "none", false],
    ["gpt-5.2-pro", "medium high xhigh", "none", true],
    ["gpt-5.3-codex", "low medium high xhigh", "none", true],
    ["gpt-5.4", "none low medium high xhigh", "none", true],
    ["gpt-5.4-mini", "none low medium high xhigh", "none", true],
    ["gpt-5.5", "none low medium high xhigh", "none", true],
    ["gpt-5.6-terra", "none low medium high xhigh max", "none", true],
    ["gpt-6-sol", "none low medium high xhigh max", "none", true],
    ["gpt-6.1-terra", "none low medium high xhigh max", "none", true],
    ["gpt-10", "none low medium high xhigh max", "none", true],
  ] as const)("OpenAI: %s thinks by %s, samples %s", (model, thinking, sampling, needsResponsesForTools) => {
    const traits = known("openai", model);
    expect(thinkingOf(traits)).toBe(thinking);
    expect(traits).toMatchObject({ sampling, needsResponsesForTools });
  });

  test.each([
    ["gpt-oss:20b", "low medium high", false, true],
    ["openai/gpt-oss-120b", "low medium high", false, true],
    ["deepseek-chat", "none high", false, true],
    ["deepseek-v3.2", "none high", false, true],
    ["deepseek/deepseek-r1", "always", false, true],
    ["deepseek-v4-pro", "none low high max", false, true],
    ["moonshotai/kimi-k2-thinking", "always", false, true],
    ["kimi-k2.5", "none high", true, true],
    ["glm-4.6", "none high", false, true],
    ["glm-4.5v", "none high", true, true],
    ["qwen/qwen3-coder", "never", false, false],
    ["qwen3-vl-235b-a22b-thinking", "always", false, false],
    ["Qwen/Qwen2.5-VL-72B-Instruct", "never", true, false],
    ["llama3.2:3b", "never", false, true],
    ["meta-llama/Llama-4-Maverick", "never", true, true],
    ["mistral-large-latest", "never", true, false],
    ["mistral:7b", "never", false, false],
    ["anthropic/claude-opus-4.8", "low medium high", true, false],
    ["my-finetune", "never", true, true],
    ["Qwen/Qwen3-32B", "0, 1-81920", false, false],
    ["qwen3:8b", "0, 1-81920", false, false],
    ["qwen3-30b-a3b-instruct-2507", "never", false, false],
    ["qwen3.5-plus", "0, 1-81920", true, false],
    ["qwen-plus", "0, 1-81920", false, false],
    ["z-ai/glm-5.2", "none low high max", false, true],
    ["MiniMaxAI/MiniMax-M2.7", "always", false, true],
    ["minimax-m3", "none high", true, true],
    ["magistral-medium-2509", "always", true, false],
    ["mistral-small-2603", "none high", true, false],
  ] as const)("compatible: %s thinks by %s", (model, thinking, image, midSystem) => {
    const traits = makeModelTraitsTable([]).traitsOf(upstreamOf("openai"), "openai-chat", model);
    expect(thinkingOf(traits)).toBe(thinking);
    expect(traits.input.image).toBe(image);
    expect(traits).toMatchObject({ midSystem, stop: true, prefill: false, needsResponsesForTools: false });
  });
});

test("a dialect takes away what it has no place for", () => {
  const { traitsOf } = makeModelTraitsTable([]);
  const onChat = traitsOf(upstreamOf("openai"), "openai-chat", "gpt-4o");
  const onResponses = traitsOf(upstreamOf("openai"), "openai-responses", "gpt-4o");
  expect([onChat.stop, onChat.resultImages, onChat.webSearch]).toEqual([true, false, false]);
  expect([onResponses.stop, onResponses.resultImages, onResponses.webSearch]).toEqual([false, true, true]);
  expect(traitsOf(upstreamOf("openai"), "openai-chat", "gpt-4o-search-preview").webSearch).toBe(true);
  expect(traitsOf(upstreamOf("openai"), "openai-chat", "gpt-5.4").needsResponsesForTools).toBe(true);
  expect(traitsOf(upstreamOf("openai"), "openai-chat", "openai/gpt-5.4").needsResponsesForTools).toBe(false);
});

describe("what goes over the table", () => {
  test("the provider's list goes over the table, the operator's word over both", () => {
    const modelTraits = makeModelTraitsTable([{ match: "claude-opus-*", traits: { contextTokens: 3 } }]);
    const ask = (model: string) => modelTraits.traitsOf(upstreamOf("anthropic"), "anthropic-messages", model);
    expect(ask("claude-opus-5")).toMatchObject({ contextTokens: 3, maxOutputTokens: 128_000 });
    modelTraits.learn(upstreamOf("anthropic"), "claude-opus-5", {
      contextTokens: 2,
      maxOutputTokens: 2,
      input: { pdf: false },
      thinking: { kind: "effort", canDisable: false, efforts: ["low", "max"] },
    });
    expect(ask("claude-opus-5")).toMatchObject({
      contextTokens: 3,
      maxOutputTokens: 2,
      input: { image: true, pdf: false },
      thinking: { efforts: ["low", "max"], canDisable: false },
    });
    expect(ask("claude-opus-4-8").maxOutputTokens).toBe(128_000);
    const other = { name: "another server", family: FAMILIES.anthropic };
    expect(modelTraits.traitsOf(other, "anthropic-messages", "claude-opus-5").maxOutputTokens).toBe(128_000);
    expect(modelTraits.traitsOf(upstreamOf("openai"), "openai-chat", "claude-opus-5").maxOutputTokens).toBe(
      128_000,
    );
  });

  test("the more exact entry wins, and others fill in what it does not say", () => {
    const overrides: TraitsOverride[] = [
      { match: "qwen3-max", traits: { midSystem: true } },
      { match: "qwen*", traits: { midSystem: false, contextTokens: 1, maxOutputTokens: 1 } },
      { match: "qwen3-*", traits: { maxOutputTokens: 2 } },
      { match: "*", traits: { webSearch: true } },
    ];
    expect(known("openai", "qwen3-max", overrides)).toMatchObject({
      midSystem: true,
      contextTokens: 1,
      maxOutputTokens: 2,
      webSearch: true,
    });
    expect(known("openai", "qwen3", overrides)).toMatchObject({ midSystem: false, maxOutputTokens: 1 });
  });

  test("thinking that is said in part becomes whole", () => {
    const think = (thinking: TraitsOverride["traits"]["thinking"], model = "local") =>
      known("openai", model, [{ match: "*", traits: thinking === undefined ? {} : { thinking } }]).thinking;
    expect(think({ kind: "effort" })).toMatchObject({
      efforts: ["low", "medium", "high"],
      canDisable: false,
    });
    expect(think({ efforts: ["high", "none"] })).toMatchObject({
      kind: "effort",
      efforts: ["none", "high"],
      canDisable: true,
    });
    expect(think({ maxBudgetTokens: 500 })).toMatchObject({
      kind: "budget",
      minBudgetTokens: 500,
      maxBudgetTokens: 500,
    });
    expect(think({ canDisable: true }, "o3").efforts).toEqual(["none", "low", "medium", "high"]);
    expect(think({ canDisable: false }, "gpt-5.1").efforts).toEqual(["low", "medium", "high"]);
    expect(think({ kind: "none" }, "o3")).toMatchObject({ kind: "none", efforts: [] });
  });
});

const words = fc.constantFrom(
  "claude",
  "gpt",
  "gemini",
  "qwen",
  "-",
  ".",
  "/",
  "5",
  "4-5",
  "opus",
  "pro",
  "flash",
  ":free",
  "@1",
  "__proto__",
);
const name = fc.oneof(
  fc.string(),
  fc.array(words, { maxLength: 8 }).map((parts) => parts.join("")),
);

test("whatever the name, the traits agree with themselves and asking again gives the same", () => {
  const partial = fc.record(
    {
      kind: fc.constantFrom("none", "budget", "effort"),
      efforts: fc.subarray([...EFFORTS]),
      minBudgetTokens: fc.integer({ min: 1, max: 100_000 }),
      maxBudgetTokens: fc.integer({ min: 1, max: 100_000 }),
      canDisable: fc.boolean(),
      isOnByDefault: fc.boolean(),
    } as const,
    { requiredKeys: [] },
  );
  const families = fc.constantFrom<FamilyName>("anthropic", "gemini", "openai");
  fc.assert(
    fc.property(families, name, partial, (family, model, thinking) => {
      const modelTraits = makeModelTraitsTable([]);
      const ask = () => modelTraits.traitsOf(upstreamOf(family), OWN_DIALECT[family], model);
      expect(ask()).toBe(ask());
      modelTraits.learn(upstreamOf(family), model, { thinking });
      const told = ask().thinking;
      expect(Object.isFrozen(ask())).toBe(true);
      expect(told.efforts).toEqual(EFFORTS.filter((effort) => told.efforts.includes(effort)));
      expect(told.minBudgetTokens).toBeLessThanOrEqual(told.maxBudgetTokens);
      expect(told.maxBudgetTokens > 0).toBe(told.kind === "budget");
      if (told.kind === "effort") expect(told.canDisable).toBe(told.efforts.includes("none"));
      else expect(told.efforts).toEqual([]);
    }),
  );
});

test("very many and very long names are answered and not kept", () => {
  const modelTraits = makeModelTraitsTable([]);
  const ask = (model: string) => modelTraits.traitsOf(upstreamOf("openai"), "openai-chat", model);
  for (let i = 0; i < 3_000; i++) ask(`model-${i}`);
  const long = `gpt-5${"x".repeat(100_000)}`;
  expect(ask(long)).toEqual(ask(long));
  expect(ask(`${"a/".repeat(50_000)}gpt-4o`).stop).toBe(true);
});
