/** argon2id, with the parameters that Bun takes by default (64 MiB, two passes). */
export function hashPassword(text: string): Promise<string> {
  return Bun.password.hash(text, { algorithm: "argon2id" });
}
