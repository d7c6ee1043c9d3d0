/** JSON Schemas that grow, and the requests that hold them. */
import type { JsonObject } from "../../src/core/json.ts";
import type { DialectName } from "../../src/dialects/dialect.ts";

const STRING: JsonObject = { type: "string" };

function list<T>(length: number, entry: (n: number) => T): T[] {
  return Array.from({ length: Math.ceil(length) }, (_, n) => entry(n));
}

function named(length: number, prefix: string, entry: (n: number) => unknown): JsonObject {
  return Object.fromEntries(list(length, (n) => [`${prefix}${n}`, entry(n)]));
}

const ref = (name: string): JsonObject => ({ $ref: `#/$defs/${name}`, description: "beside it" });

/** `start` in so many levels. */
function deep(
  levels: number,
  start: JsonObject,
  wrap: (inner: JsonObject, level: number) => JsonObject,
): JsonObject {
  let schema = start;
  for (let level = 0; level < Math.min(levels, 200); level++) schema = wrap(schema, level);
  return schema;
}

/** Each schema with so many pieces. */
export const SCHEMA_GROWTHS: readonly {
  readonly name: string;
  readonly schema: (n: number) => JsonObject;
}[] = [
  {
    name: "branches that give one property other values",
    schema: (n) => ({ anyOf: list(n, (value) => ({ properties: { a: { const: value } } })) }),
  },
  {
    name: "branches that give one property the same value",
    schema: (n) => ({ oneOf: list(n, () => ({ properties: { a: { type: "string", minLength: 1 } } })) }),
  },
  {
    name: "two branches with long lists of what is required, one reversed",
    schema: (n) => ({
      anyOf: [{ required: list(n, (i) => `p${i}`) }, { required: list(n, (i) => `p${i}`).reverse() }],
    }),
  },
  {
    name: "many branches that require many",
    schema: (n) => ({
      anyOf: list(Math.sqrt(n), () => ({ required: list(Math.sqrt(n), (i) => `p${i}`) })),
    }),
  },
  {
    name: "branches that refer to one wide definition",
    schema: (n) => ({
      anyOf: list(n / 2, () => ref("Wide")),
      $defs: { Wide: { type: "object", properties: named(n / 2, "p", () => STRING) } },
    }),
  },
  {
    name: "branches that refer to definitions within one another",
    schema: (n) => ({
      anyOf: list(200, (level) => ({ $ref: `#/$defs/Deep${"/properties/a".repeat(level)}` })),
      $defs: {
        Deep: deep(200, { type: "object", properties: named(n, "p", () => STRING) }, (inner) => ({
          type: "object",
          properties: { a: inner },
        })),
      },
    }),
  },
  {
    name: "references behind a wide definition",
    schema: (n) => ({
      type: "object",
      properties: named(n / 2, "r", (i) => ref(`D${i}`)),
      $defs: {
        ...named(n / 2, "D", () => ({ properties: { wide: ref("Wide") } })),
        Wide: { type: "object", properties: named(n / 2, "p", () => STRING) },
      },
    }),
  },
  {
    name: "references to small definitions",
    schema: (n) => ({
      type: "object",
      properties: named(n / 2, "r", (i) => ref(`D${i}`)),
      $defs: named(n / 2, "D", () => STRING),
    }),
  },
  {
    name: "a long circle of definitions, and references to each",
    schema: (n) => ({
      type: "object",
      properties: named(n / 2, "r", (i) => ref(`D${i}`)),
      $defs: named(n / 2, "D", (i) => ({ properties: { next: ref(`D${(i + 1) % Math.ceil(n / 2)}`) } })),
    }),
  },
  {
    name: "a chain of references to a wide definition",
    schema: (n) => ({
      type: "object",
      properties: { first: ref("D0") },
      $defs: {
        ...named(100, "D", (i) => ref(i === 99 ? "Wide" : `D${i + 1}`)),
        Wide: { type: "object", properties: named(n, "p", () => STRING) },
      },
    }),
  },
  {
    name: "constraints at the end of a long path",
    schema: (n) => ({
      type: "object",
      properties: {
        deep: deep(
          200,
          { type: "object", properties: named(n, "p", () => ({ type: "string", pattern: "^a" })) },
          (inner, level) => ({ type: "object", properties: { [`level_with_a_long_name_${level}`]: inner } }),
        ),
      },
    }),
  },
  {
    name: "wide, and all of it required",
    schema: (n) => ({
      type: "object",
      properties: named(n, "p", () => STRING),
      required: list(n, (i) => `p${i}`),
      additionalProperties: false,
    }),
  },
  {
    name: "a long choice of words",
    schema: (n) => ({ type: "object", properties: { a: { enum: list(n, (i) => `w${i}`) } } }),
  },
];

/** A request of the dialect with a tool that has this schema. */
export function withSchema(dialect: DialectName, schema: JsonObject): JsonObject {
  const messages = [{ role: "user", content: "Hi" }];
  switch (dialect) {
    case "openai-chat":
      return {
        model: "m",
        messages,
        tools: [{ type: "function", function: { name: "f", parameters: schema, strict: true } }],
      };
    case "openai-responses":
      return {
        model: "m",
        input: "Hi",
        tools: [{ type: "function", name: "f", parameters: schema, strict: true }],
      };
    case "anthropic-messages":
      return {
        model: "m",
        max_tokens: 9,
        messages,
        tools: [{ name: "f", input_schema: schema, strict: true }],
      };
    case "gemini":
      return {
        contents: [{ role: "user", parts: [{ text: "Hi" }] }],
        tools: [{ functionDeclarations: [{ name: "f", parametersJsonSchema: schema }] }],
      };
  }
}
