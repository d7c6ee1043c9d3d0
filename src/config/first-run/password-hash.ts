/** Recognizes argon2id hashes, and texts that only look like a hash. */
import type { Draft } from "../draft.ts";
import type { Path } from "../problem.ts";

/** Makes an argon2id hash in PHC form. Only `cli/` may use the runtime's own function. */
export type HashPassword = (text: string) => Promise<string>;

/** Whether the text is a complete argon2id hash in PHC form. */
export function isPasswordHash(text: string): boolean {
  return /^\$argon2id\$v=19\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]{8,}={0,2}\$[A-Za-z0-9+/]{16,}={0,2}$/.test(
    text,
  );
}

/** Refuses a hash that is cut off or of another kind: used as a password it would lock everybody out. */
export function refuseBrokenHash(draft: Draft, path: Path, text: string): void {
  if (isPasswordHash(text) || !/^\$(argon2|2[abxy]?\$|scrypt|pbkdf2|[156]\$)/.test(text)) return;
  draft.refuse(
    path,
    "is not a whole argon2id hash",
    "copy the whole hash, or write the password itself, which Clewline replaces by its hash",
  );
}
