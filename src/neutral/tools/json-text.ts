/**
 * Reads JSON text as models write it: the arguments of calls, and the free text of a custom tool as
 * `{"input":"…"}`.
 */
import { isObject, type JsonObject } from "../../core/json.ts";
import { isTooDense } from "../../core/json-density.ts";
import { MAX_DEPTH } from "./depth.ts";

/**
 * The arguments in a call's JSON text; empty, blank and `null` mean no arguments. null when the text is not a
 * JSON object, or is nested too deeply to be written again.
 */
export function parseArguments(text: string): JsonObject | null {
  if (text === "" || text === "{}") return {};
  if (text.length > MAX_DEPTH && (isTextDeep(text) || isTooDense(text))) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return text.trim() === "" ? {} : null;
  }
  if (value === null) return {};
  return isObject(value) ? value : null;
}

function isTextDeep(text: string): boolean {
  let depth = 0;
  let isString = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (isString) {
      if (code === BACKSLASH) i++;
      else if (code === QUOTE) isString = false;
    } else if (code === QUOTE) {
      isString = true;
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      if (++depth > MAX_DEPTH) return true;
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      depth--;
    }
  }
  return false;
}

/** Follows the text of an object that arrives in fragments. Reads each character once. */
export class ObjectFollower {
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  #isClosed = false;
  #isOther = false;

  /** Each bracket of an object that the text begins with is closed, and only white space follows. */
  get isClosed(): boolean {
    return this.#isClosed && !this.#isOther;
  }

  push(fragment: string): void {
    if (this.#isOther) return;
    for (let at = 0; at < fragment.length; at++) this.#step(fragment.charCodeAt(at));
  }

  #step(code: number): void {
    if (this.#isInString) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (code === BACKSLASH) this.#isEscaped = true;
      else if (code === QUOTE) this.#isInString = false;
    } else if (this.#depth === 0) {
      if (isSpace(code)) return;
      if (code === OPEN_BRACE && !this.#isClosed) this.#depth = 1;
      else this.#isOther = true;
    } else if (code === QUOTE) this.#isInString = true;
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) this.#depth++;
    else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) this.#isClosed = --this.#depth === 0;
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COLON = 0x3a;
const COMMA = 0x2c;
const LETTER_U = 0x75;

const ESCAPES: ReadonlyMap<number, string> = new Map([
  [QUOTE, '"'],
  [BACKSLASH, "\\"],
  [0x2f, "/"],
  [0x62, "\b"],
  [0x66, "\f"],
  [0x6e, "\n"],
  [0x72, "\r"],
  [0x74, "\t"],
]);

/** Position of the reader in the text. */
type Place =
  /** Before `{`. */
  | "start"
  /** Before a member's name or `}`. */
  | "name"
  | "in-name"
  | "colon"
  /** Before a member's value. */
  | "value"
  /** In the value of another member. */
  | "skip"
  | "skip-string"
  /** In the wanted string. */
  | "text"
  /** After the wanted string: the rest is ignored. */
  | "done"
  /** After an object without members. */
  | "empty"
  /** The text has another form, so the result is the raw text. */
  | "other";

/**
 * Reads the string member `input` of a JSON object that arrives in fragments, split anywhere, and returns its
 * decoded text as soon as that is certain. Other members are ignored. When the text turns out to have another
 * form, `end` returns the whole raw text.
 */
export class JsonStringReader {
  #place: Place = "start";
  /** All fragments until the wanted string begins. */
  #raw: string[] = [];
  #name = "";
  /** Depth within a value that is skipped. */
  #depth = 0;
  /** An incomplete escape, with its backslash. */
  #escape = "";
  /** The first half of a surrogate pair. */
  #half = "";
  readonly #member: string;

  constructor(member = "input") {
    this.#member = member;
  }

