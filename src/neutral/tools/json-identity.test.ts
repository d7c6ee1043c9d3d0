import { expect, test } from "bun:test";
import fc from "fast-check";
import { JsonIdentity } from "./json-identity.ts";

test("values have one number exactly when their JSON is the same", () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue({ maxDepth: 3 }), { minLength: 2, maxLength: 6 }), (values) => {
      const identity = new JsonIdentity();
      for (const one of values)
        for (const other of values)
          expect(identity.numberOf(one) === identity.numberOf(structuredClone(other))).toBe(
            JSON.stringify(one) === JSON.stringify(other),
          );
    }),
  );
});

test("a text that looks like a list is none", () => {
  const identity = new JsonIdentity();
  const numbers = [[], "[]", {}, "{}", [0], "[0]", 0, "0", null, "null"].map((value) =>
    identity.numberOf(value),
  );
  expect(new Set(numbers).size).toBe(numbers.length);
});
