/**
 * The running usage at the end of each chunk. Only the last one counts, so the bytes of the last one are
 * kept, and parsed when somebody asks: parsing each chunk costs more than all the rest of a relay.
 */
import { Buffer } from "node:buffer";
import { isObject, type JsonObject } from "../../core/json.ts";
import { decodeUtf8, indexOfBytes } from "../../wire/bytes.ts";
import { asObject, parseJson } from "../../wire/json.ts";
import { isPlaceholder } from "./usage.ts";

const USAGE_KEY = Buffer.from('"usageMetadata"');
const MODEL_KEY = Buffer.from('"modelVersion"');
const ZERO = 0x30;
const NINE = 0x39;

export class RunningUsage {
  /** The last members of the last chunk that had usage, from `usageMetadata` on; null: there was none. */
  #tail: Uint8Array | null = null;
  #hasModel = false;
  #isUnread = false;

  /**
   * Keeps the usage of whole frames, whose last one is between `from` and `to` or ends there. Returns false
   * when the frames must be read instead: some usage or model in them would count that is not in the last
   * members of the last frame. A key in the text of an answer has a backslash in its quotes, and the brace
   * that closes the last members closes the chunk, so keys in arguments of a call are told apart.
   */
  keep(bytes: Uint8Array, from: number, to: number): boolean {
    const at = Buffer.prototype.lastIndexOf.call(bytes as Buffer, USAGE_KEY, to - USAGE_KEY.length);
    if (at < from) return !hasModel(bytes, from, to);
    if (!this.#isAlike(bytes, at, to) && !this.#isKnown(bytes, at, to)) return false;
    if (!this.#hasModel && hasModel(bytes, from, to)) return false;
    const size = to - at;
    if (this.#tail?.length !== size) this.#tail = new Uint8Array(size);
    Buffer.prototype.copy.call(bytes as Buffer, this.#tail, 0, at, to);
    this.#isUnread = true;
    return true;
  }

  /** The last members of the last chunk that had usage, once; null: they have been taken, or read. */
  take(): JsonObject | null {
    if (!this.#isUnread || this.#tail === null) return null;
    this.#isUnread = false;
    return membersOf(this.#tail, 0, this.#tail.length);
  }

  /** Whether the bytes differ from the kept ones in nothing but numbers greater than zero. */
  #isAlike(bytes: Uint8Array, from: number, to: number): boolean {
    const tail = this.#tail;
    if (tail === null) return false;
    let at = from;
    let known = 0;
    while (at < to && known < tail.length) {
      if (bytes[at] === tail[known]) {
        at++;
        known++;
      } else if (isOtherNumber(bytes, at, tail, known)) {
        at = afterDigits(bytes, at);
        known = afterDigits(tail, known);
      } else {
        return false;
      }
    }
    return at === to && known === tail.length;
  }

  /** Whether the bytes are the last members of a chunk, with usage that supersedes all before. */
  #isKnown(bytes: Uint8Array, from: number, to: number): boolean {
    const members = membersOf(bytes, from, to);
    if (members === null || !isObject(members.usageMetadata)) return false;
    if (isPlaceholder(members.usageMetadata)) return false;
    this.#hasModel = typeof members.modelVersion === "string";
    return true;
  }
}

/** null: the bytes are not the last members of an object, or other lines follow in the frame. */
function membersOf(bytes: Uint8Array, from: number, to: number): JsonObject | null {
  return asObject(parseJson(`{${decodeUtf8(bytes, from, to)}`));
}

function hasModel(bytes: Uint8Array, from: number, to: number): boolean {
  const at = indexOfBytes(bytes, MODEL_KEY, from);
  return at !== -1 && at < to;
}

/** Whether two numbers greater than zero differ from here on. A zero can make the usage a placeholder. */
function isOtherNumber(bytes: Uint8Array, at: number, tail: Uint8Array, known: number): boolean {
  const one = bytes[at];
  const other = tail[known];
  if (isDigit(tail[known - 1])) return isDigit(one) || isDigit(other);
  return isDigit(one) && isDigit(other) && one !== ZERO && other !== ZERO;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE;
}

function afterDigits(bytes: Uint8Array, from: number): number {
  let at = from;
  while (isDigit(bytes[at])) at++;
  return at;
}
