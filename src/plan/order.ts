/**
 * Orders the targets of a `[[models]]` entry for one request, from facts that were observed. Pure. The first
 * target is tried first, and the others are its fallbacks.
 */
import type { ModelConfig } from "../config/config.ts";
import type { Target } from "./plan.ts";

/** An order other than the given one. */
export type ObservedOrder = Exclude<ModelConfig["order"], "given">;

/** What is known of one target when the request comes. */
export interface TargetFacts {
  readonly target: Target;
  /** How much of its share the target has not had yet, in turns; see `turnTaken`. */
  readonly credit: number;
  /** Requests that run at the target now. */
  readonly inFlight: number;
  /** The time to the first byte of its answers; null: not known, or known too long ago. */
  readonly firstByteMs: number | null;
  /** The time of the target is not known, and another request is finding it out, or has just failed to. */
  readonly isOnTrial: boolean;
  /** The most that the request can cost there; null: the target has no price. */
  readonly costNanoUsd: number | null;
}

/** Targets whose times differ by less are equally fast: the given order decides between them. */
const EQUALLY_FAST = 1.1;

/** The targets as the request should try them. Where the facts of two are equal, the given order holds. */
export function orderTargets(order: ObservedOrder, facts: readonly TargetFacts[]): readonly Target[] {
  return RANKED[order](facts).map(({ target }) => target);
}

const RANKED: Readonly<Record<ObservedOrder, (facts: readonly TargetFacts[]) => readonly TargetFacts[]>> = {
  weighted: (facts) => facts.toSorted((a, b) => b.credit + weightOf(b) - (a.credit + weightOf(a))),
  "least-busy": (facts) => facts.toSorted((a, b) => loadOf(a) - loadOf(b)),
  fastest: byFirstByte,
  cheapest: (facts) => facts.toSorted((a, b) => compareCosts(a.costNanoUsd, b.costNanoUsd)),
};

function weightOf({ target }: Pick<TargetFacts, "target">): number {
  return target.weight ?? 1;
}

/** With this request. */
function loadOf(facts: TargetFacts): number {
  return (facts.inFlight + 1) / weightOf(facts);
}

/** A target whose time is not known is tried once; while that goes on, it is the last. */
function byFirstByte(facts: readonly TargetFacts[]): readonly TargetFacts[] {
  const known = facts.filter(({ firstByteMs }) => firstByteMs !== null);
  const bestMs = Math.min(...known.map(({ firstByteMs }) => firstByteMs ?? 0));
  const rank = ({ firstByteMs, isOnTrial }: TargetFacts): number => {
    if (firstByteMs === null) return isOnTrial ? Number.POSITIVE_INFINITY : -1;
    return firstByteMs <= bestMs * EQUALLY_FAST ? 0 : firstByteMs;
  };
  return facts.toSorted((a, b) => compare(rank(a), rank(b)));
}

/** Unlike a difference, it is no NaN for two that are infinite. */
function compare(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

function compareCosts(a: number | null, b: number | null): number {
  return compare(a ?? Number.POSITIVE_INFINITY, b ?? Number.POSITIVE_INFINITY);
}

/**
 * The credits of the targets after `chosen` had its turn: each earns its weight, and the chosen one pays for
 * all. So each target's turns are spread evenly, and over any `sum of weights` turns each has its weight of
 * them.
 */
export function turnTaken(facts: readonly TargetFacts[], chosen: Target): readonly number[] {
  const all = facts.reduce((sum, one) => sum + weightOf(one), 0);
  return facts.map((one) => one.credit + weightOf(one) - (one.target === chosen ? all : 0));
}
