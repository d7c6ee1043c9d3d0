import { expect, test } from "bun:test";
import fc from "fast-check";
import { visibleText } from "./visible-text.ts";

test("control characters, C1 and bidi among them, become visible", () => {
  expect(visibleText("a\u001b[2Jb\u0007\u007f\u009b\u009d\u009c\u202e\u2066\u061c\u2028\ufeff")).toBe(
    "a\\u001b[2Jb\\u0007\\u007f\\u009b\\u009d\\u009c\\u202e\\u2066\\u061c\\u2028\\ufeff",
  );
  expect(visibleText("over\rwritten")).toBe("over\\u000dwritten");
});

test("lines, tabs and words of all languages stay", () => {
  for (const text of ["a\tb\nc\r\n", "שלום, 迷路, 🧶, é", ""]) expect(visibleText(text)).toBe(text);
});

test("JSON stays the same JSON, and has nothing left that a terminal obeys", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const shown = visibleText(JSON.stringify({ text }));
      expect(JSON.parse(shown)).toEqual({ text });
      expect(shown).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
    }),
  );
});
