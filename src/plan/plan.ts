/**
 * From the model that a client asks for to the ordered targets that may serve it. Pure: built once per snapshot from the config,
 * then only map look-ups.
 */
import { nearestNames } from "./nearest.ts";

/** Where a request may go: an upstream's name and the model as that upstream calls it. */
export interface Target {
  readonly upstream: string;
  readonly model: string;
}

/** Targets in the order to try them, or what the client may have meant. */
export type Plan = { readonly targets: readonly Target[] } | { readonly nearest: readonly string[] };

export interface PlannerConfig {
  /** `[[models]]`: a name, which may end in `*`, and targets `upstream/model`, in which `*` is what the name's `*` matched. */
  readonly models: readonly { readonly name: string; readonly targets: readonly string[] }[];
  /** Upstreams in config order. */
  readonly upstreams: readonly { readonly name: string; readonly family: string }[];
}

/** Model names that tell whose they are, without an upstream's name before them. */
const WELL_KNOWN: readonly (readonly [family: string, names: RegExp])[] = [
  ["anthropic", /^claude-/],
  ["gemini", /^(?:gemini|gemma|learnlm|imagen|veo)-/],
  [
    "openai",
    /^(?:ft:)?(?:(?:gpt|chatgpt|codex|text-embedding|text-moderation|omni-moderation|computer-use|dall-e|whisper|tts|sora|davinci|babbage)-|o\d+(?:-|$))/,
  ],
];

/** Google's clients name models as resources; the resource prefix is not part of the name. */
const RESOURCE_PREFIXES = ["models/", "publishers/google/models/"] as const;

const MAX_REMEMBERED = 1_000;
const MAX_NAME_CHARS = 256;

/**
 * Makes the planner. A model is looked up in this order: exact `[[models]]` name, longest `prefix*` entry, first segment that names
 * an upstream (taken off only then), well-known family, the only upstream there is. Throws when a target names no upstream.
 */
export function makePlanner(config: PlannerConfig): (model: string) => Plan {
  const upstreams = new Set(config.upstreams.map((upstream) => upstream.name));
  const exact = new Map<string, Plan>();
  const patterns: { readonly prefix: string; readonly targets: readonly Target[] }[] = [];
  for (const { name, targets } of config.models) {
    const parsed = targets.map((target) => parseTarget(target, name, upstreams));
    if (name.endsWith("*")) patterns.push({ prefix: name.slice(0, -1), targets: parsed });
    else exact.set(name, { targets: parsed });
  }
  patterns.sort((a, b) => b.prefix.length - a.prefix.length);
  const remembered = new Map<string, Plan>();

  const resolve = (model: string): Plan => {
    const pattern = patterns.find((candidate) => model.startsWith(candidate.prefix));
    if (pattern !== undefined) {
      const matched = model.slice(pattern.prefix.length);
      return {
        targets: pattern.targets.map((target) => ({
          upstream: target.upstream,
          // A function, because `$&` in a model's name is not a replacement pattern.
          model: target.model.replace("*", () => matched),
        })),
      };
    }
    const slash = model.indexOf("/");
    if (slash > 0 && slash < model.length - 1 && upstreams.has(model.slice(0, slash))) {
      return { targets: [{ upstream: model.slice(0, slash), model: model.slice(slash + 1) }] };
    }
    const family = WELL_KNOWN.find(([, names]) => names.test(model))?.[0];
    const relatives = config.upstreams.filter((upstream) => upstream.family === family);
    if (relatives.length > 0) return { targets: relatives.map(({ name }) => ({ upstream: name, model })) };
    const [only, ...others] = config.upstreams;
    if (only !== undefined && others.length === 0) return { targets: [{ upstream: only.name, model }] };
    return { nearest: nearestNames(model, [...exact.keys()], [...upstreams]) };
  };

  return (asked) => {
    const model = withoutResourcePrefix(asked);
    const known = exact.get(model) ?? remembered.get(model);
    if (known !== undefined) return known;
    const plan = resolve(model);
    if (model.length <= MAX_NAME_CHARS) {
      // Names come from clients: the memory of them is bounded, and starting over is cheaper than an order of use.
      if (remembered.size >= MAX_REMEMBERED) remembered.clear();
      remembered.set(model, plan);
    }
    return plan;
  };
}

function parseTarget(target: string, name: string, upstreams: ReadonlySet<string>): Target {
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
