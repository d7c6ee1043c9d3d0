/** Makes changes of one text in a later text, if nothing that they touch was changed in between. */
import { setImmediate } from "node:timers/promises";
import type { Path } from "../problem.ts";
import { parseToml, type Tree } from "../toml/toml.ts";
import { applyChange, type Change, EditError, saysTheSame } from "./change.ts";
import { blockOf, editToml } from "./edit-toml.ts";
import { differencesOf, namedSettings, touches } from "./named-settings.ts";

/** A setting that both sides have changed, each in its way; undefined: it is not there. */
export interface Clash {
  readonly name: string;
  readonly path: Path;
  readonly base: unknown;
  readonly theirs: unknown;
  readonly mine: unknown;
}

export type Rebased =
  | { readonly ok: true; readonly text: string; readonly changes: readonly Change[] }
  | { readonly ok: false; readonly clashes: readonly Clash[] };

/** The changes made one after the other, each in a turn of its own: streams go on meanwhile. Throws `EditError`. */
export async function editAll(text: string, changes: readonly Change[]): Promise<string> {
  let edited = text;
  for (const change of changes) {
    await setImmediate();
    edited = editToml(edited, change);
  }
  return edited;
}

/**
 * Makes the changes of `base` in `theirs`. Entries of lists are found by their names. Throws `EditError` when the changes
 * cannot be made in `base` either.
 */
export async function rebase(base: string, theirs: string, changes: readonly Change[]): Promise<Rebased> {
  const baseRoot = parseToml(base).root;
  const theirRoot = parseToml(theirs).root;
  const myRoot = changes.reduce(applyChange, baseRoot);
  const theirDifferences = differencesOf(baseRoot, theirRoot);
  const myDifferences = differencesOf(baseRoot, myRoot);
  const isClash = theirDifferences.some((their) =>
    myDifferences.some((my) => touches(their.name, my.name) && !saysTheSame(their.after, my.after)),
  );
  const moved = isClash ? null : await moveAll(baseRoot, theirRoot, theirs, changes);
  if (moved !== null) return { ok: true, ...moved };
  return {
    ok: false,
    clashes: clashesOf([...theirDifferences, ...myDifferences], baseRoot, theirRoot, myRoot),
  };
}

async function moveAll(baseRoot: Tree, theirRoot: Tree, theirs: string, changes: readonly Change[]) {
  let [from, to, text] = [baseRoot, theirRoot, theirs];
  const moved: Change[] = [];
  for (const change of changes) {
    await setImmediate();
    const path = movePath(from, to, change.path);
    if (path === null) return null;
    const at =
      change.kind === "insert" && change.at !== null ? moveIndex(from, to, change.path, change.at) : null;
    const there = (change.kind === "insert" ? { ...change, path, at } : { ...change, path }) as Change;
    try {
      text = editToml(text, there);
      from = applyChange(from, change);
      to = applyChange(to, there);
    } catch (error) {
      if (error instanceof EditError) return null;
      throw error;
    }
    moved.push(there);
  }
  return { text, changes: moved };
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

/** The changes that turn the result of `changes` back into `text`, for the result of each. */
export async function inverseOf(text: string, changes: readonly Change[]): Promise<readonly Change[]> {
  const inverse: Change[] = [];
  let at = text;
  for (const change of changes) {
    await setImmediate();
    inverse.unshift(...inverseOfOne(at, change));
    if (change !== changes.at(-1)) at = editToml(at, change);
  }
  return inverse;
}

function inverseOfOne(text: string, change: Change): readonly Change[] {
  const { root } = parseToml(text);
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
  if (change.kind === "set")
    return [old === undefined ? { kind: "remove", path } : { kind: "set", path, value: old }];
  if (typeof last !== "number") return [{ kind: "set", path, value: old }];
  const list = path.slice(0, -1);
  const isLast = last === (valueAt(list) as readonly unknown[]).length - 1;
  const at = isLast ? null : last;
  return [{ kind: "insert", path: list, at, value: old as Tree, block: blockOf(text, path) ?? undefined }];
}
