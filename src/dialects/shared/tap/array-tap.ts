/** The tap of a reply that is a JSON array of chunks, delivered as they come (Gemini without `alt=sse`). */
import { isObject } from "../../../core/json.ts";
import { GrowingBytes } from "../../../wire/bytes.ts";
import { JsonPicker } from "../../../wire/json-pick.ts";
import type { Framing } from "../../dialect.ts";
import type { AnswerReader } from "./answer-reader.ts";
import { AnswerTap } from "./answer-tap.ts";
import { stringBytesIn } from "./content-bytes.ts";

export class ArrayTap extends AnswerTap {
  readonly #maxHeldBytes: number;
  readonly #picker: JsonPicker;
  /** Bytes that are not sent: held elements, and the beginning of the next one. */
  readonly #unsent = new GrowingBytes();
  /** Offset in the stream of the first byte that is not sent. */
  #sentTo = 0;
  /** Offset behind the last whole element. */
  #elementEnd = 0;
  /** Offset of the first byte that waits for the ledger; -1 as long as the answer is open. */
  #heldFrom = -1;
  #received = 0;
  #isClosed = false;

  constructor(reader: AnswerReader, maxHeldBytes: number) {
    super(reader);
    this.#maxHeldBytes = maxHeldBytes;
    this.#picker = new JsonPicker(reader.bodyShape, (element, end) => this.#takeElement(element, end));
  }

  push(chunk: Uint8Array): Uint8Array | null {
    if (chunk.length === 0 || this.#isOverfull()) return null;
    this.#picker.push(chunk);
    this.#received += chunk.length;
    if (this.#picker.status === "closed" && !this.#isClosed) this.#close();
    // The tap does not wait for an upstream that sends so much behind a whole answer.
    if (this.#isOverfull()) this.answer.complete();
    return this.#send(chunk, this.#freeTo());
  }

  end(): Uint8Array | null {
    this.#sentTo = this.#received;
    return this.#unsent.size === 0 ? null : this.#unsent.take();
  }

  cut(): Uint8Array | null {
    const held = this.#heldFrom === -1 ? 0 : this.#elementEnd - this.#sentTo;
    const bytes = this.#unsent.take();
    return held > 0 ? bytes.subarray(0, held) : null;
  }

  protected override get framing(): Framing {
    return "json-array";
  }

  override get isBetweenFrames(): boolean {
    return this.#sentTo <= this.#elementEnd;
  }

  /** `end` is the element's end in the stream. */
  #takeElement(element: unknown, end: number): void {
    // Usage in this element counts what is written in it.
    if (isObject(element)) this.answer.uncountedBytes += stringBytesIn(this.reader.contentOf(element));
    this.reader.readFrame("", element);
    if (this.answer.progress === "open") this.#heldFrom = -1;
    else if (this.#heldFrom === -1) this.#heldFrom = Math.max(this.#elementEnd, this.#sentTo);
    this.#elementEnd = end;
  }

  #close(): void {
    this.#isClosed = true;
    // An error may come as a bare object in place of the array.
    if (!Array.isArray(this.#picker.root)) this.#takeElement(this.#picker.root, this.#received);
    this.answer.complete();
    if (this.#heldFrom === -1) this.#heldFrom = Math.max(this.#elementEnd, this.#sentTo);
  }

  /** Offset up to which bytes may go out. */
  #freeTo(): number {
    if (this.#heldFrom !== -1) return this.#heldFrom;
    const isTooLong = this.#received - this.#elementEnd > this.#maxHeldBytes;
    return isTooLong || this.#picker.status === "invalid" ? this.#received : this.#elementEnd;
  }

  /** Returns the unsent bytes and those of `chunk` up to `freeTo`, and keeps the rest. */
  #send(chunk: Uint8Array, freeTo: number): Uint8Array | null {
    const size = freeTo - this.#sentTo;
    if (size <= 0) {
      this.#unsent.append(chunk, 0, chunk.length);
      return null;
    }
    this.#sentTo = freeTo;
    if (this.#unsent.size === 0 && size === chunk.length) return chunk;
    if (this.#unsent.size > 0) this.#unsent.append(chunk, 0, chunk.length);
    const bytes = this.#unsent.size > 0 ? this.#unsent.take() : chunk;
    if (size < bytes.length) this.#unsent.append(bytes, size, bytes.length);
    return bytes.subarray(0, size);
  }

  /** Bounds the memory when an upstream sends on and on behind a whole answer: the tap takes no more. */
  #isOverfull(): boolean {
    return this.#heldFrom !== -1 && this.#received - this.#elementEnd > this.#maxHeldBytes;
  }
}
