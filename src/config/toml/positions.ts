/** Finds the positions of keys and values in a valid TOML text, because the parser returns values alone. */
import { parse, TomlError } from "smol-toml";
import type { Path } from "../problem.ts";

/** Line and column from 1; columns in UTF-16 units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Offsets into the text; `end` is exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface Place {
  /** Start of the key or of the table's header. */
  readonly keyStart: number;
  /** The value; for a table with a header of its own, the header. */
  readonly value: Span;
}

/** A header or a key with its value, at the top level of the text. */
export interface Statement extends Span {
  /** `table` and `list` are headers, with one bracket and with two. */
  readonly kind: "table" | "list" | "entry";
  /** From the root, with the numbers of entries of lists. */
  readonly path: Path;
}

/** Everything that a text writes, in its order. */
export interface Outline {
  readonly places: ReadonlyMap<string, Place>;
  readonly statements: readonly Statement[];
  /** The members of each list and table in brackets, with their keys, by the path of the list or table. */
  readonly members: ReadonlyMap<string, readonly Span[]>;
}

/** Finds every key, value and table header. The parser must have accepted the text. */
export function scanPlaces(text: string): ReadonlyMap<string, Place> {
  return scanOutline(text).places;
}

/** As `scanPlaces`, with what an edit needs. */
export function scanOutline(text: string): Outline {
  return new Scanner(text).scan();
}

/** The key of a path in the map. */
export function toPathId(path: Path): string {
  return JSON.stringify(path);
}

/** The offsets of the beginnings of lines. The byte order mark belongs to no column. */
export function lineStarts(text: string): readonly number[] {
  return [text.startsWith("\ufeff") ? 1 : 0, ...[...text.matchAll(/\n/g)].map((match) => match.index + 1)];
}

/** The line and column of an offset. */
export function positionAt(starts: readonly number[], offset: number): Position {
  const index = Math.max(
    0,
    starts.findLastIndex((start) => start <= offset),
  );
  return { line: index + 1, column: offset - (starts[index] ?? 0) + 1 };
}

const BLANK = /(?:[ \t\r\n\ufeff]|#[^\n]*)+/y;
const BARE_KEY = /[A-Za-z0-9_-]+/y;
const BARE_VALUE = /\d{4}-\d\d-\d\d \d\d:[^,\]}\s#]*|[^,\]}\s#]+/y;
const STRINGS = [/"""(?:[^\\]|\\[\s\S])*?"{3,5}/y, /'''[\s\S]*?'{3,5}/y, /"(?:[^"\\]|\\.)*"/y, /'[^']*'/y];

class Scanner {
  readonly #text: string;
  readonly #places = new Map<string, Place>();
  readonly #statements: Statement[] = [];
  readonly #members = new Map<string, Span[]>();
  /** The number of entries of each list of tables so far. */
  readonly #lengths = new Map<string, number>();
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  scan(): Outline {
    let table: Path = [];
    this.#take(BLANK);
    while (this.#at < this.#text.length) {
      const start = this.#at;
      if (this.#text[start] === "[") {
        const kind = this.#text[start + 1] === "[" ? "list" : "table";
        table = this.#header();
        this.#statements.push({ kind, path: table, start, end: this.#at });
      } else {
        const path = this.#entry(table);
        this.#statements.push({ kind: "entry", path, start, end: this.#at });
      }
      this.#take(BLANK);
    }
    return { places: this.#places, statements: this.#statements, members: this.#members };
  }

  #header(): Path {
    const start = this.#at;
    const isList = this.#text.startsWith("[[", start);
    this.#at += isList ? 2 : 1;
    const names = this.#key();
    this.#at += isList ? 2 : 1;
    const place = { keyStart: start, value: { start, end: this.#at } };
    let path = [...this.#descend([], names.slice(0, -1)), ...names.slice(-1)];
    if (isList) {
      const id = toPathId(path);
      const length = this.#lengths.get(id) ?? 0;
      this.#lengths.set(id, length + 1);
      if (length === 0) this.#places.set(id, place);
      path = [...path, length];
    }
    this.#places.set(toPathId(path), place);
    return path;
  }

  /** Resolves names from a path, entering the last entry of each list of tables on the way. */
  #descend(from: Path, names: readonly string[]): Path {
    let path = from;
    for (const name of names) {
      path = [...path, name];
      const length = this.#lengths.get(toPathId(path));
      if (length !== undefined) path = [...path, length - 1];
    }
    return path;
  }

  #entry(table: Path): Path {
    const keyStart = this.#at;
    const names = this.#key();
    this.#at++;
    this.#take(BLANK);
    const path = [...this.#descend(table, names.slice(0, -1)), ...names.slice(-1)];
    this.#places.set(toPathId(path), { keyStart, value: this.#value(path) });
    return path;
  }

  /** Reads a dotted key, up to the character after it. */
  #key(): readonly string[] {
    const names: string[] = [];
    do {
      if (names.length > 0) this.#at++;
      this.#take(BLANK);
      const bare = this.#take(BARE_KEY);
      names.push(bare === "" ? unquote(this.#string()) : bare);
      this.#take(BLANK);
    } while (this.#text[this.#at] === ".");
    return names;
  }

  #value(path: Path): Span {
    const start = this.#at;
    const first = this.#text[start];
    if (first === "[" || first === "{") this.#entries(path, first === "[");
    else if (this.#string() === "") this.#take(BARE_VALUE);
    return { start, end: this.#at };
  }

  #entries(path: Path, isList: boolean): void {
    const members: Span[] = [];
    this.#members.set(toPathId(path), members);
    this.#at++;
    for (let index = 0; this.#at < this.#text.length; index++) {
      this.#take(BLANK);
      if (/[\]}]/.test(this.#text[this.#at] ?? "]")) break;
      const start = this.#at;
      if (isList) {
        const value = this.#value([...path, index]);
        this.#places.set(toPathId([...path, index]), { keyStart: start, value });
      } else this.#entry(path);
      members.push({ start, end: this.#at });
      this.#take(BLANK);
      if (this.#text[this.#at] === ",") this.#at++;
    }
    this.#at++;
  }

  #string(): string {
    for (const form of STRINGS) {
      const found = this.#take(form);
      if (found !== "") return found;
    }
    return "";
  }

  /** Takes the text that matches the pattern here; "" without a step when there is no match. */
  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }
}

/**
 * The parser's own reading of a quoted key; "" for a text that the parser refuses, so that only a position is
 * missing.
 */
function unquote(quoted: string): string {
  try {
    return Object.keys(parse(`${quoted} = 0`))[0] ?? "";
  } catch (error) {
    if (error instanceof TomlError) return "";
    throw error;
  }
}
