/** Names for a wire that accepts few characters in them. */
import { sha256Hex } from "../../core/hash.ts";

/** The names that a wire accepts. */
export interface NameRule {
  /** Other characters become `_`. */
  readonly isAllowed: (character: string, index: number) => boolean;
  readonly maxChars: number;
}

const HASH_CHARS = 8;

const LETTERS_AND_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** ASCII letters, digits and these signs. A set answers in a third of the time of a pattern. */
export function lettersDigitsAnd(signs: string): ReadonlySet<string> {
  return new Set(LETTERS_AND_DIGITS + signs);
}

/** The name, or the name with a digest of `key` where it is too long or taken. */
export function freeName(
  name: string,
  key: string,
  taken: ReadonlyMap<string, unknown>,
  maxChars: number,
): string {
  if (name.length <= maxChars && !taken.has(name)) return name;
  for (let n = 0; ; n++) {
    const suffix = `_${hashOf(n === 0 ? key : `${n}:${key}`)}`;
    const shortened = name.slice(0, maxChars - suffix.length) + suffix;
    if (!taken.has(shortened)) return shortened;
  }
}

function hashOf(text: string): string {
  return sha256Hex(text).slice(0, HASH_CHARS);
}

/** The name with other characters replaced. */
export function legalName(name: string, rule: NameRule): string {
  if (isLegal(name, rule)) return name;
  let legal = "";
  for (const character of name) {
    if (rule.isAllowed(character, legal.length)) legal += character;
    // Only the position of the character is wrong, such as a digit at the beginning.
    else if (legal === "" && rule.isAllowed("_", 0) && rule.isAllowed(character, 1)) legal = `_${character}`;
    else legal += "_";
  }
  return legal === "" ? "_" : legal;
}

function isLegal(name: string, { isAllowed }: NameRule): boolean {
  for (let at = 0; at < name.length; at++) if (!isAllowed(name.charAt(at), at)) return false;
  return name !== "";
}
