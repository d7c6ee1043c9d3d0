import { expect, test } from "bun:test";
import fc from "fast-check";
import { isTooDense, MAX_JSON_WEIGHT, MAX_REQUEST_ENTRIES } from "./json-density.ts";

/** Long enough to be looked at. */
const padded = (json: string): string => `["${"x".repeat(1024 * 1024)}",${json}]`;
/** What the list around it has. */
const OWN = 2;
const repeated = (piece: string, times: number): string => `[${Array(times).fill(piece).join(",")}]`;

test("lists and objects count as two, members as one, and the bound itself is not too much", () => {
  const left = MAX_JSON_WEIGHT - 2 * OWN;
  expect(isTooDense(padded(repeated("[]", left / 2)))).toBe(false);
  expect(isTooDense(padded(repeated("[]", left / 2 + 1)))).toBe(true);
  expect(isTooDense(padded(repeated('{"a":0}', Math.floor(left / 3))))).toBe(false);
  expect(isTooDense(padded(repeated('{"a":0}', Math.floor(left / 3) + 1)))).toBe(true);
});

test("numbers and texts do not count, whatever stands in the texts", () => {
  expect(isTooDense(padded(repeated("0", MAX_JSON_WEIGHT)))).toBe(false);
  for (const text of ["{[:", '\\"[', "\\\\", '\\\\\\"{'])
    expect(isTooDense(padded(repeated(`"${text}"`, MAX_JSON_WEIGHT / 2)))).toBe(false);
});

test("entries and members count where the caller bounds them, and commas in texts are none", () => {
  // One stands behind the filling.
  const most = MAX_REQUEST_ENTRIES - 1;
  for (const piece of ["0", '"a,b"', "null"]) {
    expect(isTooDense(padded(repeated(piece, most + 1)), MAX_REQUEST_ENTRIES)).toBe(false);
    expect(isTooDense(padded(repeated(piece, most + 2)), MAX_REQUEST_ENTRIES)).toBe(true);
    expect(isTooDense(padded(repeated(piece, most + 2)))).toBe(false);
  }
});

test("texts end where JSON says, so nothing hides behind them", () => {
  const dense = repeated("[]", MAX_JSON_WEIGHT);
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "grapheme" }), { maxLength: 5 }), (texts) => {
      const before = texts.map((text) => `${JSON.stringify(text)},`).join("");
      expect(isTooDense(padded(`${before}${dense}`))).toBe(true);
    }),
    { numRuns: 20 },
  );
});

test("a short text is not looked at, and one that breaks off in a text is no JSON", () => {
  expect(isTooDense(repeated("[]", 300_000))).toBe(false);
  expect(isTooDense(`["${"x".repeat(2_000_000)}`)).toBe(false);
});
