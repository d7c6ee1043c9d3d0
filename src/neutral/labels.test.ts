import { expect, test } from "bun:test";
import fc from "fast-check";
import { tagsLabel, userLabel } from "./labels.ts";

test.each([
  [null, null],
  ["", null],
  [" \t ", null],
  ["u-1", "u-1"],
  ["  Zoë  ", "Zoë"],
  ["a\u0000b\u001b[31mc\nd", "ab[31mcd"],
  ["a\u202eb", "ab"],
  ["a\ud800b", "ab"],
  ["x".repeat(1_000_000), "x".repeat(128)],
  // Half a character is not kept.
  [`${"x".repeat(127)}🧶`, "x".repeat(127)],
])("of the user %j the row has %j", (text, label) => {
  expect(userLabel(text)).toBe(label);
});

test.each([
  [null, null],
  ["", null],
  [",, ,", null],
  ["nightly", ["nightly"]],
  ["team=a,env=prod", ["team=a", "env=prod"]],
  [" team=a , team=a,\tb ", ["team=a", "b"]],
  ['say "x"', ['say "x"']],
  ["x".repeat(100), ["x".repeat(64)]],
  ["a\u0007b", ["ab"]],
  [Array.from({ length: 40 }, (_, i) => i).join(), Array.from({ length: 16 }, (_, i) => String(i))],
  [
    `${"a".repeat(64)},${"b".repeat(64)},${"c".repeat(64)},${"d".repeat(64)}`,
    ["a", "b", "c"].map((c) => c.repeat(64)),
  ],
])("of the tags %j the row has %j", (header, tags) => {
  expect(tagsLabel(header)).toBe(tags === null ? null : JSON.stringify(tags));
});

test("whatever a client sends, the row gets a small JSON array of texts, or nothing", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 600 }), (header) => {
      const json = tagsLabel(header);
      if (json === null) return;
      expect(json.length).toBeLessThanOrEqual(256);
      const tags: unknown = JSON.parse(json);
      expect(Array.isArray(tags) && tags.length > 0 && tags.length <= 16).toBe(true);
      for (const tag of tags as unknown[]) expect(String(tag)).not.toMatch(/[\p{Cc}\p{Cs}]/u);
      expect((userLabel(header) ?? "").length).toBeLessThanOrEqual(128);
    }),
  );
});