  /** Takes the next fragment; returns the text that is now certain, often "". */
  push(fragment: string): string {
    if (this.#is("done")) return "";
    let i = 0;
    if (!this.#is("text")) {
      this.#raw.push(fragment);
      while (i < fragment.length && !this.#is("text") && !this.#is("other")) {
        this.#step(fragment.charCodeAt(i), fragment.charAt(i));
        i++;
      }
    }
    return this.#is("text") && i < fragment.length ? this.#read(fragment, i) : "";
  }

  /** The rest of the text, at the end. */
  end(): string {
    const place = this.#place;
    this.#place = "done";
    if (place === "text") return this.#half;
    if (place === "done" || place === "empty") return "";
    const raw = this.#raw.join("");
    return raw.trim() === "" ? "" : raw;
  }

  #is(place: Place): boolean {
    return this.#place === place;
  }

  #step(code: number, character: string): void {
    switch (this.#place) {
      case "in-name":
        this.#stepName(code, character);
        return;
      case "skip":
        this.#stepSkip(code);
        return;
      case "skip-string":
        if (this.#escape !== "") this.#escape = "";
        else if (code === BACKSLASH) this.#escape = "\\";
        else if (code === QUOTE) this.#place = "skip";
        return;
      default:
        if (!isSpace(code)) this.#stepBetween(code);
    }
  }

  #stepBetween(code: number): void {
    if (this.#place === "start") this.#place = code === OPEN_BRACE ? "name" : "other";
    else if (this.#place === "name" && code === QUOTE) this.#place = "in-name";
    else if (this.#place === "name" && code === CLOSE_BRACE && this.#name === "") this.#place = "empty";
    else if (this.#place === "colon" && code === COLON) this.#place = "value";
    else if (this.#place === "value") this.#stepValue(code);
    else this.#place = "other";
    if (this.#place === "in-name") this.#name = "";
  }

  #stepName(code: number, character: string): void {
    if (this.#escape !== "") {
      this.#name += this.#escape + character;
      this.#escape = "";
    } else if (code === BACKSLASH) {
      this.#escape = "\\";
    } else if (code === QUOTE) {
      this.#place = "colon";
    } else {
      this.#name += character;
    }
  }

  #stepValue(code: number): void {
    if (this.#name === this.#member) {
      this.#place = code === QUOTE ? "text" : "other";
      if (code === QUOTE) this.#raw = [];
      return;
    }
    this.#depth = 0;
    this.#place = "skip";
    this.#stepSkip(code);
  }

  #stepSkip(code: number): void {
    if (code === QUOTE) this.#place = "skip-string";
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) this.#depth++;
    else if (this.#depth === 0 && code === COMMA) this.#place = "name";
    else if (this.#depth === 0 && code === CLOSE_BRACE) this.#place = "other";
    else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) this.#depth--;
  }

  #read(fragment: string, from: number): string {
    let out = this.#half;
    this.#half = "";
    let i = from;
    let plainFrom = from;
    while (i < fragment.length) {
      if (this.#escape !== "") {
        out += this.#readEscape(fragment.charCodeAt(i), fragment.charAt(i));
        plainFrom = ++i;
        continue;
      }
      const code = fragment.charCodeAt(i);
      if (code === QUOTE || code === BACKSLASH) {
        if (i > plainFrom) out += fragment.slice(plainFrom, i);
        plainFrom = i + 1;
        if (code === QUOTE) {
          this.#place = "done";
          return out;
        }
        this.#escape = "\\";
      }
      i++;
    }
    if (i > plainFrom) out += fragment.slice(plainFrom, i);
    const last = out.charCodeAt(out.length - 1);
    if (last < 0xd800 || last > 0xdbff || out === "") return out;
    this.#half = out.slice(-1);
    return out.slice(0, -1);
  }

  /**
   * Takes the next character of an escape; returns the decoded character once the escape is complete. An
   * escape that JSON does not have is returned unchanged.
   */
  #readEscape(code: number, character: string): string {
    const sequence = this.#escape + character;
    if (sequence.length === 2) {
      this.#escape = code === LETTER_U ? sequence : "";
      return code === LETTER_U ? "" : (ESCAPES.get(code) ?? sequence);
    }
    const isHex = (code >= 48 && code <= 57) || (code >= 65 && code <= 70) || (code >= 97 && code <= 102);
    if (!isHex || sequence.length === 6) this.#escape = "";
    else this.#escape = sequence;
    if (!isHex) return sequence;
    return sequence.length === 6 ? String.fromCharCode(Number.parseInt(sequence.slice(2), 16)) : "";
  }
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}
