/** The wait of one request for a credential, while all that could serve it are limited. */
import type { Lease, Unavailable } from "../../pool/credential.ts";
import type { Place } from "../../pool/waiting/fair-queue.ts";
import type { EndOfWait, Waiter } from "../../pool/waiting/waiting-room.ts";
import type { CurrentTarget } from "../attempt/current-target.ts";
import type { ServedRequest } from "../served-request.ts";
import { patienceEndMs } from "./patience.ts";

/** The walk that waits. It hears one of the three at the end of a wait, at the earliest while the wait begins. */
export interface WaitingWalk {
  /** From here on the lease is the walk's. The other targets of the wait may still be asked. */
  leased(current: CurrentTarget, lease: Lease, others: readonly CurrentTarget[]): void;
  /**
   * There is no lease. `unavailable`: what stands in the way, one for each target. `hasWaited`: it did not stand there when
   * the wait began.
   */
  waitedInVain(
    why: EndOfWait,
    unavailable: readonly Unavailable[],
    targets: readonly CurrentTarget[],
    hasWaited: boolean,
  ): void;
  /** The client has left. */
  leave(): void;
}

/** What a waiting request keeps beside its bodies: its objects, and those of its connection. */
const OWN_BYTES = 8_192;

/** Made with the first wait of a request. Its patience is that of all its waits together. */
export class Wait implements Waiter {
  readonly key: string;
  readonly untilMs: number;
  sizeBytes = 0;
  needs: readonly CurrentTarget[] = [];
  readonly #request: ServedRequest;
  readonly #walk: WaitingWalk;
  /** null: the request does not wait now. */
  #place: Place<Waiter> | null = null;
  #sinceMs = 0;

  constructor(request: ServedRequest, walk: WaitingWalk) {
    this.key = request.exchange.principal.name;
    this.untilMs = patienceEndMs(request);
    this.#request = request;
    this.#walk = walk;
  }

  /** Waits for a credential of one of the targets. */
  begin(targets: readonly CurrentTarget[]): void {
    const { gateway, exchange } = this.#request;
    for (const target of targets) target.forgetLimits();
    this.needs = targets;
    this.sizeBytes = sizeOf(this.#request, targets);
    const joined = gateway.waiting.join(this);
    if (joined.kind === "granted") {
      this.#pass(joined.need as CurrentTarget, joined.lease);
    } else if (joined.kind === "refused") {
      if (joined.why === "crowded") gateway.metrics.waitsRefused.add(1);
      this.#walk.waitedInVain(joined.why, joined.unavailable, targets, false);
    } else {
      this.#place = joined.place;
      this.#sinceMs = gateway.clock.monotonicMs();
      const { client, leaving } = exchange;
      client.suspendIdleTimeout();
      leaving.addEventListener("abort", this.#onLeft);
      if (leaving.aborted) this.#onLeft();
    }
  }

  granted(need: CurrentTarget, lease: Lease): void {
    if (this.#over("served")) this.#pass(need, lease);
    else this.#request.gateway.pool.release(lease);
  }

  ended(why: EndOfWait, unavailable: readonly Unavailable[]): void {
    if (!this.#over(why)) return;
    if (why === "crowded") this.#request.gateway.metrics.waitsRefused.add(1);
    this.#walk.waitedInVain(why, unavailable, this.needs, true);
  }

  /** The request is over. */
  stop(): void {
    const place = this.#place;
    if (place === null) return;
    this.#request.gateway.waiting.leave(place);
    this.#over("left");
  }

  #pass(current: CurrentTarget, lease: Lease): void {
    const others = this.needs.filter((other) => other !== current);
    this.#walk.leased(current, lease, others);
  }

  readonly #onLeft = (): void => this.#walk.leave();

  /** False: the request waits no more. */
  #over(end: EndOfWait | "served" | "left"): boolean {
    if (this.#place === null) return false;
    this.#place = null;
    const { gateway, exchange } = this.#request;
    exchange.leaving.removeEventListener("abort", this.#onLeft);
    const waitedMs = gateway.clock.monotonicMs() - this.#sinceMs;
    exchange.waited(waitedMs);
    gateway.metrics.waited.record(waitedMs / 1_000, end);
    return true;
  }
}

/** Bodies that were made for the targets count beside the client's own. */
function sizeOf({ body }: ServedRequest, targets: readonly CurrentTarget[]): number {
  return targets.reduce(
    (sum, { prepared }) => {
      const made = prepared.translated?.body ?? (prepared.body === body ? null : prepared.body);
      return sum + (made?.byteLength ?? 0);
    },
    OWN_BYTES + (body?.byteLength ?? 0),
  );
}
