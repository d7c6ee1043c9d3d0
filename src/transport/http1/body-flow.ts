/** What stands between the bytes of a reply's body and its sink: holds them while the sink is not there or pauses. */
import { GatewayError } from "../../core/errors.ts";
import type { BodySink } from "../call.ts";

export class BodyFlow {
  readonly #onFault: (error: GatewayError) => void;
  #sink: BodySink | null = null;
  #isPaused = false;
  #held: Uint8Array[] = [];
  #end: GatewayError | null | undefined = undefined;
  #isOver = false;

  /** `onFault` is called when the sink throws. */
  constructor(onFault: (error: GatewayError) => void) {
    this.#onFault = onFault;
  }

  /** Whether bytes would have to be held: the source had better stop. */
  get isBlocked(): boolean {
    return this.#sink === null || this.#isPaused;
  }

  /** Whether the sink knows the end, or is not to be told anything. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether the end is known, told or not. */
  get hasEnd(): boolean {
    return this.#end !== undefined;
  }

  /** Takes bytes of the body; returns false when no more should come until the sink goes on. */
  chunk(bytes: Uint8Array): boolean {
    if (this.#isOver) return false;
    if (this.isBlocked || this.#held.length > 0) this.#held.push(bytes);
    else this.#give(bytes);
    return !this.isBlocked;
  }

  /** The body's end, told to the sink once it has taken what is held. The first one counts. */
  end(error: GatewayError | null): void {
    if (this.#end !== undefined) return;
    this.#end = error;
    this.#tellEnd();
  }

  pipe(sink: BodySink): void {
    this.#sink = sink;
    this.resume();
  }

  /** Gives the sink what is held, until it pauses again. */
  resume(): void {
    this.#isPaused = false;
    while (this.#held.length > 0 && !this.isBlocked) this.#give(this.#held.shift() as Uint8Array);
    this.#tellEnd();
  }

  /** Nothing is told to the sink any more. */
  mute(): void {
    this.#isOver = true;
    this.#held = [];
  }

  #give(bytes: Uint8Array): void {
    try {
      this.#isPaused = this.#sink?.chunk(bytes) === false;
    } catch (cause) {
      this.#held = [];
      this.#onFault(new GatewayError("internal", "an internal error", { cause }));
    }
  }

  #tellEnd(): void {
    if (this.#isOver || this.#end === undefined || this.isBlocked || this.#held.length > 0) return;
    this.#isOver = true;
    this.#sink?.end(this.#end);
  }
}
