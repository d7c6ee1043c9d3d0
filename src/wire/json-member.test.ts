import { describe, expect, test } from "bun:test";
import { insertMember, removeMember, replaceMember } from "./json-member.ts";
import { type SpliceEdit, splice } from "./json-splice.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text);

/** The text with an edit of the member whose value is `value`. */
function edited(
  text: string,
  value: string,
  edit: (body: Uint8Array, value: { start: number; end: number }) => SpliceEdit,
): string {
  const start = text.indexOf(value);
  const body = bytes(text);
  return Buffer.from(splice(body, [edit(body, { start, end: start + value.length })])).toString();
}

describe("a member in the place of another one", () => {
  const other = (text: string) =>
    edited(text, '"m"', (body, value) => replaceMember(body, value, bytes('"a":1')));

  test.each([
    ['{"model":"m","n":1}', '{"a":1,"n":1}'],
    ['{\n  "model" : "m",\n  "n": 1\n}', '{\n  "a":1,\n  "n": 1\n}'],
    ['{"n":1,"mod\\u0065l":"m"}', '{"n":1,"a":1}'],
  ])("%s", (text, expected) => expect(other(text)).toBe(expected));
});

describe("without a member", () => {
  test.each([
    ['{"model":"m","n":1}', '{"n":1}'],
    ['{ "model": "m" , "n":1}', '{ "n":1}'],
    ['{"n":1 , "model":"m"}', '{"n":1 }'],
    ['{"model":"m"}', "{}"],
    ['{"a":2,"model":"m","n":1}', '{"a":2,"n":1}'],
  ])("%s", (text, expected) => expect(edited(text, '"m"', removeMember)).toBe(expected));
});

test("a member before all others", () => {
  const inserted = (text: string): string => {
    const body = bytes(text);
    return Buffer.from(splice(body, [insertMember(body, 1, bytes('"a":1'))])).toString();
  };
  expect(inserted('{"n":1}')).toBe('{"a":1,"n":1}');
  expect(inserted("{ }")).toBe('{"a":1 }');
});
