/** The tap of a reply that is one JSON value, for every dialect. */
import { isObject } from "../../../core/json.ts";
import { decodeUtf8, joinBytes } from "../../../wire/bytes.ts";
import { JsonPicker } from "../../../wire/json-pick.ts";
import type { Framing } from "../../dialect.ts";
import type { AnswerReader } from "./answer-reader.ts";
import { AnswerTap } from "./answer-tap.ts";
import { stringBytesIn } from "./content-bytes.ts";

/** A reply up to this size in one piece is parsed, which costs less than scanning it. */
const MAX_PARSED_BYTES = 16 * 1024;

export class JsonTap extends AnswerTap {
  readonly #maxHeldBytes: number;
  #picker: JsonPicker | null = null;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #tailBytes = 0;
  /** The value grew too long to be held: its bytes pass, except the chunk that closes it. */
  #isPassing = false;

  constructor(reader: AnswerReader, maxHeldBytes: number) {
    super(reader);
    this.#maxHeldBytes = maxHeldBytes;
  }

  push(chunk: Uint8Array): Uint8Array | null {
    if (chunk.length === 0) return null;
    if (this.answer.progress !== "open") return this.#holdTail(chunk);
    this.#read(chunk);
    this.#hold(chunk);
    if (this.answer.progress !== "open") return null;
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

  protected override get framing(): Framing {
    return "json";
  }

  override get isBetweenFrames(): boolean {
    return false;
  }

  #read(chunk: Uint8Array): void {
    if (this.#picker === null) {
      const body = chunk.length > MAX_PARSED_BYTES ? undefined : parseBody(chunk);
      if (body !== undefined) {
        this.#close(body);
        this.#countWritten(body);
        return;
      }
      this.#picker = new JsonPicker(this.reader.bodyShape);
    }
    // All of a long body: only a part of it is built.
    this.answer.uncountedBytes += chunk.length;
    this.#picker.push(chunk);
    if (this.#picker.status === "closed") this.#close(this.#picker.root);
  }

  /** Where the body itself does not say it. */
  #countWritten(body: unknown): void {
    if ((this.answer.usage?.outputTokens ?? null) !== null) return;
    this.answer.uncountedBytes = stringBytesIn(isObject(body) ? this.reader.contentOf(body) : body);
  }

  #close(body: unknown): void {
    this.reader.readBody(body);
    if (this.answer.progress === "failed") return;
    this.answer.complete();
    this.answer.hasContent = true;
  }

  /** White space behind the value belongs to the reply, up to the bound. */
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

/** The object or array, or undefined when the bytes are not all of one. */
function parseBody(bytes: Uint8Array): unknown {
  try {
    const body: unknown = JSON.parse(decodeUtf8(bytes, 0, bytes.length));
    return typeof body === "object" && body !== null ? body : undefined;
  } catch {
    // More bytes must come, or the bytes are no JSON: the scanner finds out which.
    return undefined;
  }
}
