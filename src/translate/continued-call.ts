/**
 * Several calls in a row that make one answer. When the provider pauses, the next call continues; the relay
 * sees one body. The inner call is that of the current part.
 */
import { GatewayError } from "../core/errors.ts";
import type { BodySink, Call, HeadWaiter, ReplyHead } from "../transport/call.ts";
import { WrappedCall } from "../transport/wrapped-call.ts";
import { AccessRefused } from "../upstreams/authorization.ts";
import type { StreamTranslation } from "./stream.ts";
import type { TranslatedRequest } from "./translated-request.ts";

export class ContinuedCall extends WrappedCall implements BodySink, HeadWaiter {
  readonly #answer: StreamTranslation;
  readonly #send: (request: TranslatedRequest) => Call;
  #sink: BodySink | null = null;
  #isAborted = false;

  constructor(first: Call, answer: StreamTranslation, send: (request: TranslatedRequest) => Call) {
    super(first);
    this.#answer = answer;
    this.#send = send;
  }

  pipe(sink: BodySink): void {
    this.#sink = sink;
    this.inner.pipe(this);
  }

  override abort(reason: GatewayError): void {
    this.#isAborted = true;
    super.abort(reason);
  }

  chunk(bytes: Uint8Array): boolean {
    return this.#sink?.chunk(bytes) ?? true;
  }

  end(error: GatewayError | null): void {
    try {
      // A connection that breaks after the part was whole loses nothing.
      if (error === null || this.#answer.progress === "finished") this.#answer.endBody();
      const next = this.#answer.takeNext();
      if (next === null) this.#end(error);
      else this.#follow(this.#send(next));
    } catch (cause) {
      this.#end(failureOf(cause));
    }
  }

  #follow(call: Call): void {
    this.inner = call;
    call.awaitHead(this);
  }

  /** The next part begins. */
  replied({ status }: ReplyHead): void {
    if (status < 300) {
      this.inner.pipe(this);
      return;
    }
    const error = continuationRefused(status);
    this.inner.abort(error);
    this.#end(error);
  }

  failed(cause: unknown): void {
    this.#end(failureOf(cause));
  }

  /** An aborted call tells its sink nothing. */
  #end(error: GatewayError | null): void {
    if (!this.#isAborted) this.#sink?.end(error);
  }
}

/** The client's error when the provider refuses the request that continues its own answer. */
export function continuationRefused(status: number): GatewayError {
  return new GatewayError("upstream_cut", `the upstream did not continue its answer (status ${status})`);
}

/** A provider that gives no access for the next part refuses to continue. */
function failureOf(cause: unknown): GatewayError {
  if (cause instanceof GatewayError) return cause;
  if (cause instanceof AccessRefused) return continuationRefused(cause.status);
  return new GatewayError("internal", "an internal error", { cause });
}
