import { expect, test } from "bun:test";
import fc from "fast-check";
import { PROPERTY_RUNS } from "../../../test/kit/arbitraries.ts";
import { type CallIdRule, callIdFor, mintCallId } from "./call-ids.ts";

const RULE: CallIdRule = { isAllowed: /^[A-Za-z0-9_-]+$/, maxChars: 64, prefix: "call_" };

test("a legal id stays as it is", () => {
  expect(callIdFor("toolu_01AbC", RULE)).toBe("toolu_01AbC");
  expect(callIdFor("a".repeat(64), RULE)).toBe("a".repeat(64));
});

test("another id always becomes the same legal one", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 100 }), fc.string({ maxLength: 100 }), (one, other) => {
      const id = callIdFor(one, RULE);
      expect(id).toMatch(RULE.isAllowed);
      expect(id.length).toBeLessThanOrEqual(64);
      expect(callIdFor(one, RULE)).toBe(id);
      if (one !== other) expect(callIdFor(other, RULE)).not.toBe(id);
    }),
    { numRuns: PROPERTY_RUNS },
  );
  expect(callIdFor("call:1", RULE)).toBe(callIdFor("call:1", RULE));
  expect(callIdFor("call:1", { ...RULE, maxChars: 20 })).toHaveLength(20);
});

test("a minted id is legal", () => {
  expect(mintCallId("01HZZZZZZZZZZZZZZZZZZZZZZZ", 12)).toMatch(/^[A-Za-z0-9_-]{1,40}$/);
});
