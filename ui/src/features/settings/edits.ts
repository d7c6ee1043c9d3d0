/** Changes of the configuration that are not saved yet. */
import type { BodyOf, ReplyOf } from "../../../../src/admin/contract.ts";

export type Settings = ReplyOf<"getSettings">;
export type SettingKey = Settings["keys"][number];
export type SettingValue = Settings["values"][number];
type Change = BodyOf<"changeSettings">["changes"][number];

/**
 * By path. `remove`: the value or the entry goes, so that the default holds. `add`: a new entry for the list of the path
 * before the `+`.
 */
export type Edit =
  | { readonly kind: "set"; readonly typed: string }
  | { readonly kind: "remove" }
  | { readonly kind: "add"; readonly entry: Readonly<Record<string, unknown>> };
export type Edits = ReadonlyMap<string, Edit>;

/** `upstreams[0].credentials[1].weight` → `upstreams[].credentials[].weight`. */
export const keyOfPath = (path: string): string => path.replace(/\[\d+\]/g, "[]");

/** `upstreams[0].credentials[1].weight` → `upstreams[0].credentials[1]`; a key of the file itself → "". */
export const ownerOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf(".")));

/** What follows the last dot. */
export const lastName = (path: string): string => path.slice(path.lastIndexOf(".") + 1);

/** A value as it is typed. */
export function typedValue(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value))
    return value.every((one) => typeof one !== "object") ? value.join("\n") : JSON.stringify(value);
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** What was typed as a value of its kind. What has no such form goes as text: the gateway says what is wrong. */
export function readTyped(kind: SettingKey["kind"], typed: string): unknown {
  switch (kind) {
    case "number":
      return typed.trim() !== "" && Number.isFinite(Number(typed)) ? Number(typed) : typed;
    case "boolean":
      return typed === "true" ? true : typed === "false" ? false : typed;
    case "list":
      return typed
        .split("\n")
        .map((line) => line.trim())
        .filter(Boolean);
    case "table":
      try {
        return JSON.parse(typed) as unknown;
      } catch {
        return typed;
      }
    default:
      return typed;
  }
}

/** Help of the schema, whose links lead to other pages of the documentation. */
export const plainHelp = (help: string): string =>
  help.replace(/\[([^\]]+)\]\([^)]+\)/g, "$1").replaceAll("`", "");

export function changesOf(edits: Edits, keys: ReadonlyMap<string, SettingKey>): Change[] {
  return [...edits].map(([path, edit]): Change => {
    if (edit.kind === "remove") return { path };
    if (edit.kind === "add") return { path: path.slice(0, path.lastIndexOf("+")), add: edit.entry };
    return { path, value: readTyped(keys.get(keyOfPath(path))?.kind ?? "text", edit.typed) };
  });
}

/** An edit that brings a value back to what it was is none. */
export function withEdit(edits: Edits, path: string, typed: string, before: SettingValue | undefined): Edits {
  const next = new Map(edits);
  const isSecret = before?.secret != null;
  const was = before === undefined || before.origin === "default" ? null : typedValue(before.value);
  if (!isSecret && typed === (was ?? "")) next.delete(path);
  else if (isSecret && typed === "") next.delete(path);
  else if (typed === "") next.set(path, { kind: "remove" });
  else next.set(path, { kind: "set", typed });
  return next;
}

export function withEntry(edits: Edits, list: string, entry: Readonly<Record<string, unknown>>): Edits {
  let number = 1;
  while (edits.has(`${list}+${number}`)) number += 1;
  return new Map(edits).set(`${list}+${number}`, { kind: "add", entry });
}

/** Takes an entry away, and forgets what was changed in it; a second time puts it back. */
export function withoutEntry(edits: Edits, owner: string): Edits {
  const next = new Map([...edits].filter(([path]) => !isBelow(path, owner)));
  if (edits.get(owner)?.kind !== "remove") next.set(owner, { kind: "remove" });
  return next;
}

export const isBelow = (path: string, owner: string): boolean =>
  path === owner || path.startsWith(`${owner}.`);

/** An entry from what was typed for the keys of its table; what nothing was typed for is left out. */
export function entryOf(
  table: string,
  keys: readonly SettingKey[],
  typed: Readonly<Record<string, string>>,
): Record<string, unknown> {
  const entry: Record<string, unknown> = {};
  for (const { key, kind } of keys) {
    const written = typed[key] ?? "";
    if (written === "" || !key.startsWith(`${table}.`)) continue;
    const steps = key.slice(table.length + 1).split(".");
    const last = steps.pop() as string;
    let at = entry;
    for (const step of steps) {
      const name = step.replace("[]", "");
      const inner = at[name] ?? (name === step ? {} : [{}]);
      at[name] = inner;
      at = (Array.isArray(inner) ? inner[0] : inner) as Record<string, unknown>;
    }
    at[last] = readTyped(kind, written);
  }
  return entry;
}

