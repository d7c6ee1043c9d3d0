import { expect, test } from "bun:test";
import fc from "fast-check";
import { PROPERTY_RUNS } from "../../test/kit/arbitraries.ts";
import { codePointsOf } from "./code-points.ts";

test("as many as a walk over the text finds, whatever its length", () => {
  const unit = fc.constantFrom("a", "é", "\u20ac", "\u{1f600}", "\ud83d", "\ude00");
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 200 }), (units) => {
      const text = units.join("");
      expect(codePointsOf(text)).toBe([...text].length);
    }),
    { numRuns: PROPERTY_RUNS },
  );
  expect(codePointsOf("a".repeat(500))).toBe(500);
});
