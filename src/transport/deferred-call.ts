/** A call whose request is still being made ready, such as one that waits for a signature or a token. */
import type { GatewayError } from "../core/errors.ts";
import type { BodySink, Call, ReplyHead } from "./call.ts";

export class DeferredCall implements Call {
  readonly head: Promise<ReplyHead>;
  #call: Call | null = null;
  #sink: BodySink | null = null;
  #abortReason: GatewayError | null = null;
  readonly #rejectHead: (cause: unknown) => void;

  /** `ready` resolves to what sends the request. `head` rejects with the cause when `ready` does. */
  constructor(ready: Promise<() => Call>) {
    const { promise, resolve, reject } = Promise.withResolvers<ReplyHead>();
    this.head = promise;
    this.#rejectHead = reject;
    ready
      .then((send) => {
        if (this.#abortReason !== null) return;
        const call = send();
        this.#call = call;
        if (this.#sink !== null) call.pipe(this.#sink);
        resolve(call.head);
      })
      .catch(reject);
  }

  get reason(): GatewayError | null {
    return this.#call?.reason ?? this.#abortReason;
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
    if (this.#call === null) this.#rejectHead(reason);
    else this.#call.abort(reason);
  }
}