/** `upstreams[0].weight` → `upstreams[anthropic].weight`: entries by what names them, as other versions number them otherwise. */
function namedPath(path: string, names: ReadonlyMap<string, unknown>): string {
  return path.replace(/\[\d+\]/g, (place, at: number) => {
    const name = names.get(path.slice(0, at + place.length));
    return typeof name === "string" ? `[${JSON.stringify(name)}]` : place;
  });
}

/** What no two entries of a list share. */
const NAMES = /\]\.(?:name|match)$/;
/** What an entry without a name is about; others may be about the same. */
const SUBJECTS = /\]\.model$/;

function namesOf({ values }: Pick<Settings, "values">, keys = NAMES): ReadonlyMap<string, unknown> {
  return new Map(
    values.filter(({ path }) => keys.test(path)).map(({ path, value }) => [ownerOf(path), value]),
  );
}

/** Edits of one version for a newer one. What is in an entry that the newer one does not have is left out. */
export function rebased(edits: Edits, before: Settings, after: Settings): Edits {
  const [old, now] = [namesOf(before), namesOf(after)];
  const places = new Map<string, string>();
  for (const { path } of after.values)
    for (let owner = ownerOf(path); owner !== ""; owner = ownerOf(owner))
      places.set(namedPath(owner, now), owner);
  return new Map(
    [...edits].flatMap(([path, edit]): [string, Edit][] => {
      if (!path.includes("[")) return [[path, edit]];
      // The list of a new entry, an entry that goes, or the table of a value.
      const owner = path.endsWith("]") ? path : ownerOf(path);
      const place = places.get(namedPath(owner, old));
      return place === undefined ? [] : [[`${place}${path.slice(owner.length)}`, edit]];
    }),
  );
}

/** Every list that can get an entry: `upstreams`, and for each upstream `upstreams[0].credentials`. */
export function listsOf(settings: Settings): readonly { list: string; table: string; title: string }[] {
  const sections = sectionsOf(settings);
  return settings.tables
    .filter(({ table }) => table.endsWith("[]"))
    .flatMap(({ table }) => {
      const last = lastName(table).slice(0, -2);
      if (ownerOf(table) === "") return [{ list: last, table, title: last }];
      return sections
        .filter((section) => section.table === ownerOf(table))
        .map(({ owner, name }) => ({
          list: `${owner}.${last}`,
          table,
          title: name === null ? `${owner}.${last}` : `${last} · ${name}`,
        }));
    });
}

export interface Section {
  /** A table with its place, as in `server` or `upstreams[0].credentials[1]`. */
  readonly owner: string;
  /** As in `upstreams[].credentials[]`. */
  readonly table: string;
  /** The name of an entry in a list; null: the table is no entry. */
  readonly name: string | null;
}

/** Every table that is there, and every entry of a list, in the schema's order, each with the entries in it. */
export function sectionsOf({ tables, values }: Settings): readonly Section[] {
  const owners = new Map<string, Set<string>>();
  for (const { path } of values)
    for (let owner = ownerOf(path); owner !== ""; owner = ownerOf(owner)) {
      const table = keyOfPath(owner);
      owners.set(table, (owners.get(table) ?? new Set()).add(owner));
    }
  const [names, subjects] = [namesOf({ values }), namesOf({ values }, SUBJECTS)];
  const nameOf = (owner: string): string | null => {
    if (!owner.endsWith("]")) return null;
    const name = names.get(owner) ?? subjects.get(owner);
    return typeof name === "string" ? name : owner.slice(owner.lastIndexOf("["));
  };
  const all = tables.flatMap(({ table }): readonly Section[] => {
    const found = [...(owners.get(table) ?? [])];
    if (found.length === 0) return table.includes("[]") ? [] : [{ owner: table, table, name: null }];
    return found.map((owner) => ({ owner, table, name: nameOf(owner) }));
  });
  // The entries of an entry follow it.
  const isInner = ({ table }: Section): boolean => table.split("[]").length > 2;
  return all
    .filter((one) => !isInner(one))
    .flatMap((one) => [
      one,
      ...all.filter((inner) => isInner(inner) && inner.owner.startsWith(`${one.owner}.`)),
    ]);
}
