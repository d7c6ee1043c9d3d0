/** Rules over several keys of `[[keys]]` and `[[teams]]`. */
import { SCOPE_WITHOUT_TEAM } from "./client-keys.ts";
import type { Draft } from "./draft.ts";
import { type Path, renderPath } from "./problem.ts";
import { checkReference, namesIn } from "./references.ts";
import { isTree, type Tree } from "./toml/toml.ts";

/** Adds a problem to the draft for every broken rule. Names are checked with those of all other lists. */
export function checkKeys(draft: Draft): void {
  const teams = namesIn(draft, "teams");
  const upstreams = namesIn(draft, "upstreams");
  for (const { table, path } of draft.tables(["keys"])) {
    checkSecret(draft, path, table);
    checkReference(draft, [...path, "team"], table.team, teams);
    if (Array.isArray(table.upstreams)) {
      table.upstreams.forEach((name: unknown, i) => {
        checkReference(draft, [...path, "upstreams", i], name, upstreams);
      });
    }
    checkScope(draft, path, table);
    for (const limited of draft.tables([...path, "per_model"])) checkHasLimit(draft, limited);
  }
}

function checkSecret(draft: Draft, path: Path, { key, key_hash: hash }: Tree): void {
  if (key === undefined && hash === undefined) {
    draft.refuse(path, "has no key", 'add key = "env:NAME", "file:PATH" or the text itself, or key_hash');
  }
  if (key !== undefined && hash !== undefined) {
    draft.refuse([...path, "key_hash"], "cannot be combined with key", "keep one of the two");
  }
}

function checkScope(draft: Draft, path: Path, { cache_scope: scope, team }: Tree): void {
  if (scope !== "team" || team !== undefined) return;
  const { message, repair } = SCOPE_WITHOUT_TEAM;
  draft.refuse([...path, "cache_scope"], message, repair);
}

function checkHasLimit(draft: Draft, { table, path }: { readonly table: Tree; readonly path: Path }): void {
  if (!isTree(table) || Object.keys(table).some((key) => key !== "model")) return;
  draft.refuse(path, `has no limit, so ${renderPath(path)} does nothing`, "add a limit, or remove the entry");
}
