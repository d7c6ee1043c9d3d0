/** A call that is captured: what passes is kept, and goes on as it is. */
import type { RunningCall, RunningCapture } from "../../capture/running-capture.ts";
import type { GatewayError } from "../../core/errors.ts";
import type { BodySink, Call, HeadWaiter, ReplyHead } from "../../transport/call.ts";
import { WrappedCall } from "../../transport/wrapped-call.ts";
import type { UpstreamRequestParts } from "../../upstreams/authorization.ts";

/** An attempt whose call is sent. */
interface CallingAttempt {
  readonly served: { readonly exchange: { readonly capture: RunningCapture | null } };
  readonly prepared: { readonly dialect: string };
  readonly upstream: { readonly name: string };
  readonly credential: { readonly name: string; readonly access: { readonly secrets: readonly string[] } };
}

/** The call of an attempt, captured if its request is. */
export function captureCall(attempt: CallingAttempt, parts: UpstreamRequestParts, call: Call): Call {
  const { served, prepared, upstream, credential } = attempt;
  const kept = served.exchange.capture?.beginCall({
    ...parts,
    upstream: upstream.name,
    credential: credential.name,
    dialect: prepared.dialect,
    secrets: () => credential.access.secrets,
  });
  return kept == null ? call : new CapturedCall(call, kept);
}

class CapturedCall extends WrappedCall implements HeadWaiter, BodySink {
  readonly #kept: RunningCall;
  #waiter: HeadWaiter | null = null;
  #sink: BodySink | null = null;

  constructor(call: Call, kept: RunningCall) {
    super(call);
    this.#kept = kept;
  }

  override awaitHead(waiter: HeadWaiter): void {
    this.#waiter = waiter;
    this.inner.awaitHead(this);
  }

  replied(head: ReplyHead): void {
    this.#kept.replied(head.status, head.headers);
    this.#waiter?.replied(head);
  }

  failed(cause: unknown): void {
    this.#kept.end(cause instanceof Error ? cause.message : "the call failed");
    this.#waiter?.failed(cause);
  }

  pipe(sink: BodySink): void {
    this.#sink = sink;
    this.inner.pipe(this);
  }

  chunk(bytes: Uint8Array): boolean {
    this.#kept.chunk(bytes);
    return this.#sink?.chunk(bytes) !== false;
  }

  end(error: GatewayError | null): void {
    this.#kept.end(error?.message ?? null);
    this.#sink?.end(error);
  }

  override abort(reason: GatewayError): void {
    this.#kept.end(reason.message);
    super.abort(reason);
  }
}
