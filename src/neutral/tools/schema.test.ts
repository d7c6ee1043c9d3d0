import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { schema as anySchema, PROPERTY_RUNS } from "../../../test/kit/arbitraries.ts";
import type { JsonObject } from "../../core/json.ts";
import { objectRoot, strictSubset } from "./schema.ts";
import { withoutLocalRefs } from "./schema-refs.ts";

const STRING: JsonObject = { type: "string" };

describe("objectRoot", () => {
  test("leaves an object as it is", () => {
    const schema = { properties: { a: STRING }, type: "object" };
    expect(objectRoot(schema)).toBe(schema);
    fc.assert(
      fc.property(anySchema(), (schema) => expect(objectRoot(schema)).toBe(schema)),
      { numRuns: PROPERTY_RUNS },
    );
  });

  test("makes one of nothing, and of a schema without a type", () => {
    expect(objectRoot(null)).toEqual({ type: "object", properties: {} });
    expect(objectRoot({})).toEqual({ type: "object" });
    expect(
      JSON.stringify(
        objectRoot({ $schema: "http://json-schema.org/draft-07/schema#", properties: { a: STRING } }),
      ),
    ).toBe('{"type":"object","properties":{"a":{"type":"string"}}}');
    expect(objectRoot({ type: ["object", "null"], properties: {} })).toEqual({
      type: "object",
      properties: {},
    });
  });

  test("merges combinators at the root", () => {
    const merged = objectRoot({
      type: "object",
      properties: { kind: STRING },
      required: ["kind"],
      anyOf: [{ properties: { a: STRING, b: STRING }, required: ["a"] }, { $ref: "#/$defs/Other" }],
      allOf: [{ properties: { c: STRING }, required: ["c"] }],
      $defs: { Other: { properties: { a: { type: "number" } }, required: ["a"] } },
    });
    expect(merged).toEqual({
      type: "object",
      properties: {
        kind: STRING,
        c: STRING,
        a: { anyOf: [STRING, { type: "number" }] },
        b: STRING,
      },
      required: ["kind", "c", "a"],
      $defs: { Other: { properties: { a: { type: "number" } }, required: ["a"] } },
    });
  });
});

