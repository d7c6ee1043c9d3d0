/** Writes values as TOML. */
import type { Tree } from "../toml/toml.ts";
import { isTree } from "../toml/toml.ts";

/** The value on one line. Throws `TypeError` for a value that TOML or the configuration does not have. */
export function writeValue(value: unknown): string {
  if (typeof value === "string") return writeText(value);
  if (typeof value === "boolean") return String(value);
  if (typeof value === "number" && Number.isFinite(value)) return String(value);
  if (Array.isArray(value)) return `[${value.map(writeValue).join(", ")}]`;
  if (isTree(value)) {
    const members = Object.entries(value).map(
      ([name, member]) => `${writeKey(name)} = ${writeValue(member)}`,
    );
    return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
  }
  throw new TypeError("the value is not one of TOML");
}

/** A dotted key. */
export function writeKeys(names: readonly string[]): string {
  return names.map(writeKey).join(".");
}

function writeKey(name: string): string {
  return /^[A-Za-z0-9_-]+$/.test(name) ? name : writeText(name);
}

function writeText(text: string): string {
  if (!text.isWellFormed()) throw new TypeError("the text is not Unicode");
  // JSON escapes all that TOML wants escaped, but for one character.
  return JSON.stringify(text).replaceAll("\u007f", "\\u007f");
}

/**
 * A table with a header of its own, and the tables in it with theirs: `lines` of `[[keys]]`, its keys and what is below.
 * `names` are the steps of its path without numbers.
 */
export function writeTable(names: readonly string[], value: Tree, isEntryOfList: boolean): readonly string[] {
  const header = isEntryOfList ? `[[${writeKeys(names)}]]` : `[${writeKeys(names)}]`;
  const lines = [header];
  const below: string[] = [];
  for (const [name, member] of Object.entries(value)) {
    const path = [...names, name];
    if (isTree(member)) below.push("", ...writeTable(path, member, false));
    else if (Array.isArray(member) && member.length > 0 && member.every(isTree))
      for (const one of member) below.push("", ...writeTable(path, one, true));
    else lines.push(`${writeKey(name)} = ${writeValue(member)}`);
  }
  return [...lines, ...below];
}
