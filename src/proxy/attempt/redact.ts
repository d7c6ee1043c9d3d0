/** Keeps credentials out of the texts that a client gets. */

/** A shorter credential is a placeholder for a server without keys ("none", "ollama"). Such words may occur in any text. */
const MIN_SECRET_CHARS = 8;

/** An upstream's text without the credential, which some upstreams repeat. */
export function withoutCredential(text: string, auth: readonly [name: string, value: string]): string {
  const secret = auth[1].replace(/^Bearer /, "");
  return secret.length < MIN_SECRET_CHARS ? text : text.replace(patternOf(secret), "[redacted]");
}

/** Matches a secret in every form that JSON allows: any character as `\uXXXX`, some behind a backslash. */
function patternOf(secret: string): RegExp {
  const chars = Array.from(secret, (char) => {
    const hex = char.charCodeAt(0).toString(16).padStart(4, "0");
    return `(?:\\\\?${RegExp.escape(char)}|\\\\u${hex})`;
  });
  return new RegExp(chars.join(""), "gi");
}
