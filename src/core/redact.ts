/** Keeps credentials out of the texts that others get. */

/**
 * A shorter credential is a placeholder for a server without keys ("none", "ollama"). Such words may occur in
 * any text.
 */
const MIN_SECRET_CHARS = 8;

/** An upstream's text without a credential's secrets, which some upstreams repeat. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return new SecretMask(secrets).hide(text);
}

/** The same for many texts: to make a pattern takes longer than to search a short text. */
export class SecretMask {
  readonly secrets: readonly string[];
  readonly #patterns: readonly RegExp[];

  constructor(secrets: readonly string[]) {
    this.secrets = secrets.filter((secret) => secret.length >= MIN_SECRET_CHARS);
    this.#patterns = this.secrets.map(patternOf);
  }

  hide(text: string): string {
    return this.#patterns.reduce((left, pattern) => left.replace(pattern, "[redacted]"), text);
  }
}

/** Matches a secret in every form that JSON allows: any character as `\uXXXX`, some behind a backslash. */
function patternOf(secret: string): RegExp {
  const chars = Array.from(secret, (char) => {
    const hex = char.charCodeAt(0).toString(16).padStart(4, "0");
    return `(?:\\\\?${RegExp.escape(char)}|\\\\u${hex})`;
  });
  return new RegExp(chars.join(""), "gi");
}
