/** The settings of a file by names that stay when entries come and go, and what differs between two files. */
import { HIDDEN, looksSecret, type Path } from "../problem.ts";
import { isTree, type Tree } from "../toml/toml.ts";
import { saysTheSame } from "./change.ts";

export interface NamedSetting {
  readonly path: Path;
  readonly value: unknown;
}

/** What differs, by name; undefined: it is not there. */
export interface NamedDifference {
  /** As in `upstreams[anthropic].credentials[main].weight`; of an entry as a whole `keys[ci]`. */
  readonly name: string;
  /** Where it stands in the first file, or else in the second. */
  readonly path: Path;
  readonly before: unknown;
  readonly after: unknown;
}

/** Every value, table and entry of the file that `root` is, by its name. */
export function namedSettings(root: Tree): ReadonlyMap<string, NamedSetting> {
  const found = new Map<string, NamedSetting>();
  collect(found, root, "", []);
  return found;
}

function collect(found: Map<string, NamedSetting>, value: unknown, name: string, path: Path): void {
  if (name !== "") found.set(name, { path, value });
  if (isTree(value)) {
    for (const [key, child] of Object.entries(value))
      collect(found, child, name === "" ? key : `${name}.${key}`, [...path, key]);
  } else if (isListOfTables(value)) {
    const steps = entryNames(value);
    for (const [index, entry] of value.entries())
      collect(found, entry, `${name}[${steps[index]}]`, [...path, index]);
  }
}

export function isListOfTables(value: unknown): value is readonly Tree[] {
  return Array.isArray(value) && value.length > 0 && value.every(isTree);
}

/**
 * An entry is known by its name, or by the model that it is about; a second one of that name by its number as well. No
 * two of a list are known by the same, also when a person names one "a 2": what stands under a name is all that is checked.
 */
function entryNames(entries: readonly Tree[]): readonly string[] {
  const counts = new Map<string, number>();
  const used = new Set<string>();
  return entries.map((entry) => {
    const own = String(entry.name ?? entry.match ?? entry.model ?? "");
    const nameOf = (count: number): string => (count === 1 ? own : `${own} ${count}`);
    let count = (counts.get(own) ?? 0) + 1;
    while (used.has(nameOf(count))) count += 1;
    counts.set(own, count);
    used.add(nameOf(count));
    return nameOf(count);
  });
}

/** A name for people: a part that looks like a secret is hidden. */
export function shownName(name: string): string {
  return name.replace(/\[([^\]]*)\]?/g, (all, step: string) => (looksSecret(step) ? `[${HIDDEN}]` : all));
}

/** The values that differ, and the entries that only one of the two files has. */
export function differencesOf(before: Tree, after: Tree): readonly NamedDifference[] {
  const a = namedSettings(before);
  const b = namedSettings(after);
  const differences: NamedDifference[] = [];
  for (const name of new Set([...a.keys(), ...b.keys()])) {
    const old = a.get(name);
    const now = b.get(name);
    const isWhole = isTree(old?.value ?? now?.value) || isListOfTables(old?.value ?? now?.value);
    const isEntry = typeof (old ?? now)?.path.at(-1) === "number";
    if (old !== undefined && now !== undefined && (isWhole || saysTheSame(old.value, now.value))) continue;
    if (isWhole && !isEntry) continue;
    differences.push({ name, path: (old ?? now)?.path ?? [], before: old?.value, after: now?.value });
  }
  return differences;
}

/** Whether a change of one touches the other: they are the same, or one is within the other. */
export function touches(a: string, b: string): boolean {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  return long.startsWith(short) && [undefined, ".", "["].includes(long[short.length]);
}

/** Without those that are within another one, such as the keys of a new entry. */
export function topmost(differences: readonly NamedDifference[]): readonly NamedDifference[] {
  const entries = new Set(
    differences.filter(({ before, after }) => isTree(before ?? after)).map(({ name }) => name),
  );
  return differences.filter(({ name }) => !isWithinOne(name, entries));
}

/** Whether one of the names is a beginning of this one, as `touches` has it. */
function isWithinOne(name: string, names: ReadonlySet<string>): boolean {
  for (let at = name.length - 1; at > 0; at--) {
    const sign = name[at];
    if ((sign === "." || sign === "[") && names.has(name.slice(0, at))) return true;
  }
  return false;
}
