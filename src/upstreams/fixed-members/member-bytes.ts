/** Writes members into an object that stays bytes: to parse a long request for them alone would hold up all others. */
import { Buffer } from "node:buffer";
import type { JsonObject } from "../../core/json.ts";
import { decodeUtf8, markBytes } from "../../wire/bytes.ts";
import { BACKSLASH, BYTE_KIND, CLOSE_BRACE, COLON, COMMA, OPEN_BRACE, QUOTE } from "../../wire/json-bytes.ts";
import { type SpliceEdit, splice } from "../../wire/json-splice.ts";

/** JSON writes a character with at most so many bytes: as an escape. */
const MOST_BYTES_OF_ONE = 6;
/** So many bytes of a string are walked before a native search, whose call costs more than a short walk. */
const WALK_BYTES = 24;

/** Kinds of bytes, see `BYTE_KIND`. */
const STRING = 1;
const OPENING = 2;
const CLOSING = 3;
const SPACE = 4;
const WORD = 5;

const NOTHING = new Uint8Array(0);

/** Members side by side that are to be taken out. */
interface Run {
  /** The first byte of the first one's name. */
  readonly start: number;
  /** Behind the last one. */
  end: number;
  /** The first byte of the name of the member behind them; null: there is none. */
  next: number | null;
}

/**
 * The object with the members behind all others, and without others of their names, in upper or lower case: servers in Go read
 * a member in any case, and the last of several counts. null: the bytes are no JSON object. The inside of values is not
 * checked.
 */
export function withMemberBytes(body: Uint8Array, members: JsonObject): Uint8Array | null {
  const top = new TopMembers(body, Object.keys(members));
  if (!top.read()) return null;
  const { runs, keptEnd, contentAt } = top;
  const edits: SpliceEdit[] = [];
  const start = keptEnd ?? contentAt;
  let end = start;
  for (const run of runs) {
    if (run.next === null) end = run.end;
    else edits.push({ start: run.start, end: run.next, replacement: NOTHING });
  }
  const text = JSON.stringify(members).slice(1, -1);
  edits.push({ start, end, replacement: Buffer.from(keptEnd === null ? text : `,${text}`) });
  return splice(body, edits);
}

/** Where the members of an object stand whose names are wanted. */
class TopMembers {
  readonly runs: Run[] = [];
  /** Behind the last member that stays; null: none stays. */
  keptEnd: number | null = null;
  /** Behind the opening brace. */
  contentAt = 0;
  readonly #body: Uint8Array;
  /** In lower case. */
  readonly #names: ReadonlySet<string>;
  /** The first bytes of names that may be wanted. */
  readonly #firsts = new Uint8Array(256).fill(1, 128);
  readonly #leastBytes: number;
  readonly #mostBytes: number;
  #at: number;

  constructor(body: Uint8Array, names: readonly string[]) {
    this.#body = body;
    this.#at = markBytes(body);
    this.#names = new Set(names.map((name) => name.toLowerCase()));
    this.#firsts[BACKSLASH] = 1;
    for (const name of names)
      for (const first of [name.toLowerCase(), name.toUpperCase()])
        this.#firsts[first.charCodeAt(0) & 255] = 1;
    const sizes = names.map(({ length }) => length);
    this.#leastBytes = Math.min(...sizes);
    this.#mostBytes = MOST_BYTES_OF_ONE * Math.max(...sizes);
  }

  /** False: the bytes are no JSON object. */
  read(): boolean {
    if (this.#next() !== OPEN_BRACE) return false;
    this.#at++;
    this.contentAt = this.#at;
    if (this.#next() === CLOSE_BRACE) return this.#isEnd();
    let run: Run | null = null;
    for (;;) {
      if (this.#next() !== QUOTE) return false;
      const start = this.#at;
      this.#skipString();
      const isWanted = this.#isWanted(start + 1, this.#at - 1);
      if (this.#next() !== COLON) return false;
      this.#at++;
      if (!this.#skipValue()) return false;
      if (!isWanted) {
        if (run !== null) run.next = start;
        run = null;
        this.keptEnd = this.#at;
      } else if (run === null) {
        run = { start, end: this.#at, next: null };
        this.runs.push(run);
      } else run.end = this.#at;
      const byte = this.#next();
      if (byte === CLOSE_BRACE) return this.#isEnd();
      if (byte !== COMMA) return false;
      this.#at++;
    }
  }

  #isWanted(from: number, to: number): boolean {
    const size = to - from;
    if (size < this.#leastBytes || size > this.#mostBytes) return false;
    if (this.#firsts[this.#body[from] as number] === 0) return false;
    return this.#names.has(unescaped(decodeUtf8(this.#body, from, to)).toLowerCase());
  }

  /** Behind the closing brace nothing may stand. */
  #isEnd(): boolean {
    this.#at++;
    return this.#next() === undefined;
  }

  /** The next byte that is not white space. */
  #next(): number | undefined {
    const body = this.#body;
    let at = this.#at;
    while (BYTE_KIND[body[at] as number] === SPACE) at++;
    this.#at = at;
    return body[at];
  }

  #skipValue(): boolean {
    const kind = BYTE_KIND[this.#next() as number];
    if (kind === STRING) this.#skipString();
    else if (kind === OPENING) return this.#skipContainer();
    else if (kind === WORD) while (BYTE_KIND[this.#body[this.#at] as number] === WORD) this.#at++;
    else return false;
    return this.#at <= this.#body.length;
  }

  #skipContainer(): boolean {
    const body = this.#body;
    let depth = 0;
    while (this.#at < body.length) {
      const kind = BYTE_KIND[body[this.#at] as number];
      if (kind === STRING) {
        this.#skipString();
        continue;
      }
      this.#at++;
      if (kind === OPENING) depth++;
      else if (kind === CLOSING && --depth === 0) return true;
    }
    return false;
  }

  /** Goes behind the closing quote, or beyond the end of the bytes where there is none. */
  #skipString(): void {
    const body = this.#body;
    const near = Math.min(this.#at + 1 + WALK_BYTES, body.length);
    let at = this.#at + 1;
    while (at < near) {
      const byte = body[at++];
      if (byte === QUOTE) {
        this.#at = at;
        return;
      }
      if (byte === BACKSLASH) at++;
    }
    for (let from = at; ; ) {
      const quote = body.indexOf(QUOTE, from);
      if (quote === -1) {
        this.#at = body.length + 1;
        return;
      }
      let slash = quote;
      while (slash > from && body[slash - 1] === BACKSLASH) slash--;
      if ((quote - slash) % 2 === 0) {
        this.#at = quote + 1;
        return;
      }
      from = quote + 1;
    }
  }
}

/** A name with a broken escape is none that is wanted: who parses it refuses it. */
function unescaped(text: string): string {
  if (!text.includes("\\")) return text;
  try {
    return JSON.parse(`"${text}"`) as string;
  } catch {
    return text;
  }
}
