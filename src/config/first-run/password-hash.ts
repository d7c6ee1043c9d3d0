/** Recognizes argon2id hashes, and texts that only look like a hash. */
import type { Draft } from "../draft.ts";
import type { Path } from "../problem.ts";

/** Makes an argon2id hash in PHC form. Only `cli/` may use the runtime's own function. */
export type HashPassword = (text: string) => Promise<string>;

/** KiB, passes and lanes. Everybody may try a password, and each try costs the gateway so much. */
const MAX_COSTS = [1_048_576, 100, 64] as const;

/** Whether the text is a complete argon2id hash in PHC form, at a cost that a sign-in may have. */
export function isPasswordHash(text: string): boolean {
  const [, ...costs] =
    /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$[A-Za-z0-9+/]{8,}={0,2}\$[A-Za-z0-9+/]{16,}={0,2}$/.exec(
      text,
    ) ?? [];
  return costs.length > 0 && MAX_COSTS.every((most, index) => Number(costs[index]) <= most);
}

/** Refuses a hash that is cut off or of another kind: used as a password it would lock everybody out. */
export function refuseBrokenHash(draft: Draft, path: Path, text: string): void {
  if (isPasswordHash(text) || !/^\$(argon2|2[abxy]?\$|scrypt|pbkdf2|[156]\$)/.test(text)) return;
  draft.refuse(
    path,
    "is not a whole argon2id hash, or one that costs too much",
    "copy the whole hash, or write the password itself, which Clewline replaces by its hash",
  );
}
