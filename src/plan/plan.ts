/**
 * Finds the targets for the model that a client asks for, in the order to try them. Pure; built once for each
 * snapshot, then mostly look-ups in maps.
 */
import type { ModelConfig } from "../config/config.ts";
import { SERVER_BASE_URLS, type ServerName } from "../config/upstreams/servers.ts";
import type { Family } from "../upstreams/family.ts";
import { type NameSuffixes, splitSuffixes } from "./name-suffixes.ts";
import { suggestNames } from "./name-suggestions.ts";

export interface Target {
  readonly upstream: string;
  /** The upstream's name for the model. */
  readonly model: string;
  /** Its share beside the other targets of an entry; absent: 1. */
  readonly weight?: number;
}

/** Why a request leaves its targets: its prompt is too long for them, or one of them refuses its content. */
export type DetourCause = "overflow" | "refusal";

/** The targets of each detour, in the order to try them; an empty list: there is none. */
export type Detours = Readonly<Record<DetourCause, readonly Target[]>>;

export interface FoundPlan {
  /** In the order to try them; at least one. */
  readonly targets: readonly Target[];
  /** The client's name for the model, without Google's resource prefix and without `suffixes`. */
  readonly modelName: string;
  /** null: the name has no suffix. */
  readonly suffixes: NameSuffixes | null;
  /** The matching entry of `[[models]]`; null: no entry matches. */
  readonly entry: ModelConfig | null;
  /** null: there is none, as for most models. */
  readonly detours: Detours | null;
}

/** No target. */
export interface MissingPlan {
  /** Names that the client may have meant. */
  readonly nearest: readonly string[];
  /** An upstream that speaks for the model's maker, and that nothing names for the model; null: there is none. */
  readonly unnamed: string | null;
}

/** The targets, or what a client may be told. */
export type Plan = FoundPlan | MissingPlan;

/** Names by which a plan's model is known: without suffixes, and as `upstream/model` at each of its targets. */
export function namesOf(plan: Plan): readonly string[] {
  if (!("targets" in plan)) return [];
  const targets = plan.detours === null ? plan.targets : withDetours(plan.targets, plan.detours);
  return [plan.modelName, ...targets.map(({ upstream, model }) => `${upstream}/${model}`)];
}

/** All targets that may get the request. */
export function withDetours(targets: readonly Target[], { overflow, refusal }: Detours): readonly Target[] {
  return [...targets, ...overflow, ...refusal];
}

export interface PlannedUpstream {
  readonly name: string;
  readonly family: Pick<Family, "name" | "modelNames" | "servesOtherMakers" | "defaultBaseUrl">;
  readonly baseUrl: string;
  /** What the configuration says that the server is; absent or null: nothing. */
  readonly server?: ServerName | null;
}

export interface PlannerConfig {
  /**
   * A name may end in `*`. A `*` in a target `upstream/model` stands for the text that the name's `*`
   * matched.
   */
  readonly models: readonly ModelConfig[];
  /** In the order of the configuration. */
  readonly upstreams: readonly PlannedUpstream[];
  /** Of the simulator that the gateway serves itself; absent or null: there is none. */
  readonly simulatorPort?: number | null;
}

/** Google's clients name a model as a resource. The prefix is not part of the model's name. */
const RESOURCE_PREFIXES = ["models/", "publishers/google/models/", "publishers/anthropic/models/"] as const;

const MAX_REMEMBERED = 1_000;
const MAX_NAME_CHARS = 256;

/**
 * Looks a model up in this order: exact `[[models]]` name, longest `prefix*` entry, first segment that names
 * an upstream (and is taken off), well-known model names of a family, the only upstream. Suffixes are taken
 * off first, unless they are part of the model's own name. Throws when a target names no upstream.
 */
export function makePlanner(config: PlannerConfig): (model: string) => Plan {
  const upstreams = new Map(config.upstreams.map((upstream) => [upstream.name, upstream.family]));
  const exact = new Map<string, FoundPlan>();
  const patterns: (EntryTargets & { readonly prefix: string; readonly entry: ModelConfig })[] = [];
  for (const entry of config.models) {
    const { name } = entry;
    const targets = targetsOf(entry, upstreams);
    if (name.endsWith("*")) patterns.push({ prefix: name.slice(0, -1), ...targets, entry });
    else exact.set(name, { ...targets, modelName: name, suffixes: null, entry });
  }
  patterns.sort((a, b) => b.prefix.length - a.prefix.length);
  const remembered = new Map<string, Plan>();

  /** null: the name leads to no target. */
  const find = (model: string): FoundPlan | null => {
    const known = exact.get(model);
    if (known !== undefined) return known;
    const found = { modelName: model, suffixes: null, entry: null, detours: null };
    const pattern = patterns.find((candidate) => model.startsWith(candidate.prefix));
    if (pattern !== undefined) {
      const matched = model.slice(pattern.prefix.length);
      return { ...found, ...matchedTargets(pattern, matched), entry: pattern.entry };
    }
    const slash = model.indexOf("/");
    if (slash > 0 && slash < model.length - 1 && upstreams.has(model.slice(0, slash))) {
      return { ...found, targets: [{ upstream: model.slice(0, slash), model: model.slice(slash + 1) }] };
    }
    const relatives = relativesOf(model, config);
    if (relatives.length > 0)
      return { ...found, targets: relatives.map(({ name }) => ({ upstream: name, model })) };
    const [only, ...others] = config.upstreams;
    if (only !== undefined && others.length === 0)
      return { ...found, targets: [{ upstream: only.name, model }] };
    return null;
  };

  /** null: the name has no suffixes, or they are part of the model's own name. */
  const findSuffixed = (model: string): FoundPlan | null => {
    const splits = splitSuffixes(model);
    const split = splits.find((candidate) => exact.has(candidate.model)) ?? splits.at(-1);
    if (split === undefined) return null;
    const plain = find(split.model);
    if (plain === null) return null;
    if (!exact.has(split.model)) {
      if (!plain.targets.every(({ upstream, model }) => mayTakeSuffix(upstreams.get(upstream), model)))
        return null;
      // To a pattern that reaches into the suffix, the suffix is part of the name.
      if (patterns.some(({ prefix }) => prefix.length > split.model.length && model.startsWith(prefix)))
        return null;
    }
    return { ...plain, suffixes: split.suffixes };
  };

  const resolve = (model: string): Plan =>
    findSuffixed(model) ??
    find(model) ?? {
      nearest: suggestNames(model, [...exact.keys()], [...upstreams.keys()]),
      unnamed: config.upstreams.find(({ family }) => family.modelNames.test(model))?.name ?? null,
    };

  return (name) => {
    const model = withoutResourcePrefix(name);
    const known = exact.get(model) ?? remembered.get(model);
    if (known !== undefined) return known;
    const plan = resolve(model);
    if (model.length <= MAX_NAME_CHARS) {
      // Clients choose the names, so the memory is bounded. Clearing it is cheaper than keeping an order of
      // use.
      if (remembered.size >= MAX_REMEMBERED) remembered.clear();
      remembered.set(model, plan);
    }
    return plan;
  };
}

