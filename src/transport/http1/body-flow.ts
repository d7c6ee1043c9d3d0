/** Hands a reply's body to its sink, and holds the bytes while there is no sink or the sink pauses. */
import { GatewayError } from "../../core/errors.ts";
import type { BodySink } from "../call.ts";

/** Where a body comes from. */
interface FlowSource {
  /** The sink has thrown, before the end of the body is known. */
  fail(error: GatewayError): void;
}

export class BodyFlow {
  readonly #source: FlowSource;
  #sink: BodySink | null = null;
  #isPaused = false;
  /** null: nothing is held. */
  #held: Uint8Array[] | null = null;
  #end: GatewayError | null | undefined = undefined;
  #isOver = false;

  constructor(source: FlowSource) {
    this.#source = source;
  }

  /** New bytes would have to be held, so the source should stop. */
  get isBlocked(): boolean {
    return this.#sink === null || this.#isPaused;
  }

  /** The sink has got the end, or is to get nothing any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** The end is known, whether the sink has got it or not. */
  get hasEnd(): boolean {
    return this.#end !== undefined;
  }

  /** Takes bytes of the body. Returns false when no more should come until the sink resumes. */
  chunk(bytes: Uint8Array): boolean {
    if (this.#isOver) return false;
    if (this.#held !== null) this.#held.push(bytes);
    else if (this.isBlocked) this.#held = [bytes];
    else this.#give(bytes);
    return !this.isBlocked;
  }

  /** Ends the body. The sink gets the end after the held bytes. The first call counts. */
  end(error: GatewayError | null): void {
    if (this.#end !== undefined) return;
    this.#end = error;
    this.#tellEnd();
  }

  pipe(sink: BodySink): void {
    this.#sink = sink;
    this.resume();
  }

  /** Gives the held bytes to the sink, until the sink pauses again. */
  resume(): void {
    this.#isPaused = false;
    while (this.#held !== null && !this.isBlocked) {
      const bytes = this.#held.shift();
      if (this.#held.length === 0) this.#held = null;
      if (bytes !== undefined) this.#give(bytes);
    }
    this.#tellEnd();
  }

  /** The sink gets nothing any more. */
  mute(): void {
    this.#isOver = true;
    this.#held = null;
  }

  #give(bytes: Uint8Array): void {
    try {
      this.#isPaused = this.#sink?.chunk(bytes) === false;
    } catch (cause) {
      this.#held = null;
      const fault = new GatewayError("internal", "an internal error", { cause });
      // A body that has ended already cannot fail any more, so the sink itself must hear of its exception.
      if (this.#end === undefined) this.#source.fail(fault);
      else this.#end = fault;
    }
  }

  #tellEnd(): void {
    if (this.#isOver || this.#end === undefined || this.isBlocked || this.#held !== null) return;
    this.#isOver = true;
    this.#sink?.end(this.#end);
  }
}
