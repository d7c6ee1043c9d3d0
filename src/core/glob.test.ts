import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { makeExactGlob, makeGlob } from "./glob.ts";

describe("a glob", () => {
  const cases: readonly (readonly [pattern: string, name: string, matches: boolean])[] = [
    ["gpt-5.5", "gpt-5.5", true],
    ["gpt-5.5", "gpt-5x5", false],
    ["gpt-5.5", "gpt-5.5-mini", false],
    ["claude-*", "claude-opus-4-8", true],
    ["claude-*", "claude-", true],
    ["claude-*", "anthropic/claude-opus-4-8", false],
    ["*/claude-*", "anthropic/claude-opus-4-8", true],
    ["*", "", true],
    ["a*b*c", "a-b-b-c", true],
    ["a*b*c", "a-c-b", false],
    ["**", "x", true],
    ["", "x", false],
    ["Claude-*", "CLAUDE-opus", true],
  ];
  for (const [pattern, name, matches] of cases) {
    test(`"${pattern}" ${matches ? "matches" : "does not match"} "${name}"`, () => {
      expect(makeGlob(pattern)(name)).toBe(matches);
    });
  }

  test("matches as a regular expression does", () => {
    const letters = fc.array(fc.constantFrom("a", "b", "*"), { maxLength: 8 }).map((parts) => parts.join(""));
    const names = fc.array(fc.constantFrom("a", "b"), { maxLength: 10 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(letters, names, (pattern, name) => {
        const expected = new RegExp(`^${pattern.replaceAll("*", ".*")}$`).test(name);
        expect(makeGlob(pattern)(name)).toBe(expected);
      }),
    );
  });
});

test("an exact glob tells upper and lower case apart", () => {
  expect(makeExactGlob("gpt-*")("gpt-5")).toBe(true);
  expect(makeExactGlob("gpt-*")("GPT-5")).toBe(false);
  expect(makeExactGlob("*")("GPT-5")).toBe(true);
});
