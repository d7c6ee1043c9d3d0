/** Names by which one entry of the configuration refers to another one. */
import { suggest } from "../core/nearest.ts";
import type { Draft } from "./draft.ts";
import type { Path } from "./problem.ts";

/** The names of the entries of a list. */
export interface Names {
  readonly list: "teams" | "upstreams";
  readonly names: readonly string[];
}

/** Names of the wrong type are left out. */
export function namesIn(draft: Draft, list: Names["list"]): Names {
  const tables = draft.tables([list]);
  return { list, names: tables.flatMap(({ table }) => (typeof table.name === "string" ? [table.name] : [])) };
}

/** Adds a problem when the value at the path names no entry. A value of the wrong type has a problem already. */
export function checkReference(draft: Draft, path: Path, name: unknown, { list, names }: Names): void {
  if (typeof name !== "string" || names.includes(name)) return;
  const repair = names.length === 0 ? `add [[${list}]] with this name` : `${list}: ${names.join(", ")}`;
  draft.refuse(path, `is not the name of one of [[${list}]]`, suggest(name, names, repair));
}
