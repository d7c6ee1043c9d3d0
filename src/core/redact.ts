/**
 * Keeps the secrets of a credential out of what leaves the gateway of an upstream's text. Good bodies and events pass
 * unsearched; everything else an upstream says is searched: values of headers, errors, and what the log, the ledger and
 * the gateway's own messages repeat of them.
 */
import { Buffer } from "node:buffer";
import { HeaderList, type HeaderView } from "./header-view.ts";
import { LEAST_LONG_CHARS, LongSecret, type Range, SearchedText } from "./secrets/long-secret.ts";

/**
 * A shorter credential is a placeholder for a server without keys ("none", "ollama"). Such words may occur in
 * any text.
 */
const MIN_SECRET_CHARS = 8;
/** Half of a key of at least twice this length is a secret too: a page may break a line within the key. */
const MIN_HALF_CHARS = 12;
/**
 * Credentials and tokens come and go; a search that is needed again is made again. Counted in characters of what is searched
 * for, of which each takes some kilobytes in a compiled pattern.
 */
const MAX_SEARCHED_CHARS = 24 * 1024;
/** A longer secret is found by its parts: no pattern can be made for a login of many kilobytes. */
const MAX_PATTERN_CHARS = 512;
/** Texts that a mask remembers as clean, and the longest of them. */
const MAX_CLEAN_TEXTS = 256;
const MAX_CLEAN_CHARS = 128;

const SHOWN = "[redacted]";

/** An upstream's text without a credential's secrets, which some upstreams repeat, in each usual encoding. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return maskOf(secrets).hide(text);
}

/** A credential that does not change has one list of secrets, which each request shows. */
const masks = new WeakMap<readonly string[], SecretMask>();

function maskOf(secrets: readonly string[]): SecretMask {
  let mask = masks.get(secrets);
  if (mask === undefined) {
    mask = new SecretMask(secrets);
    masks.set(secrets, mask);
  }
  return mask;
}

/** The same for many texts: to make a pattern takes longer than to search a short text. */
export class SecretMask {
  readonly secrets: readonly string[];
  /** No shorter text holds one of them. */
  readonly #least: number;
  /** Short texts that hold none of them: a server sends the same headers with each reply, and a search takes longer. */
  readonly #clean = new Set<string>();

