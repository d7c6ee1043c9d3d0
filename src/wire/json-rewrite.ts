/**
 * Writes a changed JSON value over the bytes that it was parsed from. What did not change keeps its bytes:
 * white space, the spelling of numbers and strings, the order of members.
 */
import { Buffer } from "node:buffer";
import { isObject, type JsonObject } from "../core/json.ts";
import { decodeUtf8 } from "./bytes.ts";
import { type SpliceEdit, splice } from "./json-splice.ts";

/**
 * `before` is the value of `body`, which is valid JSON; `after` shares the values of `before` that did not
 * change. Returns the body itself when nothing changed.
 */
export function rewriteJson(body: Uint8Array, before: JsonObject, after: JsonObject): Uint8Array {
  const writer = new Rewriter(body);
  writer.value(before, after);
  const { edits } = writer;
  if (edits.length === 0) return body;
  return splice(
    body,
    edits.sort((one, other) => one.start - other.start || one.end - other.end),
  );
}

/** A member or an element. `start` is the first byte of the name, or of the element. */
interface Entry {
  /** "" for an element. */
  readonly name: string;
  readonly start: number;
  readonly valueAt: number;
  readonly end: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING: ReadonlySet<number> = new Set([0x7b, 0x5b]);
const CLOSING: ReadonlySet<number> = new Set([0x7d, 0x5d]);
/** What may stand behind a number or a word. */
const AFTER_WORD: ReadonlySet<number> = new Set([0x2c, 0x7d, 0x5d, 0x20, 0x09, 0x0a, 0x0d]);
const COMMA = 0x2c;
const COLON = 0x3a;

class Rewriter {
  readonly edits: SpliceEdit[] = [];
  readonly #body: Uint8Array;
  #at = 0;

  constructor(body: Uint8Array) {
    this.#body = body;
  }

  /** Reads the value at the current place and edits it. */
  value(before: unknown, after: unknown): void {
    this.#skipSpace();
    const start = this.#at;
    if (!Object.is(before, after)) {
      if (isObject(before) && isObject(after) && this.#object(before, after)) return;
      if (Array.isArray(before) && Array.isArray(after) && this.#array(before, after)) return;
    }
    this.#at = start;
    this.#skipValue();
    if (!Object.is(before, after)) this.#replace(start, this.#at, JSON.stringify(after));
  }

  /** false: the bytes name a member twice, so that they cannot be edited in place. */
  #object(before: JsonObject, after: JsonObject): boolean {
    const from = this.#at + 1;
    const members = this.#entries(true);
    const end = this.#at;
    if (members.length !== Object.keys(before).length) return false;
    let lastEnd = from;
    let hasKept = false;
    members.forEach((member, n) => {
      if (!Object.hasOwn(after, member.name)) {
        const next = members[n + 1];
        const start = hasKept ? (members[n - 1] as Entry).end : member.start;
        this.#replace(start, hasKept ? member.end : (next?.start ?? member.end), "");
        return;
      }
      hasKept = true;
      lastEnd = member.end;
      this.#at = member.valueAt;
      this.value(before[member.name], after[member.name]);
    });
    const added = Object.keys(after).filter((name) => !Object.hasOwn(before, name));
    const texts = added.map((name) => `${JSON.stringify(name)}:${JSON.stringify(after[name])}`);
    if (texts.length > 0) this.#replace(lastEnd, lastEnd, `${hasKept ? "," : ""}${texts.join(",")}`);
    this.#at = end;
    return true;
  }

  #array(before: readonly unknown[], after: readonly unknown[]): boolean {
    const start = this.#at;
    const elements = this.#entries(false);
    const end = this.#at;
    if (before.length === after.length) {
      elements.forEach((element, n) => {
        this.#at = element.valueAt;
        this.value(before[n], after[n]);
      });
    } else {
      const places = new Map(before.map((item, n) => [item, elements[n] as Entry]));
      const texts = after.map((item) => {
        const place = typeof item === "object" ? places.get(item) : undefined;
        return place === undefined ? JSON.stringify(item) : decodeUtf8(this.#body, place.start, place.end);
      });
      this.#replace(start, end, `[${texts.join(",")}]`);
    }
    this.#at = end;
    return true;
  }

  /** Reads the object or array at the current place. */
  #entries(isNamed: boolean): Entry[] {
    const entries: Entry[] = [];
    this.#at++;
    for (;;) {
      this.#skipSpace();
      const byte = this.#body[this.#at];
      if (byte === undefined || CLOSING.has(byte)) break;
      if (byte === COMMA) {
        this.#at++;
        continue;
      }
      const start = this.#at;
      let name = "";
      if (isNamed) {
        this.#skipString();
        name = JSON.parse(decodeUtf8(this.#body, start, this.#at)) as string;
        while (this.#body[this.#at] !== COLON) this.#at++;
        this.#at++;
        this.#skipSpace();
      }
      const valueAt = this.#at;
      this.#skipValue();
      entries.push({ name, start, valueAt, end: this.#at });
    }
    this.#at++;
    return entries;
  }

  #skipSpace(): void {
    while (this.#isSpace(this.#body[this.#at])) this.#at++;
  }

  #isSpace(byte: number | undefined): boolean {
    return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
  }

  #skipValue(): void {
    const first = this.#body[this.#at] as number;
    if (first === QUOTE) this.#skipString();
    else if (OPENING.has(first)) this.#skipContainer();
    else while (this.#at < this.#body.length && !AFTER_WORD.has(this.#body[this.#at] as number)) this.#at++;
  }

  #skipContainer(): void {
    let depth = 0;
    do {
      const byte = this.#body[this.#at];
      if (byte === undefined) return;
      if (byte === QUOTE) {
        this.#skipString();
        continue;
      }
      if (OPENING.has(byte)) depth++;
      else if (CLOSING.has(byte)) depth--;
      this.#at++;
    } while (depth > 0);
  }

  #skipString(): void {
    this.#at++;
    while (this.#at < this.#body.length && this.#body[this.#at] !== QUOTE) {
      this.#at += this.#body[this.#at] === BACKSLASH ? 2 : 1;
    }
    this.#at++;
  }

  #replace(start: number, end: number, text: string): void {
    this.edits.push({ start, end, replacement: Buffer.from(text) });
  }
}
