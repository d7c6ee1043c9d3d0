import { expect, test } from "bun:test";
import fc from "fast-check";
import { splice } from "./json-splice.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (array: Uint8Array): string => new TextDecoder().decode(array);

test("replaces, inserts and removes, and leaves the rest alone", () => {
  const edits = [
    { start: 0, end: 0, replacement: bytes(">") },
    { start: 1, end: 3, replacement: bytes("XYZ") },
    { start: 5, end: 6, replacement: bytes("") },
  ];
  expect(text(splice(bytes("abcdef"), edits))).toBe(">aXYZde");
});

test("is what slicing and joining strings gives", () => {
  const cuts = fc.tuple(fc.nat(50), fc.nat(50), fc.nat(50), fc.nat(50));
  fc.assert(
    fc.property(
      fc.stringMatching(/^[a-z]{50}$/),
      cuts,
      fc.stringMatching(/^[A-Z]{0,9}$/),
      (body, at, put) => {
        const [a, b, c, d] = [...at].sort((left, right) => left - right) as [number, number, number, number];
        const edits = [
          { start: a, end: b, replacement: bytes(put) },
          { start: c, end: d, replacement: bytes(put) },
        ];
        expect(text(splice(bytes(body), edits))).toBe(
          body.slice(0, a) + put + body.slice(b, c) + put + body.slice(d),
        );
      },
    ),
  );
});
