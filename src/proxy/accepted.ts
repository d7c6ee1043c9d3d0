/** A request with a valid key, as it is before its body is read, and as its key says when the body has been. */
import { findEndOfKey, findKeyRefusal, type Principal } from "../auth/keys.ts";
import type { RunningCapture } from "../capture/running-capture.ts";
import type { MemoryShare } from "../core/memory-budget.ts";
import type { Route } from "../dialects/endpoint.ts";
import type { ClientRequest } from "../http/client-request.ts";
import { beginCapture } from "./capture/begin-capture.ts";
import type { Gateway } from "./gateway.ts";

export interface Accepted {
  /** ULID: the request id that the client is shown. */
  readonly id: string;
  /** Unix milliseconds. */
  readonly atMs: number;
  /** On the monotonic clock. */
  readonly startedMs: number;
  readonly route: Route;
  readonly client: ClientRequest;
  readonly principal: Principal;
  /** What is kept of the request; null: nothing is, as a rule. */
  readonly capture: RunningCapture | null;
  /** What the request holds in memory, until `settle` ends it. */
  readonly memory: MemoryShare;
}

/** Counts the request as in flight until `settle` ends it. */
export function accept(
  gateway: Gateway,
  route: Route,
  client: ClientRequest,
  principal: Principal,
): Accepted {
  gateway.metrics.inFlight += 1;
  const atMs = gateway.clock.nowMs();
  const id = gateway.ids.ulid(atMs);
  const startedMs = gateway.clock.monotonicMs();
  const capture = principal.isCaptured
    ? beginCapture(gateway.captures, { id, atMs, startedMs, route, client, principal })
    : null;
  const memory = gateway.memoryBudget.open(principal.name);
  return { id, atMs, startedMs, route, client, principal, memory, capture };
}

/**
 * Reading a body may take long: the key may have ended since, or have other rights and limits. Throws the client's error
 * when it may not be used any more.
 */
export function withKeyOfNow({ snapshot, clock }: Gateway, accepted: Accepted): Accepted {
  const { principal, client } = accepted;
  const endOfKey = findEndOfKey(snapshot.keys, principal, clock);
  if (endOfKey !== null) throw endOfKey;
  const now = snapshot.keys.get(principal.keySha256) as Principal;
  if (now === principal) return accepted;
  const refusal = findKeyRefusal(now, clock.nowMs(), () => client.address());
  if (refusal !== null) throw refusal;
  return { ...accepted, principal: now };
}
