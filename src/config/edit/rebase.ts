/** Makes changes of one text in a later text, if nothing that they touch was changed in between. */
import { setImmediate } from "node:timers/promises";
import { inTurns, type Pieces } from "../../core/turns.ts";
import type { Path } from "../problem.ts";
import { parseToml, type Tree } from "../toml/toml.ts";
import { applyChange, type Change, EditError, saysTheSame } from "./change.ts";
import { blockOf, editPieces, type ReadText, readText } from "./edit-toml.ts";
import { differencesOf, namedSettings, touches } from "./named-settings.ts";

/** A setting that both sides have changed, each in its way; undefined: it is not there. */
export interface Clash {
  readonly name: string;
  readonly path: Path;
  readonly base: unknown;
  readonly theirs: unknown;
  readonly mine: unknown;
}

/** A text with changes made. */
export interface EditedText extends ReadText {
  /** What the text before says. */
  readonly before: Tree;
  /** The changes that turn the text back into the one before, for the result of each. */
  readonly inverse: readonly Change[];
}

export type Rebased =
  | { readonly ok: true; readonly edited: EditedText }
  | { readonly ok: false; readonly clashes: readonly Clash[] };

/** The changes made one after the other, in turns of their own: streams go on meanwhile. Throws `EditError`. */
export function editAll(text: string, changes: readonly Change[]): Promise<EditedText> {
  return inTurns(editAllPieces(text, changes));
}

function* editAllPieces(text: string, changes: readonly Change[]): Pieces<EditedText> {
  const before = readText(text);
  const edits = new Edits(before);
  for (const change of changes) {
    yield;
    yield* edits.make(change);
  }
  return edits.result;
}

/** A series of edits, with the way back. */
class Edits {
  readonly #before: Tree;
  readonly #inverse: Change[] = [];
  #at: ReadText;

  constructor(before: ReadText) {
    this.#before = before.root;
    this.#at = before;
  }

  *make(change: Change): Pieces<void> {
    const at = this.#at;
    this.#at = yield* editPieces(at, change);
    yield;
    this.#inverse.unshift(...inverseOf(at, change));
  }

  get result(): EditedText {
    return { ...this.#at, before: this.#before, inverse: this.#inverse };
  }
}

/**
 * Makes the changes of `base` in `theirs`. Entries of lists are found by their names. Throws `EditError` when the changes
 * cannot be made in `base` either.
 */
export async function rebase(base: string, theirs: string, changes: readonly Change[]): Promise<Rebased> {
  const baseRoot = parseToml(base).root;
  await setImmediate();
  const their = readText(theirs);
  await setImmediate();
  const myRoot = changes.reduce(applyChange, baseRoot);
  const theirDifferences = differencesOf(baseRoot, their.root);
  await setImmediate();
  const myDifferences = differencesOf(baseRoot, myRoot);
  const isClash = theirDifferences.some((one) =>
    myDifferences.some((my) => touches(one.name, my.name) && !saysTheSame(one.after, my.after)),
  );
  const edited = isClash ? null : await inTurns(movePieces(baseRoot, their, changes));
  if (edited !== null) return { ok: true, edited };
  return {
    ok: false,
    clashes: clashesOf([...theirDifferences, ...myDifferences], baseRoot, their.root, myRoot),
  };
}

function* movePieces(
  baseRoot: Tree,
  theirs: ReadText,
  changes: readonly Change[],
): Pieces<EditedText | null> {
  let [from, to] = [baseRoot, theirs.root];
  const edits = new Edits(theirs);
  for (const change of changes) {
    yield;
    const path = movePath(from, to, change.path);
    if (path === null) return null;
    const at =
      change.kind === "insert" && change.at !== null ? moveIndex(from, to, change.path, change.at) : null;
    const there = (change.kind === "insert" ? { ...change, path, at } : { ...change, path }) as Change;
    try {
      yield* edits.make(there);
      from = applyChange(from, change);
      to = applyChange(to, there);
    } catch (error) {
      if (error instanceof EditError) return null;
      throw error;
    }
  }
  return edits.result;
}

/** The path of the same entries, by their names; null: one of them is not there any more. */
function movePath(from: Tree, to: Tree, path: Path): Path | null {
  const last = path.findLastIndex((step) => typeof step === "number");
  if (last < 0) return path;
  const entry = path.slice(0, last + 1);
  const id = JSON.stringify(entry);
  const found = [...namedSettings(from)].find(([, setting]) => JSON.stringify(setting.path) === id);
  const there = found === undefined ? undefined : namedSettings(to).get(found[0]);
  return there === undefined ? null : [...there.path, ...path.slice(last + 1)];
}

/** Before the same entry as before; behind the last one when that entry is not there. */
function moveIndex(from: Tree, to: Tree, list: Path, at: number): number | null {
  const next = movePath(from, to, [...list, at])?.at(-1);
  return typeof next === "number" ? next : null;
}

function clashesOf(
  differences: readonly { name: string; path: Path }[],
  base: Tree,
  theirs: Tree,
  mine: Tree,
): Clash[] {
  const [a, b, c] = [namedSettings(base), namedSettings(theirs), namedSettings(mine)];
  const unique = new Map(differences.map((one) => [one.name, one.path]));
  return [...unique].map(([name, path]) => ({
    name,
    path,
    base: a.get(name)?.value,
    theirs: b.get(name)?.value,
    mine: c.get(name)?.value,
  }));
}

/** What takes the change of this text back, for the text after it. */
function inverseOf({ text, root }: ReadText, change: Change): readonly Change[] {
  const valueAt = (path: Path): unknown =>
    path.reduce<unknown>((at, step) => (at as Tree | undefined)?.[step], root);
  const { path } = change;
  const old = valueAt(path);
  const last = path.at(-1);
  if (change.kind === "insert") {
    const length = Array.isArray(old) ? old.length : 0;
    const first = change.at ?? length;
    // From the end, so that the paths before stay true.
    return [change.value, ...(change.more ?? [])]
      .map((_, index): Change => ({ kind: "remove", path: [...path, first + index] }))
      .reverse();
  }
  if (change.kind === "set") {
    if (old !== undefined) return [{ kind: "set", path, value: old }];
    // A table that the change made goes with its key.
    const made = path.findIndex((_, depth) => valueAt(path.slice(0, depth + 1)) === undefined);
    return [{ kind: "remove", path: path.slice(0, made + 1) }];
  }
  if (typeof last !== "number") return [{ kind: "set", path, value: old }];
  const list = path.slice(0, -1);
  const isLast = last === (valueAt(list) as readonly unknown[]).length - 1;
  const at = isLast ? null : last;
  return [{ kind: "insert", path: list, at, value: old as Tree, block: blockOf(text, path) ?? undefined }];
}
