// The JSON Schemas that OpenAI's official models refuse for functions and structured output.

import { isOfficialModel } from "../answer/catalogue.ts";
import { asList, asRecord, asString, isRecord, type JsonRecord } from "../base/json.ts";
import { openaiRefusal } from "../base/refusal.ts";

/** Checks the parameters of a function. Compatible servers check nothing. */
export function checkParameters(
  schema: unknown,
  isStrict: boolean,
  where: { readonly model: string; readonly name: string; readonly param: string },
): void {
  if (!isRecord(schema) || Object.keys(schema).length === 0 || !isOfficialModel(where.model)) {
    return;
  }
  const type = schema.type === undefined ? "None" : String(schema.type);
  const problem =
    type === "object"
      ? (schemaProblem(schema, []) ?? (isStrict ? strictProblem(schema, []) : undefined))
      : `schema must be a JSON Schema of 'type: "object"', got 'type: "${type}"'.`;
  if (problem !== undefined) {
    throw openaiRefusal(400, {
      message: `Invalid schema for function '${where.name}': ${problem}`,
      param: where.param,
      code: "invalid_function_parameters",
    });
  }
}

/** Checks the schema of a strict format. Without `strict` the schema is only a hint. */
export function checkFormat(format: JsonRecord, param: string): void {
  const problem =
    format.strict === true && isRecord(format.schema) ? strictProblem(format.schema, []) : undefined;
  if (problem !== undefined) {
    throw openaiRefusal(400, {
      message: `Invalid schema for response_format '${asString(format.name)}': ${problem}`,
      param,
      code: "invalid_json_schema",
    });
  }
}

type Path = readonly string[];

function context(path: Path): string {
  const steps = path.map((step) => `'${step}'`).join(", ");
  return `In context=(${path.length === 1 ? `${steps},` : steps})`;
}

/** Checks the schema of a function without `strict`. */
function schemaProblem(schema: JsonRecord, path: Path): string | undefined {
  if (schema.type === "object" && path.length === 0 && !isRecord(schema.properties)) {
    return `${context(path)}, object schema missing properties.`;
  }
  if (schema.type === "array" && schema.items === undefined) {
    return `${context(path)}, array schema missing items.`;
  }
  return firstWithin(schema, path, schemaProblem);
}

const NOT_IN_STRICT = [
  "allOf",
  "oneOf",
  "not",
  "if",
  "then",
  "else",
  "dependentRequired",
  "dependentSchemas",
  "patternProperties",
];

function strictProblem(schema: JsonRecord, path: Path): string | undefined {
  const odd = NOT_IN_STRICT.find((word) => word in schema);
  if (odd !== undefined) {
    return `${context(path)}, '${odd}' is not permitted.`;
  }
  if (schema.type === "object" || isRecord(schema.properties)) {
    if (schema.additionalProperties !== false) {
      return `${context(path)}, 'additionalProperties' is required to be supplied and to be false.`;
    }
    const required = asList(schema.required).map(asString);
    const missing = Object.keys(asRecord(schema.properties)).find((name) => !required.includes(name));
    if (missing !== undefined) {
      return `${context(path)}, 'required' is required to be supplied and to be an array including every key in properties. Missing '${missing}'.`;
    }
  }
  return firstWithin(schema, path, strictProblem);
}

const MAX_DEPTH = 64;

function firstWithin(
  schema: JsonRecord,
  path: Path,
  check: (schema: JsonRecord, path: Path) => string | undefined,
): string | undefined {
  const named = (word: string) =>
    Object.entries(asRecord(schema[word])).map(([name, one]) => [one, [...path, word, name]] as const);
  const inner = [
    ...named("properties"),
    ...named("$defs"),
    [schema.items, [...path, "items"]] as const,
    ...asList(schema.anyOf).map((one, index) => [one, [...path, "anyOf", String(index)]] as const),
  ];
  for (const [one, place] of path.length > MAX_DEPTH ? [] : inner) {
    const problem = isRecord(one) ? check(one, place) : undefined;
    if (problem !== undefined) {
      return problem;
    }
  }
  return undefined;
}
