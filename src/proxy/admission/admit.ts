/**
 * Admission: a request of a key with limits gets room in all of them before it is sent, or an error. What is
 * reserved here is ended in `settle.ts`, in one place for every way in which a request can end.
 */
import { isAdminKey } from "../../auth/admin-key.ts";
import type { Principal } from "../../auth/keys.ts";
import type { GatewayError } from "../../core/errors.ts";
import { type Needed, Reservation } from "../../limits/reservation.ts";
import type { Usage } from "../../neutral/usage.ts";
import { type Target, withDetours } from "../../plan/plan.ts";
import type { Gateway } from "../gateway.ts";
import { atProvider, fallbackModels, type PlannedRequest } from "../plan-request.ts";
import { modelMissing } from "../refusals.ts";
import type { ServedRequest } from "../served-request.ts";
import { demandAt } from "./demand.ts";
import { limitReached, modelUnpriced } from "./limit-errors.ts";

/** Where an admitted request may go. */
export type Admitted = Pick<PlannedRequest, "targets" | "detours">;

/**
 * Takes room in the limits of the key, for the dearest of the targets, those of detours included. Returns the targets
 * that the key may use. Throws the client's error when there is no room, and `model_unpriced` when a budget cannot count
 * the model.
 */
export function admit(request: ServedRequest, planned: PlannedRequest): Admitted {
  const { targets, detours, modelName } = planned;
  const { gateway, exchange } = request;
  const { snapshot, limiter } = gateway;
  const { principal } = exchange;
  const hasModelLimits = (principal.limits?.perModel.length ?? 0) > 0;
  // A stored prompt of the provider's may name any model.
  if (modelName === null && hasModelLimits && exchange.route.isBilled) throw modelMissing();
  const others = fallbacksOf(request, modelName, hasModelLimits);
  const fallbacks =
    others.length === 0
      ? NO_MODELS
      : namesAt(detours === null ? targets : withDetours(targets, detours), others);
  const hasBudget = limiter.hasBudget(principal, modelName, fallbacks);
  const mustHavePrice = hasBudget && snapshot.config.limits.unpriced === "refuse" && !isAdminKey(principal);
  const terms = { hasBudget, mustHavePrice, others };
  const own = measure(request, atProvider(targets, request.sticky?.upstream ?? null), terms);
  if (own.usable.length === 0) throw modelUnpriced(modelName);
  if (detours !== null) {
    const overflow = measure(request, detours.overflow, terms);
    const refusal = measure(request, detours.refusal, terms);
    const most = dearest(own, dearest(overflow, refusal));
    const given = reserve(request, modelName, fallbacks, most);
    if (given instanceof Reservation) {
      exchange.admission = given;
      return { targets: own.usable, detours: { overflow: overflow.usable, refusal: refusal.usable } };
    }
    // A detour that the key cannot pay for is left out, as one without a price is.
  }
  const given = reserve(request, modelName, fallbacks, own);
  if (!(given instanceof Reservation)) throw given;
  exchange.admission = given;
  return detours === null && own.usable === targets ? planned : { targets: own.usable, detours: null };
}

/** Targets that the key may use, and the most that the request may need at one of them. */
interface Measured extends Needed {
  readonly usable: readonly Target[];
}

function measure(
  request: ServedRequest,
  targets: readonly Target[],
  terms: { readonly hasBudget: boolean; readonly mustHavePrice: boolean; readonly others: readonly string[] },
): Measured {
  // Most models have one target, and a price.
  let usable: Target[] | null = null;
  let tokens = 0;
  let costNanoUsd: number | null = null;
  for (let i = 0; i < targets.length; i++) {
    const target = targets[i] as Target;
    const demand = demandAt(request, target, terms.hasBudget, terms.others);
    if (terms.mustHavePrice && demand.costNanoUsd === null) {
      usable ??= targets.slice(0, i);
      continue;
    }
    usable?.push(target);
    tokens = Math.max(tokens, demand.tokens);
    if (demand.costNanoUsd !== null) costNanoUsd = Math.max(costNanoUsd ?? 0, demand.costNanoUsd);
  }
  return { usable: usable ?? targets, tokens, costNanoUsd };
}

function dearest(one: Needed, other: Needed): Needed {
  const costs = [one.costNanoUsd, other.costNanoUsd].filter((cost) => cost !== null);
  return {
    tokens: Math.max(one.tokens, other.tokens),
    costNanoUsd: costs.length === 0 ? null : Math.max(...costs),
  };
}

/** Returns the client's error when there is no room. */
function reserve(
  { gateway: { limiter, clock }, exchange: { principal, atMs } }: ServedRequest,
  model: string | null,
  fallbacks: readonly string[],
  { tokens, costNanoUsd }: Needed,
): Reservation | GatewayError {
  const demand = { model, fallbacks, atMs, tokens, costNanoUsd };
  const given = limiter.reserve(principal, demand);
  return given instanceof Reservation ? given : limitReached(given, demand, clock.nowMs());
}

/**
 * Takes room for a request whose answer is made for another one, or was: it counts as a request, and its tokens count,
 * but no budget pays for it. `usage`: null where it is not known yet. Throws the client's error.
 */
export function admitUnpaid(
  request: ServedRequest,
  { targets, modelName }: PlannedRequest,
  usage: Usage | null,
): void {
  const { gateway, exchange } = request;
  const { principal, atMs } = exchange;
  const [first] = targets;
  const known = usage === null ? null : (usage.inputTokens ?? 0) + (usage.outputTokens ?? 0);
  const tokens = known ?? (first === undefined ? 0 : demandAt(request, first, false, NO_MODELS).tokens);
  const needed = { tokens, costNanoUsd: 0 };
  const given = gateway.limiter.reserve(principal, { model: modelName, atMs, ...needed });
  if (!(given instanceof Reservation)) throw limitReached(given, needed, gateway.clock.nowMs());
  exchange.admission = given;
}

/**
 * Takes room for an explanation, which costs the gateway what a request does: it counts as one, and no budget pays for it. null:
 * the key has no limits. Throws the client's error.
 */
export function admitExplained(
  { limiter, clock }: Pick<Gateway, "limiter" | "clock">,
  principal: Principal,
  model: string | null,
  atMs: number,
): Reservation | null {
  if (principal.limits === null) return null;
  const needed = { tokens: 0, costNanoUsd: 0 };
  const given = limiter.reserve(principal, { model, atMs, ...needed });
  if (given instanceof Reservation) return given;
  throw limitReached(given, needed, clock.nowMs());
}

const NO_MODELS: readonly string[] = [];

function namesAt(targets: readonly Target[], models: readonly string[]): readonly string[] {
  return targets.flatMap(({ upstream }) => models.map((model) => `${upstream}/${model}`));
}

/** Models that the upstream may charge for in place of the one that it is asked for, where limits depend on the model. */
function fallbacksOf(
  { gateway: { limiter }, exchange: { principal }, body, peek }: ServedRequest,
  modelName: string | null,
  hasModelLimits: boolean,
): readonly string[] {
  if (body === null || peek?.namesFallbacks !== true) return NO_MODELS;
  const isAboutModels = hasModelLimits || limiter.hasBudget(principal, modelName);
  return isAboutModels ? fallbackModels(body) : NO_MODELS;
}
