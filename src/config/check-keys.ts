/** Rules over several keys of `[[keys]]` and `[[teams]]`. */
import { suggest } from "../core/nearest.ts";
import type { Draft } from "./draft.ts";
import { type Path, renderPath } from "./problem.ts";
import { isTree, type Tree } from "./toml/toml.ts";

/** Adds a problem to the draft for every broken rule. Names are checked with those of all other lists. */
export function checkKeys(draft: Draft): void {
  const teams = namesOf(draft, "teams");
  const upstreams = namesOf(draft, "upstreams");
  for (const { table, path } of draft.tables(["keys"])) {
    checkSecret(draft, path, table);
    checkReference(draft, [...path, "team"], table.team, teams, "teams");
    if (Array.isArray(table.upstreams)) {
      table.upstreams.forEach((name: unknown, i) => {
        checkReference(draft, [...path, "upstreams", i], name, upstreams, "upstreams");
      });
    }
    for (const limited of draft.tables([...path, "per_model"])) checkHasLimit(draft, limited);
  }
}

function namesOf(draft: Draft, list: string): readonly string[] {
  return draft.tables([list]).flatMap(({ table }) => (typeof table.name === "string" ? [table.name] : []));
}

function checkSecret(draft: Draft, path: Path, { key, key_hash: hash }: Tree): void {
  if (key === undefined && hash === undefined) {
    draft.refuse(path, "has no key", 'add key = "env:NAME", "file:PATH" or the text itself, or key_hash');
  }
  if (key !== undefined && hash !== undefined) {
    draft.refuse([...path, "key_hash"], "cannot be combined with key", "keep one of the two");
  }
}

function checkReference(
  draft: Draft,
  path: Path,
  name: unknown,
  known: readonly string[],
  list: "teams" | "upstreams",
): void {
  if (typeof name !== "string" || known.includes(name)) return;
  const repair = known.length === 0 ? `add [[${list}]] with this name` : `${list}: ${known.join(", ")}`;
  draft.refuse(path, `is not the name of one of [[${list}]]`, suggest(name, known, repair));
}

function checkHasLimit(draft: Draft, { table, path }: { readonly table: Tree; readonly path: Path }): void {
  if (!isTree(table) || Object.keys(table).some((key) => key !== "model")) return;
  draft.refuse(path, `has no limit, so ${renderPath(path)} does nothing`, "add a limit, or remove the entry");
}
