/** Explains the order of a request's targets: what it goes by, as it stands at the moment. */
import { usdText } from "../core/money.ts";
import { orderTargets, type TargetFacts } from "../plan/order.ts";
import type { Target } from "../plan/plan.ts";
import { factsOf, type Orderable } from "../proxy/order/order-request.ts";
import type { PlannedRequest } from "../proxy/plan-request.ts";

/** What the order knows of one target; only what it goes by. */
export interface OrderedBy {
  /** `weighted`, `least-busy` */
  readonly weight?: number;
  /** `least-busy`: requests that run there. */
  readonly in_flight?: number;
  /** `fastest`: milliseconds; null: not known, so the target is tried. */
  readonly first_byte_ms?: number | null;
  /** `cheapest`: the most that this request can cost there; null: the target has no price, and is last. */
  readonly most_cost_usd?: string | null;
}

export interface ExplainedOrder {
  readonly targets: readonly Target[];
  readonly factsOf: (target: Target) => OrderedBy | null;
}

/** Takes no turn, and observes nothing. */
export function explainOrder(
  request: Orderable,
  { order, targets }: Pick<PlannedRequest, "order" | "targets">,
): ExplainedOrder {
  if (order === null) return { targets, factsOf: () => null };
  const facts = factsOf(request, order, targets);
  const shown = new Map(facts.map((one) => [one.target, SHOWN[order.by](one)]));
  return { targets: orderTargets(order.by, facts), factsOf: (target) => shown.get(target) ?? null };
}

const SHOWN: Readonly<Record<NonNullable<PlannedRequest["order"]>["by"], (facts: TargetFacts) => OrderedBy>> =
  {
    weighted: ({ target }) => ({ weight: target.weight ?? 1 }),
    "least-busy": ({ target, inFlight }) => ({ weight: target.weight ?? 1, in_flight: inFlight }),
    fastest: ({ firstByteMs }) => ({ first_byte_ms: firstByteMs === null ? null : Math.round(firstByteMs) }),
    cheapest: ({ costNanoUsd }) => ({ most_cost_usd: costNanoUsd === null ? null : usdText(costNanoUsd) }),
  };
