/**
 * The traits of every model. The operator's overrides come first, then the limits of the dialect, then
 * the provider's own list, then the family's dated table, then safe traits for an unknown model.
 */

import type { DialectName } from "../../dialects/dialect.ts";
import { DIALECTS } from "../../dialects/index.ts";
import { EFFORTS, type ModelTraits, type ThinkingTraits } from "../../neutral/traits.ts";
import type { Family } from "../family.ts";
import type { PartialTraits, TraitsOverride } from "./traits-override.ts";

/** An upstream of the configuration, by its name. */
interface TraitsUpstream {
  readonly name: string;
  readonly family: Pick<Family, "traitsOf">;
}

export interface ModelTraitsTable {
  /**
   * The traits of a model in this dialect. `model` is the upstream's name, any text. Gives the same object
   * each time.
   */
  traitsOf(upstream: TraitsUpstream, dialect: DialectName, model: string): ModelTraits;
  /** Keeps the traits that an upstream's list states for a model. They hold for this upstream alone. */
  learn(upstream: TraitsUpstream, model: string, learned: PartialTraits): void;
}

const MAX_REMEMBERED = 1_000;
const MAX_LEARNED = 20_000;
const MAX_NAME_CHARS = 256;

/** Overrides apply from the least exact to the most exact pattern. */
export function makeModelTraitsTable(overrides: readonly TraitsOverride[]): ModelTraitsTable {
  const ordered = overrides.toSorted((a, b) => precision(a.match) - precision(b.match));
  const learned = new Map<string, PartialTraits>();
  const remembered = new Remembered();

  const find = ({ name, family }: TraitsUpstream, dialect: DialectName, model: string): ModelTraits => {
    const patches = [learned.get(`${name} ${model}`) ?? {}, DIALECTS[dialect].limitsOf(model)];
    for (const { match, traits } of ordered) if (isMatch(match, model)) patches.push(traits);
    return Object.freeze(patches.reduce(mergeTraits, family.traitsOf(plainName(model))));
  };

  return {
    traitsOf(upstream, dialect, model) {
      if (model.length > MAX_NAME_CHARS) return find(upstream, dialect, model);
      const models = remembered.modelsOf(upstream.name, dialect);
      const known = models.get(model);
      if (known !== undefined) return known;
      const traits = find(upstream, dialect, model);
      remembered.add(models, model, traits);
      return traits;
    },
    learn({ name }, model, traits) {
      const id = `${name} ${model}`;
      if (model.length > MAX_NAME_CHARS || Object.keys(traits).length === 0) return;
      if (!learned.has(id) && learned.size >= MAX_LEARNED) return;
      learned.set(id, traits);
      remembered.clear();
    },
  };
}

/** Traits by upstream, dialect and model: to join the three names into one takes longer than all look-ups. */
class Remembered {
  readonly #ofUpstream = new Map<string, Map<DialectName, Map<string, ModelTraits>>>();
  #size = 0;

  modelsOf(upstream: string, dialect: DialectName): Map<string, ModelTraits> {
    let ofDialect = this.#ofUpstream.get(upstream);
    if (ofDialect === undefined) {
      ofDialect = new Map();
      this.#ofUpstream.set(upstream, ofDialect);
    }
    let models = ofDialect.get(dialect);
    if (models === undefined) {
      models = new Map();
      ofDialect.set(dialect, models);
    }
    return models;
  }

