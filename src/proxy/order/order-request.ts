/** Puts the targets of a request in the order that its `[[models]]` entry asks for. */
import type { ModelConfig } from "../../config/config.ts";
import { type ObservedOrder, orderTargets, type TargetFacts, turnTaken } from "../../plan/order.ts";
import type { Target } from "../../plan/plan.ts";
import { type Demanding, demandAt } from "../admission/demand.ts";
import type { Exchange } from "../exchange.ts";
import type { Gateway } from "../gateway.ts";
import type { FirstByteTimes } from "./first-byte-times.ts";
import type { ObservedTarget } from "./observed-targets.ts";

/** The order of an entry whose targets do not stay as they are given. */
export interface PlannedOrder {
  readonly by: ObservedOrder;
  readonly entry: ModelConfig;
  /** All targets of the entry, also those that the key may not use. */
  readonly targets: readonly Target[];
}

/** The parts of a served request on which an order depends. */
export interface Orderable extends Demanding {
  readonly gateway: Pick<Gateway, "snapshot" | "observed" | "clock">;
  readonly exchange: Demanding["exchange"] & Pick<Exchange, "principal" | "clientFraming">;
}

/** The order for this request, which counts as one of the turns and trials of its targets. */
export function orderRequest(
  request: Orderable,
  order: PlannedOrder,
  targets: readonly Target[],
): readonly Target[] {
  if (targets.length < 2) return targets;
  if (goesByObservation(order.by)) {
    const { observed } = request.gateway;
    for (const { upstream, model } of targets) observed.observe(upstream, model);
  }
  const facts = factsOf(request, order, targets);
  const ordered = orderTargets(order.by, facts);
  const [first] = ordered;
  if (first !== undefined) noteChoice(request, order, facts, first);
  return ordered;
}

function goesByObservation(by: ObservedOrder): boolean {
  return by === "least-busy" || by === "fastest";
}

/** What the order goes by, in the order of `targets`. A target that is not observed yet is idle and cold. */
export function factsOf(
  request: Orderable,
  { by, entry, targets: all }: PlannedOrder,
  targets: readonly Target[],
): readonly TargetFacts[] {
  const { observed } = request.gateway;
  const credits = by === "weighted" ? observed.creditsOf(entry) : null;
  const isObserved = goesByObservation(by);
  return targets.map((target): TargetFacts => {
    const seen = isObserved ? observed.find(target.upstream, target.model) : null;
    return {
      target,
      credit: credits?.[all.indexOf(target)] ?? 0,
      inFlight: seen?.inFlight ?? 0,
      ...(by === "fastest" && seen !== null ? timeAt(request, seen) : UNKNOWN_TIME),
      costNanoUsd: by === "cheapest" ? demandAt(request, target, true, []).costNanoUsd : null,
    };
  });
}

const UNKNOWN_TIME = { firstByteMs: null, isOnTrial: false } as const;

function timeAt(request: Orderable, seen: ObservedTarget): Pick<TargetFacts, "firstByteMs" | "isOnTrial"> {
  const { clock } = request.gateway;
  return timesFor(request.exchange, seen).of(request.exchange.principal.name, clock.monotonicMs());
}

/** The times of answers in the form that the client asks for. */
export function timesFor(
  { clientFraming }: Pick<Exchange, "clientFraming">,
  { streams, wholes }: ObservedTarget,
): FirstByteTimes {
  return clientFraming === "json" ? wholes : streams;
}

function noteChoice(
  request: Orderable,
  { by, entry, targets: all }: PlannedOrder,
  facts: readonly TargetFacts[],
  first: Target,
): void {
  const { observed, clock } = request.gateway;
  if (by === "weighted") {
    const credits = observed.creditsOf(entry);
    turnTaken(facts, first).forEach((credit, i) => {
      const at = all.indexOf(facts[i]?.target as Target);
      if (at !== -1) credits[at] = credit;
    });
  } else if (by === "fastest") {
    const isCold = facts.some(({ target, firstByteMs }) => target === first && firstByteMs === null);
    const seen = isCold ? observed.find(first.upstream, first.model) : null;
    if (seen === null) return;
    const { exchange } = request;
    timesFor(exchange, seen).tried(exchange.principal.name, clock.monotonicMs());
  }
}