describe("strictSubset", () => {
  test("closes objects and moves constraints into descriptions", () => {
    const { schema, moved } = strictSubset({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "object",
      properties: {
        age: { type: "integer", minimum: 0, maximum: 150, description: "In years." },
        mail: { type: "string", format: "email" },
        color: { type: "string", format: "color", pattern: "^#" },
        tags: {
          type: "array",
          minItems: 1,
          maxItems: 5,
          items: { type: "object", properties: { minLength: STRING } },
        },
        one: { oneOf: [{ type: "string", minLength: 1 }, { type: "null" }] },
      },
      required: ["age"],
    });
    expect(schema).toEqual({
      type: "object",
      properties: {
        age: { type: "integer", description: "In years. (minimum: 0, maximum: 150)" },
        mail: { type: "string", format: "email" },
        color: { type: "string", description: '(format: "color", pattern: "^#")' },
        tags: {
          type: "array",
          minItems: 1,
          items: { type: "object", properties: { minLength: STRING }, additionalProperties: false },
          description: "(maxItems: 5)",
        },
        one: { anyOf: [{ type: "string", description: "(minLength: 1)" }, { type: "null" }] },
      },
      required: ["age"],
      additionalProperties: false,
    });
    expect(moved).toEqual([
      "properties.age.minimum",
      "properties.age.maximum",
      "properties.color.format",
      "properties.color.pattern",
      "properties.tags.maxItems",
      "properties.one.oneOf[0].minLength",
      "properties.one.oneOf",
    ]);
  });

  test("has nothing to do twice, and never changes what it was given", () => {
    fc.assert(
      fc.property(anySchema(), (schema) => {
        const before = JSON.stringify(schema);
        const once = strictSubset(schema).schema;
        expect(strictSubset(once)).toEqual({ schema: once, moved: [] });
        expect(JSON.stringify(schema)).toBe(before);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  test("H-145 a property may be called __proto__", () => {
    const schema = JSON.parse('{"type":"object","properties":{"__proto__":{"type":"integer","minimum":1}}}');
    expect(JSON.stringify(strictSubset(schema).schema)).toBe(
      '{"type":"object","properties":{"__proto__":{"type":"integer","description":"(minimum: 1)"}},"additionalProperties":false}',
    );
  });
});

describe("withoutLocalRefs", () => {
  test("inlines definitions, and lets members beside a reference win", () => {
    const schema = {
      type: "object",
      properties: {
        a: { $ref: "#/$defs/A", description: "mine" },
        b: { type: "array", items: { $ref: "#/definitions/B~1b" } },
        $ref: { type: "string" },
        c: { $ref: "https://example.com/c.json" },
        d: { $ref: "#/$defs/None" },
        e: { const: { $ref: "#/$defs/A" } },
      },
      $defs: { A: { description: "its", ...STRING } },
      definitions: { "B/b": { anyOf: [{ $ref: "#/$defs/A" }, { type: "null" }] } },
    };
    expect(withoutLocalRefs(schema)).toEqual({
      type: "object",
      properties: {
        a: { type: "string", description: "mine" },
        b: { type: "array", items: { anyOf: [{ type: "string", description: "its" }, { type: "null" }] } },
        $ref: { type: "string" },
        c: { $ref: "https://example.com/c.json" },
        d: { $ref: "#/$defs/None" },
        e: { const: { $ref: "#/$defs/A" } },
      },
    });
  });

  test("keeps references of a schema to itself, with their definitions", () => {
    const node = {
      type: "object",
      properties: { next: { $ref: "#/$defs/Node" }, value: { $ref: "#/$defs/Value" } },
    };
    const inlined = withoutLocalRefs({
      type: "object",
      properties: { first: { $ref: "#/$defs/Node" }, value: { $ref: "#/$defs/Value" }, all: { $ref: "#" } },
      $defs: { Node: node, Value: STRING },
    });
    expect(inlined).toEqual({
      type: "object",
      properties: { first: { $ref: "#/$defs/Node" }, value: STRING, all: { $ref: "#" } },
      $defs: {
        Node: { type: "object", properties: { next: { $ref: "#/$defs/Node" }, value: STRING } },
        Value: STRING,
      },
    });
  });

  test("keeps references that only lead to one another", () => {
    const schema = { $ref: "#/$defs/A", $defs: { A: { $ref: "#/$defs/B" }, B: { $ref: "#/$defs/A" } } };
    expect(withoutLocalRefs(schema)).toEqual(schema);
  });

  test("leaves a schema without references equal", () => {
    fc.assert(
      fc.property(anySchema(), (schema) =>
        expect(JSON.stringify(withoutLocalRefs(schema))).toBe(JSON.stringify(schema)),
      ),
      { numRuns: PROPERTY_RUNS },
    );
  });

  test("does not let a small schema become huge", () => {
    const $defs = Object.fromEntries(
      Array.from({ length: 60 }, (_, i) => [
        `d${i}`,
        {
          type: "object",
          properties: { a: { $ref: `#/$defs/d${i + 1}` }, b: { $ref: `#/$defs/d${i + 1}` } },
        },
      ]),
    );
    const schema = {
      type: "object",
      properties: { a: { $ref: "#/$defs/d0" } },
      $defs: { ...$defs, d60: STRING },
    };
    expect(withoutLocalRefs(schema)).toBe(schema);
  });
});

describe("H-144 a deep schema", () => {
  const nested = (levels: number): JsonObject => {
    let schema = STRING;
    for (let i = 1; i < levels; i++) schema = { type: "array", items: schema };
    return schema;
  };

  test("is walked at 500 levels, and refused where the stack would be at risk", () => {
    for (const walk of [strictSubset, withoutLocalRefs]) {
      expect(() => walk(nested(500))).not.toThrow();
      expect(() => walk(nested(600))).toThrow(expect.objectContaining({ kind: "bad_request" }));
    }
  });

  test("of 1 MB is walked at once", () => {
    const properties = Object.fromEntries(
      Array.from({ length: 12_000 }, (_, i) => [`p${i}`, { $ref: "#/$defs/A", title: `number ${i}` }]),
    );
    const schema = { type: "object", properties, $defs: { A: { type: "integer", minimum: 1 } } };
    expect(JSON.stringify(withoutLocalRefs(schema))).not.toContain("$ref");
    expect(strictSubset(withoutLocalRefs(schema)).moved).toHaveLength(12_000);
  });
});
