/** The step of a walk that changes a request which its target has refused, so that it can be sent there again. */
import type { CurrentTarget } from "../attempt/current-target.ts";
import type { AttemptFailure } from "../attempt/outcome.ts";
import { mayBeRepaired, refusalOf } from "../attempt/refused.ts";
import type { ServedRequest } from "../served-request.ts";
import { type PreparingWalk, prepareTarget } from "./prepare-target.ts";

/** `then` gets null when the request is ready to be sent again, or else the failure that stands. */
export function repairTarget(
  walk: PreparingWalk,
  request: ServedRequest,
  current: CurrentTarget,
  failure: AttemptFailure,
  then: (standing: AttemptFailure | null) => void,
): void {
  const refused = [...(current.refused ?? []), { prepared: current.prepared, failure }];
  const upstream = request.gateway.snapshot.upstreams.get(current.target.upstream);
  if (upstream === undefined || !mayBeRepaired(refused)) {
    then(failure);
    return;
  }
  current.refused = refused;
  current.repairs = [...current.repairs, ...failure.repairs];
  prepareTarget(walk, request, upstream, current.target, current.repairs, (repaired) => {
    const refusal = repaired === null ? failure : refusalOf(repaired, refused);
    if (repaired !== null && refusal === null) {
      current.prepared = repaired;
      then(null);
    } else then(refusal ?? failure);
  });
}
