/** Brings values back that were changed before the start, by their names. */
import { type Path, renderPath } from "../problem.ts";
import { isTree, type Tree } from "../toml/toml.ts";
import { type Change, saysTheSame } from "./change.ts";
import { namedSettings } from "./named-settings.ts";
import type { Clash } from "./rebase.ts";

/** As JSON keeps it: what is absent was not there. */
export interface KeptDifference {
  readonly name: string;
  readonly path: Path;
  readonly before?: unknown;
  readonly after?: unknown;
}

/** A difference as people see it. */
export interface ShownDifference {
  readonly path: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** From the JSON of the record. */
export function parseKept(json: string): readonly KeptDifference[] {
  return JSON.parse(json) as readonly KeptDifference[];
}

/** From the JSON of the record. */
export function parseShown(json: string): readonly ShownDifference[] {
  return JSON.parse(json) as readonly ShownDifference[];
}

type Removal = Extract<Change, { kind: "remove" }>;

export type UndoChanges =
  | { readonly ok: true; readonly changes: readonly Change[] }
  | { readonly ok: false; readonly clashes: readonly Clash[] };

/** The changes of `root` that bring back what was before; clashes where a value is not the one that was set then. */
export function undoDifferences(root: Tree, differences: readonly KeptDifference[]): UndoChanges {
  const now = namedSettings(root);
  const clashes: Clash[] = [];
  const sets: Change[] = [];
  const removals: Removal[] = [];
  for (const { name, path, before, after } of differences) {
    const current = now.get(name);
    const place = current?.path ?? placeOf(now, name, path);
    if (!saysTheSame(current?.value, after) || place === null)
      clashes.push({ name, path, base: after, theirs: current?.value, mine: before });
    else if (before === undefined) removals.push({ kind: "remove", path: place });
    else if (isTree(before) && typeof path.at(-1) === "number")
      sets.push({ kind: "insert", path: place, at: null, value: before });
    else sets.push({ kind: "set", path: place, value: before });
  }
  if (clashes.length > 0) return { ok: false, clashes };
  const gone = sets.length === 0 ? withWholeTables(root, removals) : removals;
  // From the end of each list, so that the paths before stay true.
  const removed = gone.toSorted((a, b) => comparePaths(b.path, a.path));
  return { ok: true, changes: [...sets, ...removed] };
}

/** The removals, and in place of those that leave nothing of a table, the removal of the table. */
function withWholeTables(root: Tree, removals: readonly Removal[]): readonly Removal[] {
  const keys = new Map<string, Removal[]>();
  for (const removal of removals) {
    const table = renderPath(removal.path.slice(0, -1));
    keys.set(table, [...(keys.get(table) ?? []), removal]);
  }
  return [...keys.values()].flatMap((inTable) => {
    const path = (inTable[0] as Removal).path.slice(0, -1);
    const table = path.reduce<unknown>((at, step) => (isTree(at) ? at[step] : undefined), root);
    const isAll = path.length > 0 && isTree(table) && Object.keys(table).length === inTable.length;
    return isAll ? [{ kind: "remove", path }] : inTable;
  });
}

/** Where a value would stand, or the list of an entry; null: what was around it is not there any more. */
function placeOf(now: ReturnType<typeof namedSettings>, name: string, path: Path): Path | null {
  const isEntry = typeof path.at(-1) === "number";
  const inside = isEntry ? path.slice(0, -1) : path;
  const last = inside.findLastIndex((step) => typeof step === "number");
  if (last < 0) return inside;
  const owner = [...now].filter(
    ([one, { path: at }]) =>
      typeof at.at(-1) === "number" && at.length === last + 1 && name.startsWith(`${one}.`),
  );
  const [found] = owner;
  return found === undefined ? null : [...found[1].path, ...inside.slice(last + 1)];
}

/** In the order of the file's lists. */
export function comparePaths(a: Path, b: Path): number {
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    const [one, other] = [a[index], b[index]];
    if (one === other) continue;
    if (typeof one === "number" && typeof other === "number") return one - other;
    return String(one) < String(other) ? -1 : 1;
  }
  return a.length - b.length;
}
