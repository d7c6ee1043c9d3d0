/** Reads the schema: which keys there are, and the type, default and description of each. */
import * as v from "valibot";
import type { Path } from "./problem.ts";
import { fileSchema } from "./schema.ts";
import type { AppliesAt } from "./schema-rules.ts";

/** What a schema accepts, whether it is optional or not. */
export type Shape =
  | { readonly kind: "table"; readonly entries: Readonly<Record<string, v.GenericSchema>> }
  | { readonly kind: "list"; readonly item: v.GenericSchema }
  | { readonly kind: "string" | "number" | "boolean" }
  | { readonly kind: "choice"; readonly options: readonly string[] };

/** One key of the file, for documentation and tools. */
export interface SchemaEntry {
  /** `upstreams[].credentials[].api_key`. */
  readonly key: string;
  /** In words: `whole number`, `"refuse" or "serve"`, `list of texts`. */
  readonly type: string;
  readonly isRequired: boolean;
  /** As TOML writes it; null: none, or only in the description. */
  readonly default: string | null;
  readonly description: string;
  readonly isSecret: boolean;
  readonly appliesAt: AppliesAt;
  /** The environment variable that overrides it; null within lists of tables. */
  readonly env: string | null;
}

/** The default as a value; null: none. */
export function defaultOf({ default: text }: SchemaEntry): unknown {
  return text === null ? null : JSON.parse(text);
}

/** A file of a thousand entries asks for the facts of the same few nodes tens of thousands of times. */
const SHAPES = new WeakMap<v.GenericSchema, Shape>();
const METADATA = new WeakMap<v.GenericSchema, Readonly<Record<string, unknown>>>();

/** The shape of a schema node. Throws on a kind of schema that this file does not know, which is a bug. */
export function shapeOf(schema: v.GenericSchema): Shape {
  const known = SHAPES.get(schema);
  if (known !== undefined) return known;
  const shape = readShape(unwrap(schema));
  SHAPES.set(schema, shape);
  return shape;
}

function readShape(bare: v.GenericSchema): Shape {
  switch (bare.type) {
    case "object":
    case "strict_object":
      return {
        kind: "table",
        entries: (bare as unknown as { entries: Record<string, v.GenericSchema> }).entries,
      };
    case "array":
      return { kind: "list", item: (bare as unknown as { item: v.GenericSchema }).item };
    case "picklist":
      return { kind: "choice", options: (bare as unknown as { options: string[] }).options };
    case "string":
    case "number":
    case "boolean":
      return { kind: bare.type };
    default:
      throw new TypeError(`schema kind ${bare.type} is not known to schema-entries.ts`);
  }
}

/** Whether no message, log or page may show the value. */
export function isSecret(schema: v.GenericSchema): boolean {
  return metadataOf(schema).secret === true;
}

/** Whether the number may have a fraction. */
function isDecimal(schema: v.GenericSchema): boolean {
  return metadataOf(schema).isDecimal === true;
}

function metadataOf(schema: v.GenericSchema): Readonly<Record<string, unknown>> {
  const known = METADATA.get(schema);
  if (known !== undefined) return known;
  const metadata = v.getMetadata(unwrap(schema) as Parameters<typeof v.getMetadata>[0]);
  METADATA.set(schema, metadata);
  return metadata;
}

/** The schema of a path of the file; null when there is no such key. */
export function schemaAt(path: Path): v.GenericSchema | null {
  let schema: v.GenericSchema = fileSchema;
  for (const step of path) {
    const shape = shapeOf(schema);
    let next: v.GenericSchema | undefined;
    if (typeof step === "number") next = shape.kind === "list" ? shape.item : undefined;
    else if (shape.kind === "table" && Object.hasOwn(shape.entries, step)) next = shape.entries[step];
    if (next === undefined) return null;
    schema = next;
  }
  return schema;
}

/** The last list, as long as somebody reads it: a gateway that serves has no use for it. */
let lastList: WeakRef<readonly SchemaEntry[]> | null = null;

/** Every key that has a value, in the order of the schema. */
export function configSchemaEntries(): readonly SchemaEntry[] {
  const known = lastList?.deref();
  if (known !== undefined) return known;
  const list = collect(fileSchema, "", [], false);
  lastList = new WeakRef(list);
  return list;
}

function collect(
  schema: v.GenericSchema,
  key: string,
  names: readonly string[] | null,
  isInOptional: boolean,
): SchemaEntry[] {
  const shape = shapeOf(schema);
  const fallback = v.getDefault(schema as Parameters<typeof v.getDefault>[0]);
  if (shape.kind === "table") {
    return Object.entries(shape.entries).flatMap(([name, entry]) =>
      collect(
        entry,
        key === "" ? name : `${key}.${name}`,
        names === null ? null : [...names, name],
        isInOptional || (schema.type === "optional" && fallback === undefined),
      ),
    );
  }
  if (shape.kind === "list" && shapeOf(shape.item).kind === "table")
    return collect(shape.item, `${key}[]`, null, false);
  return [
    {
      key,
      type: isDecimal(schema) ? "number" : typeText(shape),
      isRequired: !isInOptional && schema.type !== "optional",
      default: fallback === undefined ? null : JSON.stringify(fallback),
      description: v.getDescription(unwrap(schema) as Parameters<typeof v.getDescription>[0]) ?? "",
      isSecret: isSecret(schema),
      appliesAt: metadataOf(schema).appliesAt as AppliesAt,
      env: names === null ? null : `CLEWLINE_${names.join("__").toUpperCase()}`,
    },
  ];
}

function typeText(shape: Shape): string {
  switch (shape.kind) {
    case "string":
      return "text";
    case "number":
      return "whole number";
    case "boolean":
      return "true or false";
    case "choice":
      return shape.options.map((option) => JSON.stringify(option)).join(" or ");
    case "list":
      return `list of ${listedText(shapeOf(shape.item))}`;
    case "table":
      return "table";
  }
}

function listedText(item: Shape): string {
  if (item.kind === "string") return "texts";
  return item.kind === "number" ? "whole numbers" : typeText(item);
}

function unwrap(schema: v.GenericSchema): v.GenericSchema {
  return schema.type === "optional"
    ? unwrap((schema as unknown as { wrapped: v.GenericSchema }).wrapped)
    : schema;
}
