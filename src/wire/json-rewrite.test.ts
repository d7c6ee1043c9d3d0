import { describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import type { JsonObject } from "../core/json.ts";
import { parseJsonObject } from "./json.ts";
import { rewriteJson } from "./json-rewrite.ts";

function rewritten(text: string, change: (value: JsonObject) => JsonObject): string {
  const before = JSON.parse(text) as JsonObject;
  return Buffer.from(rewriteJson(Buffer.from(text), before, change(before))).toString();
}

const without =
  (...names: string[]) =>
  (value: JsonObject) =>
    Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));

describe("a changed value keeps the bytes of what stays", () => {
  const text = '{ "a" : 1.50, "b":[1, {"c":"\\u0041"} ] ,\n"d": 12345678901234567890 }';
  for (const [title, names, expected] of [
    ["the first member", ["a"], '{ "b":[1, {"c":"\\u0041"} ] ,\n"d": 12345678901234567890 }'],
    ["one in the middle", ["b"], '{ "a" : 1.50 ,\n"d": 12345678901234567890 }'],
    ["the last", ["d"], '{ "a" : 1.50, "b":[1, {"c":"\\u0041"} ] }'],
    ["all but the last", ["a", "b"], '{ "d": 12345678901234567890 }'],
    ["all but the first", ["b", "d"], '{ "a" : 1.50 }'],
    ["all", ["a", "b", "d"], "{  }"],
    ["none", [], text],
  ] as const) {
    test(`left out: ${title}`, () => expect(rewritten(text, without(...names))).toBe(expected));
  }

  test("renamed: the value has another name, behind the others", () => {
    expect(
      rewritten('{"max_tokens": 9, "n":1.0}', ({ max_tokens, ...rest }) => ({ ...rest, limit: max_tokens })),
    ).toBe('{"n":1.0,"limit":9}');
    expect(rewritten("{ }", () => ({ a: 1 }))).toBe('{"a":1 }');
  });

  test("inside: only the value that changed is written", () => {
    const change = (value: JsonObject): JsonObject => ({
      ...value,
      b: (value.b as unknown[]).map((item) => (typeof item === "object" ? { ...item, e: "x" } : item)),
    });
    expect(rewritten(text, change)).toBe(text.replace('"\\u0041"', '"\\u0041","e":"x"'));
  });

  test("a list with one more element keeps the bytes of the others", () => {
    const list = '{"m":[ {"x":1.0} , {"y":2.0} ]}';
    const change = ({ m }: JsonObject): JsonObject => {
      const [one, other] = m as object[];
      return { m: [one, { z: 3 }, other] };
    };
    expect(rewritten(list, change)).toBe('{"m":[{"x":1.0},{"z":3},{"y":2.0}]}');
  });

  test("renamed: a number keeps its spelling", () => {
    const rename = ({ max, ...rest }: JsonObject): JsonObject => ({ ...rest, limit: max });
    for (const number of ["1E400", "-0", "12345678901234567890", "1.50"])
      expect(rewritten(`{"max":${number},"n":1}`, rename)).toBe(`{"n":1,"limit":${number}}`);
  });

  test("renamed: of a name that stands twice, the last value counts", () => {
    const rename = ({ max, ...rest }: JsonObject): JsonObject => ({ ...rest, limit: max });
    expect(rewritten('{"max":9,"n":3,"n":9}', rename)).toBe('{"n":9,"limit":9}');
    expect(rewritten('{"max":3,"n":9,"max":9}', rename)).toBe('{"n":9,"limit":9}');
  });

  test("a name that stands twice", () => {
    const big = "12345678901234567890";
    expect(rewritten(`{"n":1E400,"a":1,"m":${big},"a":2,"b":3}`, without("b"))).toBe(
      `{"n":1E400,"m":${big},"a":2}`,
    );
    expect(rewritten(`{"b":1,"m":${big},"b":3}`, without("b"))).toBe(`{"m":${big}}`);
    expect(rewritten(`{"b":1,"m":${big},"b":3}`, (value) => ({ ...value, b: 4 }))).toBe(`{"m":${big},"b":4}`);
    expect(rewritten(`{"b":1,"b":${big}}`, ({ b }) => ({ c: b }))).toBe(`{"c":${big}}`);
    expect(rewritten('{"a":1,"a":2,"b":3}', without("b"))).toBe('{"a":2}');
    expect(rewritten('{"a":1,"a":2,"b":3}', (value) => value)).toBe('{"a":1,"a":2,"b":3}');
  });

  test("undefined is written as JSON.stringify writes it", () => {
    const change = (value: JsonObject): JsonObject => ({
      ...value,
      a: undefined,
      c: undefined,
      b: [undefined, 2],
    });
    expect(rewritten('{"a":1,"b":[1,2],"d":3}', change)).toBe('{"b":[null,2],"d":3}');
    expect(rewritten('{"b":[1]}', change)).toBe('{"b":[null,2]}');
    expect(rewritten('{"b":{"x":1}}', () => ({ b: [{ x: undefined }] }))).toBe('{"b":[{}]}');
  });

  test("a byte order mark stays", () => {
    const body = Buffer.from('\ufeff{"a":1,"b":2}');
    const before = parseJsonObject(body) as JsonObject;
    expect(Buffer.from(rewriteJson(body, before, { b: 2 })).toString()).toBe('\ufeff{"b":2}');
  });

  test("__proto__ is a name like any other", () => {
    expect(rewritten('{"__proto__":{"a":1},"b":2}', without("b"))).toBe('{"__proto__":{"a":1}}');
  });
});

