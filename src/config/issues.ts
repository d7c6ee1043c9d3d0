/**
 * Compares a draft with the schema and reports unknown keys, missing keys, wrong types and exceeded limits.
 */
import * as v from "valibot";
import { nearest, suggest } from "../core/nearest.ts";
import type { Draft } from "./draft.ts";
import { type Path, renderPath } from "./problem.ts";
import { type FileConfig, fileSchema } from "./schema.ts";
import { configSchemaEntries, isSecret, schemaAt, shapeOf } from "./schema-entries.ts";
import { isTree } from "./toml/toml.ts";

/**
 * Adds every violation to the draft; returns the checked values with defaults, or null when there was a
 * violation.
 */
export function holdToSchema(draft: Draft): FileConfig | null {
  refuseUnknownKeys(draft, fileSchema, draft.root, []);
  const result = v.safeParse(fileSchema, draft.root);
  for (const issue of result.issues ?? []) {
    const path = (issue.path ?? []).map((step) => step.key as string | number);
    const [message, repair] = explain(
      issue,
      path,
      typeof draft.get(path) === "string" && draft.originOf(path) === null,
    );
    draft.refuse(path, message, repair);
  }
  return result.success ? result.output : null;
}

function refuseUnknownKeys(draft: Draft, schema: v.GenericSchema, value: unknown, path: Path): void {
  const shape = shapeOf(schema);
  if (shape.kind === "list" && Array.isArray(value)) {
    value.forEach((item, index) => {
      refuseUnknownKeys(draft, shape.item, item, [...path, index]);
    });
  }
  if (shape.kind !== "table" || !isTree(value)) return;
  for (const [name, child] of Object.entries(value)) {
    const entry = Object.hasOwn(shape.entries, name) ? shape.entries[name] : undefined;
    if (entry === undefined)
      draft.refuseKey([...path, name], "unknown key", repairUnknown(name, path, shape.entries));
    else refuseUnknownKeys(draft, entry, child, [...path, name]);
  }
}

/**
 * The repair for an unknown key: a similar key of the same table, else the tables that have a key of this name.
 */
function repairUnknown(name: string, path: Path, entries: Readonly<Record<string, unknown>>): string {
  const near = nearest(name, Object.keys(entries));
  if (near !== null) return `did you mean "${near}"?`;
  const elsewhere = configSchemaEntries().filter((entry) => entry.key.endsWith(`.${name}`));
  if (elsewhere.length > 0) {
    const tables = elsewhere.map(({ key }) => key.slice(0, -name.length - 1));
    const shown = tables.map((table) =>
      table.endsWith("[]") ? `[[${table.replaceAll("[]", "")}]]` : `[${table}]`,
    );
    return `this key belongs in ${shown.join(" or ")}`;
  }
  const where = path.length === 0 ? "tables" : `keys of ${renderPath(path)}`;
  return `${where}: ${Object.keys(entries).join(", ")}`;
}

/** `isQuoted`: the value is a text of the file. */
function explain(
  issue: v.BaseIssue<unknown>,
  path: Path,
  isQuoted: boolean,
): readonly [message: string, repair: string] {
  const [ruleMessage = "", ruleRepair = ""] = issue.message.split("\n");
  if (issue.kind === "validation") return [ruleMessage, ruleRepair];
  const schema = schemaAt(path);
  const shape = schema === null ? null : shapeOf(schema);
  if (schema === null || shape === null) return ["is not valid", ""];
  if (issue.input === undefined) return ["is missing", repairMissing(path, schema)];
  switch (shape.kind) {
    case "string":
      return ["must be text", `put the text in quotes: ${quoted(path)}`];
    case "number":
      return [ruleMessage, isQuoted ? "write digits without quotes" : ""];
    case "boolean":
      return ["must be true or false", isQuoted ? "write true or false without quotes" : ""];
    case "choice": {
      const all = `use ${shape.options.map((option) => JSON.stringify(option)).join(" or ")}`;
      const name = noun(path);
      return [
        `unknown ${name}`,
        typeof issue.input === "string" ? suggest(issue.input, shape.options, all) : all,
      ];
    }
    case "list": {
      const name = renderPath(path.filter((step) => typeof step === "string"));
      const ofTables = shapeOf(shape.item).kind === "table";
      return ofTables
        ? ["must be a list of tables", `write [[${name}]] above the entry`]
        : ["must be a list", 'write the value as in ["one", "two"]'];
    }
    case "table":
      return [
        "must be a table",
        `write [${renderPath(path.filter((step) => typeof step === "string"))}] above its keys`,
      ];
  }
}

/** An entry of a list has no name of its own. */
function quoted(path: Path): string {
  const name = path.at(-1);
  return typeof name === "string" ? `${name} = "…"` : '"…"';
}

/** The noun for a path: `family` for `family`, `dialect` for `dialects[0]`. */
function noun(path: Path): string {
  const name = String(path.findLast((step) => typeof step === "string") ?? "value");
  return typeof path.at(-1) === "number" ? name.replace(/s$/, "") : name;
}

function repairMissing(path: Path, schema: v.GenericSchema): string {
  const shape = shapeOf(schema);
  const name = path.at(-1);
  if (isSecret(schema)) return `add ${name} = "env:NAME", "file:PATH" or the text itself`;
  if (shape.kind === "choice")
    return `add ${name} = ${shape.options.map((option) => JSON.stringify(option)).join(" or ")}`;
  return shape.kind === "list" ? `add ${name} = ["…"]` : `add ${name} = "…"`;
}
