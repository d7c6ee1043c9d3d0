/** Reads TOML into plain values, and remembers where each of them stands. */
import { parseDocument, type TomlDocument } from "@decimalturn/toml-patch";
import type { Path } from "./problem.ts";

/** A table without a prototype, so that a key such as `__proto__` is a key like any other. */
export type Tree = Record<string, unknown>;

/** From 1, both; columns in UTF-16 units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Offsets into the text: from the first character to behind the last. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface TomlFile {
  readonly root: Tree;
  /** What to replace for another value; for a table with a header of its own, that header. Null: not in the file. */
  spanOf(path: Path): Span | null;
  /** Where the value of this path stands, or of the nearest table around it. */
  valueAt(path: Path): Position | null;
  /** Where the key of this path stands, or of the nearest table around it. */
  keyAt(path: Path): Position | null;
}

/** Text that is not TOML. `message` and `repair` are our own words: the library's quote the line, which may hold a secret. */
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

/** A table without a prototype. */
export function makeTree(): Tree {
  return Object.create(null) as Tree;
}

/** Whether a value is a table, as opposed to a list or a scalar. */
export function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Parses a whole file. Dates and times become a symbol, because no key takes one and every check refuses symbols; integers
 * beyond 2^53 become a bigint for the same reason.
 */
export function parseToml(text: string): TomlFile {
  try {
    const document = parseDocument(text);
    // Duplicate keys and tables are found only when the values are asked for.
    void document.toJsObject;
    return new Builder(text).build(document.cst);
  } catch (error) {
    throw toTomlError(error);
  }
}

// The library's node types are not exported; what is used of them is derived from the one that is.
type Block = TomlDocument["cst"][number];
type KeyValue = Extract<Block, { key: unknown; value: unknown }>;
type Node = { readonly loc: { readonly start: Position; readonly end: Position } };

class Builder implements TomlFile {
  readonly root = makeTree();
  readonly #keys = new Map<string, Position>();
  readonly #values = new Map<string, Position>();
  readonly #spans = new Map<string, Span>();
  /** Offsets of the lines' first characters. */
  readonly #lines: readonly number[];

  constructor(text: string) {
    // The byte order mark belongs to no column.
    this.#lines = [
      text.startsWith("\ufeff") ? 1 : 0,
      ...[...text.matchAll(/\n/g)].map((match) => match.index + 1),
    ];
  }

  build(blocks: readonly Block[]): TomlFile {
    for (const block of blocks) {
      if ("equals" in block) this.#assign(this.root, [], block);
      else if ("items" in block) this.#table(block);
    }
    return this;
  }

  spanOf(path: Path): Span | null {
    return this.#spans.get(toId(path)) ?? null;
  }

  valueAt(path: Path): Position | null {
    return this.#find(this.#values, path);
  }

  keyAt(path: Path): Position | null {
    return this.#find(this.#keys, path);
  }

  #find(positions: ReadonlyMap<string, Position>, path: Path): Position | null {
    for (let length = path.length; length > 0; length--) {
      const position = positions.get(toId(path.slice(0, length)));
      if (position !== undefined) return position;
    }
    return null;
  }

  #table(block: Extract<Block, { items: unknown }>): void {
    const names = block.key.item.value;
    const isList = (block.type as string) === "TableArray";
    const [parent, parentPath] = this.#descend(this.root, [], names.slice(0, -1));
    const name = names.at(-1) ?? "";
    let path: Path = [...parentPath, name];
    let table: Tree;
    if (isList) {
      parent[name] ??= [];
      const list = parent[name] as Tree[];
      table = makeTree();
      path = [...path, list.push(table) - 1];
      if (list.length === 1) this.#note([...parentPath, name], block.key, block.key);
    } else {
      [table] = this.#descend(parent, parentPath, [name]);
    }
    this.#note(path, block.key, block.key);
    for (const item of block.items) if ("equals" in item) this.#assign(table, path, item);
  }

  #assign(table: Tree, path: Path, entry: KeyValue): void {
    const names = entry.key.value;
    const [parent, parentPath] = this.#descend(table, path, names.slice(0, -1));
    const name = names.at(-1) ?? "";
    const fullPath = [...parentPath, name];
    this.#note(fullPath, entry.key, entry.value);
    parent[name] = this.#value(entry.value, fullPath);
  }

  /** Goes down by names, makes tables that are not there, and takes the last entry of a list of tables. */
  #descend(from: Tree, path: Path, names: readonly string[]): [Tree, Path] {
    let table = from;
    let at = path;
    for (const name of names) {
      at = [...at, name];
      table[name] ??= makeTree();
      const next = table[name];
      if (Array.isArray(next)) {
        at = [...at, next.length - 1];
        table = next.at(-1) as Tree;
      } else {
        table = next as Tree;
      }
    }
    return [table, at];
  }

  #value(node: KeyValue["value"], path: Path): unknown {
    if ("items" in node) {
      if ((node.type as string) === "InlineArray") {
        return node.items.map((entry, index) => {
          const item = entry.item as KeyValue["value"];
          this.#note([...path, index], item, item);
          return this.#value(item, [...path, index]);
        });
      }
      const table = makeTree();
      for (const entry of node.items) this.#assign(table, path, entry.item as KeyValue);
      return table;
    }
    return node.value instanceof Date ? Symbol("date") : node.value;
  }

  #note(path: Path, key: Node, value: Node): void {
    const id = toId(path);
    this.#keys.set(id, toPosition(key.loc.start));
    this.#values.set(id, toPosition(value.loc.start));
    this.#spans.set(id, { start: this.#offset(value.loc.start), end: this.#offset(value.loc.end) });
  }

  #offset(at: Position): number {
    return (this.#lines[at.line - 1] ?? 0) + at.column;
  }
}

