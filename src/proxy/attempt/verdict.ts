/** Tells the pool, the breaker, the metrics, the log and the row how one attempt went. */
import { ERRORS, type GatewayError } from "../../core/errors.ts";
import { withoutSecrets } from "../../core/redact.ts";
import type { DetourCause } from "../../plan/plan.ts";
import type { Lease } from "../../pool/credential.ts";
import type { CredentialView, UpstreamView } from "../../snapshot.ts";
import type { ReplyHead } from "../../transport/call.ts";
import type { RoomFacts } from "../../upstreams/room/room-facts.ts";
import type { Signal } from "../../upstreams/signal.ts";
import type { Exchange } from "../exchange.ts";
import type { Gateway } from "../gateway.ts";
import type { ObservedTarget } from "../order/observed-targets.ts";
import { timesFor } from "../order/order-request.ts";

/** Owns the lease of one attempt, and ends it exactly once, whichever way the attempt goes. */
export class Verdict {
  readonly #gateway: Gateway;
  readonly #exchange: Exchange;
  readonly #upstream: UpstreamView;
  readonly #model: string;
  readonly #credential: CredentialView;
  readonly #lease: Lease;
  readonly #startedMs: number;
  /** null: no order goes by this target, or the attempt is over. */
  #observed: ObservedTarget | null;
  #isLeaseOver = false;

  constructor(
    gateway: Gateway,
    exchange: Exchange,
    upstream: UpstreamView,
    model: string,
    credential: CredentialView,
    lease: Lease,
  ) {
    this.#gateway = gateway;
    this.#exchange = exchange;
    this.#upstream = upstream;
    this.#model = model;
    this.#credential = credential;
    this.#lease = lease;
    this.#startedMs = gateway.clock.monotonicMs();
    this.#observed = gateway.observed.find(upstream.name, model);
    if (this.#observed !== null) this.#observed.inFlight += 1;
  }

  /** A good answer has begun. The lease goes on. */
  succeeded(head: ReplyHead): void {
    this.#heard(head);
    if (this.#observed !== null) this.#noteTime(this.#observed);
    if (this.#exchange.attempts > 1) this.#note(head.status, "ok");
  }

  /** The answer is good for the credential, and refuses the content. Ends the lease. */
  refused(head: ReplyHead): void {
    this.#heard(head);
    this.#note(head.status, "refusal");
    this.#exchange.endFailedHold();
    this.endLease();
  }

  #heard(head: ReplyHead): void {
    const gateway = this.#gateway;
    gateway.breaker.success(this.#upstream.name, this.#model);
    gateway.reach.reached(this.#upstream.name);
    gateway.metrics.countAttempt(this.#upstream.name, "ok");
    gateway.pool.confirm(this.#lease, this.#model);
    if (this.#upstream.callerCredentials) return;
    const room = this.#upstream.family.roomOf(head.headers, gateway.clock.nowMs());
    if (room !== null) gateway.pool.announce(this.#lease, this.#model, room);
  }

  /**
   * The reply was a failure, which may say what is left of limits. Ends the lease. `detour`: the reason for which another
   * target may take the request.
   */
  failed(signal: Signal, status: number, room: RoomFacts | null = null, detour?: DetourCause): void {
    const { breaker, reach, metrics, pool } = this.#gateway;
    reach.reached(this.#upstream.name);
    // A redirect is a wrong address, not a bad hour: its words must not give way to those of the breaker.
    const isRedirect = status >= 300 && status < 400;
    if (signal.class === "overload" && !isRedirect) this.#countFailure();
    else breaker.refusal(this.#upstream.name, this.#model, this.#exchange.principal.name);
    metrics.countAttempt(this.#upstream.name, signal.class);
    this.#exchange.endFailedHold();
    // First whose limits they are, and then that one was refused.
    if (room !== null && !this.#upstream.callerCredentials)
      pool.announce(this.#lease, this.#model, room, signal);
    if (isCredentialFault(signal)) this.#report(signal);
    this.#note(status, detour ?? signal.class);
    this.endLease();
  }

  /** The connection failed, or the reply makes no sense. Ends the lease. */
  transportFailed(error: GatewayError): void {
    const { breaker, reach, metrics, log } = this.#gateway;
    const { name } = this.#upstream;
    this.#note(null, error.kind);
    this.#exchange.endFailedHold();
    // A line for each attempt would say nothing more, and the line of the request tells all of them.
    let isNews = true;
    if (error.kind === "upstream_connect") {
      breaker.unreachable(name);
      isNews = reach.failed(name, error.message);
    }
    // Others may reach the upstream by another way, so a proxy's failure says nothing about it.
    else if (error.kind !== "proxy_failed") this.#countFailure();
    metrics.countAttempt(name, error.kind);
    log[isNews ? "warn" : "debug"](
      {
        requestId: this.#exchange.id,
        upstream: name,
        credential: this.#credential.name,
        kind: error.kind,
        detail: withoutSecrets(error.detail ?? error.message, this.#credential.access.secrets),
      },
      `an attempt has failed: ${error.message}`,
    );
    this.endLease();
  }

  /** The upstream reported a failure in-band, after content. */
  failedLate(signal: Signal, head: ReplyHead): void {
    this.#note(head.status, signal.class);
    if (signal.class === "overload") this.#countFailure();
    this.#report(signal);
  }

  /**
   * The reply broke off after content. Returns how the request ended: a key without room for the next part of an
   * answer is no fault of the upstream.
   */
  cutLate(head: ReplyHead, { kind }: GatewayError): "upstream_cut" | "error" {
    if (ERRORS[kind].origin !== "upstream") return "error";
    this.#note(head.status, "cut");
    this.#countFailure();
    return "upstream_cut";
  }

  /** The client left before an answer. Ends the lease. */
  clientLeft(): void {
    this.#note(null, "client_left");
    this.endLease();
  }

  /** Ends the lease without a verdict, unless it has ended. */
  endLease(): void {
    if (this.#observed !== null) this.#observed.inFlight -= 1;
    this.#observed = null;
    if (this.#isLeaseOver) return;
    this.#isLeaseOver = true;
    this.#gateway.pool.release(this.#lease);
  }

  #noteTime(observed: ObservedTarget): void {
    const { principal } = this.#exchange;
    const nowMs = this.#gateway.clock.monotonicMs();
    timesFor(this.#exchange, observed).answered(principal.name, nowMs - this.#startedMs, nowMs);
  }

  /** For the model and the client's key: a request may be the reason why its answer fails. */
  #countFailure(): void {
    this.#gateway.breaker.failure(this.#upstream.name, this.#model, this.#exchange.principal.name);
  }

  #report(signal: Signal): void {
    this.#isLeaseOver = true;
    const { pool } = this.#gateway;
    // What is said of one caller's login holds for no other caller.
    if (this.#upstream.callerCredentials) pool.release(this.#lease);
    else pool.report(this.#lease, this.#model, signal, this.#exchange.principal.name);
  }

  #note(status: number | null, signal: string): void {
    const ms = Math.round(this.#gateway.clock.monotonicMs() - this.#startedMs);
    const { name: upstream } = this.#upstream;
    this.#exchange.noteAttempt({ upstream, credential: this.#credential.name, status, signal, ms });
  }
}

function isCredentialFault(signal: Signal): boolean {
  return signal.class !== "ok" && signal.class !== "overload" && signal.class !== "bad";
}
