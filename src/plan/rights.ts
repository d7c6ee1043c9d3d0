/** What of a plan a client's key may use. Pure. */
import type { Glob } from "../core/glob.ts";
import type { Detours, FoundPlan, Plan, Target } from "./plan.ts";

export interface Rights {
  /** null: all models. */
  readonly modelGlobs: readonly Glob[] | null;
  /** Names; null: all upstreams. */
  readonly upstreams: readonly string[] | null;
}

/**
 * The targets that a key with these rights may use, in the order of the plan; empty: none. A glob of a model is
 * compared with the name as the client asks for it, with and without its suffixes, and with `upstream/model` of each
 * target. It is never compared with the bare name of a target's model: a client could then leave out the `[[models]]`
 * entry of the same name, and what the entry orders.
 */
export function allowedTargets(plan: FoundPlan, asked: string, rights: Rights): readonly Target[] {
  return allowedOf(plan.targets, plan, asked, rights);
}

/** The detours that a key with these rights may take: their targets are held to the same rule. */
export function allowedDetours(plan: FoundPlan, asked: string, rights: Rights): Detours | null {
  const { detours } = plan;
  if (detours === null) return null;
  const overflow = allowedOf(detours.overflow, plan, asked, rights);
  const refusal = allowedOf(detours.refusal, plan, asked, rights);
  return overflow.length === 0 && refusal.length === 0 ? null : { overflow, refusal };
}

function allowedOf(
  all: readonly Target[],
  { modelName }: FoundPlan,
  asked: string,
  { modelGlobs, upstreams }: Rights,
): readonly Target[] {
  const targets = upstreams === null ? all : all.filter(({ upstream }) => upstreams.includes(upstream));
  if (modelGlobs === null || isNamed(modelGlobs, asked) || isNamed(modelGlobs, modelName)) return targets;
  return targets.filter(({ upstream, model }) => isNamed(modelGlobs, `${upstream}/${model}`));
}

/** Whether the key may ask for this name. */
export function mayAsk(plan: Plan, asked: string, rights: Rights): boolean {
  return "targets" in plan && allowedTargets(plan, asked, rights).length > 0;
}

/**
 * Whether one of these targets may serve the request with another model, which the request names for the upstream to
 * fall back on.
 */
export function mayFallBack(targets: readonly Target[], model: string, { modelGlobs }: Rights): boolean {
  if (modelGlobs === null || isNamed(modelGlobs, model)) return true;
  return targets.every(({ upstream }) => isNamed(modelGlobs, `${upstream}/${model}`));
}

/** Whether the key may use the upstream of this name. */
export function isUpstreamAllowed({ upstreams }: Rights, upstream: string): boolean {
  return upstreams === null || upstreams.includes(upstream);
}

function isNamed(globs: readonly Glob[], name: string): boolean {
  return globs.some((glob) => glob(name));
}
