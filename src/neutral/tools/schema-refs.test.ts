import { describe, expect, test } from "bun:test";
import type { JsonObject } from "../../core/json.ts";
import { InliningRoom, withoutLocalRefs } from "./schema-refs.ts";

const STRING: JsonObject = { type: "string" };
const ref = (name: string): JsonObject => ({ $ref: `#/$defs/${name}` });

describe("references of schemas to one another", () => {
  test("in a circle stay, in whatever order they are met, and those beside it go", () => {
    const $defs = {
      A: { properties: { b: ref("B"), leaf: ref("Leaf") } },
      B: { properties: { c: ref("C") } },
      C: { properties: { a: ref("A"), self: { items: ref("D") } } },
      D: { anyOf: [ref("D"), ref("Leaf")] },
      Leaf: STRING,
    };
    for (const names of [
      ["A", "B", "C", "D"],
      ["D", "C", "B", "A"],
    ]) {
      const properties = Object.fromEntries(names.map((name) => [name, ref(name)]));
      const inlined = withoutLocalRefs({ properties, leaf: ref("Leaf"), $defs } as JsonObject);
      expect(inlined.properties).toEqual(properties);
      expect(JSON.stringify(inlined.$defs)).not.toContain('Leaf"}');
    }
  });

  test("that only pass by a circle are no part of it", () => {
    const $defs = { Before: { properties: { a: ref("A") } }, A: { items: ref("A") }, Behind: STRING };
    expect(withoutLocalRefs({ properties: { x: ref("Before"), y: ref("Behind") }, $defs })).toEqual({
      properties: { x: { properties: { a: ref("A") } }, y: STRING },
      $defs: { Before: { properties: { a: ref("A") } }, A: { items: ref("A") }, Behind: STRING },
    });
  });
});

test("many schemas of one request share the room to grow", () => {
  const room = new InliningRoom();
  const schema = {
    type: "object",
    properties: { a: ref("A"), b: ref("A") },
    $defs: { A: { description: "d".repeat(200_000) } },
  };
  const grown = Array.from({ length: 5 }, () => withoutLocalRefs(schema, room)).map((one) => one !== schema);
  expect(grown).toEqual([true, true, false, false, false]);
});
