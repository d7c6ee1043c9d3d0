/** The admin's password as an argon2id hash. Both functions work beside the event loop. */
import { sha256Hex } from "../core/hash.ts";

/** With Bun's default parameters (64 MiB, two passes). */
export function hashPassword(text: string): Promise<string> {
  return Bun.password.hash(text, { algorithm: "argon2id" });
}

/**
 * `hashPassword` that gives the last text the same hash again: where the configuration has the password itself, a reload
 * must not look like another password, which would end all sessions.
 */
export function makeSteadyHash(): typeof hashPassword {
  let last: { readonly digest: string; readonly made: Promise<string> } | null = null;
  return (text) => {
    const digest = sha256Hex(text);
    if (last?.digest !== digest) last = { digest, made: hashPassword(text) };
    return last.made;
  };
}

/** False also for a hash that is none. The time does not depend on how much of the password is right. */
export async function verifyPassword(text: string, passwordHash: string): Promise<boolean> {
  try {
    return await Bun.password.verify(text, passwordHash);
  } catch {
    return false;
  }
}