  /**
   * Clients choose the names of models, so the memory is bounded. Clearing it is cheaper than keeping an order of use.
   */
  add(models: Map<string, ModelTraits>, model: string, traits: ModelTraits): void {
    if (this.#size >= MAX_REMEMBERED) this.clear();
    models.set(model, traits);
    this.#size++;
  }

  clear(): void {
    for (const ofDialect of this.#ofUpstream.values())
      for (const models of ofDialect.values()) models.clear();
    this.#size = 0;
  }
}

function isMatch(pattern: string, model: string): boolean {
  return pattern.endsWith("*") ? model.startsWith(pattern.slice(0, -1)) : pattern === model;
}

function precision(pattern: string): number {
  return pattern.endsWith("*") ? pattern.length - 1 : Number.MAX_SAFE_INTEGER;
}

/**
 * The maker's own name of a model, without the folder, cloud and region in front (`us.anthropic.claude-…`,
 * `anthropic/claude-…`, `databricks-gpt-…`) and the version behind (`@20251101`, `-v1:0`, `:free`) that resellers add.
 */
function plainName(model: string): string {
  return (
    model
      .slice(0, MAX_NAME_CHARS)
      .toLowerCase()
      .replace(/^.*\//s, "")
      .replace(/^(?:[a-z]{2,6}\.)?(?:anthropic|openai|deepseek|qwen|mistral|meta|moonshotai?|zai)\./, "")
      .replace(/^(?:openai|azure|databricks|zai)[-_]/, "")
      // Fireworks writes glm-4p7.
      .replace(/(\d)p(?=\d)/g, "$1.")
      .replace(/^ft:|-v\d+:\d+$/g, "")
      .replace(/[@:].*$/s, "")
  );
}

/** Puts some traits over others, and keeps the traits of thinking consistent. */
function mergeTraits(base: ModelTraits, patch: PartialTraits): ModelTraits {
  const { thinking, input, ...rest } = patch;
  return {
    ...base,
    ...rest,
    thinking: thinking === undefined ? base.thinking : mergeThinking(base.thinking, thinking),
    input: input === undefined ? base.input : Object.freeze({ ...base.input, ...input }),
  };
}

const PLAIN_THINKING: Readonly<Record<ThinkingTraits["kind"], ThinkingTraits>> = {
  none: {
    kind: "none",
    efforts: [],
    minBudgetTokens: 0,
    maxBudgetTokens: 0,
    canDisable: true,
    isOnByDefault: false,
  },
  budget: {
    kind: "budget",
    efforts: [],
    minBudgetTokens: 1_024,
    maxBudgetTokens: 31_999,
    canDisable: true,
    isOnByDefault: false,
  },
  effort: {
    kind: "effort",
    efforts: ["low", "medium", "high"],
    minBudgetTokens: 0,
    maxBudgetTokens: 0,
    canDisable: false,
    isOnByDefault: true,
  },
};

/** Invariant: with kind `effort`, `efforts` holds `none` exactly if thinking can be disabled. */
function mergeThinking(base: ThinkingTraits, patch: Partial<ThinkingTraits>): ThinkingTraits {
  const kind = patch.kind ?? kindOf(patch) ?? base.kind;
  const start = kind === base.kind ? base : PLAIN_THINKING[kind];
  if (kind === "none")
    return Object.freeze({ ...start, isOnByDefault: patch.isOnByDefault ?? start.isOnByDefault });
  if (kind === "budget") {
    const maxBudgetTokens =
      patch.maxBudgetTokens ?? Math.max(start.maxBudgetTokens, patch.minBudgetTokens ?? 0);
    return Object.freeze({
      ...start,
      minBudgetTokens: Math.min(patch.minBudgetTokens ?? start.minBudgetTokens, maxBudgetTokens),
      maxBudgetTokens,
      canDisable: patch.canDisable ?? start.canDisable,
      isOnByDefault: patch.isOnByDefault ?? start.isOnByDefault,
    });
  }
  const words = patch.efforts ?? start.efforts;
  const canDisable = patch.canDisable ?? words.includes("none");
  const efforts = EFFORTS.filter((effort) => (effort === "none" ? canDisable : words.includes(effort)));
  // When `none` is the only word, there is no thinking to ask for.
  if (!efforts.some((effort) => effort !== "none")) return PLAIN_THINKING.none;
  return Object.freeze({
    ...start,
    efforts,
    canDisable,
    isOnByDefault: patch.isOnByDefault ?? start.isOnByDefault,
  });
}

/** The kind that a budget or words imply. */
function kindOf({
  efforts,
  minBudgetTokens,
  maxBudgetTokens,
}: Partial<ThinkingTraits>): ThinkingTraits["kind"] | null {
  if (efforts !== undefined) return "effort";
  return minBudgetTokens === undefined && maxBudgetTokens === undefined ? null : "budget";
}
