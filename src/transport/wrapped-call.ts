/** A call in front of another one: callers use it as that one, and its body comes in another form. */
import type { GatewayError } from "../core/errors.ts";
import type { BodySink, Call, HeadWaiter } from "./call.ts";

export abstract class WrappedCall implements Call {
  /** Where all is passed on to. */
  protected inner: Call;

  constructor(inner: Call) {
    this.inner = inner;
  }

  get reason(): GatewayError | null {
    return this.inner.reason;
  }

  awaitHead(waiter: HeadWaiter): void {
    this.inner.awaitHead(waiter);
  }

  abstract pipe(sink: BodySink): void;

  resume(): void {
    this.inner.resume();
  }

  abort(reason: GatewayError): void {
    this.inner.abort(reason);
  }
}