/**
 * Whether a suffix is the gateway's, not part of the model's own name. Model names of Anthropic, Google and
 * OpenAI never end in a suffix; those of other makers may (`kimi-k2-thinking`).
 */
function mayTakeSuffix(family: PlannedUpstream["family"] | undefined, model: string): boolean {
  return family !== undefined && (!family.servesOtherMakers || family.modelNames.test(model));
}

/**
 * The upstreams that a well-known name leads to: those at the provider of the first family that knows the name, else the one
 * that has the family's name, else those at the gateway's own simulator. A prompt never goes to a server that nobody named
 * for its model: to all others an entry, the upstream's name in the model, or the lack of any other upstream leads.
 */
function relativesOf(model: string, { upstreams, simulatorPort }: PlannerConfig): readonly PlannedUpstream[] {
  const known = upstreams.filter(({ family }) => family.modelNames.test(model));
  const isOwnSimulator = ({ baseUrl }: PlannedUpstream): boolean =>
    simulatorPort != null && new URL(baseUrl).host === `127.0.0.1:${simulatorPort}`;
  for (const isNamed of [isAtProvider, hasNameOfFamily, isOwnSimulator]) {
    const named = known.filter(isNamed);
    if (named.length > 0) return named.filter(({ family }) => family === named[0]?.family);
  }
  return [];
}

/** Whether the upstream is on a host of its family's own provider, of whatever region, or said to be that provider. */
function isAtProvider({ family, baseUrl, server }: PlannedUpstream): boolean {
  const home = server == null ? null : SERVER_BASE_URLS[server];
  const provider = domainOf(family.defaultBaseUrl);
  return domainOf(baseUrl) === provider || (home !== null && domainOf(home) === provider);
}

function hasNameOfFamily({ family, name }: PlannedUpstream): boolean {
  return family.name === name;
}

/** `openai.com` of `https://eu.api.openai.com/v1`. */
function domainOf(url: string): string {
  return new URL(url).hostname.replace(/\.$/, "").split(".").slice(-2).join(".");
}

/** Where an entry leads. */
type EntryTargets = Pick<FoundPlan, "targets" | "detours">;

function targetsOf(entry: ModelConfig, upstreams: ReadonlyMap<string, unknown>): EntryTargets {
  const { name, weights, onOverflow, onRefusal } = entry;
  const parse = (target: string): Target => parseTarget(target, name, upstreams);
  const targets = entry.targets.map(parse);
  return {
    targets:
      weights === null ? targets : targets.map((target, i) => ({ ...target, weight: weights[i] ?? 1 })),
    detours:
      onOverflow.length === 0 && onRefusal.length === 0
        ? null
        : { overflow: onOverflow.map(parse), refusal: onRefusal.map(parse) },
  };
}

/** `matched`: the text in the place of each target's `*`. */
function matchedTargets({ targets, detours }: EntryTargets, matched: string): EntryTargets {
  const fill = (target: Target): Target => ({
    ...target,
    // A function, because `$&` in a model's name is not a replacement pattern.
    model: target.model.replace("*", () => matched),
  });
  return {
    targets: targets.map(fill),
    detours: detours && { overflow: detours.overflow.map(fill), refusal: detours.refusal.map(fill) },
  };
}

function parseTarget(target: string, name: string, upstreams: ReadonlyMap<string, unknown>): Target {
  const slash = target.indexOf("/");
  const upstream = target.slice(0, slash);
  if (slash < 0 || !upstreams.has(upstream)) {
    throw new Error(
      `model "${name}": target "${target}" does not begin with the name of an upstream and a slash`,
    );
  }
  return { upstream, model: target.slice(slash + 1) };
}

function withoutResourcePrefix(model: string): string {
  for (const prefix of RESOURCE_PREFIXES) if (model.startsWith(prefix)) return model.slice(prefix.length);
  return model;
}
