/** Reads TOML into plain values, and finds the position of each. */

import { TomlError as ParserError, parse } from "smol-toml";
import { isObject } from "../../core/json.ts";
import type { Path } from "../problem.ts";
import {
  lineStarts,
  type Place,
  type Position,
  positionAt,
  type Span,
  scanPlaces,
  toPathId,
} from "./positions.ts";

/**
 * A table without a prototype, so that a key such as `__proto__` is a key like any other. Unlike a
 * `JsonObject`, it may be changed.
 */
export type Tree = Record<string, unknown>;

/**
 * The text is not TOML. `message` and `repair` are Clewline's: the parser's message quotes the line, which
 * may contain a secret.
 */
export class TomlError extends Error {
  readonly position: Position | null;
  readonly repair: string;

  constructor(message: string, repair: string, position: Position | null) {
    super(message);
    this.name = "TomlError";
    this.repair = repair;
    this.position = position;
  }
}

/** A parsed text. Positions are searched on first use, because a good file needs none. */
export class TomlFile {
  readonly root: Tree;
  readonly #text: string;
  #places: ReadonlyMap<string, Place> | null = null;
  #lines: readonly number[] | null = null;

  constructor(root: Tree, text: string) {
    this.root = root;
    this.#text = text;
  }

  /** The position of a path's value, or of the nearest table around it. */
  valueAt(path: Path): Position | null {
    const place = this.#find(path);
    return place === null ? null : this.#position(place.value.start);
  }

  /** The position of a path's key, or of the nearest table around it. */
  keyAt(path: Path): Position | null {
    const place = this.#find(path);
    return place === null ? null : this.#position(place.keyStart);
  }

  /**
   * The span to replace for another value; for a table with a header of its own, the header. null: not in the
   * file.
   */
  spanOf(path: Path): Span | null {
    return this.#all().get(toPathId(path))?.value ?? null;
  }

  #find(path: Path): Place | null {
    for (let length = path.length; length > 0; length--) {
      const place = this.#all().get(toPathId(path.slice(0, length)));
      if (place !== undefined) return place;
    }
    return null;
  }

  #position(offset: number): Position {
    this.#lines ??= lineStarts(this.#text);
    return positionAt(this.#lines, offset);
  }

  #all(): ReadonlyMap<string, Place> {
    this.#places ??= scanPlaces(this.#text);
    return this.#places;
  }
}

export function makeTree(): Tree {
  return Object.create(null) as Tree;
}

export function isTree(value: unknown): value is Tree {
  return isObject(value);
}

/**
 * Parses a whole file. Dates and times become a symbol, and integers beyond 2^53 a bigint: no key accepts
 * them, so every check refuses both.
 */
export function parseToml(text: string): TomlFile {
  try {
    return new TomlFile(withoutDates(parse(text, { integersAsBigInt: "asNeeded" })) as Tree, text);
  } catch (error) {
    throw toTomlError(error, text);
  }
}

function withoutDates(value: unknown): unknown {
  if (value instanceof Date) return Symbol("date");
  if (Array.isArray(value)) return value.map(withoutDates);
  if (isTree(value)) for (const [name, child] of Object.entries(value)) value[name] = withoutDates(child);
  return value;
}

/** The parser's messages about the most common mistakes, with Clewline's message and repair. */
const SYNTAX: readonly (readonly [found: RegExp, message: string, repair: string])[] = [
  [
    /invalid (value|date)|numeric|underscore|leading zero/,
    "this is not a value",
    'put text in quotes: key = "text"',
  ],
  [/redefine/, "the key or table is there twice", "keep one of the two"],
  [/incomplete key-value/, "the key has no value", 'write key = "value"'],
  [/expected end of table|unfinished (array|table)/, "a bracket is not closed", "add the closing bracket"],
  [/ key|quoted key/, "this is not a key with its value", 'write key = "value", and [table] above it'],
  [/in strings|unfinished string/, "the text is not closed", "add the closing quote"],
  [
    /escape/,
    "\\ begins an escape that TOML does not know",
    "write \\\\ for a backslash, or use 'single quotes'",
  ],
  [/expected comma/, "a comma is missing", "put a comma between the entries"],
  [/followed by an end-of-line/, "two entries are on one line", "put each entry on its own line"],
];

function toTomlError(error: unknown, text: string): TomlError {
  if (!(error instanceof ParserError)) return new TomlError("this is not TOML", "see https://toml.io", null);
  const line = text.split("\n")[error.line - 1] ?? "";
  const said = error.message.split("\n")[0] ?? "";
  // When the bracket of a header is missing, the parser still looks for a key.
  const meant = /key/.test(said) && /^\s*\[/.test(line) ? "unfinished table" : said;
  const row = SYNTAX.find(([found]) => found.test(meant));
  const position = { line: error.line, column: error.column };
  return new TomlError(row?.[1] ?? "this is not TOML", row?.[2] ?? "see https://toml.io", position);
}
