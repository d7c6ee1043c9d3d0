/** argon2id with Bun's default parameters (64 MiB, two passes). */
export function hashPassword(text: string): Promise<string> {
  return Bun.password.hash(text, { algorithm: "argon2id" });
}
