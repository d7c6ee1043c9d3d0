// Anthropic Messages: the subset of JSON Schema that structured output and strict tools accept.

import { asList, asRecord, asString, isRecord } from "../base/json.ts";
import { refuse } from "./body.ts";

const UNSUPPORTED = [
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "multipleOf",
  "minLength",
  "maxLength",
  "maxItems",
  "uniqueItems",
  "minProperties",
  "maxProperties",
  "patternProperties",
];
const UNKNOWN = ["oneOf", "not", "if", "then", "else"];
const FORMATS = ["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"];
const MAX_OPTIONAL = 24;
const MAX_UNIONS = 16;
const MAX_DEPTH = 64;

/** Throws if a schema goes beyond the subset. */
export function checkStrictSchema(schema: unknown, path: string): void {
  const counts = { optional: 0, unions: 0 };
  check(schema, path, counts, 0);
  if (counts.optional > MAX_OPTIONAL || counts.unions > MAX_UNIONS) {
    throw refuse(
      `${path}: Schemas contains too many optional or union parameters. Reduce them to at most ${MAX_OPTIONAL} optional and ${MAX_UNIONS} union parameters.`,
    );
  }
}

interface Counts {
  optional: number;
  unions: number;
}

function check(schema: unknown, path: string, counts: Counts, depth: number): void {
  if (!isRecord(schema) || depth > MAX_DEPTH) {
    return;
  }
  const type = Array.isArray(schema.type) ? "union" : asString(schema.type);
  const odd =
    UNSUPPORTED.find((word) => word in schema) ??
    (typeof schema.minItems === "number" && schema.minItems > 1 ? "minItems" : undefined) ??
    (typeof schema.format === "string" && !FORMATS.includes(schema.format) ? "format" : undefined);
  if (odd !== undefined) {
    throw refuse(`${path}: For '${type || "any"}' type, property '${odd}' is not supported`);
  }
  const unknown = UNKNOWN.find((word) => word in schema);
  if (unknown !== undefined) {
    throw refuse(`${path}: Schema type '${unknown}' is not supported`);
  }
  if (typeof schema.$ref === "string" && !schema.$ref.startsWith("#")) {
    throw refuse(`${path}: External schema references are not supported`);
  }
  if (asList(schema.enum).some((value) => typeof value === "object" && value !== null)) {
    throw refuse(`${path}: Complex types are not supported within enums`);
  }
  if (type === "object" && schema.additionalProperties !== false) {
    throw refuse(`${path}: For 'object' type, 'additionalProperties' must be explicitly set to false`);
  }
  const required = asList(schema.required);
  counts.unions += type === "union" || Array.isArray(schema.anyOf) ? 1 : 0;
  for (const [name, property] of Object.entries(asRecord(schema.properties))) {
    counts.optional += required.includes(name) ? 0 : 1;
    check(property, `${path}.properties.${name}`, counts, depth + 1);
  }
  for (const [name, one] of Object.entries({ ...asRecord(schema.$defs), ...asRecord(schema.definitions) })) {
    check(one, `${path}.$defs.${name}`, counts, depth + 1);
  }
  for (const word of ["anyOf", "allOf"]) {
    for (const [index, one] of asList(schema[word]).entries()) {
      check(one, `${path}.${word}.${index}`, counts, depth + 1);
    }
  }
  check(schema.items, `${path}.items`, counts, depth + 1);
}
