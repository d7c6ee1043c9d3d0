import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { ModelConfig } from "../config/config.ts";
import type { ParameterValues } from "../neutral/amendment.ts";
import { FAMILIES } from "../upstreams/index.ts";
import { makePlanner, namesOf, type Plan, type PlannedUpstream } from "./plan.ts";

/** An upstream at its family's own provider, or at another URL. */
const upstreamOf = (
  name: string,
  family: PlannedUpstream["family"],
  baseUrl: string = family.defaultBaseUrl,
): PlannedUpstream => ({ name, family, baseUrl });

const UPSTREAMS = [
  upstreamOf("anthropic", FAMILIES.anthropic),
  upstreamOf("gemini", FAMILIES.gemini),
  upstreamOf("openai", FAMILIES.openai),
  upstreamOf("openai-eu", FAMILIES.openai, "https://eu.api.openai.com/v1"),
  upstreamOf("openrouter", FAMILIES.openai, "https://openrouter.ai/api/v1"),
  upstreamOf("local", FAMILIES.openai, "http://127.0.0.1:8000/v1"),
];
const NO_PARAMETERS: ParameterValues = {
  temperature: null,
  topP: null,
  topK: null,
  maxOutputTokens: null,
  effort: null,
  thinkingBudgetTokens: null,
  stop: null,
  seed: null,
};

const entryOf = (model: Pick<ModelConfig, "name" | "targets"> & Partial<ModelConfig>): ModelConfig => ({
  order: "given",
  weights: null,
  onOverflow: [],
  onRefusal: [],
  strict: false,
  cache: null,
  systemBefore: null,
  systemAfter: null,
  defaults: NO_PARAMETERS,
  fixed: NO_PARAMETERS,
  ...model,
});

const MODELS = [
  { name: "fast", targets: ["anthropic/claude-haiku-4-5", "gemini/gemini-3-flash"] },
  { name: "claude-*", targets: ["openrouter/anthropic/claude-*"] },
  { name: "claude-opus-*", targets: ["anthropic/claude-opus-*", "openrouter/anthropic/claude-opus-*"] },
  { name: "claude-opus-fixed", targets: ["anthropic/claude-opus-4-1"] },
  { name: "team/*", targets: ["openai/*"] },
  { name: "cheap-*", targets: ["gemini/gemini-3-flash"] },
].map(entryOf);

const planner = makePlanner({ models: MODELS, upstreams: UPSTREAMS });

function shown(plan: Plan): readonly string[] | string {
  return "nearest" in plan
    ? `not found: ${plan.nearest.join(" ")}`
    : plan.targets.map((t) => `${t.upstream} ${t.model}`);
}

test.each([
  ["fast", ["anthropic claude-haiku-4-5", "gemini gemini-3-flash"]],
  // The longest prefix wins, an exact name before any prefix.
  ["claude-sonnet-5", ["openrouter anthropic/claude-sonnet-5"]],
  ["claude-opus-5", ["anthropic claude-opus-5", "openrouter anthropic/claude-opus-5"]],
  ["claude-opus-fixed", ["anthropic claude-opus-4-1"]],
  ["claude-", ["openrouter anthropic/claude-"]],
  ["cheap-anything", ["gemini gemini-3-flash"]],
  ["team/a/b", ["openai a/b"]],
  ["team/$&", ["openai $&"]],
  // A first segment is taken off only if it names an upstream.
  ["anthropic/claude-opus-5", ["anthropic claude-opus-5"]],
  ["openrouter/anthropic/claude-opus-5", ["openrouter anthropic/claude-opus-5"]],
  ["openrouter/anything", ["openrouter anything"]],
  // Well-known families, every upstream at the family's provider in config order.
  ["gemini-3-pro", ["gemini gemini-3-pro"]],
  ["gemma-3-27b-it", ["gemini gemma-3-27b-it"]],
  ["gpt-5", ["openai gpt-5", "openai-eu gpt-5"]],
  ["o3", ["openai o3", "openai-eu o3"]],
  ["o4-mini", ["openai o4-mini", "openai-eu o4-mini"]],
  ["chatgpt-4o-latest", ["openai chatgpt-4o-latest", "openai-eu chatgpt-4o-latest"]],
  ["text-embedding-3-small", ["openai text-embedding-3-small", "openai-eu text-embedding-3-small"]],
  ["codex-mini-latest", ["openai codex-mini-latest", "openai-eu codex-mini-latest"]],
  ["ft:gpt-4o:org::id", ["openai ft:gpt-4o:org::id", "openai-eu ft:gpt-4o:org::id"]],
  // Google's resource prefixes.
  ["models/gemini-3-pro", ["gemini gemini-3-pro"]],
  ["publishers/google/models/gemini-3-pro", ["gemini gemini-3-pro"]],
  ["models/anthropic/claude-opus-5", ["anthropic claude-opus-5"]],
  ["models/fast", ["anthropic claude-haiku-4-5", "gemini gemini-3-flash"]],
  // Nothing serves these.
  ["fats", "not found: fast"],
  ["antropic/claude-x", "not found: anthropic/claude-x"],
  ["orca", "not found: anthropic/orca gemini/orca openai/orca"],
  ["other/llama", "not found: anthropic/other/llama gemini/other/llama openai/other/llama"],
  ["anthropic/", "not found: anthropic/ "],
  ["__proto__", "not found: anthropic/__proto__ gemini/__proto__ openai/__proto__"],
])("%p goes to %p", (model, expected) => {
  const plan = shown(planner(model));
  if (typeof expected === "string" && expected.endsWith(" ")) expect(plan).toStartWith(expected.trim());
  else expect(plan).toEqual(expected as string[]);
});

