/** Keeps a credential out of what a client is shown. */

/** Shorter ones are placeholders for servers without keys ("none", "ollama"): taken out, they would spoil the text. */
const MIN_SECRET_CHARS = 8;

/** What an upstream said of a failure, less the credential that it was shown: some repeat it. */
export function withoutCredential(text: string, auth: readonly [name: string, value: string]): string {
  const secret = auth[1].replace(/^Bearer /, "");
  return secret.length < MIN_SECRET_CHARS ? text : text.replace(patternOf(secret), "[redacted]");
}

/** A secret as it is and as JSON may write it: any character by its number, some behind a backslash. */
function patternOf(secret: string): RegExp {
  const chars = Array.from(secret, (char) => {
    const hex = char.charCodeAt(0).toString(16).padStart(4, "0");
    return `(?:\\\\?${RegExp.escape(char)}|\\\\u${hex})`;
  });
  return new RegExp(chars.join(""), "gi");
}
