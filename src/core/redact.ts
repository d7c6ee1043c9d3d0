/** Keeps credentials out of the texts that others get. */

/**
 * A shorter credential is a placeholder for a server without keys ("none", "ollama"). Such words may occur in
 * any text.
 */
const MIN_SECRET_CHARS = 8;

/** An upstream's text without a credential's secrets, which some upstreams repeat. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets.reduce(
    (left, secret) =>
      secret.length < MIN_SECRET_CHARS ? left : left.replace(patternOf(secret), "[redacted]"),
    text,
  );
}

/** Matches a secret in every form that JSON allows: any character as `\uXXXX`, some behind a backslash. */
function patternOf(secret: string): RegExp {
  const chars = Array.from(secret, (char) => {
    const hex = char.charCodeAt(0).toString(16).padStart(4, "0");
    return `(?:\\\\?${RegExp.escape(char)}|\\\\u${hex})`;
  });
  return new RegExp(chars.join(""), "gi");
}
