/**
 * Plans a request: the targets that may serve it, in order, and what its model's name or entry changes about
 * it.
 */
import type { Principal } from "../auth/keys.ts";
import type { CacheMode } from "../config/client-keys.ts";
import { GatewayError } from "../core/errors.ts";
import { isObject } from "../core/json.ts";
import type { Framing, Peek } from "../dialects/dialect.ts";
import type { Route } from "../dialects/endpoint.ts";
import { DIALECTS } from "../dialects/index.ts";
import type { Amendment } from "../neutral/amendment.ts";
import { userLabel } from "../neutral/labels.ts";
import { type Detours, type FoundPlan, type Target, withDetours } from "../plan/plan.ts";
import {
  allowedDetours,
  allowedTargets,
  isUpstreamAllowed,
  mayFallBack,
  type Rights,
} from "../plan/rights.ts";
import type { Snapshot } from "../snapshot.ts";
import type { StateId } from "../store/state.ts";
import { pickJson } from "../wire/json-pick.ts";
import { compileShape } from "../wire/json-shape.ts";
import { amendmentOf } from "./amendment.ts";
import type { Asked } from "./exchange.ts";
import type { PlannedOrder } from "./order/order-request.ts";
import {
  fallbacksNotAllowed,
  modelMissing,
  modelNotAllowed,
  modelNotFound,
  otherCaseNotAllowed,
  stateNotAllowed,
} from "./refusals.ts";

/** An object at a provider, which leads to its upstream. */
type Sticky = Pick<StateId, "id" | "upstream">;

export interface PlannedRequest {
  /** In the order to try them; at least one. */
  readonly targets: readonly Target[];
  /** The client's name for the model, without the suffixes that ask for something; null: it names none. */
  readonly modelName: string | null;
  readonly amendment: Amendment | null;
  /** The model's entry orders to refuse rather than to drop. */
  readonly isStrict: boolean;
  /** What the model's entry says of the response cache; null: nothing. */
  readonly cache: CacheMode | null;
  /** null: the targets stay in the order of the plan. */
  readonly order: PlannedOrder | null;
  /** null: there is none, or the request is for no answer. */
  readonly detours: Detours | null;
}

/**
 * Throws `bad_request` without a model, `model_not_found` with the nearest names, or without them for a model that the
 * key may not use, and `key_forbidden` for an object at an upstream that the key may not use.
 */
export function planRequest(
  snapshot: Snapshot,
  route: Route,
  model: string | null,
  sticky: Sticky | null,
  rights: Rights,
): PlannedRequest {
  if (sticky !== null && !isUpstreamAllowed(rights, sticky.upstream)) throw stateNotAllowed(sticky.id);
  if (model === null) {
    // A stored prompt of the provider's may name any model.
    const mayOmitModel = route.mayOmitModel && (rights.modelGlobs === null || !route.hasBody);
    if (!mayOmitModel) throw modelMissing();
    const targets = [speaker(snapshot, route, sticky, rights)];
    return {
      targets,
      modelName: null,
      amendment: null,
      isStrict: false,
      cache: null,
      order: null,
      detours: null,
    };
  }
  const plan = snapshot.plan(model);
  const hasRights = rights.modelGlobs !== null || rights.upstreams !== null;
  if (!("targets" in plan)) throw hasRights ? modelNotAllowed(model) : modelNotFound(model, plan);
  const targets = hasRights ? allowedTargets(plan, model, rights) : plan.targets;
  if (targets.length === 0) throw modelNotAllowed(model);
  return {
    targets,
    modelName: plan.modelName,
    amendment: route.isGenerative ? amendmentOf(plan) : null,
    isStrict: plan.entry?.strict === true,
    cache: plan.entry?.cache ?? null,
    order: orderOf(plan),
    // Models of embeddings do not stand in for one another, and a count is of one model.
    detours: route.isGenerative && plan.detours !== null ? allowedDetours(plan, model, rights) : null,
  };
}

