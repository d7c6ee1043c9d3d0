/** A call that is sent once more, with a new token, when the provider has refused the token that the call showed. */
import { GatewayError } from "../../core/errors.ts";
import type { BodySink, Call, HeadWaiter, ReplyHead } from "../../transport/call.ts";
import { WrappedCall } from "../../transport/wrapped-call.ts";

const UNAUTHORIZED = 401;

export class RenewedCall extends WrappedCall implements HeadWaiter {
  readonly #again: () => Call | null;
  #waiter: HeadWaiter | null = null;

  /** `again`: sends the request once more; null: a new token would not help. */
  constructor(call: Call, again: () => Call | null) {
    super(call);
    this.#again = again;
  }

  override awaitHead(waiter: HeadWaiter): void {
    this.#waiter = waiter;
    this.inner.awaitHead(this);
  }

  replied(head: ReplyHead): void {
    const waiter = this.#waiter as HeadWaiter;
    const next = head.status === UNAUTHORIZED ? this.#again() : null;
    if (next === null) {
      waiter.replied(head);
      return;
    }
    this.inner.abort(new GatewayError("upstream_cut", "the provider has refused the token"));
    this.inner = next;
    next.awaitHead(waiter);
  }

  failed(cause: unknown): void {
    this.#waiter?.failed(cause);
  }

  pipe(sink: BodySink): void {
    this.inner.pipe(sink);
  }
}
