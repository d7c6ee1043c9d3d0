/** A call whose request is still being made ready, such as one that waits for a signature or a token. */
import type { GatewayError } from "../core/errors.ts";
import type { BodySink, Call, HeadWaiter } from "./call.ts";

export class DeferredCall implements Call {
  #call: Call | null = null;
  #sink: BodySink | null = null;
  #abortReason: GatewayError | null = null;
  #waiter: HeadWaiter | null = null;
  /** The reason why no request was sent; undefined: none is known. */
  #failure: unknown;

  /** `ready` resolves to what sends the request. When it rejects, no head comes, for the same cause. */
  constructor(ready: Promise<() => Call>) {
    ready
      .then((send) => {
        if (this.#abortReason !== null) return;
        const call = send();
        this.#call = call;
        if (this.#sink !== null) call.pipe(this.#sink);
        if (this.#waiter !== null) call.awaitHead(this.#waiter);
      })
      .catch((cause: unknown) => this.#fail(cause));
  }

  get reason(): GatewayError | null {
    return this.#call?.reason ?? this.#abortReason;
  }

  awaitHead(waiter: HeadWaiter): void {
    if (this.#call !== null) this.#call.awaitHead(waiter);
    else if (this.#failure !== undefined) queueMicrotask(() => waiter.failed(this.#failure));
    else this.#waiter = waiter;
  }

  pipe(sink: BodySink): void {
    this.#sink = sink;
    this.#call?.pipe(sink);
  }

  resume(): void {
    this.#call?.resume();
  }

  abort(reason: GatewayError): void {
    this.#abortReason ??= reason;
    if (this.#call === null) this.#fail(reason);
    else this.#call.abort(reason);
  }

  #fail(cause: unknown): void {
    this.#failure ??= cause;
    const waiter = this.#waiter;
    this.#waiter = null;
    waiter?.failed(cause);
  }
}
