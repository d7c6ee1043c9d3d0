/** A call whose body comes in frames of the provider's own, and goes on in the frames of its dialect. */
import { GatewayError } from "../../core/errors.ts";
import type { HeaderView } from "../../core/header-view.ts";
import type { BodySink, Call, HeadWaiter, ReplyHead } from "../../transport/call.ts";
import type { Reframer } from "../../upstreams/reframer.ts";

export class ReframedCall implements Call, BodySink, HeadWaiter {
  readonly #call: Call;
  readonly #reframe: (headers: HeaderView) => Reframer | null;
  #waiter: HeadWaiter | null = null;
  #reframer: Reframer | null = null;
  #sink: BodySink | null = null;
  #isOver = false;

  constructor(call: Call, reframe: (headers: HeaderView) => Reframer | null) {
    this.#call = call;
    this.#reframe = reframe;
  }

  awaitHead(waiter: HeadWaiter): void {
    this.#waiter = waiter;
    this.#call.awaitHead(this);
  }

  replied(head: ReplyHead): void {
    let shown = head;
    try {
      this.#reframer = this.#reframe(head.headers);
      if (this.#reframer !== null) shown = withContentType(head, this.#reframer.contentType);
    } catch (cause) {
      this.failed(cause);
      return;
    }
    this.#waiter?.replied(shown);
  }

  failed(cause: unknown): void {
    this.#waiter?.failed(cause);
  }

  get reason(): GatewayError | null {
    return this.#call.reason;
  }

  pipe(sink: BodySink): void {
    this.#sink = sink;
    this.#call.pipe(this.#reframer === null ? sink : this);
  }

  resume(): void {
    this.#call.resume();
  }

  abort(reason: GatewayError): void {
    this.#isOver = true;
    this.#call.abort(reason);
  }

  chunk(bytes: Uint8Array): boolean {
    if (this.#isOver) return true;
    try {
      const frames = this.#reframer?.push(bytes) ?? bytes;
      return frames.byteLength === 0 || this.#sink?.chunk(frames) !== false;
    } catch (cause) {
      this.#fail(cause);
      return true;
    }
  }

  end(error: GatewayError | null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    let reason = error;
    try {
      if (error === null) this.#reframer?.end();
    } catch (cause) {
      reason = asGatewayError(cause);
    }
    this.#sink?.end(reason);
  }

  /** An aborted call tells its sink nothing, so the sink is told here. */
  #fail(cause: unknown): void {
    const reason = asGatewayError(cause);
    this.abort(reason);
    this.#sink?.end(reason);
  }
}

function asGatewayError(cause: unknown): GatewayError {
  return cause instanceof GatewayError ? cause : new GatewayError("internal", "an internal error", { cause });
}

function withContentType({ status, headers }: ReplyHead, contentType: string): ReplyHead {
  return {
    status,
    headers: {
      get: (name) => (name === "content-type" ? contentType : headers.get(name)),
      forEach: (callback) => {
        headers.forEach((value, name) => {
          callback(name === "content-type" ? contentType : value, name);
        });
      },
    },
  };
}
