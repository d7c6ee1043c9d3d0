import { expect, test } from "bun:test";
import fc from "fast-check";
import { isCheapExpression, MAX_NAME_CHARS, NameIndex, type NamePattern, nameForms } from "./model-name.ts";

/** Whether an index of one entry with one pattern finds the name. */
const matchesName = (pattern: NamePattern, name: string): boolean =>
  new NameIndex([{ names: [pattern] }]).find(name) !== null;

test("patterns: a name, stars, a regular expression, several at once", () => {
  expect(matchesName("gpt-5", "gpt-5")).toBe(true);
  expect(matchesName("gpt-5", "gpt-5-mini")).toBe(false);
  expect(matchesName("gpt-5*", "gpt-5-mini")).toBe(true);
  expect(matchesName("*claude-opus-5", "anthropic.claude-opus-5")).toBe(true);
  expect(matchesName("*opus*", "claude-opus-5")).toBe(true);
  expect(matchesName("ab*ba", "aba")).toBe(false);
  expect(matchesName("ab*ba", "abba")).toBe(true);
  expect(matchesName("a*b*c", "a-b-b-c")).toBe(true);
  expect(matchesName("a*b*c", "a-c-b")).toBe(false);
  expect(matchesName("/^gpt-6-\\d{4}$/", "gpt-6-2026")).toBe(true);
  expect(matchesName(["gemini-2.5-pro*", "/^(?!.*-tts)/"], "gemini-2.5-pro-tts")).toBe(false);
});

test("stars match as the regular expression of the same pattern does", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "-"), maxLength: 8 });
  fc.assert(
    fc.property(fc.array(word, { minLength: 2, maxLength: 5 }), word, (parts, name) => {
      const expected = new RegExp(`^${parts.join(".*")}$`).test(name);
      expect(matchesName(parts.join("*"), name)).toBe(expected);
    }),
  );
});

test("stars in any number take little time", () => {
  const name = "a".repeat(MAX_NAME_CHARS);
  const startMs = performance.now();
  expect(matchesName(`${"*a".repeat(200)}*b`, name)).toBe(false);
  expect(matchesName("*".repeat(100_000), name)).toBe(true);
  expect(performance.now() - startMs).toBeLessThan(1000);
});

test("an expression that is taken for cheap is cheap", () => {
  const unit = fc.constantFrom(
    "a",
    "aa",
    "[ab]",
    "a*",
    "a+",
    ".*",
    "a?",
    "(?:a|aa)",
    "(a)",
    "a{1,9}",
    "(?!b)",
    "a{9}",
    "$",
  );
  const name = "a".repeat(MAX_NAME_CHARS);
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 12 }), (units) => {
      const source = `${units.join("")}b`;
      fc.pre(isCheapExpression(source));
      const startMs = performance.now();
      expect(new RegExp(source).test(name)).toBe(false);
      expect(performance.now() - startMs).toBeLessThan(1000);
    }),
  );
});

test("a name is looked for as it is first, then without path, date, `-latest` and maker", () => {
  expect(nameForms("models/Gemini-2.5-Pro")[0]).toBe("gemini-2.5-pro");
  expect(nameForms("projects/p/locations/l/publishers/google/models/gemini-2.5-pro")[0]).toBe(
    "gemini-2.5-pro",
  );
  expect(nameForms("gpt-5.4-20260305")).toEqual(["gpt-5.4-20260305", "gpt-5.4-2026-03-05", "gpt-5.4"]);
  expect(nameForms("claude-opus-5@20260901")).toContain("claude-opus-5");
  expect(nameForms("openai/gpt-5-2025-08-07")).toEqual([
    "openai/gpt-5-2025-08-07",
    "openai/gpt-5",
    "gpt-5-2025-08-07",
    "gpt-5",
  ]);
  expect(nameForms("mistral-large-latest")).toContain("mistral-large");
});

test("another ending is another model", () => {
  expect(nameForms("deepseek/deepseek-r1:free").some((form) => !form.endsWith(":free"))).toBe(false);
  expect(nameForms("gpt-4-1106")).toEqual(["gpt-4-1106"]);
});

test("an index finds the first entry that matches, as a search does", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "*"), minLength: 1, maxLength: 4 });
  const pattern: fc.Arbitrary<NamePattern> = fc.oneof(word, fc.constantFrom("/a/", "/^b/"), fc.array(word));
  const entries = fc.array(fc.record({ names: fc.array(pattern, { maxLength: 3 }) }), { maxLength: 6 });
  fc.assert(
    fc.property(entries, fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 4 }), (list, name) => {
      const expected = list.find(({ names }) => names.some((one) => matchesName(one, name))) ?? null;
      expect(new NameIndex(list).find(name)).toBe(expected);
    }),
  );
});
