// The smallest value that a JSON Schema accepts, for tool arguments and structured output.

import { asList, asNumber, asRecord, asString, isRecord, type JsonRecord } from "../base/json.ts";

const MAX_DEPTH = 12;

/** A value with only the required properties, or with all. An unsupported schema gives an empty string. */
export function exampleOf(schema: unknown, hasEveryProperty = false): unknown {
  const root = asRecord(schema);
  return example(root, { root, hasEveryProperty }, 0);
}

interface Context {
  readonly root: JsonRecord;
  readonly hasEveryProperty: boolean;
}

function example(schema: JsonRecord, context: Context, depth: number): unknown {
  if (depth > MAX_DEPTH) {
    return null;
  }
  const pointed = asString(schema.$ref);
  if (pointed.startsWith("#/")) {
    return example(resolve(context.root, pointed), context, depth + 1);
  }
  if ("const" in schema) {
    return schema.const;
  }
  const choices = asList(schema.enum);
  if (choices.length > 0) {
    return choices[0];
  }
  const variant = asList(schema.anyOf ?? schema.oneOf ?? schema.allOf)[0];
  if (isRecord(variant)) {
    return example(variant, context, depth + 1);
  }
  return exampleOfType(typeOf(schema), schema, context, depth);
}

function typeOf(schema: JsonRecord): string {
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  return asString(type).toLowerCase() || (isRecord(schema.properties) ? "object" : "string");
}

function exampleOfType(type: string, schema: JsonRecord, context: Context, depth: number): unknown {
  switch (type) {
    case "object": {
      const properties = asRecord(schema.properties);
      const names = context.hasEveryProperty
        ? Object.keys(properties)
        : asList(schema.required).map(asString);
      return Object.fromEntries(
        names.map((name) => [name, example(asRecord(properties[name]), context, depth + 1)]),
      );
    }
    case "array":
      return Array.from({ length: Math.min(asNumber(schema.minItems) ?? 0, 8) }, () =>
        example(asRecord(schema.items), context, depth + 1),
      );
    case "integer":
    case "number":
      return asNumber(schema.minimum) ?? 1;
    case "boolean":
      return true;
    case "null":
      return null;
    default:
      return "example".padEnd(Math.min(asNumber(schema.minLength) ?? 0, 1000), "e");
  }
}

function resolve(root: JsonRecord, pointer: string): JsonRecord {
  let value: unknown = root;
  for (const step of pointer.slice(2).split("/")) {
    value = asRecord(value)[step.replaceAll("~1", "/").replaceAll("~0", "~")];
  }
  return asRecord(value);
}
