/** Reads schemas of Google's subset of OpenAPI (types in upper case, `nullable`) as JSON Schema. */
import { isObject, type JsonObject } from "../../core/json.ts";
import { MAX_DEPTH } from "../../neutral/tools/depth.ts";
import { withCamelNames, wrongType } from "../shared/members.ts";
import { malformed } from "../shared/refusal.ts";

/** Google writes these 64-bit counts as strings. */
const COUNTS = new Set(["minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"]);
/** `nullable` becomes a type; `propertyOrdering` has no counterpart. */
const LEFT_OUT = new Set(["nullable", "propertyOrdering"]);

/** The schema as JSON Schema. Keywords of JSON Schema stay unchanged. */
export function decodeSchema(schema: unknown, at: string, depth = 1, root = at): JsonObject {
  if (!isObject(schema)) throw wrongType(schema, at, "an object");
  if (depth > MAX_DEPTH) throw malformed(root, `is nested more than ${MAX_DEPTH} levels deep; flatten it`);
  const source = withCamelNames(schema);
  const context: SchemaContext = { isNullable: source.nullable === true, at, depth, root };
  return Object.fromEntries(
    Object.entries(source)
      .filter(([name]) => !LEFT_OUT.has(name))
      .map(([name, value]) => memberOf(name, value, context))
      .filter((member) => member !== null),
  );
}

interface SchemaContext {
  readonly isNullable: boolean;
  /** The place of the schema in the request. */
  readonly at: string;
  readonly depth: number;
  /** The place of the outermost schema. */
  readonly root: string;
}

/** One keyword in JSON Schema; null: the keyword says nothing. */
function memberOf(
  name: string,
  value: unknown,
  { isNullable, at, depth, root }: SchemaContext,
): readonly [string, unknown] | null {
  const inner = (each: unknown, path: string): JsonObject => decodeSchema(each, path, depth + 1, root);
  if (name === "type") {
    const type = typeOf(value, isNullable);
    return type === null ? null : ["type", type];
  }
  if (name === "enum" && Array.isArray(value)) {
    return ["enum", isNullable && !value.includes(null) ? [...value, null] : value];
  }
  if (name === "properties" && isObject(value)) {
    const properties = Object.entries(value).map(([key, each]) => [
      key,
      inner(each, `${at}.properties.${key}`),
    ]);
    return [name, Object.fromEntries(properties)];
  }
  if (name === "items" && isObject(value)) return [name, inner(value, `${at}.items`)];
  if (name === "anyOf" && Array.isArray(value)) {
    const branches = value.map((each, index) => inner(each, `${at}.anyOf[${index}]`));
    return [name, isNullable ? [...branches, { type: "null" }] : branches];
  }
  if (name === "example") return ["examples", [value]];
  if (COUNTS.has(name) && typeof value === "string") return [name, Number(value)];
  return [name, value];
}

function typeOf(type: unknown, isNullable: boolean): string | readonly string[] | null {
  const types = (Array.isArray(type) ? type : [type])
    .filter((each): each is string => typeof each === "string")
    .map((each) => each.toLowerCase())
    .filter((each) => each !== "type_unspecified");
  if (isNullable && types.length > 0 && !types.includes("null")) types.push("null");
  return types.length > 1 ? types : (types[0] ?? null);
}
