/** The configuration for a page: every value with its source, every key with its meaning. No secret. */
import type { Draft } from "../../config/draft.ts";
import { isListOfTables } from "../../config/edit/named-settings.ts";
import { isSecretAt, isUnknownAt, lastFour } from "../../config/edit/shown-value.ts";
import { looksSecret, type Path, renderPath } from "../../config/problem.ts";
import { tableHelp, tableOf } from "../../config/reference.ts";
import {
  configSchemaEntries,
  defaultOf,
  type SchemaEntry,
  schemaAt,
  shapeOf,
} from "../../config/schema-entries.ts";
import { isLiteral } from "../../config/secret.ts";
import { isTree, type Tree } from "../../config/toml/toml.ts";
import type { Pieces } from "../../core/turns.ts";
import type { ReplyOf } from "../contract.ts";

type Settings = ReplyOf<"getSettings">;
type Value = Settings["values"][number];

/** `draft` null: the file is not TOML, so nobody knows what overrides it. */
export function* valuePieces(root: Tree, draft: Draft | null): Pieces<Value[]> {
  const values: Value[] = [];
  for (const [index, [path, value]] of leavesOf(root).entries()) {
    if (index % VALUES_A_PIECE === 0) yield;
    values.push(viewOf(path, value, draft?.originOf(path) ?? null));
  }
  const known = new Set(values.map(({ path }) => path));
  for (const entry of configSchemaEntries()) {
    if (entry.key.includes("[]") || entry.default === null || known.has(entry.key)) continue;
    values.push({ ...viewOf(entry.key.split("."), defaultOf(entry), null), origin: "default" });
  }
  return values;
}

const VALUES_A_PIECE = 500;

function leavesOf(value: unknown, path: Path = []): (readonly [Path, unknown])[] {
  if (isTree(value)) return Object.entries(value).flatMap(([name, one]) => leavesOf(one, [...path, name]));
  if (isListOfTables(value)) return value.flatMap((one, index) => leavesOf(one, [...path, index]));
  return [[path, value]];
}

function viewOf(path: Path, value: unknown, override: string | null): Value {
  const isSecret = isSecretAt(path);
  const written = typeof value === "string" ? value : "";
  const origin = override === null ? "file" : override.startsWith("--") ? "flag" : "environment";
  return {
    path: renderPath(path),
    value: isSecret || isUnknownAt(path) ? null : plain(value),
    secret: isSecret
      ? {
          source: isLiteral(written) ? origin : written,
          lastFour: isLiteral(written) ? lastFour(written) : null,
        }
      : null,
    origin,
    lockedReason: whyLocked(path, value, override),
  };
}

/** Why one value cannot be changed here; null: it can. */
export function whyLocked(path: Path, value: unknown, override: string | null): string | null {
  if (override !== null) return `${override} sets it where Clewline starts`;
  if (typeof value !== "string" || !isSecretAt(path) || isLiteral(value)) return null;
  return value.startsWith("env:")
    ? "the secret is in a variable of the environment"
    : "the secret is in a file of its own";
}

/** A secret in the wrong place is a secret all the same. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === "string") return looksSecret(value) && !/^sha256:/.test(value) ? null : value;
  return typeof value === "symbol" || typeof value === "bigint" ? String(value) : value;
}

export function keysOf(): Settings["keys"] {
  return configSchemaEntries().map(keyOf);
}

function keyOf(entry: SchemaEntry): Settings["keys"][number] {
  const { key, description, appliesAt, isSecret, isRequired, env } = entry;
  const shape = shapeAt(key);
  const item = shape?.kind === "list" ? shapeOf(shape.item) : shape;
  return {
    key,
    kind: shape === null ? "text" : shape.kind === "string" ? "text" : shape.kind,
    options: item?.kind === "choice" ? [...item.options] : null,
    default: defaultOf(entry),
    help: description,
    appliesAt,
    isSecret,
    isRequired,
    table: tableOf(key),
    env,
  };
}

function shapeAt(key: string) {
  const path = key
    .split(".")
    .flatMap((step): Path => (step.endsWith("[]") ? [step.slice(0, -2), 0] : [step]));
  const schema = schemaAt(path);
  return schema === null ? null : shapeOf(schema);
}

export function tablesOf(): Settings["tables"] {
  const tables = new Set(configSchemaEntries().map(({ key }) => tableOf(key)));
  return [...tables].map((table) => ({ table, help: tableHelp(table) }));
}
