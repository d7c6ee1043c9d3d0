/** The structure of JSON Schemas, for code that walks them. */
import { GatewayError } from "../../core/errors.ts";
import { isObject, type JsonObject } from "../../core/json.ts";
import { MAX_DEPTH } from "./depth.ts";

/**
 * The value at a pointer (`#/…`) within the schema; undefined when there is none, or when the reference
 * points elsewhere.
 */
export function atPointer(root: JsonObject, reference: string): unknown {
  if (reference !== "#" && !reference.startsWith("#/")) return undefined;
  let node: unknown = root;
  for (const step of reference.split("/").slice(1)) {
    const key = pointerKey(step);
    if (typeof node !== "object" || node === null || !Object.hasOwn(node, key)) return undefined;
    node = (node as JsonObject)[key];
  }
  return node;
}

/** The key that a step of a pointer names. */
export function pointerKey(step: string): string {
  const plain = step.replaceAll("~1", "/").replaceAll("~0", "~");
  try {
    return decodeURIComponent(plain);
  } catch {
    return plain;
  }
}

/** How the members of a schema contain further schemas. All other members are data or constraints. */
const SCHEMA_MEMBERS: ReadonlyMap<string, "one" | "list" | "map"> = new Map([
  ["items", "one"],
  ["additionalItems", "one"],
  ["additionalProperties", "one"],
  ["unevaluatedProperties", "one"],
  ["unevaluatedItems", "one"],
  ["propertyNames", "one"],
  ["contains", "one"],
  ["not", "one"],
  ["if", "one"],
  ["then", "one"],
  ["else", "one"],
  ["anyOf", "list"],
  ["oneOf", "list"],
  ["allOf", "list"],
  ["prefixItems", "list"],
  ["properties", "map"],
  ["patternProperties", "map"],
  ["dependentSchemas", "map"],
  ["$defs", "map"],
  ["definitions", "map"],
]);

/**
 * Rebuilds the value of a schema's member, with each schema in it replaced by `rebuild`; data is returned
 * unchanged.
 */
export function mapMember(
  name: string,
  value: unknown,
  rebuild: (schema: JsonObject, path: string) => unknown,
  path: string,
): unknown {
  const kind = SCHEMA_MEMBERS.get(name);
  const one = (inner: unknown, innerPath: string): unknown =>
    isObject(inner) ? rebuild(inner, innerPath) : inner;
  if (kind === undefined || typeof value !== "object" || value === null) return value;
  if (kind === "map") {
    return Object.fromEntries(entriesOf(value).map(([key, inner]) => [key, one(inner, `${path}.${key}`)]));
  }
  if (Array.isArray(value)) return value.map((inner, index) => one(inner, `${path}[${index}]`));
  return one(value, path);
}

/** Puts each schema that the members of a schema hold on `open`. */
export function openInner(schema: JsonObject, open: JsonObject[]): void {
  for (const name in schema) {
    const value = schema[name];
    if (typeof value !== "object" || value === null) continue;
    const kind = SCHEMA_MEMBERS.get(name);
    if (kind === undefined) continue;
    if (Array.isArray(value)) {
      if (kind !== "map") for (const inner of value) if (isObject(inner)) open.push(inner);
    } else if (kind === "map") {
      for (const key in value) {
        const inner = (value as JsonObject)[key];
        if (isObject(inner)) open.push(inner);
      }
    } else open.push(value as JsonObject);
  }
}

/** Throws `bad_request` beyond the greatest depth. */
export function checkDepth(depth: number): void {
  if (depth > MAX_DEPTH) {
    throw new GatewayError(
      "bad_request",
      `a JSON Schema is nested more than ${MAX_DEPTH} levels deep; flatten the schema`,
    );
  }
}

/** The members of an object; none for any other value. */
export function entriesOf(value: unknown): [string, unknown][] {
  return isObject(value) ? Object.entries(value) : [];
}

/** The strings of a list; none for any other value. */
export function stringsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
