/**
 * A full disk, or a shell's `>`, leaves a file without its entries. Such a file says that everybody is refused, and
 * hardly ever means it.
 */
import type { Config } from "../config.ts";
import type { Problem } from "../problem.ts";

const LISTS = ["keys", "upstreams"] as const;

/**
 * The lists that have entries in the configuration in force, and none in the changed one. With keys in the database,
 * `hasOtherKeys`, a file without keys refuses nobody else.
 */
export function findEmptied(before: Config, after: Config, hasOtherKeys: boolean): readonly Problem[] {
  const lists = LISTS.filter((list) => list !== "keys" || !hasOtherKeys);
  return lists
    .filter((list) => before[list].length > 0 && after[list].length === 0)
    .map((list) => ({
      file: after.file,
      line: null,
      column: null,
      key: list,
      value: null,
      message: `there are no ${list} any more, so the previous configuration stays`,
      repair: `restore [[${list}]], or restart Clewline if it is to run without them`,
    }));
}
