/** Changes a TOML text in place: comments, order and the form of all other lines stay as they are. */
import { atOnce, type Pieces } from "../../core/turns.ts";
import type { Path } from "../problem.ts";
import { type Outline, type Place, type Statement, scanOutline, toPathId } from "../toml/positions.ts";
import { parseToml, type Tree } from "../toml/toml.ts";
import { applyChange, type Change, EditError, saysTheSame } from "./change.ts";
import { editList } from "./edit-list.ts";
import { addMember, removeMember } from "./members.ts";
import { isWithin, type Section, sectionsOf } from "./sections.ts";
import { indentAt, lineEnd, lineStart, newlineOf, type Splice, splice } from "./splice.ts";
import { writeKeys, writeTable, writeValue } from "./toml-value.ts";

/** A text and what it says, so that a series of edits reads each text once. */
export interface ReadText {
  readonly text: string;
  readonly root: Tree;
}

/** Throws `TomlError`. */
export function readText(text: string): ReadText {
  return { text, root: parseToml(text).root };
}

/**
 * The text with the change made. What it says is what it said before, with the change applied; a text that would say
 * anything else is not returned. Throws `EditError`, and `TomlError` when the text is not TOML.
 */
export function editToml(text: string, change: Change): string {
  return atOnce(editPieces(readText(text), change)).text;
}

/** As `editToml`, in pieces that are short in a file of thousands of lines. */
export function* editPieces({ text, root }: ReadText, change: Change): Pieces<ReadText> {
  const wanted = applyChange(root, change);
  yield;
  const editor = new Editor(text, root);
  yield;
  const edited = editor.edit(change);
  yield;
  const said = rootOf(edited);
  yield;
  if (said !== null && saysWanted(said, wanted, change)) return { text: edited, root: said };
  throw new EditError(
    change.path,
    "cannot be changed in the form that the file has here",
    "change the file by hand",
  );
}

/** null: the text is not TOML. */
function rootOf(text: string): Tree | null {
  try {
    return parseToml(text).root;
  } catch {
    return null;
  }
}

/** A list of tables in brackets may be empty, and says then what no list says. */
function saysWanted(root: Tree, wanted: Tree, change: Change): boolean {
  return saysTheSame(change.kind === "remove" ? withoutEmpty(root, change.path) : root, wanted);
}

function withoutEmpty(root: Tree, path: Path): Tree {
  const list = path.slice(0, -1);
  const value = list.reduce<unknown>((at, step) => (at as Tree | undefined)?.[step], root);
  return Array.isArray(value) && value.length === 0
    ? applyChange(root, { kind: "remove", path: list })
    : root;
}

class Editor {
  readonly #text: string;
  readonly #root: Tree;
  readonly #outline: Outline;
  readonly #sections: readonly Section[];
  readonly #newline: string;

  constructor(text: string, root: Tree) {
    this.#text = text;
    this.#root = root;
    this.#outline = scanOutline(text);
    this.#sections = sectionsOf(text, this.#outline);
    this.#newline = newlineOf(text);
  }

