/**
 * The peek at the members that requests of all dialects may have: model, stream, what decides the cost of the
 * answer, the user, and the id of state at the provider.
 */
import { Buffer } from "node:buffer";
import { GatewayError } from "../../core/errors.ts";
import { decodeUtf8 } from "../../wire/bytes.ts";
import type { JsonShape, ShapeNode } from "../../wire/json-shape.ts";
import type { PeekSink } from "../dialect.ts";

/** No provider takes a higher limit, and sums and products of such counts stay exact. */
const MAX_COUNT = 1e9;
/** Anthropic's `speed` and OpenAI's `service_tier` of this name cost more than all others. */
const FAST = "fast";

/** `model` in all other cases, such as `Model` and `MODEL`: part of every peek's shape. */
export const MODEL_IN_OTHER_CASES: JsonShape = Object.fromEntries(
  [..."model"]
    .reduce<string[]>(
      (heads, letter) => heads.flatMap((head) => [head + letter, head + letter.toUpperCase()]),
      [""],
    )
    .filter((name) => name !== "model")
    .map((name) => [name, true]),
);

/**
 * Takes the members of all dialects by their names, which no two of them use for different things; any other
 * member that the shape names, and no subclass takes, is an id of state.
 */
export class RequestPeek implements PeekSink {
  model: string | null = null;
  modelStart = -1;
  modelEnd = -1;
  stream = false;
  insertAt = -1;
  stateId: string | null = null;
  stateField: string | null = null;
  maxOutputTokens: number | null = null;
  answers = 1;
  tier: string | null = null;
  region: string | null = null;
  isBackground = false;
  namesFallbacks = false;
  doubledFallbacks: string | null = null;
  modelInOtherCase: string | null = null;
  user: string | null = null;
  words = 0;
  #hasModels = false;
  #hasFallbacks = false;

  open(node: ShapeNode, start: number): void {
    if (node.path === "") this.insertAt = start + 1;
  }

  close(_node: ShapeNode, _end: number): void {}

  value(
    node: ShapeNode,
    start: number,
    end: number,
    bytes: Uint8Array | null,
    from: number,
    to: number,
  ): void {
    switch (node.name) {
      case "model":
        this.#takeModel(start, end, bytes, from, to);
        break;
      case "stream":
        this.stream = readStream(bytes, from, to, start);
        break;
      case "max_tokens":
      case "max_completion_tokens":
      case "max_output_tokens":
      case "maxOutputTokens": {
        // Servers differ in which of several values they take.
        const limit = readCount(bytes, from, to);
        if (limit !== null) this.maxOutputTokens = Math.max(limit, this.maxOutputTokens ?? 0);
        break;
      }
      case "n":
      case "candidateCount":
      case "candidate_count":
        this.answers = Math.max(readCount(bytes, from, to) ?? 1, this.answers);
        break;
      case "service_tier":
      case "serviceTier":
      case "speed":
        this.#takeTier(readString(bytes, from, to));
        break;
      case "inference_geo":
        this.region = readString(bytes, from, to);
        break;
      case "background":
        this.isBackground = readFlag(bytes, from, to) === true;
        break;
      // OpenRouter's, and Anthropic's. An empty list, and null, name nothing.
      case "models":
      case "fallbacks":
        this.#takeFallbacks(node.name, end - start > 2 && !(bytes !== null && isWord(bytes, from, to, NULL)));
        break;
      case "user":
      case "user_id":
        this.user = readString(bytes, from, to);
        break;
      // Objects that hold members of the shape, and are something else here.
      case "generationConfig":
      case "generation_config":
      case "metadata":
        break;
      default: {
        if (Object.hasOwn(MODEL_IN_OTHER_CASES, node.name)) {
          this.modelInOtherCase ??= node.name;
          return;
        }
        const id = readString(bytes, from, to);
        if (id === null || id === "") return;
        this.stateId = id;
        this.stateField = node.path;
      }
    }
  }