function orderOf({ entry, targets }: FoundPlan): PlannedOrder | null {
  return entry === null || entry.order === "given" ? null : { by: entry.order, entry, targets };
}

/** Members by which a request names models for its upstream to fall back on: OpenRouter's, and Anthropic's. */
const FALLBACKS = compileShape({ models: { "*": true }, fallbacks: { "*": true } });
/** More is not picked, so nobody could say what it names. */
const MAX_FALLBACKS = 255;

/**
 * The models that a body names for its upstream to fall back on. Throws `key_forbidden` when it is not clear which they
 * are.
 */
export function fallbackModels(body: Uint8Array): readonly string[] {
  const models: string[] = [];
  const picked = pickJson(FALLBACKS, body);
  if (!isObject(picked)) return models;
  for (const member of ["models", "fallbacks"]) {
    const list = picked[member] ?? [];
    if (!Array.isArray(list) || list.length > MAX_FALLBACKS) throw fallbacksNotAllowed(member);
    for (const entry of list as readonly unknown[]) {
      const model = isObject(entry) ? entry.model : entry;
      if (typeof model !== "string") throw fallbacksNotAllowed(member);
      models.push(model);
    }
  }
  return models;
}

/**
 * For a key whose models or limits count: no other model than the one that was planned may be read from the body. Throws
 * `model_not_found` when the body names a model to fall back on that the key may not use, and `key_forbidden` when it is
 * not clear which models the body names: servers in Go do not look at the case of a member.
 */
export function checkOtherModels(
  body: Uint8Array,
  { namesFallbacks, doubledFallbacks, modelInOtherCase }: Peek,
  { targets, detours }: Pick<PlannedRequest, "targets" | "detours">,
  rights: Rights,
): void {
  if (modelInOtherCase !== null) throw otherCaseNotAllowed(modelInOtherCase);
  if (namesFallbacks && doubledFallbacks !== null) throw fallbacksNotAllowed(doubledFallbacks);
  if (rights.modelGlobs === null || !namesFallbacks) return;
  const all = detours === null ? targets : withDetours(targets, detours);
  for (const model of fallbackModels(body)) {
    if (!mayFallBack(all, model, rights)) throw modelNotAllowed(model);
  }
}

/** What the request itself has said by now. */
export interface Found {
  requestBytes: number;
  modelAsked: string | null;
  clientFraming: Framing;
  peek: Peek | null;
}

/** The client's wishes with what its key and its plan add. `planned`: null where there is no plan. */
export function askedOf(
  { requestBytes, modelAsked, clientFraming, peek }: Found,
  planned: PlannedRequest | null,
  principal: Principal,
): Asked {
  const amendment = planned?.amendment ?? null;
  return {
    requestBytes,
    modelAsked,
    clientFraming,
    amendment,
    isStrict: principal.strict || planned?.isStrict === true,
    endUser: userLabel(peek?.user ?? null),
    outputLimit: amendment?.fixed.maxOutputTokens ?? peek?.maxOutputTokens ?? null,
    isBackground: peek?.isBackground === true,
  };
}

/** The form in which the client wants its answer. `search` is the query with its question mark, or "". */
export function framingAsked(route: Route, peek: Peek, search: string): Framing {
  return route.isStream || peek.stream ? DIALECTS[route.dialect].streamFraming(search) : "json";
}

/** The upstream that holds the state, or else the first one that speaks the client's dialect. */
function speaker(snapshot: Snapshot, route: Route, sticky: Sticky | null, rights: Rights): Target {
  const names = [...snapshot.upstreams.values()]
    .filter(
      (upstream) =>
        upstream.spokenTo("").dialects.has(route.dialect) && isUpstreamAllowed(rights, upstream.name),
    )
    .map((upstream) => upstream.name);
  const [first] = names;
  if (first === undefined) {
    const message =
      rights.upstreams === null
        ? `no upstream speaks ${route.dialect}; add one to the configuration`
        : `no upstream that this key may use speaks ${route.dialect}; use another key`;
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
