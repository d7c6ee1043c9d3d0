import { expect, test } from "bun:test";
import fc from "fast-check";
import { matchesModel } from "./model-pattern.ts";

test.each([
  ["gpt-5.5", "gpt-5.5", true],
  ["gpt-5.5", "gpt-5x5", false],
  ["gpt-5.5", "gpt-5.5-mini", false],
  ["gpt-5.5", "GPT-5.5", false],
  ["claude-*", "claude-opus-4-5", true],
  ["claude-*", "claude-", true],
  ["claude-*", "claude", false],
  ["claude-*", "anthropic/claude-opus-4-5", false],
  ["*", "anything/at-all", true],
  ["*-mini", "gpt-5-mini", true],
  ["*-mini", "gpt-5-mini-2", false],
  ["*/gpt-*", "azure/gpt-5", true],
  ["a*a", "a", false],
  ["a*ab*b", "aab", false],
  ["a*ab*b", "aabb", true],
  ["**", "", true],
])("%j and %j: %p", (pattern, name, isMatch) => expect(matchesModel(pattern, name)).toBe(isMatch));

test("a pattern matches as the regular expression does that it stands for", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b", "*", "."), maxLength: 8 });
  fc.assert(
    fc.property(letters, letters, (pattern, name) => {
      const parts = pattern.split("*").map((part) => part.replaceAll(".", "\\."));
      expect(matchesModel(pattern, name)).toBe(new RegExp(`^${parts.join(".*")}$`, "s").test(name));
    }),
  );
});