function asked(plan: Plan): string {
  if ("nearest" in plan) return "not found";
  const { modelName, suffixes, targets, entry } = plan;
  const said =
    suffixes === null
      ? ""
      : [
          suffixes.thinking
            ? ` think${suffixes.thinkingBudgetTokens === null ? "" : ` ${suffixes.thinkingBudgetTokens}`}`
            : "",
          suffixes.search ? " search" : "",
        ].join("");
  return `${modelName}${said} at ${targets[0]?.upstream} ${targets[0]?.model} by ${entry?.name ?? "itself"}`;
}

const SUFFIXED = makePlanner({
  upstreams: UPSTREAMS,
  models: [
    { name: "fast", targets: ["openrouter/moonshotai/kimi-k2"] },
    { name: "deep-thinking", targets: ["anthropic/claude-opus-5"] },
    { name: "team/*", targets: ["openai/*"] },
    { name: "claude-opus-*", targets: ["anthropic/claude-opus-*"] },
    { name: "claude-haiku-thinking*", targets: ["openrouter/haiku-thinking*"] },
    { name: "both-*", targets: ["anthropic/claude-*", "openrouter/claude-*"] },
  ].map(entryOf),
});

test.each([
  ["claude-sonnet-5-thinking", "claude-sonnet-5 think at anthropic claude-sonnet-5 by itself"],
  ["claude-sonnet-5-thinking-8k", "claude-sonnet-5 think 8192 at anthropic claude-sonnet-5 by itself"],
  ["claude-sonnet-5-thinking-1024", "claude-sonnet-5 think 1024 at anthropic claude-sonnet-5 by itself"],
  ["claude-sonnet-5-search", "claude-sonnet-5 search at anthropic claude-sonnet-5 by itself"],
  ["claude-sonnet-5-search-thinking", "claude-sonnet-5 think search at anthropic claude-sonnet-5 by itself"],
  [
    "claude-sonnet-5-thinking-2k-search",
    "claude-sonnet-5 think 2048 search at anthropic claude-sonnet-5 by itself",
  ],
  ["models/gemini-2.5-flash-thinking", "gemini-2.5-flash think at gemini gemini-2.5-flash by itself"],
  ["gpt-5.4-thinking", "gpt-5.4 think at openai gpt-5.4 by itself"],
  ["openai/gpt-5.4-search", "gpt-5.4 search at openai gpt-5.4 by itself"],
  ["anthropic/my-own-thinking", "my-own think at anthropic my-own by itself"],
  // Names of `[[models]]` are ours, whatever stands behind them.
  ["fast-thinking", "fast think at openrouter moonshotai/kimi-k2 by fast"],
  ["fast-search", "fast search at openrouter moonshotai/kimi-k2 by fast"],
  ["claude-opus-5-thinking", "claude-opus-5 think at anthropic claude-opus-5 by claude-opus-*"],
  ["team/o3-thinking", "team/o3 think at openai o3 by team/*"],
  // An entry of that very name means the suffix as a part of it.
  ["deep-thinking", "deep-thinking at anthropic claude-opus-5 by deep-thinking"],
  ["deep-thinking-search", "deep-thinking search at anthropic claude-opus-5 by deep-thinking"],
  ["deep-thinking-thinking-4k", "deep-thinking think 4096 at anthropic claude-opus-5 by deep-thinking"],
  [
    "claude-haiku-thinking-8k",
    "claude-haiku-thinking-8k at openrouter haiku-thinking-8k by claude-haiku-thinking*",
  ],
  // A server may have a model of that name.
  [
    "openrouter/moonshotai/kimi-k2-thinking",
    "moonshotai/kimi-k2-thinking at openrouter moonshotai/kimi-k2-thinking",
  ],
  ["openrouter/qwen3-235b-thinking-2507", "qwen3-235b-thinking-2507 at openrouter qwen3-235b-thinking-2507"],
  ["openrouter/claude-opus-5-thinking", "claude-opus-5-thinking at openrouter claude-opus-5-thinking"],
  ["team/kimi-k2-thinking", "team/kimi-k2-thinking at openai kimi-k2-thinking by team/*"],
  ["both-opus-5-thinking", "both-opus-5-thinking at anthropic claude-opus-5-thinking by both-*"],
  // These are no suffixes.
  ["gpt-4o-search-preview", "gpt-4o-search-preview at openai gpt-4o-search-preview by itself"],
  ["claude-sonnet-5-thinking-0", "claude-sonnet-5-thinking-0 at anthropic claude-sonnet-5-thinking-0"],
  ["claude-sonnet-5-thinking-8m", "claude-sonnet-5-thinking-8m at anthropic claude-sonnet-5-thinking-8m"],
  ["claude-sonnet-5-thinking-9999k", "claude-sonnet-5-thinking-9999k at anthropic"],
  ["claude-sonnet-5-Thinking", "claude-sonnet-5-Thinking at anthropic claude-sonnet-5-Thinking"],
  // Each once: what is left belongs to the name.
  [
    "claude-sonnet-5-thinking-thinking",
    "claude-sonnet-5-thinking think at anthropic claude-sonnet-5-thinking",
  ],
  ["-thinking", "not found"],
  ["nobody-thinking", "not found"],
  ["anthropic/-thinking", "-thinking at anthropic -thinking"],
])("%s: %s", (name, expected) => {
  const plan = asked(SUFFIXED(name));
  const withPrefix = /^(?:openrouter|openai|anthropic)\//.exec(name)?.[0] ?? "";
  expect(plan.startsWith(withPrefix) ? plan.slice(withPrefix.length) : plan).toStartWith(expected);
});