  #takeFallbacks(member: string, isNamed: boolean): void {
    if (isNamed) this.namesFallbacks = true;
    const isAgain = member === "models" ? this.#hasModels : this.#hasFallbacks;
    if (isAgain) this.doubledFallbacks = member;
    if (member === "models") this.#hasModels = true;
    else this.#hasFallbacks = true;
  }

  /** A speed beside a tier decides the price. */
  #takeTier(word: string | null): void {
    if (word !== null && this.tier !== FAST) this.tier = word;
  }

  #takeModel(start: number, end: number, bytes: Uint8Array | null, from: number, to: number): void {
    if (this.modelStart !== -1) {
      throw new GatewayError(
        "bad_request",
        `"model" is given twice (at byte ${this.modelStart} and byte ${start}); give it once`,
        { param: "model" },
      );
    }
    const model = readString(bytes, from, to);
    if (model === null) {
      const fault = bytes === null ? "is too long" : "is not a string";
      throw new GatewayError(
        "bad_request",
        `"model" ${fault} (at byte ${start}); send the name of a model as a JSON string`,
        { param: "model" },
      );
    }
    if (!model.isWellFormed()) {
      throw new GatewayError(
        "bad_request",
        `"model" holds half of a character (at byte ${start}); send the name of a model`,
        { param: "model" },
      );
    }
    this.model = model;
    this.modelStart = start;
    this.modelEnd = end;
  }
}

const TRUE = Buffer.from("true");
const FALSE = Buffer.from("false");
const NULL = Buffer.from("null");

/** null: no boolean. */
export function readFlag(bytes: Uint8Array | null, from: number, to: number): boolean | null {
  if (bytes === null) return null;
  return isWord(bytes, from, to, TRUE) ? true : isWord(bytes, from, to, FALSE) ? false : null;
}

/** Without a text in between, which costs ten times as much. */
function isWord(bytes: Uint8Array, from: number, to: number, word: Uint8Array): boolean {
  if (to - from !== word.length) return false;
  for (let at = 0; at < word.length; at++) if (bytes[from + at] !== word[at]) return false;
  return true;
}

/**
 * A count of at most `MAX_COUNT`, also where it is written as a text, which some servers take; null: no
 * count.
 */
function readCount(bytes: Uint8Array | null, from: number, to: number): number | null {
  if (bytes === null) return null;
  let count = 0;
  for (let at = from; at < to; at++) {
    const digit = (bytes[at] as number) - 0x30;
    if (digit < 0 || digit > 9) return readUnusualCount(bytes, from, to);
    count = count * 10 + digit;
  }
  return Math.min(count, MAX_COUNT);
}

/** Any other spelling, such as `1e3` and `"1000"`. */
function readUnusualCount(bytes: Uint8Array, from: number, to: number): number | null {
  const text = readString(bytes, from, to) ?? decodeUtf8(bytes, from, to);
  const count = /^[\s\d]/.test(text) ? Math.ceil(Number(text)) : Number.NaN;
  return count >= 0 ? Math.min(count, MAX_COUNT) : null;
}

function readStream(bytes: Uint8Array | null, from: number, to: number, start: number): boolean {
  const flag = readFlag(bytes, from, to);
  if (flag === null && (bytes === null || !isWord(bytes, from, to, NULL))) {
    throw new GatewayError(
      "bad_request",
      `"stream" is not true or false (at byte ${start}); send a JSON boolean`,
      { param: "stream" },
    );
  }
  return flag ?? false;
}

/** null: no string, or a string over the scanner's bound. */
export function readString(bytes: Uint8Array | null, from: number, to: number): string | null {
  if (bytes === null) return null;
  const text = decodeUtf8(bytes, from, to);
  if (text.charCodeAt(0) !== 0x22) return null;
  if (!text.includes("\\")) return text.slice(1, -1);
  try {
    return JSON.parse(text) as string;
  } catch {
    // A broken escape: no parser would take the string.
    return null;
  }
}
