/** The text that a person pastes into a file that the gateway cannot write. */
import type { NamedDifference } from "../../config/edit/named-settings.ts";
import { isSecretAt } from "../../config/edit/shown-value.ts";
import { writeTable, writeValue } from "../../config/edit/toml-value.ts";
import type { Path } from "../../config/problem.ts";
import { isTree, makeTree, type Tree } from "../../config/toml/toml.ts";

/** Secrets are left out: a person has them. */
export function pasteOf(differences: readonly NamedDifference[]): string {
  return differences.map(pasteOfOne).join("\n");
}

function pasteOfOne({ name, path, after }: NamedDifference): string {
  const names = path.filter((step) => typeof step === "string");
  if (after === undefined) return `# remove ${name}\n`;
  if (isTree(after))
    return `${writeTable(names, withoutSecretTexts(path, after), typeof path.at(-1) === "number").join("\n")}\n`;
  const entry = path.some((step) => typeof step === "number") ? `# in ${name}\n` : "";
  const isList = typeof path.at(-2) === "number";
  const table = names.slice(0, -1).join(".");
  const value = typeof after === "string" && isSecretAt(path) ? "…" : after;
  return `${entry}${isList ? `[[${table}]]` : `[${table}]`}\n${names.at(-1)} = ${writeValue(value)}\n`;
}

function withoutSecretTexts(path: Path, table: Tree): Tree {
  const copy = makeTree();
  for (const [name, value] of Object.entries(table)) {
    if (isTree(value)) copy[name] = withoutSecretTexts([...path, name], value);
    else if (Array.isArray(value))
      copy[name] = value.map((one, index) =>
        isTree(one) ? withoutSecretTexts([...path, name, index], one) : one,
      );
    else copy[name] = typeof value === "string" && isSecretAt([...path, name]) ? "…" : value;
  }
  return copy;
}
