import { expect, test } from "bun:test";
import fc from "fast-check";
import { jsonObject, PROPERTY_RUNS } from "../../../test/kit/arbitraries.ts";
import { isObject, type JsonObject } from "../../core/json.ts";
import { KeyRestorer, PropertyKeys } from "./property-keys.ts";

const LEGAL = /^[a-zA-Z0-9_.-]{1,64}$/;
const ODATA: JsonObject = {
  type: "object",
  properties: {
    "filter[status]": { type: "string" },
    $top: { type: "integer", default: 5 },
    ok_key: { $ref: "#/properties/filter[status]" },
    _top: { type: "string" },
    nested: {
      anyOf: [
        { type: "object", properties: { "@type": { const: "a" } }, required: ["@type"] },
        { $ref: "#/$defs/a b" },
      ],
    },
  },
  required: ["filter[status]", "ok_key"],
  propertyOrdering: ["$top", "ok_key"],
  dependentRequired: { $top: ["filter[status]"] },
  $defs: { "a b": { type: "object", properties: { ü: { type: "string" } } } },
  default: { $top: 1, other: [{ "@type": "a" }] },
};

function keysOf(schema: JsonObject): PropertyKeys {
  const keys = PropertyKeys.of(schema);
  if (keys === null) throw new Error("all keys are legal");
  return keys;
}

test("keys, and all that names them, become legal, and stay apart", () => {
  expect(keysOf(ODATA).encodeSchema(ODATA)).toEqual({
    type: "object",
    properties: {
      filter_status_: { type: "string" },
      _top_81bf98e4: { type: "integer", default: 5 },
      ok_key: { $ref: "#/properties/filter_status_" },
      _top: { type: "string" },
      nested: {
        anyOf: [
          { type: "object", properties: { _type: { const: "a" } }, required: ["_type"] },
          { $ref: "#/$defs/a b" },
        ],
      },
    },
    required: ["filter_status_", "ok_key"],
    propertyOrdering: ["_top_81bf98e4", "ok_key"],
    dependentRequired: { _top_81bf98e4: ["filter_status_"] },
    $defs: { "a b": { type: "object", properties: { _: { type: "string" } } } },
    default: { _top_81bf98e4: 1, other: [{ _type: "a" }] },
  } as never);
});

test("a schema with legal keys needs no aliases", () => {
  expect(PropertyKeys.of({ type: "object", properties: { a: {}, "b.c-d_E9": {} } })).toBeNull();
});

/** A schema with these keys at several depths. */
const schemaOf = (names: readonly string[]): JsonObject => {
  const leaf = Object.fromEntries(names.map((name) => [name, { type: "string" }]));
  const inner = { type: "object", properties: leaf, required: names };
  return { type: "object", properties: Object.fromEntries([...names.map((name) => [name, inner])]) };
};

const namesOf = fc.uniqueArray(fc.string({ maxLength: 80, unit: "binary" }), { minLength: 1, maxLength: 6 });

test("whatever the keys are, all are legal and different on the wire", () => {
  fc.assert(
    fc.property(namesOf, (names) => {
      const schema = schemaOf(names);
      const sent = PropertyKeys.of(schema)?.encodeSchema(schema) ?? schema;
      const keys = Object.keys(sent.properties as object);
      expect(new Set(keys).size).toBe(names.length);
      for (const key of keys) expect(key).toMatch(LEGAL);
    }),
    { numRuns: PROPERTY_RUNS },
  );
});

/** The keys of a value, at each depth. */
const keysWithin = (value: unknown): readonly string[] =>
  typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([key, inner]) => [key, ...keysWithin(inner)])
    : [];

test("arguments come back with the client's keys, however their text is split", () => {
  fc.assert(
    fc.property(namesOf, jsonObject(), fc.array(fc.nat(9), { maxLength: 30 }), (names, free, sizes) => {
      const keys = PropertyKeys.of(schemaOf(names));
      if (keys === null) return;
      const args = { ...Object.fromEntries(names.map((name) => [name, [{ [name]: name }, free]])) };
      // Free data with a key that is an alias would be restored as well.
      fc.pre(!keysWithin(free).some((key) => keys.original(key) !== null));
      const onWire = JSON.stringify(keys.encodeData(args));
      const restorer = new KeyRestorer(keys);
      let out = "";
      let at = 0;
      for (const size of sizes) {
        out += restorer.push(onWire.slice(at, at + size));
        at += size;
      }
      out += restorer.push(onWire.slice(at)) + restorer.end();
      expect(JSON.stringify(restoredAgain(keys, JSON.parse(out)))).toBe(onWire);
      expect(JSON.parse(out)).toEqual(args as never);
    }),
    { numRuns: PROPERTY_RUNS },
  );
});

function restoredAgain(keys: PropertyKeys, value: unknown): unknown {
  return isObject(value) ? keys.encodeData(value) : value;
}

test("text that is no JSON passes as it is", () => {
  const keys = keysOf(ODATA);
  for (const garbage of ['{"filter_sta', "no json", '{"a\\', '{"\\uZZ": 1}', "]]}}", '"x"']) {
    const restorer = new KeyRestorer(keys);
    expect(restorer.push(garbage) + restorer.end()).toBe(garbage);
  }
});
