import { expect, test } from "bun:test";
import fc from "fast-check";
import { Percentiles } from "./percentiles.ts";

const durations = fc.array(fc.double({ min: 0, max: 1e12, noNaN: true }), { minLength: 1, maxLength: 60 });

function of(values: readonly number[]): Percentiles {
  const percentiles = new Percentiles();
  for (const value of values) percentiles.add(value);
  return percentiles;
}

test("texts of parts, joined in any way, give the percentiles of the whole", () => {
  fc.assert(
    fc.property(fc.array(durations, { minLength: 1, maxLength: 5 }), (parts) => {
      const whole = of(parts.flat());
      const joined = new Percentiles();
      joined.addText(parts.map((part) => of(part).toText()).join(""));
      const added = new Percentiles();
      for (const part of parts) added.addText(of(part).toText());
      for (const one of [joined, added]) {
        for (const share of [0, 0.5, 0.95, 1]) expect(one.at(share)).toBe(whole.at(share));
        expect(one.toText()).toBe(whole.toText());
      }
    }),
  );
});

test("a count of any size is read as it was written", () => {
  const one = of([5]).toText();
  const sum = new Percentiles();
  for (let doubling = 0; doubling < 40; doubling++) {
    sum.addText(sum.toText() === "" ? one : sum.toText());
    const again = new Percentiles();
    again.addText(sum.toText());
    expect(again.toText()).toBe(sum.toText());
  }
  // A single text of a bucket: two digits of its place, and its count 2^39.
  expect(sum.toText()).toHaveLength(2 + 8);
});

test("nothing has no percentiles", () => {
  expect(new Percentiles().at(0.5)).toBeNull();
  expect(new Percentiles().toText()).toBe("");
});
