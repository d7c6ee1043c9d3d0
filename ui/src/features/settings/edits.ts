/** Changes of the configuration that are not saved yet. */
import type { BodyOf, ReplyOf } from "../../../../src/admin/contract.ts";

export type Settings = ReplyOf<"getSettings">;
export type SettingKey = Settings["keys"][number];
export type SettingValue = Settings["values"][number];
type Change = BodyOf<"changeSettings">["changes"][number];

/** By path. `remove`: the value goes, so that the default holds. */
export type Edit = { readonly kind: "set"; readonly typed: string } | { readonly kind: "remove" };
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

export function changesOf(edits: Edits, keys: ReadonlyMap<string, SettingKey>): Change[] {
  return [...edits].map(([path, edit]): Change => {
    if (edit.kind === "remove") return { path };
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

export interface Section {
  /** A table with its place, as in `server` or `upstreams[0].credentials[1]`. */
  readonly owner: string;
  /** As in `upstreams[].credentials[]`. */
  readonly table: string;
  /** The name of an entry in a list; null: the table is no entry. */
  readonly name: string | null;
}

/** Every table that is there, and every entry of a list, in the schema's order. */
export function sectionsOf({ tables, values }: Settings): readonly Section[] {
  const owners = new Map<string, Set<string>>();
  for (const { path } of values)
    for (let owner = ownerOf(path); owner !== ""; owner = ownerOf(owner)) {
      const table = keyOfPath(owner);
      owners.set(table, (owners.get(table) ?? new Set()).add(owner));
    }
  const nameOf = (owner: string): string | null => {
    if (!owner.endsWith("]")) return null;
    const name = values.find(({ path }) => path === `${owner}.name` || path === `${owner}.match`)?.value;
    return typeof name === "string" ? name : owner.slice(owner.lastIndexOf("["));
  };
  return tables.flatMap(({ table }) => {
    const found = [...(owners.get(table) ?? [])];
    if (found.length === 0) return table.includes("[]") ? [] : [{ owner: table, table, name: null }];
    return found.map((owner) => ({ owner, table, name: nameOf(owner) }));
  });
}
