/**
 * Finds parts of a secret that is too long for a pattern: clients may show logins of many kilobytes, and an upstream may
 * repeat any part of one. Text and secret are compared in one plain form, in which the usual encodings are undone.
 */
import { Buffer } from "node:buffer";

/** Of the secret, each piece of this size is known: what repeats twice as much of it holds one of them whole. */
const PIECE_CHARS = 24;
/** No shorter text holds a part of a long secret that is looked for. */
export const LEAST_LONG_CHARS = PIECE_CHARS;

/** A range of a text. */
export type Range = readonly [from: number, to: number];

/** A text with its escapes undone, and without what stands between the characters of a secret: blanks, colons, padding. */
interface PlainText {
  /** One byte for each character. */
  readonly chars: Uint8Array;
  /** Where each of them begins and ends in the text that was given. */
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
}

const ESCAPE =
  /\\{1,4}u([0-9a-f]{4})|\\{1,4}x([0-9a-f]{2})|%([0-9a-f]{2})|&#0{0,6}(\d{1,7});?|&#x0{0,6}([0-9a-f]{1,6});?|&(amp|lt|gt|quot|apos);|\\{1,4}[nrt]/iy;
const NAMED: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

const NOTHING = 0;
const BEGINS_ESCAPE = 0xff;
/**
 * What each character is compared as. The two alphabets of base64 are one, and so are small and capital letters. Letters
 * beyond ASCII, which are bytes in one encoding and numbers in another, are left out.
 */
const COMPARED_AS = comparedAs();

function comparedAs(): Uint8Array {
  const table = new Uint8Array(128);
  for (let code = 33; code < 127; code++) table[code] = String.fromCharCode(code).toLowerCase().charCodeAt(0);
  for (const char of ":=") table[char.charCodeAt(0)] = NOTHING;
  for (const char of "\\%&") table[char.charCodeAt(0)] = BEGINS_ESCAPE;
  table["-".charCodeAt(0)] = "+".charCodeAt(0);
  table["_".charCodeAt(0)] = "/".charCodeAt(0);
  return table;
}

/** The character itself, without its use in an escape. */
function itself(code: number): number {
  const as = COMPARED_AS[code] ?? NOTHING;
  return as !== BEGINS_ESCAPE ? as : code === 0x5c ? NOTHING : code;
}

function plain(given: string): PlainText {
  const chars = new Uint8Array(given.length);
  const starts = new Uint32Array(given.length);
  const ends = new Uint32Array(given.length);
  let size = 0;
  for (let at = 0; at < given.length; ) {
    const code = given.charCodeAt(at);
    let char = COMPARED_AS[code] ?? NOTHING;
    let next = at + 1;
    if (char === BEGINS_ESCAPE) {
      ESCAPE.lastIndex = at;
      const match = ESCAPE.exec(given);
      char = itself(match === null ? code : codeOf(match));
      if (match !== null) next = ESCAPE.lastIndex;
    }
    if (char !== NOTHING) {
      chars[size] = char;
      starts[size] = at;
      ends[size] = next;
      size++;
    }
    at = next;
  }
  return { chars: chars.subarray(0, size), starts, ends };
}

function codeOf([, json, program, url, decimal, hex, name]: RegExpExecArray): number {
  if (name !== undefined) return (NAMED[name.toLowerCase()] as string).charCodeAt(0);
  const digits = json ?? program ?? url ?? hex;
  if (digits !== undefined) return Number.parseInt(digits, 16);
  return decimal === undefined ? NOTHING : Number(decimal);
}

/** A text in which several secrets are looked for. */
export class SearchedText {
  readonly given: string;
  #plain: PlainText | null = null;

  constructor(given: string) {
    this.given = given;
  }

  get plain(): PlainText {
    this.#plain ??= plain(this.given);
    return this.#plain;
  }
}

const FACTOR = 0x01000193;
/** What the first character of a piece adds to its hash. */
const FIRST_FACTOR = Array.from({ length: PIECE_CHARS - 1 }).reduce<number>(
  (power) => Math.imul(power, FACTOR),
  1,
);

function hashOf(chars: Uint8Array, from: number): number {
  let hash = 0;
  for (let at = from; at < from + PIECE_CHARS; at++) hash = (Math.imul(hash, FACTOR) + (chars[at] ?? 0)) | 0;
  return hash;
}

/** The parts of one secret. */
export class LongSecret {
  /** The secret as it is, in hexadecimal digits, and in the three ways in which a longer text in base64 may hold it. */
  readonly #forms: readonly Uint8Array[];
  /** By its hash, where each piece stands: in which form, and at which of its characters. */
  readonly #pieces = new Map<number, readonly [form: Uint8Array, at: number]>();

  constructor(secret: string) {
    const bytes = Buffer.from(secret);
    const base64 = [0, 1, 2].map((before) => {
      const text = Buffer.concat([Buffer.alloc(before), bytes])
        .toString("base64")
        .replace(/(?<!=)=+$/, "");
      // The first characters hold bits of what stands before the secret, and the last one of what stands behind.
      return text.slice(before === 0 ? 0 : before + 1, -1);
    });
    this.#forms = [secret, bytes.toString("hex"), ...base64].map((form) => plain(form).chars);
    for (const form of this.#forms)
      for (let at = 0; at + PIECE_CHARS <= form.length; at += PIECE_CHARS)
        this.#pieces.set(hashOf(form, at), [form, at]);
  }

  /** Adds the ranges of the text that hold parts of the secret. */
  addMatches(found: Range[], { plain: { chars, starts, ends } }: SearchedText): void {
    let hash = hashOf(chars, 0);
    let leastFrom = 0;
    for (let at = 0; at + PIECE_CHARS <= chars.length; ) {
      const piece = this.#pieces.get(hash);
      const size = piece === undefined ? 0 : equalChars(chars, at, piece[0], piece[1]);
      if (piece !== undefined && size >= PIECE_CHARS) {
        const from = at - equalBefore(chars, at, leastFrom, piece[0], piece[1]);
        at += size;
        leastFrom = at;
        found.push([starts[from] as number, ends[at - 1] as number]);
        hash = hashOf(chars, at);
        continue;
      }
      hash = (hash - Math.imul(chars[at] as number, FIRST_FACTOR)) | 0;
      hash = (Math.imul(hash, FACTOR) + (chars[at + PIECE_CHARS] ?? 0)) | 0;
      at++;
    }
  }
}

/** How many characters are equal from the two places on. */
function equalChars(chars: Uint8Array, at: number, form: Uint8Array, formAt: number): number {
  let size = 0;
  while (at + size < chars.length && formAt + size < form.length && chars[at + size] === form[formAt + size])
    size++;
  return size;
}

/** How many characters before the two places are equal. */
function equalBefore(
  chars: Uint8Array,
  at: number,
  leastFrom: number,
  form: Uint8Array,
  formAt: number,
): number {
  let size = 0;
  while (at - size > leastFrom && size < formAt && chars[at - size - 1] === form[formAt - size - 1]) size++;
  return size;
}
