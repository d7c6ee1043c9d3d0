/** The tap of a reply that is one JSON value, for every dialect. */
import { joinBytes } from "../wire/bytes.ts";
import { JsonPicker } from "../wire/json-pick.ts";
import type { AnswerReader } from "./answer.ts";
import { AnswerTap } from "./answer-tap.ts";

export class JsonTap extends AnswerTap {
  readonly #maxHeldBytes: number;
  readonly #picker: JsonPicker;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #tailBytes = 0;
  /** The value grew too long to be held: its bytes pass, but for the chunk that closes it. */
  #isPassing = false;

  constructor(reader: AnswerReader, maxHeldBytes: number) {
    super(reader);
    this.#maxHeldBytes = maxHeldBytes;
    this.#picker = new JsonPicker(reader.bodyShape);
  }

  push(chunk: Uint8Array): Uint8Array | null {
    if (chunk.length === 0) return null;
    if (this.answer.progress !== "open") return this.#holdTail(chunk);
    this.#picker.push(chunk);
    if (this.#picker.status !== "open" && this.#picker.root !== undefined) this.#close();
    if (this.answer.progress !== "open") {
      const out = this.#isPassing ? this.#release() : null;
      this.#hold(chunk);
      return out;
    }
    this.#hold(chunk);
    if (this.#heldBytes <= this.#maxHeldBytes && !this.#isPassing) return null;
    this.#isPassing = true;
    this.answer.hasContent = true;
    return this.#release();
  }

  end(): Uint8Array | null {
    return this.#release();
  }

  cut(): Uint8Array | null {
    if (this.answer.progress === "open") this.#held = [];
    return this.#release();
  }

  override get isBetweenFrames(): boolean {
    return false;
  }

  /** The value has ended, if it was valid so far as it was looked at. */
  #close(): void {
    if (this.#picker.status !== "closed") return;
    this.reader.readBody(this.#picker.root);
    if (this.answer.progress === "failed") return;
    this.answer.complete();
    this.answer.hasContent = true;
  }

  /** White space behind the value belongs to the reply; anything beyond the bound is not taken. */
  #holdTail(chunk: Uint8Array): null {
    this.#tailBytes += chunk.length;
    if (this.#tailBytes <= this.#maxHeldBytes) this.#hold(chunk);
    return null;
  }

  #hold(chunk: Uint8Array): void {
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
  }

  #release(): Uint8Array | null {
    const out = joinBytes(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    return out;
  }
}