test("a name without suffix asks for nothing, and one upstream for all keeps its models' names", () => {
  expect(SUFFIXED("fast")).toMatchObject({ suffixes: null, modelName: "fast", entry: { name: "fast" } });
  expect(SUFFIXED("gpt-5")).toMatchObject({ suffixes: null, modelName: "gpt-5", entry: null });
  const single = makePlanner({ models: [], upstreams: [upstreamOf("local", FAMILIES.openai)] });
  expect(asked(single("llama-4-thinking"))).toBe("llama-4-thinking at local llama-4-thinking by itself");
  expect(asked(single("gpt-5.4-thinking"))).toBe("gpt-5.4 think at local gpt-5.4 by itself");
});

test("with one upstream, every model goes there", () => {
  const plan = makePlanner({ models: [], upstreams: [upstreamOf("local", FAMILIES.openai)] });
  expect(shown(plan("llama-4"))).toEqual(["local llama-4"]);
  expect(shown(plan("claude-opus-5"))).toEqual(["local claude-opus-5"]);
  expect(shown(plan("local/llama-4"))).toEqual(["local llama-4"]);
  expect(shown(plan("other/llama-4"))).toEqual(["local other/llama-4"]);
});

test("with no upstream, nothing is found and nothing is suggested", () => {
  expect(makePlanner({ models: [], upstreams: [] })("gpt-5")).toEqual({ nearest: [], unnamed: null });
});

test("a family without an upstream falls through to what is there", () => {
  const upstreams = [upstreamOf("a", FAMILIES.openai), upstreamOf("b", FAMILIES.openai)];
  expect(shown(makePlanner({ models: [], upstreams })("claude-opus-5"))).toBe(
    "not found: a/claude-opus-5 b/claude-opus-5",
  );
});

