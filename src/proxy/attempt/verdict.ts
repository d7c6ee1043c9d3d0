/** What an attempt tells the pool, the breaker, the metrics, the log and the row; and what of the upstream's words may be told. */

import { GatewayError } from "../../core/errors.ts";
import type { HeaderView } from "../../core/header-view.ts";
import { DIALECTS } from "../../dialects/index.ts";
import type { Lease } from "../../pool/pool.ts";
import type { CredentialView } from "../../snapshot.ts";
import type { TranslatedRequest } from "../../translate/translated-request.ts";
import type { ReplyHead } from "../../transport/call.ts";
import type { Signal } from "../../upstreams/signal.ts";
import type { AttemptInput } from "./outcome.ts";
import { withoutCredential } from "./redact.ts";
import { foreignError } from "./upstream-error.ts";

const NO_HEADERS: HeaderView = { get: () => null, forEach: () => undefined };

function isCredentialFault(signal: Signal): boolean {
  return signal.class !== "ok" && signal.class !== "overload" && signal.class !== "bad";
}

/** Ends the lease exactly once, whichever way the attempt goes. */
export class AttemptReport {
  readonly #input: AttemptInput;
  readonly #lease: Lease;
  readonly #startedMs: number;
  #isReported = false;

  constructor(input: AttemptInput, lease: Lease) {
    this.#input = input;
    this.#lease = lease;
    this.#startedMs = input.gateway.clock.monotonicMs();
  }

  /** The credential that the lease is for. */
  get credential(): CredentialView {
    return this.#input.upstream.credentials.get(this.#lease.credentialId) as CredentialView;
  }

  /** A good answer has begun. */
  good(head: ReplyHead): void {
    const { gateway, upstream, target } = this.#input;
    gateway.breaker.success(upstream.name);
    const signal = upstream.family.classifyOk(head.headers, gateway.clock.nowMs());
    gateway.metrics.attempts.add(1, upstream.name, "ok");
    if (signal.class === "ok") gateway.pool.confirm(this.#lease);
    else {
      gateway.pool.report(this.#lease, target.model, signal);
      this.#isReported = true;
    }
    if (this.#input.exchange.attempts > 1) this.note(head.status, "ok");
  }

  /** The reply was a failure. Ends the lease. */
  failed(signal: Signal, status: number): void {
    const { gateway, upstream, target } = this.#input;
    if (signal.class === "overload") gateway.breaker.failure(upstream.name);
    else gateway.breaker.success(upstream.name);
    gateway.metrics.attempts.add(1, upstream.name, signal.class);
    if (isCredentialFault(signal)) {
      gateway.pool.report(this.#lease, target.model, signal);
      this.#isReported = true;
    }
    this.note(status, signal.class);
    this.over();
  }

  /** The upstream failed in-band, after content. */
  failedLate(head: ReplyHead, failure: string): void {
    const { gateway, upstream, target } = this.#input;
    const signal = this.classifyInBand(head.headers, failure);
    this.note(head.status, signal.class);
    if (signal.class === "overload") gateway.breaker.failure(upstream.name);
    gateway.pool.report(this.#lease, target.model, signal);
    this.#isReported = true;
  }

  /** The reply broke off after content. */
  cutLate(head: ReplyHead): void {
    this.note(head.status, "cut");
    this.#input.gateway.breaker.failure(this.#input.upstream.name);
  }

  /** The connection failed, or the reply makes no sense. Ends the lease. */
  transportFault(error: GatewayError): Signal {
    this.#input.exchange.tap = null;
    const signal: Signal = { class: "overload", reason: error.message };
    this.note(null, error.kind);
    this.#input.gateway.breaker.failure(this.#input.upstream.name);
    const { gateway, exchange, upstream } = this.#input;
    gateway.metrics.attempts.add(1, upstream.name, error.kind);
    gateway.log.warn(
      {
        requestId: exchange.id,
        upstream: upstream.name,
        credential: exchange.credential,
        kind: error.kind,
        detail: error.detail ?? error.message,
      },
      "an upstream could not be reached, or broke off",
    );
    this.over();
    return signal;
  }

  note(status: number | null, signal: string): void {
    const { gateway, exchange, upstream } = this.#input;
    const ms = gateway.clock.monotonicMs() - this.#startedMs;
    exchange.noteAttempt(upstream.name, exchange.credential ?? "", status, signal, ms);
  }

  /** Ends the lease, once. */
  over(): void {
    if (this.#isReported) return;
    this.#isReported = true;
    this.#input.gateway.pool.release(this.#lease);
  }

  /** What a failure inside a good reply says. */
  classifyInBand(headers: HeaderView, failure: string): Signal {
    const { gateway, upstream, target } = this.#input;
    return upstream.family.classify({
      status: upstream.family.inBandStatus(failure),
      headers,
      body: failure,
      nowMs: gateway.clock.nowMs(),
      model: target.model,
    });
  }

  /** What a client of another dialect is told of a failure inside a reply; `raw` null: the reply made no sense. */
  inBandError(request: TranslatedRequest, raw: string | null, message: string): GatewayError {
    if (raw === null) return new GatewayError("upstream_garbage", message);
    const signal = this.classifyInBand(NO_HEADERS, raw);
    const status = this.#input.upstream.family.inBandStatus(raw);
    const body = DIALECTS[request.dialect].wrapFailure(raw);
    return foreignError(request.codec, signal, status, this.shown(body), this.#input.gateway.clock.nowMs());
  }

  /** The upstream's words without the credential, which some repeat. */
  shown(text: string): string {
    return withoutCredential(text, this.credential.authHeader);
  }

  /** The upstream's own words: its bytes, if they hold no secret. */
  forClient(text: string, bytes: Uint8Array | null): Uint8Array<ArrayBuffer> {
    const shown = this.shown(text);
    return (
      shown === text && bytes !== null ? bytes : new TextEncoder().encode(shown)
    ) as Uint8Array<ArrayBuffer>;
  }
}