test("any change of any value: the text parses to what was asked for", () => {
  const value = fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 5 });
  fc.assert(
    fc.property(
      value,
      value,
      fc.array(fc.nat()),
      fc.constantFrom(undefined, 1, "\t"),
      (one, other, picks, indent) => {
        const text = JSON.stringify(one, null, indent);
        const before = JSON.parse(text) as JsonObject;
        const names = Object.keys(before);
        const gone = new Set(picks.map((n) => names[n % (names.length || 1)]));
        const kept = Object.entries(before).filter(([name]) => !gone.has(name));
        const after = Object.fromEntries([
          ...kept,
          ...Object.entries(JSON.parse(JSON.stringify(other)) as JsonObject),
        ]);
        const written = Buffer.from(rewriteJson(Buffer.from(text), before, after)).toString();
        expect(JSON.parse(written)).toEqual(JSON.parse(JSON.stringify(after)));
      },
    ),
  );
});

test("any names, also repeated ones: what is left out and renamed is written, and what stays keeps its bytes", () => {
  const name = fc.constantFrom("a", "b", "c", "__proto__", "\\u0061", "1");
  const value = fc.constantFrom(
    "1",
    "2",
    "1E2",
    "12345678901234567890",
    '{"a":1.0}',
    '{"a":2.0,"a":3}',
    '"}"',
  );
  const members = fc.array(fc.tuple(name, value, fc.constantFrom("", " ", "\n")), { maxLength: 6 });
  fc.assert(
    fc.property(members, fc.subarray(["a", "b", "__proto__"]), fc.boolean(), (list, gone, isRenamed) => {
      const text = `{${list.map(([key, bytes, space]) => `${space}"${key}":${space}${bytes}`).join(",")}}`;
      const before = JSON.parse(text) as JsonObject;
      const kept = Object.entries(before).filter(([key]) => !gone.includes(key));
      const renamed = gone.filter((key) => isRenamed && Object.hasOwn(before, key));
      const after = Object.fromEntries([...kept, ...renamed.map((key) => [`new ${key}`, before[key]])]);
      const written = Buffer.from(rewriteJson(Buffer.from(text), before, after)).toString();
      expect(JSON.parse(written)).toEqual(after);
      for (const [, bytes] of list) if (bytes === "1E2") expect(written).not.toContain(":100");
    }),
    { numRuns: 1_000 },
  );
});