test("an entry's weights and detours are of its targets, also where a name has a *", () => {
  const plan = makePlanner({
    upstreams: UPSTREAMS,
    models: [
      entryOf({
        name: "long-*",
        targets: ["anthropic/claude-*", "openrouter/claude-*"],
        weights: [3, 1],
        onOverflow: ["openrouter/claude-*-1m", "gemini/gemini-3-pro"],
        onRefusal: ["openai/gpt-5"],
      }),
    ],
  })("long-opus");
  expect(plan).toMatchObject({
    targets: [
      { upstream: "anthropic", model: "claude-opus", weight: 3 },
      { upstream: "openrouter", model: "claude-opus", weight: 1 },
    ],
    detours: {
      overflow: [
        { upstream: "openrouter", model: "claude-opus-1m" },
        { upstream: "gemini", model: "gemini-3-pro" },
      ],
      refusal: [{ upstream: "openai", model: "gpt-5" }],
    },
  });
  // Limits of a model hold for a request that may come to it by a detour.
  expect(namesOf(plan)).toEqual([
    "long-opus",
    "anthropic/claude-opus",
    "openrouter/claude-opus",
    "openrouter/claude-opus-1m",
    "gemini/gemini-3-pro",
    "openai/gpt-5",
  ]);
  expect(planner("fast")).toMatchObject({ detours: null });
});

test.each(["onOverflow", "onRefusal"] as const)("a target of %s must name an upstream", (key) => {
  const models = [entryOf({ name: "x", targets: ["openai/gpt-5"], [key]: ["nowhere/gpt-5"] })];
  expect(() => makePlanner({ models, upstreams: UPSTREAMS })).toThrow("nowhere/gpt-5");
});

test("a target must name an upstream", () => {
  const make = (target: string) => () =>
    makePlanner({ models: [entryOf({ name: "x", targets: [target] })], upstreams: UPSTREAMS });
  expect(make("gpt-5")).toThrow(
    'model "x": target "gpt-5" does not begin with the name of an upstream and a slash',
  );
  expect(make("nowhere/gpt-5")).toThrow("nowhere/gpt-5");
});

test("asking again costs nothing: the same plan comes back, also after very many other names", () => {
  expect(planner("fast")).toBe(planner("fast"));
  expect(planner("gpt-5")).toBe(planner("gpt-5"));
  for (let i = 0; i < 2_500; i++) planner(`gpt-${i}`);
  expect(shown(planner("gpt-5"))).toEqual(["openai gpt-5", "openai-eu gpt-5"]);
});

test("whatever a client asks for, targets are upstreams of the config and suggestions are short", () => {
  const part = fc.constantFrom(
    "anthropic",
    "models",
    "claude-",
    "fast",
    "*",
    "o3",
    "/",
    "x",
    "__proto__",
    "$&",
  );
  const model = fc.oneof(
    fc.string(),
    fc.array(part).map((parts) => parts.join("")),
    fc.string({ minLength: 5_000 }),
  );
  const names = new Set(UPSTREAMS.map(({ name }) => name));
  fc.assert(
    fc.property(model, (asked) => {
      const plan = planner(asked);
      if ("nearest" in plan) {
        expect(plan.nearest.length).toBeLessThanOrEqual(3);
        for (const name of plan.nearest) expect(name.length).toBeLessThanOrEqual(220);
      } else {
        expect(plan.targets.length).toBeGreaterThan(0);
        for (const target of plan.targets) expect(names.has(target.upstream)).toBe(true);
      }
    }),
  );
});

test("a well-known name does not move on to another provider that has the model too", () => {
  const names = (upstreams: readonly ["anthropic" | "vertex" | "gemini", string][], model: string) => {
    const planned = makePlanner({
      models: [],
      upstreams: upstreams.map(([family, name]) => upstreamOf(name, FAMILIES[family])),
    })(model);
    return "targets" in planned ? planned.targets.map(({ upstream }) => upstream) : null;
  };
  const all = [
    ["anthropic", "own"],
    ["vertex", "cloud"],
    ["anthropic", "spare"],
    ["gemini", "studio"],
  ] as const;
  expect(names([...all] as never, "claude-opus-5")).toEqual(["own", "spare"]);
  expect(names([...all] as never, "gemini-3-flash")).toEqual(["cloud"]);
  expect(names([["vertex", "cloud"]], "claude-opus-5")).toEqual(["cloud"]);
});

