/** Holds the beginning of a streamed body back until a byte comes that tells whether the body is what it is said to be. */
import { Buffer } from "node:buffer";
import { firstJsonByte, OPEN_BRACE, OPEN_BRACKET } from "../../wire/json-bytes.ts";

/** White space in front of a body is held back up to so much. What follows more of it passes as it is. */
const MAX_BLANK_BYTES = 4_096;

/** `blank`: white space so far. `json`: a JSON object in place of events. `garbage`: no JSON array, though one was promised. */
type Found = "blank" | "good" | "json" | "garbage";

export class Opening {
  readonly #isArray: boolean;
  /** The body so far. */
  bytes: Uint8Array = new Uint8Array(0);

  /** `isArray`: the body is said to be a JSON array; else an event stream. */
  constructor(isArray: boolean) {
    this.#isArray = isArray;
  }

  take(bytes: Uint8Array): Found {
    this.bytes = this.bytes.byteLength === 0 ? bytes : Buffer.concat([this.bytes, bytes]);
    const start = firstJsonByte(bytes);
    if (start === undefined) return this.bytes.byteLength < MAX_BLANK_BYTES ? "blank" : "good";
    if (this.#isArray) return start === OPEN_BRACKET ? "good" : "garbage";
    return start === OPEN_BRACE ? "json" : "good";
  }
}
