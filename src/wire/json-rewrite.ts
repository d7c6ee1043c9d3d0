/**
 * Writes a changed JSON value over the bytes that it was parsed from. What did not change keeps its bytes:
 * white space, the spelling of numbers and strings, the order of members.
 */
import { Buffer } from "node:buffer";
import { isObject, type JsonObject } from "../core/json.ts";
import { decodeUtf8, indexOfBytes, markBytes } from "./bytes.ts";
import { BACKSLASH, BYTE_KIND, COLON, COMMA } from "./json-bytes.ts";
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

/** Kinds of bytes, see `BYTE_KIND`. */
const STRING = 1;
const OPENING = 2;
const CLOSING = 3;
const SPACE = 4;
const WORD = 5;
const QUOTE = Buffer.from('"');

class Rewriter {
  readonly edits: SpliceEdit[] = [];
  readonly #body: Uint8Array;
  #at: number;

  constructor(body: Uint8Array) {
    this.#body = body;
    this.#at = markBytes(body);
  }

  /** Reads the value at the current place and edits it. */
  value(before: unknown, after: unknown): void {
    this.#skipSpace();
    const isChanged = !Object.is(before, after);
    if (isChanged && isObject(before) && isObject(after)) this.#object(before, after);
    else if (isChanged && Array.isArray(before) && Array.isArray(after)) this.#array(before, after);
    else {
      const start = this.#at;
      this.#skipValue();
      if (isChanged) this.#replace(start, this.#at, jsonOf(after));
    }
  }

  #object(before: JsonObject, after: JsonObject): void {
    const from = this.#at + 1;
    const members = this.#entries(true);
    const end = this.#at;
    const isKept = keptOf(members, before, after);
    const gone: Entry[] = [];
    let lastEnd = from;
    let hasKept = false;
    members.forEach((member, n) => {
      if (!isKept(member, n)) {
        if (!isIn(after, member.name)) gone.push(member);
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
    const added = Object.keys(after).filter((name) => !Object.hasOwn(before, name) && isIn(after, name));
    const texts = added.map((name) => {
      // A member that has another name keeps the bytes of its value.
      const renamed = gone.findLast((member) => Object.is(before[member.name], after[name]));
      const value = renamed === undefined ? JSON.stringify(after[name]) : this.#text(renamed);
      return `${JSON.stringify(name)}:${value}`;
    });
    if (texts.length > 0) this.#replace(lastEnd, lastEnd, `${hasKept ? "," : ""}${texts.join(",")}`);
    this.#at = end;
  }

  #array(before: readonly unknown[], after: readonly unknown[]): void {
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
        return place === undefined ? jsonOf(item) : this.#text(place);
      });
      this.#replace(start, end, `[${texts.join(",")}]`);
    }
    this.#at = end;
  }

  #text({ valueAt, end }: Entry): string {
    return decodeUtf8(this.#body, valueAt, end);
  }

  /** Reads the object or array at the current place. */
  #entries(isNamed: boolean): Entry[] {
    const entries: Entry[] = [];
    this.#at++;
    for (;;) {
      this.#skipSpace();
      const byte = this.#body[this.#at];
      if (byte === undefined || BYTE_KIND[byte] === CLOSING) break;
      if (byte === COMMA) {
        this.#at++;
        continue;
      }
      const start = this.#at;
      let name = "";
      if (isNamed) {
        this.#skipString();
        const text = decodeUtf8(this.#body, start, this.#at);
        name = text.includes("\\") ? (JSON.parse(text) as string) : text.slice(1, -1);
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
    this.#skipKind(SPACE);
  }

  #skipKind(kind: number): void {
    let at = this.#at;
    while (BYTE_KIND[this.#body[at] as number] === kind) at++;
    this.#at = at;
  }

  #skipValue(): void {
    const kind = BYTE_KIND[this.#body[this.#at] as number];
    if (kind === STRING) this.#skipString();
    else if (kind === OPENING) this.#skipContainer();
    else this.#skipKind(WORD);
  }

  #skipContainer(): void {
    let depth = 0;
    do {
      const byte = this.#body[this.#at];
      if (byte === undefined) return;
      const kind = BYTE_KIND[byte];
      if (kind === STRING) {
        this.#skipString();
        continue;
      }
      if (kind === OPENING) depth++;
      else if (kind === CLOSING) depth--;
      this.#at++;
    } while (depth > 0);
  }

  #skipString(): void {
    const body = this.#body;
    let quote = this.#at;
    for (;;) {
      quote = indexOfBytes(body, QUOTE, quote + 1);
      if (quote === -1) {
        this.#at = body.length;
        return;
      }
      let before = quote - 1;
      while (body[before] === BACKSLASH) before--;
      if ((quote - before) % 2 === 1) break;
    }
    this.#at = quote + 1;
  }

  #replace(start: number, end: number, text: string): void {
    this.edits.push({ start, end, replacement: Buffer.from(text) });
  }
}

/** Whether a member stays. Of members with one name the last counts, as for the parser. */
function keptOf(
  members: readonly Entry[],
  before: JsonObject,
  after: JsonObject,
): (member: Entry, n: number) => boolean {
  if (members.length === Object.keys(before).length) return ({ name }) => isIn(after, name);
  const last = new Map(members.map(({ name }, n) => [name, n]));
  return ({ name }, n) => last.get(name) === n && isIn(after, name);
}

/** A member that is undefined is none, as for `JSON.stringify`. */
function isIn(object: JsonObject, name: string): boolean {
  return Object.hasOwn(object, name) && object[name] !== undefined;
}

/** JSON has no undefined: in a list it is null. */
function jsonOf(value: unknown): string {
  return JSON.stringify(value) ?? "null";
}