describe("a well-known name reaches no server that nobody named for it", () => {
  const { openai, anthropic } = FAMILIES;
  const proxy = upstreamOf("proxy", openai, "https://llm.company.example/v1");
  const spare = upstreamOf("spare", openai, "https://llm.company.example/other/v1");
  const groq = upstreamOf("groq", openai, "https://api.groq.com/openai/v1");
  const own = upstreamOf("own", openai);
  const named = upstreamOf("openai", openai, "https://llm.company.example/v1");
  const said = { ...upstreamOf("said", openai, "https://llm.company.example/v1"), server: "openai" as const };
  const claude = upstreamOf("claude", anthropic);
  const kimi = upstreamOf("kimi", anthropic, "https://api.moonshot.ai/anthropic");
  const simulated = upstreamOf("simulated", openai, "http://127.0.0.1:8585/v1");

  const cases: readonly [string, string, readonly PlannedUpstream[], readonly string[] | string][] = [
    ["it goes to its provider", "gpt-5", [groq, own, proxy], ["own gpt-5"]],
    ["and to what is said to be its provider", "gpt-5", [groq, said, own], ["said gpt-5", "own gpt-5"]],
    ["else to the upstream that has the family's name", "gpt-5", [groq, proxy, named], ["openai gpt-5"]],
    ["the provider goes before that one", "gpt-5", [named, own], ["own gpt-5"]],
    ["else to the gateway's own simulator", "gpt-5", [groq, simulated], ["simulated gpt-5"]],
    ["the name goes before the simulator", "gpt-5", [simulated, named], ["openai gpt-5"]],
    ["else to the only upstream", "gpt-5", [groq], ["groq gpt-5"]],
    ["else nowhere", "gpt-5", [proxy, groq, spare], "not found: proxy/gpt-5 groq/gpt-5 spare/gpt-5"],
    [
      "also where the others are of another family",
      "gpt-5",
      [claude, groq],
      "not found: claude/gpt-5 groq/gpt-5",
    ],
    ["of whatever family", "claude-opus-5", [kimi, own], "not found: kimi/claude-opus-5 own/claude-opus-5"],
    ["nor beside the provider", "claude-opus-5", [kimi, claude], ["claude claude-opus-5"]],
    [
      "another port of this machine is no simulator",
      "gpt-5",
      [UPSTREAMS.at(-1) as PlannedUpstream, groq],
      "not found: local/gpt-5 groq/gpt-5",
    ],
  ];
  test.each(cases)("%s: %s", (_, model, upstreams, expected) => {
    const plan = makePlanner({ models: [], upstreams, simulatorPort: 8585 })(model);
    expect(shown(plan)).toEqual(expected);
    // Whoever is told that there is no target is told the upstream that speaks for the model's maker.
    if (!("targets" in plan))
      expect(plan.unnamed).toBe(upstreams.find(({ family }) => family.modelNames.test(model))?.name ?? null);
  });

  test("whatever upstreams there are, it goes to named ones alone, unless there is but one", () => {
    const pool = [proxy, spare, groq, own, named, said, claude, kimi, simulated, ...UPSTREAMS];
    const isMeant = ({ name, baseUrl, server }: PlannedUpstream): boolean =>
      /openai\.com|anthropic\.com|googleapis\.com|:8585/.test(baseUrl) ||
      server === "openai" ||
      ["openai", "anthropic", "gemini"].includes(name);
    const some = fc.shuffledSubarray(pool, { minLength: 2 }).filter((all) => {
      const names = all.map(({ name }) => name);
      return new Set(names).size === names.length;
    });
    fc.assert(
      fc.property(
        some,
        fc.constantFrom("gpt-5", "o3-mini", "claude-opus-5", "gemini-3-flash"),
        (upstreams, model) => {
          const plan = makePlanner({ models: [], upstreams, simulatorPort: 8585 })(model);
          if (!("targets" in plan)) return;
          for (const { upstream } of plan.targets)
            expect(isMeant(upstreams.find(({ name }) => name === upstream) as PlannedUpstream)).toBe(true);
        },
      ),
    );
  });
});

test("an entry may lead wherever it says", () => {
  const entry = entryOf({ name: "gpt-5", targets: ["openai/gpt-5", "openrouter/openai/gpt-5"] });
  expect(shown(makePlanner({ models: [entry], upstreams: UPSTREAMS })("gpt-5"))).toEqual([
    "openai gpt-5",
    "openrouter openai/gpt-5",
  ]);
});