  constructor(secrets: readonly string[]) {
    this.secrets = secrets.filter((secret) => secret.length >= MIN_SECRET_CHARS);
    this.#least = this.secrets.reduce(
      (least, one) => Math.min(least, leastChars(one)),
      Number.POSITIVE_INFINITY,
    );
  }

  hide(text: string): string {
    if (text.length < this.#least || this.#clean.has(text)) return text;
    const found: Range[] = [];
    const searched = new SearchedText(text);
    for (const secret of this.secrets) {
      if (text.length < leastChars(secret)) continue;
      searchFor(secret).addMatches(found, searched);
    }
    if (found.length > 0) return withoutRanges(text, found);
    if (text.length <= MAX_CLEAN_CHARS) {
      if (this.#clean.size >= MAX_CLEAN_TEXTS) this.#clean.clear();
      this.#clean.add(text);
    }
    return text;
  }
}

/** Finds a secret in a text. */
interface Search {
  addMatches(found: Range[], text: SearchedText): void;
}

class PatternSearch implements Search {
  readonly #patterns: readonly RegExp[];

  constructor(secret: string) {
    this.#patterns = [inWords(secret), inBase64(secret)];
  }

  addMatches(found: Range[], { given }: SearchedText): void {
    for (const pattern of this.#patterns) {
      pattern.lastIndex = 0;
      for (let match = pattern.exec(given); match !== null; match = pattern.exec(given))
        found.push([match.index, match.index + match[0].length]);
    }
  }
}

/**
 * All ranges are those of the text as it came: where two secrets have a part in common, what is hidden of one must not keep
 * the other from being found.
 */
function withoutRanges(text: string, found: Range[]): string {
  let shown = "";
  let end = -1;
  for (const [from, to] of found.sort((a, b) => a[0] - b[0])) {
    if (from >= end) shown += text.slice(Math.max(end, 0), from) + SHOWN;
    end = Math.max(end, to);
  }
  return shown + text.slice(end);
}

/** As `withoutSecrets`, for bytes; the bytes themselves when they hold no secret. */
export function bytesWithoutSecrets(bytes: Uint8Array, secrets: readonly string[]): Uint8Array {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  const shown = withoutSecrets(text, secrets);
  return shown === text ? bytes : new TextEncoder().encode(shown);
}

/** The head without secrets in its headers; the head itself when it holds none. A header with a secret name is left out. */
export function headWithoutSecrets<Head extends { readonly headers: HeaderView }>(
  head: Head,
  secrets: readonly string[],
): Head {
  const mask = maskOf(secrets);
  if (holdsNone(mask, head.headers)) return head;
  const headers = new HeaderList();
  head.headers.forEach((value, name) => {
    if (mask.hide(name) === name) headers.append(name, mask.hide(value));
  });
  return { ...head, headers };
}

/** Whether all names and values are without secrets. Runs for each reply: a list is read without a callback. */
function holdsNone(mask: SecretMask, headers: HeaderView): boolean {
  if (headers instanceof HeaderList) {
    for (const line of headers.lines)
      if (mask.hide(line[1]) !== line[1] || mask.hide(line[0]) !== line[0]) return false;
    return true;
  }
  return holdsNoneInView(mask, headers);
}

function holdsNoneInView(mask: SecretMask, headers: HeaderView): boolean {
  let isClean = true;
  headers.forEach((value, name) => {
    if (mask.hide(value) !== value || mask.hide(name) !== name) isClean = false;
  });
  return isClean;
}

/** No shorter text holds the secret in any encoding, or a half of it. */
function leastChars(secret: string): number {
  if (secret.length > MAX_PATTERN_CHARS) return LEAST_LONG_CHARS;
  const half = Math.floor(secret.length / 2);
  return half < MIN_HALF_CHARS ? secret.length : half;
}

/** The one that was made last is the last. */
const searches = new Map<string, Search>();
let searchedChars = 0;

function searchFor(secret: string): Search {
  const known = searches.get(secret);
  if (known !== undefined) return known;
  const made = secret.length > MAX_PATTERN_CHARS ? new LongSecret(secret) : new PatternSearch(secret);
  searches.set(secret, made);
  searchedChars += charsOf(secret);
  for (const oldest of searches.keys()) {
    if (searchedChars <= MAX_SEARCHED_CHARS || oldest === secret) break;
    searches.delete(oldest);
    searchedChars -= charsOf(oldest);
  }
  return made;
}

/** A long secret takes some 30 bytes for each character, a pattern some kilobytes. */
function charsOf(secret: string): number {
  return secret.length > MAX_PATTERN_CHARS ? Math.ceil(secret.length / 16) : secret.length;
}

/**
 * Matches the secret character by character, each in any form that JSON, URLs, HTML and programs give it, with a blank
 * in between or none; and as hexadecimal digits. Upper and lower case are equal.
 */
function inWords(secret: string): RegExp {
  const chars = Array.from(secret, formsOf);
  const halfAt = Math.floor(chars.length / 2);
  const [one, other] = [chars.slice(0, halfAt).join("\\s?"), chars.slice(halfAt).join("\\s?")];
  const words =
    leastChars(secret) < secret.length ? `${one}(?:\\s?${other})?|${other}` : `${one}\\s?${other}`;
  const hex = Array.from(Buffer.from(secret), (byte) => byte.toString(16).padStart(2, "0")).join("[\\s:]?");
  return new RegExp(`${words}|${hex}`, "gi");
}

const NAMED: Readonly<Record<string, string>> = {
  "&": "amp",
  "<": "lt",
  ">": "gt",
  '"': "quot",
  "'": "apos",
};

/** JSON escapes any character, some behind a backslash; URLs, HTML and programs have escapes of their own. */
function formsOf(char: string): string {
  const code = char.codePointAt(0) as number;
  const hex = code.toString(16);
  const bytes = Array.from(Buffer.from(char), (byte) => byte.toString(16).padStart(2, "0"));
  const forms = [
    `\\\\?${RegExp.escape(char)}`,
    `\\\\u${hex.padStart(4, "0")}`,
    `&#0{0,6}${code};?`,
    `&#x0{0,6}${hex};?`,
    bytes.map((byte) => `\\\\x${byte}`).join(""),
    bytes.map((byte) => `%${byte}`).join(""),
  ];
  const name = NAMED[char];
  return `(?:${(name === undefined ? forms : [...forms, `&${name};`]).join("|")})`;
}

/** The secret within a longer text that is in base64, which has three ways to write it, in both alphabets. */
function inBase64(secret: string): RegExp {
  const forms = [0, 1, 2].map((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)]);
    const text = bytes.toString("base64").replace(/(?<!=)=+$/, "");
    // The characters that hold bits of what stands before and behind are left out.
    const from = Math.ceil((before * 8) / 6);
    const to = (bytes.length * 8) % 6 === 0 ? text.length : text.length - 1;
    return Array.from(text.slice(from, to), base64FormsOf).join("");
  });
  return new RegExp(forms.join("|"), "g");
}

function base64FormsOf(char: string): string {
  if (char === "+") return "(?:\\+|-|%2[Bb])";
  return char === "/" ? "(?:\\\\?/|_|%2[Ff])" : char;
}
