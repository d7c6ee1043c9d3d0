/** Hands a reply's body to its sink, and holds the bytes while there is no sink or the sink pauses. */
import { GatewayError } from "../../core/errors.ts";
import type { BodySink } from "../call.ts";

export class BodyFlow {
  readonly #onFault: (error: GatewayError) => void;
  #sink: BodySink | null = null;
  #isPaused = false;
  #held: Uint8Array[] = [];
  #end: GatewayError | null | undefined = undefined;
  #isOver = false;

  /** `onFault` is called when the sink throws before the end is known. */
  constructor(onFault: (error: GatewayError) => void) {
    this.#onFault = onFault;
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
    if (this.isBlocked || this.#held.length > 0) this.#held.push(bytes);
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
    while (this.#held.length > 0 && !this.isBlocked) this.#give(this.#held.shift() as Uint8Array);
    this.#tellEnd();
  }

  /** The sink gets nothing any more. */
  mute(): void {
    this.#isOver = true;
    this.#held = [];
  }

  #give(bytes: Uint8Array): void {
    try {
      this.#isPaused = this.#sink?.chunk(bytes) === false;
    } catch (cause) {
      this.#held = [];
      const fault = new GatewayError("internal", "an internal error", { cause });
      // A body that has ended already cannot fail any more, so the sink itself must hear of its exception.
      if (this.#end === undefined) this.#onFault(fault);
      else this.#end = fault;
    }
  }

  #tellEnd(): void {
    if (this.#isOver || this.#end === undefined || this.isBlocked || this.#held.length > 0) return;
    this.#isOver = true;
    this.#sink?.end(this.#end);
  }
}