function toId(path: Path): string {
  return JSON.stringify(path);
}

function toPosition(start: Position): Position {
  return { line: start.line, column: start.column + 1 };
}

/** The library's words for what users do most, and ours. */
const SYNTAX: readonly (readonly [found: RegExp, message: string, repair: string])[] = [
  [
    /^Invalid (integer|float|date|number)|^Unexpected char|^Float/,
    "not a value.",
    'Put text in quotes: key = "text".',
  ],
  [/already defined|^Duplicate key/, "it is there twice.", "Keep one of the two."],
  [/^Cannot (extend|add|traverse)/, "it was already given another shape above.", "Keep one of the two."],
  [/^Expected value|^Value must/, "the value is missing.", 'Write key = "value" on one line.'],
  [/^Expected "=" for|^Use '='/, "the key has no value.", 'Write key = "value".'],
  [/^Invalid bare key/, "this key needs quotes.", "Use letters, digits, - and _, or put the key in quotes."],
  [/^(Expected close of string|Newline|Unterminated)/, "the text is not closed.", "Add the closing quote."],
  [
    /^Invalid (escape|Unicode|hex)|^Trailing backslash/,
    "\\ begins an escape that TOML does not know.",
    "Write \\\\ for a backslash, or use 'single quotes'.",
  ],
  [
    /^Expected (table closing|"\]|"\})|header must be single-line/,
    "a bracket is not closed.",
    "Add the closing bracket.",
  ],
  [/^Missing comma/, "a comma is missing.", "Put a comma between the entries."],
  [/^Key\/value pairs must/, "two entries stand on one line.", "Put each on its own line."],
];

function toTomlError(error: unknown): TomlError {
  const last = error instanceof Error ? (error.message.split("\n").at(-1) ?? "") : "";
  const row = SYNTAX.find(([found]) => found.test(last));
  const position =
    error instanceof Error && "line" in error && "column" in error
      ? toPosition({ line: Number(error.line), column: Number(error.column) })
      : null;
  return new TomlError(
    row?.[1] ?? "this is not TOML.",
    row?.[2] ?? "See https://toml.io/en/v1.0.0.",
    position,
  );
}
