/**
 * The canonical text of a JSON body: without white space between its parts, and with the members of the body itself in
 * order. Those of objects inside it stay as they are written: providers write structured outputs and the arguments of
 * tools in the order of a schema's `properties`. So do numbers and texts, so that two bodies have the same canonical text
 * only if they say the same. For the key of the cache alone: what is sent is never printed anew.
 */

import { parseJson } from "../wire/json.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** As deep as a request may be (`JsonScanner`), and what the stack bears. */
const MAX_DEPTH = 512;

const QUOTE = 34;
const BACKSLASH = 92;

/** null: the body is no JSON, or names a member twice, so that servers may differ in what they read. */
export function canonicalJson(body: Uint8Array): string | null {
  let text: string;
  try {
    text = decoder.decode(body);
  } catch {
    return null;
  }
  const reader = new CanonicalReader(text);
  return reader.read();
}

/** Stops the reading of a body that has no canonical text. */
const NO_TEXT = Symbol("no canonical text");

class CanonicalReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): string | null {
    try {
      const value = this.#value(0);
      this.#skipBlanks();
      return this.#at === this.#text.length ? value : null;
    } catch (cause) {
      if (cause === NO_TEXT) return null;
      throw cause;
    }
  }

  #value(depth: number): string {
    if (depth > MAX_DEPTH) throw NO_TEXT;
    this.#skipBlanks();
    switch (this.#text[this.#at]) {
      case "{":
        return this.#object(depth);
      case "[":
        return this.#array(depth);
      case '"':
        return this.#string();
      default:
        return this.#literal();
    }
  }

  #object(depth: number): string {
    this.#at += 1;
    if (this.#takes("}")) return "{}";
    const members = new Map<string, string>();
    do {
      this.#skipBlanks();
      const name = nameOf(this.#string());
      if (members.has(name)) throw NO_TEXT;
      if (!this.#takes(":")) throw NO_TEXT;
      members.set(name, this.#value(depth + 1));
    } while (this.#takes(","));
    if (!this.#takes("}")) throw NO_TEXT;
    const names = [...members.keys()];
    if (depth === 0) names.sort();
    return `{${names.map((name) => `${JSON.stringify(name)}:${members.get(name)}`).join(",")}}`;
  }

  #array(depth: number): string {
    this.#at += 1;
    if (this.#takes("]")) return "[]";
    const items: string[] = [];
    do items.push(this.#value(depth + 1));
    while (this.#takes(","));
    if (!this.#takes("]")) throw NO_TEXT;
    return `[${items.join(",")}]`;
  }

  /** With its quotes. */
  #string(): string {
    const text = this.#text;
    const start = this.#at;
    if (text.charCodeAt(start) !== QUOTE) throw NO_TEXT;
    for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
      let slashes = 0;
      while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes += 1;
      if (slashes % 2 === 1) continue;
      this.#at = end + 1;
      return text.slice(start, end + 1);
    }
    throw NO_TEXT;
  }

  /** A number, or one of the three words, as it stands. */
  #literal(): string {
    const literal = LITERAL;
    literal.lastIndex = this.#at;
    const found = literal.exec(this.#text)?.[0];
    if (found === undefined) throw NO_TEXT;
    this.#at += found.length;
    return found;
  }

  #takes(sign: string): boolean {
    this.#skipBlanks();
    if (this.#text[this.#at] !== sign) return false;
    this.#at += 1;
    return true;
  }

  #skipBlanks(): void {
    const text = this.#text;
    for (;;) {
      const code = text.charCodeAt(this.#at);
      if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return;
      this.#at += 1;
    }
  }
}

const LITERAL = /true|false|null|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** The name that a token spells: two spellings of one name are the same member. */
function nameOf(token: string): string {
  if (!token.includes("\\")) return token.slice(1, -1);
  const name = parseJson(token);
  if (typeof name !== "string") throw NO_TEXT;
  return name;
}
