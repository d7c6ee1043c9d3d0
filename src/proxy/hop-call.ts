/** Several calls in a row that make one answer: a provider that paused is asked to go on, and the relay sees one body. */
import { GatewayError } from "../core/errors.ts";
import type { BodySink, Call, ReplyHead } from "../transport/call.ts";
import type { Translation } from "./translation.ts";
import type { TranslatedRequest } from "./translator.ts";

export class HopCall implements Call, BodySink {
  readonly head: Promise<ReplyHead>;
  translation: Translation | null = null;
  readonly #send: (request: TranslatedRequest) => Promise<{ call: Call }>;
  #call: Call;
  #sink: BodySink | null = null;
  #next: TranslatedRequest | null = null;
  #reason: GatewayError | null = null;

  constructor(first: Call, send: (request: TranslatedRequest) => Promise<{ call: Call }>) {
    this.#call = first;
    this.head = first.head;
    this.#send = send;
  }

  get reason(): GatewayError | null {
    return this.#call.reason ?? this.#reason;
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
    this.#reason ??= reason;
    this.#call.abort(reason);
  }

  chunk(bytes: Uint8Array): boolean {
    return this.#sink?.chunk(bytes) ?? true;
  }

  end(error: GatewayError | null): void {
    try {
      if (error === null) this.translation?.endBody();
    } catch (cause) {
      this.#sink?.end(new GatewayError("internal", "an internal error", { cause }));
      return;
    }
    const next = this.#next;
    this.#next = null;
    if (error !== null || next === null) {
      this.#sink?.end(error);
      return;
    }
    this.#send(next).then(
      ({ call }) => {
        if (this.#reason !== null) {
          call.abort(this.#reason);
          return;
        }
        this.#call = call;
        call.pipe(this);
      },
      (cause: unknown) => {
        this.#sink?.end(
          cause instanceof GatewayError
            ? cause
            : new GatewayError("internal", "an internal error; its cause is in the log", { cause }),
        );
      },
    );
  }
}
