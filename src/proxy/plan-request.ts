/**
 * Plans a request: the targets that may serve it, in order, and what its model's name or entry changes about
 * it.
 */
import { GatewayError } from "../core/errors.ts";
import type { Framing, Peek } from "../dialects/dialect.ts";
import type { Route } from "../dialects/endpoint.ts";
import { DIALECTS } from "../dialects/index.ts";
import type { Amendment } from "../neutral/amendment.ts";
import type { Target } from "../plan/plan.ts";
import type { Snapshot } from "../snapshot.ts";
import type { StateId } from "../store/state.ts";
import { amendmentOf } from "./amendment.ts";
import { modelMissing, modelNotFound } from "./refusals.ts";

export interface PlannedRequest {
  /** In the order to try them; at least one. */
  readonly targets: readonly Target[];
  /** The client's name for the model, without the suffixes that ask for something; null: it names none. */
  readonly modelName: string | null;
  readonly amendment: Amendment | null;
  /** The model's entry orders to refuse rather than to drop. */
  readonly isStrict: boolean;
}

/** Throws `bad_request` without a model, `model_not_found` with the nearest names. */
export function planRequest(
  snapshot: Snapshot,
  route: Route,
  model: string | null,
  sticky: StateId | null,
): PlannedRequest {
  if (model === null) {
    if (!route.mayOmitModel) throw modelMissing();
    return { targets: [speaker(snapshot, route, sticky)], modelName: null, amendment: null, isStrict: false };
  }
  const plan = snapshot.plan(model);
  if (!("targets" in plan)) throw modelNotFound(model, plan.nearest);
  return {
    targets: plan.targets,
    modelName: plan.modelName,
    amendment: route.isGenerative ? amendmentOf(plan) : null,
    isStrict: plan.entry?.strict === true,
  };
}

/** The form in which the client wants its answer. `search` is the query with its question mark, or "". */
export function framingAsked(route: Route, peek: Peek, search: string): Framing {
  return route.isStream || peek.stream ? DIALECTS[route.dialect].streamFraming(search) : "json";
}

/** The upstream that holds the state, or else the first one that speaks the client's dialect. */
function speaker(snapshot: Snapshot, route: Route, sticky: StateId | null): Target {
  const names = [...snapshot.upstreams.values()]
    .filter((upstream) => upstream.dialects.has(route.dialect))
    .map((upstream) => upstream.name);
  const [first] = names;
  if (first === undefined) {
    const message = `no upstream speaks ${route.dialect}; add one to the configuration`;
    throw new GatewayError("model_not_found", message);
  }
  return {
    upstream: sticky !== null && names.includes(sticky.upstream) ? sticky.upstream : first,
    model: "",
  };
}

/** The targets at the upstream that holds the state of the request, if there are any. */
export function atProvider(targets: readonly Target[], upstream: string | null): readonly Target[] {
  if (upstream === null) return targets;
  const there = targets.filter((target) => target.upstream === upstream);
  return there.length > 0 ? there : targets;
}
