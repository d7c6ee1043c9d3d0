/** Changes of the configuration, and what each makes of the values that a file says. */
import type { Path } from "../problem.ts";
import { isTree, makeTree, type Tree } from "../toml/toml.ts";

/**
 * One change. Paths are those of the file as it is when the change is made: the changes before it in a list are made.
 *
 * - `set`: the key has this value, a text, number, truth or a list of those. Tables on the way are made.
 * - `remove`: the key, the table or the entry of a list is not there any more.
 * - `insert`: the list of tables has a further entry, before entry `at` or (null) behind the last. `block`: the text that
 *   the entry had in the file, comments included; it must say the same as `value`. `more`: further entries behind it, so
 *   that a thousand of them are one change.
 */
export type Change =
  | { readonly kind: "set"; readonly path: Path; readonly value: unknown }
  | { readonly kind: "remove"; readonly path: Path }
  | {
      readonly kind: "insert";
      readonly path: Path;
      readonly at: number | null;
      readonly value: Tree;
      readonly block?: string | undefined;
      readonly more?: readonly Tree[] | undefined;
    };

/** The change cannot be made in this file. */
export class EditError extends Error {
  readonly path: Path;
  readonly repair: string;

  constructor(path: Path, message: string, repair: string) {
    super(message);
    this.name = "EditError";
    this.path = path;
    this.repair = repair;
  }
}

/** The values after the change; the given ones stay as they are. Throws `EditError`. */
export function applyChange(root: Tree, change: Change): Tree {
  const copy = copyOf(root) as Tree;
  const name = change.path.at(-1);
  if (name === undefined) throw new EditError(change.path, "names no key", "name a key");
  if (change.kind === "insert") insertInto(copy, change);
  else if (change.kind === "set") tableAt(copy, change.path)[name] = copyOf(change.value);
  else removeFrom(copy, change.path);
  return copy;
}

function insertInto(root: Tree, { path, at, value, more = [] }: Extract<Change, { kind: "insert" }>): void {
  const table = tableAt(root, path);
  const name = path.at(-1) as string;
  table[name] ??= [];
  const list = table[name];
  if (!Array.isArray(list) || !list.every(isTree))
    throw new EditError(path, "is no list of tables", "name a list");
  const entries = [value, ...more].map((one) => copyOf(one) as Tree);
  table[name] = list.toSpliced(at ?? list.length, 0, ...entries);
}

/** A list of tables without entries is no list: TOML has no header for it. */
function removeFrom(root: Tree, path: Path): void {
  const parent = path.slice(0, -1).reduce<unknown>((at, step) => (at as Tree | undefined)?.[step], root);
  const last = path.at(-1) as string | number;
  if (Array.isArray(parent) && typeof last === "number" && last < parent.length) {
    parent.splice(last, 1);
    if (parent.length === 0) removeFrom(root, path.slice(0, -1));
  } else if (isTree(parent) && Object.hasOwn(parent, last)) delete parent[last];
  else throw new EditError(path, "is not there", "read the settings again");
}

/** The table of a path's last step, which is made where only names are missing. */
function tableAt(root: Tree, path: Path): Tree {
  let at: unknown = root;
  for (const step of path.slice(0, -1)) {
    if (isTree(at) && typeof step === "string") {
      at[step] ??= makeTree();
      at = at[step];
    } else if (Array.isArray(at) && typeof step === "number") at = at[step];
    else at = undefined;
  }
  if (!isTree(at) || typeof path.at(-1) !== "string")
    throw new EditError(path, "is not a key of a table that is there", "read the settings again");
  return at;
}

function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf);
  if (!isTree(value)) return value;
  const copy = makeTree();
  for (const [name, child] of Object.entries(value)) copy[name] = copyOf(child);
  return copy;
}

/** Whether two files say the same; the order of keys in a table says nothing. */
export function saysTheSame(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((one, index) => saysTheSame(one, b[index]));
  if (isTree(a) && isTree(b)) {
    const names = Object.keys(a);
    return (
      names.length === Object.keys(b).length &&
      names.every((name) => Object.hasOwn(b, name) && saysTheSame(a[name], b[name]))
    );
  }
  // Dates are symbols, of which no two are the same one.
  return a === b || (typeof a === "symbol" && String(a) === String(b));
}
