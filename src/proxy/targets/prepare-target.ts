/** The step of a walk that makes the request ready for its next target. */
import type { Repairs } from "../../dialects/repair.ts";
import type { Target } from "../../plan/plan.ts";
import type { UpstreamView } from "../../snapshot.ts";
import type { Watched } from "../../transport/watchdog.ts";
import { type PreparedRequest, prepareRequest } from "../attempt/prepare.ts";
import type { ServedRequest } from "../served-request.ts";
import type { Obstacles } from "./give-up.ts";

/** The walk that waits for its request. */
export interface PreparingWalk extends Watched {
  met(): Obstacles;
  /** Runs a step; an exception in it ends the walk. */
  guard(step: () => void): void;
}

/**
 * Makes the request ready for a target, once, before a credential is taken. `then` gets null when the target cannot take
 * the request: the next target may be able to.
 */
export function prepareTarget(
  walk: PreparingWalk,
  request: ServedRequest,
  upstream: UpstreamView,
  target: Target,
  repairs: Repairs,
  then: (prepared: PreparedRequest | null) => void,
): void {
  let prepared: PreparedRequest | Promise<PreparedRequest>;
  try {
    prepared = prepareRequest(request, upstream, target, repairs);
  } catch (cause) {
    refuse(walk, cause, then);
    return;
  }
  if (!(prepared instanceof Promise)) {
    then(prepared);
    return;
  }
  request.gateway.transport.watchdog.add(walk);
  prepareLater(walk, prepared, then);
}

function prepareLater(
  walk: PreparingWalk,
  prepared: Promise<PreparedRequest>,
  then: (prepared: PreparedRequest | null) => void,
): void {
  prepared.then(
    (ready) => walk.guard(() => then(ready)),
    (cause: unknown) => walk.guard(() => refuse(walk, cause, then)),
  );
}

function refuse(walk: PreparingWalk, cause: unknown, then: (prepared: null) => void): void {
  walk.met().noteRefusal(cause);
  then(null);
}