  edit(change: Change): string {
    if (change.kind === "set") return this.#set(change.path, change.value);
    const splices = change.kind === "insert" ? this.#insert(change) : this.#remove(change.path);
    return splice(this.#text, splices);
  }

  #set(path: Path, value: unknown): string {
    const place = this.#place(path);
    if (place === null || this.#headerOf(path) !== null)
      return splice(this.#text, this.#add(path.slice(0, -1), [path.at(-1) as string], writeValue(value)));
    const old = path.reduce<unknown>((at, step) => (at as Tree)[step], this.#root);
    const isLong = this.#text.slice(place.value.start, place.value.end).includes("\n");
    if (isLong && Array.isArray(old) && Array.isArray(value)) return editList(this.#text, path, old, value);
    return splice(this.#text, [{ ...place.value, text: writeValue(value) }]);
  }

  /** Adds a key to a table, which is made when it is not there. `names` has several steps below a table that is not there. */
  #add(table: Path, names: readonly string[], value: string): readonly Splice[] {
    const section = this.#headerOf(table);
    if (section !== null) return [this.#line(section, `${writeKeys(names)} = ${value}`)];
    const place = this.#place(table);
    if (place !== null) {
      const members = this.#outline.members.get(toPathId(table)) ?? [];
      const brackets = { text: this.#text, all: place.value, members };
      return addMember(brackets, members.length, `${writeKeys(names)} = ${value}`);
    }
    const dotted = this.#dotted(table);
    if (dotted !== null) {
      const steps = [...table.slice(dotted.path.length), ...names].map(String);
      return [this.#line(dotted, `${writeKeys(steps)} = ${value}`)];
    }
    const parent = table.slice(0, -1);
    const name = table.at(-1);
    if (typeof name !== "string") throw new EditError(table, "is not there", "read the settings again");
    if (this.#isInSections(parent)) {
      const lines = [`[${writeKeys(namesOf(table))}]`, `${writeKeys(names)} = ${value}`];
      return [this.#block(this.#lastWithin(parent), lines)];
    }
    return this.#add(parent, [name], `{ ${writeKeys(names)} = ${value} }`);
  }

  #insert({ path, at, value, block, more = [] }: Extract<Change, { kind: "insert" }>): readonly Splice[] {
    const values = [value, ...more];
    const place = this.#place(path);
    const isInBrackets = place !== null && this.#outline.members.has(toPathId(path));
    if (isInBrackets) {
      const members = this.#outline.members.get(toPathId(path)) ?? [];
      const brackets = { text: this.#text, all: place.value, members };
      return addMember(brackets, at ?? members.length, values.map(writeValue).join(", "));
    }
    const parent = path.slice(0, -1);
    if (place === null && !this.#isInSections(parent))
      return this.#add(parent, [path.at(-1) as string], writeValue(values));
    const lines = block?.split(/\r?\n/) ?? writeEntries(namesOf(path), values);
    const next = at === null ? null : this.#headerOf([...path, at]);
    if (next !== null) {
      const text = [...lines, "", ""].join(this.#newline);
      return [{ start: next.lines.start, end: next.lines.start, text }];
    }
    return [this.#block(this.#lastWithin(place === null ? parent : path), lines)];
  }

  #remove(path: Path): readonly Splice[] {
    const sections = this.#sections.filter(({ header }) => header !== null && isWithin(header.path, path));
    const entries = this.#sections
      .filter((section) => !sections.includes(section))
      .flatMap((section) => section.entries.filter((entry) => isWithin(entry.path, path)));
    const splices = [
      ...sections.map((section) => this.#cutLines(section)),
      ...this.#cutEntries(path, entries),
    ];
    return splices.length > 0 ? splices : this.#cutMember(path);
  }

  #cutEntries(path: Path, entries: readonly Statement[]): readonly Splice[] {
    return entries.map((entry, index) => {
      const lines = {
        start: lineStart(this.#text, entry.start),
        end: lineEnd(this.#text, entry.end),
        text: "",
      };
      const table = path.slice(0, -1);
      // Only the dotted key says that there is such a table.
      if (index > 0 || entry.path.length < 2 || this.#isSaidWithout(table, entries)) return lines;
      const owner = this.#sections.find((section) => section.entries.includes(entry)) as Section;
      const steps = table.slice(owner.path.length).map(String);
      return steps.length === 0
        ? lines
        : { start: entry.start, end: entry.end, text: `${writeKeys(steps)} = {}` };
    });
  }

  #isSaidWithout(table: Path, entries: readonly Statement[]): boolean {
    return this.#outline.statements.some((one) => !entries.includes(one) && isWithin(one.path, table));
  }

  #cutMember(path: Path): readonly Splice[] {
    for (let length = path.length - 1; length > 0; length--) {
      const members = this.#outline.members.get(toPathId(path.slice(0, length)));
      const all = this.#place(path.slice(0, length));
      if (members === undefined || all === null) continue;
      const place = this.#place(path);
      const at = members.findIndex(
        ({ start, end }) => place !== null && start <= place.keyStart && place.value.end <= end,
      );
      if (at >= 0) return removeMember({ text: this.#text, all: all.value, members }, at);
    }
    throw new EditError(path, "is not there", "read the settings again");
  }

  /** The lines of a section, with the empty lines below it, or above it at the end of the file. */
  #cutLines({ lines }: Section): Splice {
    const below = /^([ \t]*\r?\n)*/.exec(this.#text.slice(lines.end))?.[0].length ?? 0;
    const isLast = this.#text.slice(lines.end).trim() === "";
    const above = isLast ? emptyLinesAt(this.#text.slice(0, lines.start)) : 0;
    // The line break of the last line that stays is no empty line.
    const kept = above === 0 ? 0 : this.#newline.length;
    return {
      start: lines.start - Math.max(0, above - kept),
      end: isLast ? this.#text.length : lines.end + below,
      text: "",
    };
  }

  #line(section: Section, line: string): Splice {
    const last = section.entries.at(-1) ?? section.header;
    if (last === null) {
      const first = this.#sections[1]?.lines.start ?? this.#text.length;
      return { start: first, end: first, text: `${line}${this.#newline}${this.#newline}` };
    }
    const at = lineEnd(this.#text, last.end);
    const indent = indentAt(this.#text, last.start);
    const isOpen = this.#text[at - 1] !== "\n";
    const text = isOpen ? `${this.#newline}${indent}${line}` : `${indent}${line}${this.#newline}`;
    return { start: at, end: at, text };
  }

  /** Lines of a new section below a section, or at the end of the file. */
  #block(after: Section | null, lines: readonly string[]): Splice {
    const at = after === null ? this.#text.length : after.lines.end;
    const indent = after?.header == null ? "" : indentAt(this.#text, after.header.start);
    const written = lines.map((line) => (line === "" ? "" : `${indent}${line}`)).join(this.#newline);
    const before = this.#text.slice(0, at);
    const isOpen = before !== "" && !before.endsWith("\n");
    const gap = before.trim() === "" || /\n[ \t]*\r?\n$/.test(before) ? "" : this.#newline;
    const isFollowed = at < this.#text.length && !/^[ \t]*\r?\n/.test(this.#text.slice(at));
    const text = `${isOpen ? this.#newline : ""}${gap}${written}${this.#newline}${isFollowed ? this.#newline : ""}`;
    return { start: at, end: at, text };
  }

  /** null: the end of the file. */
  #lastWithin(path: Path): Section | null {
    if (path.length === 0) return null;
    return this.#sections.findLast(({ header }) => header !== null && isWithin(header.path, path)) ?? null;
  }

  /** The root, or a table that has a header, or one below it; not one in brackets or of dotted keys. */
  #isInSections(path: Path): boolean {
    if (path.length === 0 || this.#headerOf(path) !== null) return true;
    const isWritten = this.#place(path) !== null || this.#dotted(path) !== null;
    return !isWritten && this.#isInSections(path.slice(0, -1));
  }

  #headerOf(path: Path): Section | null {
    if (path.length === 0) return this.#sections[0] ?? null;
    const id = toPathId(path);
    return this.#sections.find(({ header }) => header !== null && toPathId(header.path) === id) ?? null;
  }

  /** The last section whose dotted keys make this table. */
  #dotted(path: Path): Section | null {
    return (
      this.#sections.findLast((section) =>
        section.entries.some((entry) => entry.path.length > path.length && isWithin(entry.path, path)),
      ) ?? null
    );
  }

  #place(path: Path): Place | null {
    return this.#outline.places.get(toPathId(path)) ?? null;
  }
}

/** The characters of the empty lines at the end of a text, with the line break before them. */
function emptyLinesAt(text: string): number {
  const kept = text.trimEnd();
  const ended = text.slice(kept.length);
  const first = ended.search(/\r?\n/);
  return first < 0 ? 0 : ended.length - first;
}

function writeEntries(names: readonly string[], values: readonly Tree[]): readonly string[] {
  return values.flatMap((value, index) => [...(index === 0 ? [] : [""]), ...writeTable(names, value, true)]);
}

function namesOf(path: Path): readonly string[] {
  return path.filter((step) => typeof step === "string");
}

/** The text of an entry with a header, comments included; null: it has none, or stands in several places. */
export function blockOf(text: string, path: Path): string | null {
  const sections = sectionsOf(text, scanOutline(text));
  const own = sections.filter(({ header }) => header !== null && isWithin(header.path, path));
  const first = own[0];
  const last = own.at(-1);
  if (first === undefined || last === undefined) return null;
  if (sections.indexOf(last) - sections.indexOf(first) !== own.length - 1) return null;
  return text.slice(first.lines.start, last.lines.end).trimEnd();
}
