/** Several calls in a row that make one answer: a provider that paused is asked to go on, and the relay sees one body. */
import { GatewayError } from "../core/errors.ts";
import { hopRefused } from "../proxy/answer/whole.ts";
import type { BodySink, Call, ReplyHead } from "../transport/call.ts";
import type { Translation } from "./stream.ts";
import type { TranslatedRequest } from "./translated-request.ts";

export class HopCall implements Call, BodySink {
  readonly head: Promise<ReplyHead>;
  translation: Translation | null = null;
  readonly #send: (request: TranslatedRequest) => Call;
  /** The one under way: what ends it ends the answer. */
  #call: Call;
  #sink: BodySink | null = null;
  #next: TranslatedRequest | null = null;
  #isAborted = false;

  constructor(first: Call, send: (request: TranslatedRequest) => Call) {
    this.#call = first;
    this.head = first.head;
    this.#send = send;
  }

  get reason(): GatewayError | null {
    return this.#call.reason;
  }

  /** The answer has paused: what comes when this body has ended. */
  goOn(next: TranslatedRequest): void {
    this.#next = next;
  }

  pipe(sink: BodySink): void {
    this.#sink = sink;
    this.#call.pipe(this);
  }

  resume(): void {
    this.#call.resume();
  }

  abort(reason: GatewayError): void {
    this.#isAborted = true;
    this.#call.abort(reason);
  }

  chunk(bytes: Uint8Array): boolean {
    return this.#sink?.chunk(bytes) ?? true;
  }

  end(error: GatewayError | null): void {
    try {
      // Broken off after the part was whole: nothing of it is missing.
      if (error === null || this.translation?.progress === "finished") this.translation?.endBody();
      const next = this.#next;
      this.#next = null;
      if (next === null) this.#end(error);
      else this.#follow(this.#send(next));
    } catch (cause) {
      this.#end(new GatewayError("internal", "an internal error", { cause }));
    }
  }

  #follow(call: Call): void {
    this.#call = call;
    call.head.then(
      ({ status }) => {
        if (status < 300) {
          call.pipe(this);
          return;
        }
        const error = hopRefused(status);
        call.abort(error);
        this.#end(error);
      },
      (cause: GatewayError) => this.#end(cause),
    );
  }

  /** An aborted call tells its sink nothing any more. */
  #end(error: GatewayError | null): void {
    if (!this.#isAborted) this.#sink?.end(error);
  }
}
