import { expect, test } from "bun:test";
import "../../test/kit/property-seed.ts";
import fc from "fast-check";
import { canonicalJson } from "./canonical.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The value as JSON, with its own members in any order and white space anywhere. */
function spelt(value: unknown, random: () => number): string {
  const blank = (): string => ["", " ", "\n", "\t ", "\r\n"][Math.floor(random() * 5)] as string;
  const write = (one: unknown, isInside = true): string => {
    if (Array.isArray(one))
      return `[${blank()}${one.map((item) => write(item)).join(`${blank()},${blank()}`)}${blank()}]`;
    if (typeof one !== "object" || one === null) return JSON.stringify(one);
    const members = Object.entries(one);
    if (!isInside) members.sort(() => random() - 0.5);
    const parts = members.map(
      ([name, item]) => `${blank()}${JSON.stringify(name)}${blank()}:${blank()}${write(item)}`,
    );
    return `{${parts.join(`${blank()},`)}${blank()}}`;
  };
  return `${blank()}${write(value, false)}${blank()}`;
}

test("the order of the body's own members and white space change nothing, and the text says the same as the body", () => {
  fc.assert(
    fc.property(
      fc.jsonValue(),
      fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
      (value, all) => {
        const next = (): number => all.next().value ?? 0;
        const one = canonicalJson(bytes(spelt(value, next)));
        expect(one).toBe(canonicalJson(bytes(spelt(value, next))));
        expect(JSON.parse(one as string)).toEqual(JSON.parse(JSON.stringify(value)));
      },
    ),
  );
});

test("two bodies have the same text only if they say the same", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      const texts = [a, b].map((value) => canonicalJson(bytes(JSON.stringify(value))));
      fc.pre(texts[0] === texts[1]);
      expect(JSON.parse(JSON.stringify(a))).toEqual(JSON.parse(JSON.stringify(b)));
    }),
  );
});

test.each([
  ['{"a":12345678901234567890}', '{"a":12345678901234567891}'],
  ['{"a":0}', '{"a":0.0}'],
  ['{"a":"1"}', '{"a":1}'],
  ['{"a":[1,2]}', '{"a":[2,1]}'],
  ['{"a":"b c"}', '{"a":"bc"}'],
  // A structured output has its members in the order of the schema's properties.
  ['{"properties":{"reasoning":{},"answer":{}}}', '{"properties":{"answer":{},"reasoning":{}}}'],
  ['[{"a":1,"b":2}]', '[{"b":2,"a":1}]'],
  ['{"a":{"b":1},"c":2}', '{"a":{"b":1,"c":2}}'],
  ['{"a":"x\\",\\"b\\":\\"y"}', '{"a":"x","b":"y"}'],
])("%s is another body than %s", (one, other) => {
  const texts = [one, other].map((body) => canonicalJson(bytes(body)));
  expect(texts).not.toContain(null);
  expect(texts[0]).not.toBe(texts[1] as string);
});

test.each([
  '{"a":1,"a":2}',
  '{"a":1,"\\u0061":1}',
  "{",
  '{"a"}',
  '{"a":1,}',
  "[1 2]",
  '{"a":tru}',
  '"open',
  '{"a":1} x',
  "",
  "\uFEFF{}",
  `${"[".repeat(600)}${"]".repeat(600)}`,
])("%j has no canonical text", (body) => {
  expect(canonicalJson(bytes(body))).toBeNull();
});

test("neither do bytes that are no UTF-8: a replacement would make different ones the same", () => {
  const body = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}')]);
  expect(canonicalJson(body)).toBeNull();
});
