import { expect, test } from "bun:test";
import fc from "fast-check";
import { MODEL_DEFAULTS } from "../config/fixtures/defaults.ts";
import { makeExactGlob } from "../core/glob.ts";
import { FAMILIES } from "../upstreams/index.ts";
import { makePlanner } from "./plan.ts";
import { allowedDetours, allowedTargets, mayAsk, mayFallBack, type Rights } from "./rights.ts";

const plan = makePlanner({
  models: [
    { ...MODEL_DEFAULTS, name: "fast", targets: ["anthropic/claude-haiku-4-5", "openai/gpt-5-mini"] },
    { ...MODEL_DEFAULTS, name: "gpt-5", targets: ["openai/gpt-5-nano"] },
    { ...MODEL_DEFAULTS, name: "team-*", targets: ["anthropic/claude-*"] },
    {
      ...MODEL_DEFAULTS,
      name: "safe",
      targets: ["anthropic/claude-haiku-4-5"],
      onOverflow: ["openai/gpt-5", "anthropic/claude-opus-4-5"],
      onRefusal: ["other/open-model"],
    },
  ],
  upstreams: [
    { name: "anthropic", family: FAMILIES.anthropic, baseUrl: FAMILIES.anthropic.defaultBaseUrl },
    { name: "openai", family: FAMILIES.openai, baseUrl: FAMILIES.openai.defaultBaseUrl },
    { name: "other", family: FAMILIES.openai, baseUrl: FAMILIES.openai.defaultBaseUrl },
  ],
});

const rightsTo = (models: readonly string[] | null, upstreams: readonly string[] | null = null): Rights => ({
  modelGlobs: models === null ? null : models.map(makeExactGlob),
  upstreams,
});

/** As `upstream/model`; null: no model of that name. */
function allowed(asked: string, rights: Rights): string[] | null {
  const found = plan(asked);
  if (!("targets" in found)) return null;
  return allowedTargets(found, asked, rights).map(({ upstream, model }) => `${upstream}/${model}`);
}

const HAIKU = "anthropic/claude-haiku-4-5";
const OPUS = "claude-opus-4-5";

test.each<[models: string[], asked: string, targets: string[]]>([
  // By the name that the client asks for.
  [["claude-*"], OPUS, [`anthropic/${OPUS}`]],
  [["claude-*"], `models/${OPUS}`, [`anthropic/${OPUS}`]],
  [["fast"], "fast", [HAIKU, "openai/gpt-5-mini"]],
  [["gpt-5"], "gpt-5", ["openai/gpt-5-nano"]],
  [["team-opus-*"], "team-opus-4-5", [`anthropic/${OPUS}`]],
  // By upstream and model.
  [["anthropic/*"], OPUS, [`anthropic/${OPUS}`]],
  [["anthropic/*"], "fast", [HAIKU]],
  [["anthropic/*"], "team-opus-4-5", [`anthropic/${OPUS}`]],
  [["*"], "fast", [HAIKU, "openai/gpt-5-mini"]],
  // With a suffix, as the plain name, or as the client writes it.
  [[OPUS], `${OPUS}-thinking-8k`, [`anthropic/${OPUS}`]],
  [["fast"], "fast-search", [HAIKU, "openai/gpt-5-mini"]],
  [[`${OPUS}-thinking`], `${OPUS}-thinking`, [`anthropic/${OPUS}`]],
  [[`${OPUS}-thinking`], OPUS, []],
  // Not by another name for the same model, nor past the entry of a name.
  [["claude-*"], `anthropic/${OPUS}`, []],
  [["claude-*"], "team-opus-4-5", []],
  [["claude-*"], "fast", []],
  [["fast"], "claude-haiku-4-5", []],
  [["fast"], HAIKU, []],
  [["gpt-5"], "openai/gpt-5", []],
  [["gpt-5"], "other/gpt-5", []],
  [["gpt-5"], "gpt-5-mini", []],
  [["haiku"], HAIKU, []],
])("with %j %s may go to %j", (models, asked, targets) => {
  expect(allowed(asked, rightsTo(models))).toEqual(targets);
  expect(mayAsk(plan(asked), asked, rightsTo(models))).toBe(targets.length > 0);
});

