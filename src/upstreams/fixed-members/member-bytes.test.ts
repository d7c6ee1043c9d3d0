import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import type { JsonObject } from "../../core/json.ts";
import { withMemberBytes } from "./member-bytes.ts";

const written = (text: string, members: JsonObject): string | null => {
  const bytes = withMemberBytes(Buffer.from(text), members);
  return bytes === null ? null : Buffer.from(bytes).toString();
};

test("the members stand behind all others, which keep their bytes", () => {
  const fixed = { tier: "low" };
  expect(written('{ "a" : 1.50, "b":[1, {"tier":2} ] }', fixed)).toBe(
    '{ "a" : 1.50, "b":[1, {"tier":2} ],"tier":"low" }',
  );
  expect(written("{ }", fixed)).toBe('{"tier":"low" }');
  expect(written('\ufeff \n{"tier" : 1 }\n', fixed)).toBe('\ufeff \n{"tier":"low" }\n');
  expect(written('{"tier":1,"a":2,"TIER":3,"t\\u0069er":[4],"b":5,"Tier":6}', fixed)).toBe(
    '{"a":2,"b":5,"tier":"low"}',
  );
});

test.each([
  "",
  "[1]",
  "--form",
  '"text"',
  "{",
  '{"a"',
  '{"a":',
  '{"a":1',
  '{"a":1} x',
  '{"a" 1}',
  '{"a":1,}',
  '{"a":"\\"}',
  '{"a":[}',
  "{a:1}",
])("bytes that are no object are not touched: %s", (text) => {
  expect(written(text, { tier: "low" })).toBeNull();
});

/** As it may be written: with blanks, escapes and in capitals. */
const NAMES = fc.oneof(
  fc.constantFrom(
    "tier",
    "TIER",
    "t\\u0069er",
    "\\u0054ier",
    "tie",
    "tiers",
    "ti\\\\er",
    "\u212aey",
    "key",
    "KEY",
  ),
  fc.string({ maxLength: 4 }).map((text) => JSON.stringify(text).slice(1, -1)),
);
const BLANKS = fc.constantFrom("", " ", "\n\t ");
const MEMBERS = fc.array(fc.tuple(NAMES, fc.json({ maxDepth: 2 }), BLANKS), { maxLength: 8 });

test("is what parsing, changing and printing the object gives", () => {
  const fixed: JsonObject = { tier: { of: "the company" }, key: null };
  fc.assert(
    fc.property(MEMBERS, (members) => {
      const text = `{${members.map(([name, value, blank]) => `${blank}"${name}"${blank}:${blank}${value}${blank}`).join(",")}}`;
      const others = Object.entries(JSON.parse(text) as JsonObject).filter(
        ([name]) => !["tier", "key"].includes(name.toLowerCase()),
      );
      const result = written(text, fixed) ?? "";
      expect(Object.entries(JSON.parse(result))).toEqual([...others, ...Object.entries(fixed)]);
    }),
  );
});
