// A scan finds a word exactly where a key or a string of the value is the word, at any depth and in any shape.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { PROPERTY_RUNS } from "../../test/kit/arbitraries.ts";
import { JsonScanner } from "./json-scan.ts";
import { compileShape, type JsonShape } from "./json-shape.ts";
import { JsonWords, WordSearch } from "./json-words.ts";

const TEXTS = ["tool_use", "thinking", "a", "ünlike", ""];
const WORDS = new JsonWords(TEXTS.map((text, n) => ({ text, kind: 1 << n })));
/** Some members are looked into, some are reported whole, and all others are skipped. */
const SHAPES: readonly JsonShape[] = [
  {},
  { a: true, thinking: { a: true, tool_use: { "*": true } } },
  { "*": { a: true, "*": { thinking: true } } },
];

function foundIn(text: string, shape: JsonShape): number {
  const search = new WordSearch(WORDS);
  const nothing = (): void => undefined;
  const scanner = new JsonScanner(
    compileShape(shape),
    { open: nothing, close: nothing, value: nothing },
    search,
  );
  scanner.push(new TextEncoder().encode(text));
  expect(scanner.status).toBe("closed");
  return search.found;
}

function stringsOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.flatMap(stringsOf);
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [key, ...stringsOf(inner)]);
}

const string = fc.oneof(
  fc.constantFrom(...TEXTS),
  fc.constantFrom(...TEXTS).map((text) => `"${text}"`),
  fc.constantFrom(...TEXTS).chain((text) => fc.string().map((more) => text + more)),
  fc.string(),
);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 5 }, string, fc.integer(), fc.constant(null), tie("list"), tie("object")),
  list: fc.array(tie("value"), { maxLength: 4 }),
  object: fc.dictionary(string, tie("value"), { maxKeys: 4 }),
}));

test("the words of a value are found, and no others", () => {
  fc.assert(
    fc.property(value, fc.constantFrom(...SHAPES), fc.boolean(), (inner, shape, isSpaced) => {
      const whole = { whole: inner };
      const strings = new Set(stringsOf(whole));
      const wanted = TEXTS.reduce((bits, text, n) => (strings.has(text) ? bits | (1 << n) : bits), 0);
      expect(foundIn(JSON.stringify(whole, null, isSpaced ? 2 : 0), shape)).toBe(wanted);
      if (typeof inner !== "object" || inner === null) return;
      const bare = new Set(stringsOf(inner));
      const wantedBare = TEXTS.reduce((bits, text, n) => (bare.has(text) ? bits | (1 << n) : bits), 0);
      expect(foundIn(JSON.stringify(inner), shape)).toBe(wantedBare);
    }),
    { numRuns: PROPERTY_RUNS },
  );
});

test("an escape makes another word", () => {
  expect(foundIn(String.raw`{"\u0061":"thinkin\u0067"}`, {})).toBe(0);
});
