// The language of request tables: one value that fits, and the first place where another does not.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  any,
  findProblem,
  integer,
  list,
  map,
  nullable,
  oneOf,
  record,
  string,
  tagged,
  union,
} from "./shape.ts";

const shape = record(
  {
    name: string({ max: 5 }),
    parts: list(tagged("type", { text: record({ type: any, text: string() }) }), { min: 1 }),
  },
  { count: nullable(integer(0, 9)), mode: oneOf("a", "b"), extra: union(string({ min: 2 }), map(integer())) },
);
const good = { name: "x", parts: [{ type: "text", text: "y" }] };

describe("a shape", () => {
  test.each([
    [{}],
    [{ count: null }],
    [{ count: 9 }],
    [{ mode: "b" }],
    [{ extra: "xy" }],
    [{ extra: { a: 1 } }],
  ])("takes %o", (more) => {
    expect(findProblem(shape, { ...good, ...more })).toBeUndefined();
  });

  test.each([
    [{ name: undefined }, "type", ["name"]],
    [{ name: "longer" }, "too-long", ["name"]],
    [{ parts: [] }, "too-short", ["parts"]],
    [{ parts: [...good.parts, {}] }, "missing", ["parts", 1, "type"]],
    [{ parts: [{ type: "image" }] }, "value", ["parts", 0, "type"]],
    [{ parts: [{ type: "text" }] }, "missing", ["parts", 0, "text"]],
    [{ parts: [{ type: "text", text: "x", more: 1 }] }, "unknown", ["parts", 0, "more"]],
    [{ count: 1.5 }, "type", ["count"]],
    [{ count: 10 }, "too-large", ["count"]],
    [{ count: -1 }, "too-small", ["count"]],
    [{ mode: "c" }, "value", ["mode"]],
    [{ extra: "x" }, "too-short", ["extra"]],
    [{ extra: { a: "b" } }, "type", ["extra", "a"]],
    [{ __proto__: null, constructor: 1 }, "unknown", ["constructor"]],
  ])("finds what is wrong with %o", (more, kind, path) => {
    expect(findProblem(shape, { ...good, ...more })).toMatchObject({ kind, path });
  });

  test("looks at any JSON without failing, and points into it", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const problem = findProblem(shape, value);
        expect(problem).toBeDefined();
        let at: unknown = value;
        for (const step of problem?.path.slice(0, -1) ?? []) {
          at = (at as Record<string | number, unknown>)[step];
          expect(at).toBeDefined();
        }
      }),
    );
  });
});
