import { expect, test } from "bun:test";
import fc from "fast-check";
import { PROPERTY_RUNS } from "../../../test/kit/arbitraries.ts";
import {
  type CallIdRule,
  callIdFor,
  carriedIdFor,
  mintCallId,
  returnedIdFor,
  SHORT_IDS,
} from "./call-ids.ts";

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

const LAX: CallIdRule = { isAllowed: /^[\x21-\x7e]+$/, maxChars: 64, prefix: "call_" };

test("an id that the client's wire does not accept comes back to its server as it was", () => {
  for (const id of ["functions.get_weather:0", "a|b", "call_1==", "toolu_01AbC", "chatcmpl-tool-0f"])
    expect([id, returnedIdFor(carriedIdFor(id, RULE), LAX)]).toEqual([id, id]);
  fc.assert(
    fc.property(fc.string({ maxLength: 80 }), (id) => {
      const shown = carriedIdFor(id, RULE);
      expect(shown).toMatch(RULE.isAllowed);
      expect(shown.length).toBeLessThanOrEqual(RULE.maxChars);
      const fits = LAX.isAllowed.test(id) && id.length <= 40;
      if (fits) expect(returnedIdFor(shown, LAX)).toBe(id);
      // To a server of another rule it goes in a form that the server accepts, the same for a call and its result.
      expect(returnedIdFor(shown, SHORT_IDS)).toMatch(SHORT_IDS.isAllowed);
    }),
    { numRuns: PROPERTY_RUNS },
  );
});

test("what only looks like a carried id is an id like others", () => {
  for (const id of ["toolu_b64_", "call_b64_!!", "call_b64_AAAA"]) {
    expect(returnedIdFor(id, RULE)).toMatch(RULE.isAllowed);
    expect(returnedIdFor(id, RULE)).toBe(returnedIdFor(id, RULE));
  }
});

test("a minted id is legal", () => {
  expect(mintCallId("01HZZZZZZZZZZZZZZZZZZZZZZZ", 12)).toMatch(/^[A-Za-z0-9_-]{1,40}$/);
});
