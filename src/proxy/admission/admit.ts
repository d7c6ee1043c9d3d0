/**
 * Admission: a request of a key with limits gets room in all of them before it is sent, or an error. What is
 * reserved here is ended in `settle.ts`, in one place for every way in which a request can end.
 */
import { Reservation } from "../../limits/reservation.ts";
import type { Usage } from "../../neutral/usage.ts";
import { type Target, withDetours } from "../../plan/plan.ts";
import { atProvider, fallbackModels, type PlannedRequest } from "../plan-request.ts";
import { modelMissing } from "../refusals.ts";
import type { ServedRequest } from "../served-request.ts";
import { Admission } from "./admission.ts";
import { demandAt } from "./demand.ts";
import { limitReached, modelUnpriced } from "./limit-errors.ts";

/** Where an admitted request may go. */
export type Admitted = Pick<PlannedRequest, "targets" | "detours">;

/**
 * Takes room in the limits of the key, for the dearest of the targets, those of detours included. Returns the targets
 * that the key may use. Throws the client's error when there is no room, and `model_unpriced` when a budget cannot count
 * the model.
 */
export function admit(request: ServedRequest, { targets, detours, modelName }: PlannedRequest): Admitted {
  const { gateway, exchange } = request;
  const { snapshot, limiter } = gateway;
  const { principal, atMs } = exchange;
  const hasModelLimits = (principal.limits?.perModel.length ?? 0) > 0;
  // A stored prompt of the provider's may name any model.
  if (modelName === null && hasModelLimits && exchange.route.isBilled) throw modelMissing();
  const others = fallbacksOf(request, modelName, hasModelLimits);
  const fallbacks =
    others.length === 0
      ? NO_MODELS
      : namesAt(detours === null ? targets : withDetours(targets, detours), others);
  const hasBudget = limiter.hasBudget(principal, modelName, fallbacks);
  const mustHavePrice = hasBudget && snapshot.config.limits.unpriced === "refuse";
  let tokens = 0;
  let costNanoUsd: number | null = null;
  const isUsable = (target: Target): boolean => {
    const demand = demandAt(request, target, hasBudget, others);
    if (mustHavePrice && demand.costNanoUsd === null) return false;
    tokens = Math.max(tokens, demand.tokens);
    if (demand.costNanoUsd !== null) costNanoUsd = Math.max(costNanoUsd ?? 0, demand.costNanoUsd);
    return true;
  };
  const usable = atProvider(targets, request.sticky?.upstream ?? null).filter(isUsable);
  const usableDetours = detours && {
    overflow: detours.overflow.filter(isUsable),
    refusal: detours.refusal.filter(isUsable),
  };
  if (usable.length === 0) throw modelUnpriced(modelName);
  const needed = { tokens, costNanoUsd };
  const given = limiter.reserve(principal, { model: modelName, fallbacks, tokens, costNanoUsd, atMs });
  if (!(given instanceof Reservation)) throw limitReached(given, needed, gateway.clock.nowMs());
  exchange.admission = new Admission(given, needed, gateway.clock);
  return { targets: usable, detours: usableDetours };
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
  exchange.admission = new Admission(given, needed, gateway.clock);
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
