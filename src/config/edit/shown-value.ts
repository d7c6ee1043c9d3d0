/** Values for pages and the record of changes: no secret is in one. */
import { HIDDEN, looksSecret, type Path } from "../problem.ts";
import { isSecret, schemaAt } from "../schema-entries.ts";
import { isLiteral } from "../secret.ts";
import { isTree } from "../toml/toml.ts";

/** A secret of fewer characters would be told by its last four. */
const MIN_CHARS_FOR_END = 16;

/** The value as text; null: it is not there. Of a secret it is its reference, or its last four characters. */
export function shownValue(path: Path, value: unknown): string | null {
  if (value === undefined) return null;
  return typeof value === "string" && isSecretAt(path)
    ? shownSecret(value)
    : JSON.stringify(withoutSecrets(path, value));
}

/** The same value without its secrets, and without texts that look like one. */
export function withoutSecrets(path: Path, value: unknown): unknown {
  if (typeof value === "string") {
    if (isUnknownAt(path)) return HIDDEN;
    return isSecretAt(path) ? shownSecret(value) : hidden(value);
  }
  if (Array.isArray(value)) return value.map((one, index) => withoutSecrets([...path, index], one));
  if (isTree(value))
    return Object.fromEntries(
      Object.entries(value).map(([key, one]) => [key, withoutSecrets([...path, key], one)]),
    );
  return typeof value === "symbol" || typeof value === "bigint" ? String(value) : value;
}

/** No key of the configuration has this path: it may be the misspelled one of a secret. */
export function isUnknownAt(path: Path): boolean {
  return schemaAt(path) === null;
}

export function isSecretAt(path: Path): boolean {
  const schema = schemaAt(path);
  return schema !== null && isSecret(schema);
}

/** A hash is no secret to hide: whoever reads it here could change it. */
function hidden(text: string): string {
  return looksSecret(text) && !/^sha256:[0-9a-f]{64}$/i.test(text) ? HIDDEN : text;
}

/** `env:NAME`, `set`, or `set, ends in 1a2b`. */
function shownSecret(written: string): string {
  if (!isLiteral(written)) return written;
  const end = lastFour(written);
  return end === null ? "set" : `set, ends in ${end}`;
}

/** null: the text is too short to show a part of it, or it is a password or its hash. */
export function lastFour(secret: string): string | null {
  return secret.length < MIN_CHARS_FOR_END || secret.startsWith("$") ? null : secret.slice(-4);
}
