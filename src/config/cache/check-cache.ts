/** Values of `[cache]`, and of what switches it on, that would do nothing. */
import type { Draft } from "../draft.ts";
import type { Path } from "../problem.ts";
import type { Tree } from "../toml/toml.ts";

/** An answer may take an eighth of the memory, and takes some 2 KiB beside its bytes. */
const LEAST_MEMORY_BYTES = 65_536;
const MEMORY: Path = ["cache", "memory_bytes"];

export function checkCache(draft: Draft): void {
  const bytes = draft.get(MEMORY);
  if (typeof bytes !== "number" || bytes < 0 || bytes >= LEAST_MEMORY_BYTES) return;
  if (bytes > 0) {
    const repair = `write at least ${LEAST_MEMORY_BYTES}, or 0 to switch the cache off`;
    draft.refuse(MEMORY, "is too small to keep an answer, which may take an eighth of it", repair);
    return;
  }
  if (draft.get(["cache", "file"]) === true) {
    const message =
      "has no effect with memory_bytes = 0: no answer is kept, and a file that is there is deleted";
    draft.warn(["cache", "file"], message, "give memory_bytes another value, or remove the line");
  }
  if ([["keys"], ["models"]].some((list) => draft.tables(list).some(({ table }) => wantsCache(table)))) {
    const message = "is 0, so the cache is off, also where keys or models switch it on";
    draft.warn(MEMORY, message, "give it another value, or remove cache and cache_header there");
  }
}

function wantsCache({ cache, cache_header: isAsked }: Tree): boolean {
  return cache === "repeatable" || cache === "all" || isAsked === true;
}