test.each<[upstreams: string[], asked: string, targets: string[]]>([
  [["openai"], "fast", ["openai/gpt-5-mini"]],
  [["openai"], HAIKU, []],
  [["other"], "gpt-5-mini", ["other/gpt-5-mini"]],
  [["anthropic"], "team-opus-4-5-thinking", [`anthropic/${OPUS}`]],
  [["anthropic"], "gpt-5", []],
])("at %j %s may go to %j", (upstreams, asked, targets) =>
  expect(allowed(asked, rightsTo(null, upstreams))).toEqual(targets),
);

test("both rights hold at once, and a name without a plan is nobody's", () => {
  expect(allowed("fast", rightsTo(["fast"], ["openai"]))).toEqual(["openai/gpt-5-mini"]);
  expect(allowed("fast", rightsTo(["anthropic/*"], ["openai"]))).toEqual([]);
  expect(mayAsk(plan("nothing-like-it"), "nothing-like-it", rightsTo(["*"]))).toBe(false);
});

test("no name leads a key to a target that neither the name nor the target gives", () => {
  const name = fc.oneof(
    fc.constantFrom("fast", "gpt-5", "team-opus-4-5", OPUS, HAIKU, "openai/gpt-5", "gpt-5-mini"),
    fc.string({ maxLength: 20 }),
  );
  const decorated = fc
    .tuple(
      fc.constantFrom("", "models/", "anthropic/", "openai/", "other/"),
      name,
      fc.constantFrom("", "-thinking", "-search"),
    )
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(decorated, (asked) => {
      // The entry "gpt-5" and what is at "other" in its own words are all that this key may use.
      const rights = rightsTo(["gpt-5", "other/*"]);
      for (const target of allowed(asked, rights) ?? []) {
        expect(target === "openai/gpt-5-nano" || target.startsWith("other/")).toBe(true);
      }
    }),
  );
});

test("a model to fall back on is allowed by its name, or at each upstream that may be asked", () => {
  const targets = [
    { upstream: "openai", model: "gpt-5" },
    { upstream: "other", model: "gpt-5" },
  ];
  expect(mayFallBack(targets, "x/y", rightsTo(null))).toBe(true);
  expect(mayFallBack(targets, "x/y", rightsTo(["x/*"]))).toBe(true);
  expect(mayFallBack(targets, "y", rightsTo(["openai/*", "other/*"]))).toBe(true);
  expect(mayFallBack(targets, "y", rightsTo(["openai/*"]))).toBe(false);
});

test.each<[name: string, rights: Rights, overflow: string[], refusal: string[]]>([
  ["all models", rightsTo(null), ["openai/gpt-5", `anthropic/${OPUS}`], ["other/open-model"]],
  ["the entry's name", rightsTo(["safe"]), ["openai/gpt-5", `anthropic/${OPUS}`], ["other/open-model"]],
  ["one upstream's models", rightsTo(["anthropic/*"]), [`anthropic/${OPUS}`], []],
  ["one upstream", rightsTo(null, ["anthropic"]), [`anthropic/${OPUS}`], []],
  ["two upstreams", rightsTo(["safe"], ["anthropic", "other"]), [`anthropic/${OPUS}`], ["other/open-model"]],
])("a key that may use %s takes no detour past it", (_, rights, overflow, refusal) => {
  const found = plan("safe");
  if (!("targets" in found)) throw new Error("no plan");
  const detours = allowedDetours(found, "safe", rights);
  const named = (targets: readonly { upstream: string; model: string }[] = []): string[] =>
    targets.map(({ upstream, model }) => `${upstream}/${model}`);
  expect([named(detours?.overflow), named(detours?.refusal)]).toEqual([overflow, refusal]);
});

test("a key that may use no target of a detour has none", () => {
  const found = plan("safe");
  if (!("targets" in found)) throw new Error("no plan");
  expect(allowedDetours(found, "safe", rightsTo(["anthropic/claude-haiku-4-5"]))).toBeNull();
});
