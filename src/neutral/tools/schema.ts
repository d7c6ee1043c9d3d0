/**
 * Fits JSON Schemas to targets that accept only a part of the language. Keys are data: no schema is built by
 * assignment.
 */
import { isObject, type JsonObject } from "../../core/json.ts";
import { JsonIdentity } from "./json-identity.ts";
import { atPointer, checkDepth, entriesOf, mapMember, stringsOf } from "./schema-walk.ts";

/** The schema of a tool without arguments. */
const NO_ARGUMENTS: JsonObject = { type: "object", properties: {} };

const COMBINATORS = ["anyOf", "oneOf", "allOf"] as const;

/**
 * The schema with an object at its root, as tools need it: `$schema` removed, top-level combinators merged
 * into one object. A schema that already has this form is returned unchanged.
 */
export function objectRoot(schema: JsonObject | null): JsonObject {
  if (schema === null) return NO_ARGUMENTS;
  const isPlain =
    !COMBINATORS.some((name) => Object.hasOwn(schema, name)) && !Object.hasOwn(schema, "$schema");
  if (isPlain && schema.type === "object") return schema;
  const { $schema: _, anyOf, oneOf, allOf, type: __, ...rest } = schema;
  const branches: Branch[] = [];
  for (const [list, isAll] of [
    [allOf, true],
    [anyOf, false],
    [oneOf, false],
  ] as const) {
    if (!Array.isArray(list)) continue;
    // Many references to one definition say nothing more than one.
    branches.push({ isAll, schemas: [...new Set(list.map((each) => target(schema, each)))] });
  }
  return { type: "object", ...rest, ...(branches.length === 0 ? null : mergedMembers(schema, branches)) };
}

interface Branch {
  readonly isAll: boolean;
  readonly schemas: readonly JsonObject[];
}

function mergedMembers(root: JsonObject, branches: readonly Branch[]): JsonObject {
  const properties = new MergedProperties();
  for (const [name, value] of entriesOf(root.properties)) properties.add(name, value);
  const required = new Set(stringsOf(root.required));
  for (const { isAll, schemas } of branches) {
    for (const schema of schemas)
      for (const [name, value] of entriesOf(schema.properties)) properties.add(name, value);
    const lists = schemas.map((schema) => stringsOf(schema.required));
    for (const name of isAll ? lists.flat() : inAll(lists)) required.add(name);
  }
  return {
    properties: properties.merged(),
    ...(required.size === 0 ? null : { required: [...required] }),
  };
}

/** The names that all lists hold, in the order of the first list. */
function inAll(lists: readonly string[][]): string[] {
  const counts = new Map<string, number>();
  for (const list of lists) for (const name of new Set(list)) counts.set(name, (counts.get(name) ?? 0) + 1);
  return (lists[0] ?? []).filter((name) => counts.get(name) === lists.length);
}

/** The different schemas of one property. */
interface Alternatives {
  readonly schemas: unknown[];
  /** The identities of the schemas; null while there is only one. */
  seen: Set<number> | null;
}

/** Properties that several schemas of one object describe. */
class MergedProperties {
  readonly #identity = new JsonIdentity();
  readonly #byName = new Map<string, Alternatives>();

  add(name: string, schema: unknown): void {
    const known = this.#byName.get(name);
    if (known === undefined) {
      this.#byName.set(name, { schemas: [schema], seen: null });
      return;
    }
    known.seen ??= new Set([this.#identity.numberOf(known.schemas[0])]);
    const number = this.#identity.numberOf(schema);
    if (known.seen.has(number)) return;
    known.seen.add(number);
    known.schemas.push(schema);
  }

  merged(): JsonObject {
    return Object.fromEntries([...this.#byName].map(([name, { schemas }]) => [name, either(schemas)]));
  }
}

function either([first, ...others]: readonly unknown[]): unknown {
  if (others.length === 0) return first;
  const isEither = isObject(first) && Array.isArray(first.anyOf) && Object.keys(first).length === 1;
  return { anyOf: isEither ? [...(first.anyOf as unknown[]), ...others] : [first, ...others] };
}

/** The schema of a branch, with a local reference replaced by its target. */
function target(root: JsonObject, schema: unknown): JsonObject {
  if (!isObject(schema)) return {};
  const found = typeof schema.$ref === "string" ? atPointer(root, schema.$ref) : null;
  return isObject(found) ? found : schema;
}

/** Keywords that a strict target accepts. */
const STRICT_KEYWORDS = new Set([
  "type",
  "title",
  "description",
  "enum",
  "const",
  "default",
  "$ref",
  "$defs",
  "definitions",
  "properties",
  "required",
  "items",
  "anyOf",
  "allOf",
]);
/** Keywords without a constraint. */
const SILENT_KEYWORDS = new Set([
  "$schema",
  "$id",
  "$comment",
  "$anchor",
  "deprecated",
  "readOnly",
  "writeOnly",
  "examples",
]);
const STRICT_FORMATS = new Set([
  "date-time",
  "time",
  "date",
  "duration",
  "email",
  "hostname",
  "uri",
  "ipv4",
  "ipv6",
  "uuid",
]);

/**
 * The schema in the subset that strict validation accepts: closed objects, and other constraints moved into
 * descriptions, so that the model still reads them. `moved` has the path of each moved constraint.
 */
export function strictSubset(schema: JsonObject): { schema: JsonObject; moved: string[] } {
  const moved: string[] = [];
  return { schema: strictNode(schema, "", 1, moved), moved };
}

function strictNode(node: JsonObject, path: string, depth: number, moved: string[]): JsonObject {
  checkDepth(depth);
  const kept: [string, unknown][] = [];
  const notes: string[] = [];
  const rebuild = (inner: JsonObject, innerPath: string) => strictNode(inner, innerPath, depth + 1, moved);
  for (const [name, value] of Object.entries(node)) {
    const memberPath = path === "" ? name : `${path}.${name}`;
    if (STRICT_KEYWORDS.has(name) || isStrictMember(name, value)) {
      kept.push([name, mapMember(name, value, rebuild, memberPath)]);
    } else if (name === "oneOf" && !Object.hasOwn(node, "anyOf")) {
      kept.push(["anyOf", mapMember(name, value, rebuild, memberPath)]);
      moved.push(memberPath);
    } else if (!SILENT_KEYWORDS.has(name) && !(name === "additionalProperties" && value === false)) {
      notes.push(`${name}: ${JSON.stringify(value)}`);
      moved.push(memberPath);
    }
  }
  if (isObjectSchema(node)) kept.push(["additionalProperties", false]);
  if (notes.length === 0) return Object.fromEntries(kept);
  const description =
    typeof node.description === "string" && node.description !== "" ? `${node.description} ` : "";
  return Object.fromEntries([
    ...kept.filter(([name]) => name !== "description"),
    ["description", `${description}(${notes.join(", ")})`],
  ]);
}

function isStrictMember(name: string, value: unknown): boolean {
  if (name === "minItems") return value === 0 || value === 1;
  return name === "format" && typeof value === "string" && STRICT_FORMATS.has(value);
}

function isObjectSchema({ type, properties }: JsonObject): boolean {
  return (
    type === "object" ||
    (Array.isArray(type) && type.includes("object")) ||
    (type === undefined && isObject(properties))
  );
}
