import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { jsonObject, PROPERTY_RUNS, text } from "../../../test/kit/arbitraries.ts";
import { CUSTOM_PARAMETERS, customArguments, customDescription } from "./custom-tool.ts";
import { isDeeperThan, MAX_DEPTH } from "./depth.ts";
import { JsonStringReader, ObjectFollower, parseArguments } from "./json-text.ts";

describe("arguments", () => {
  test("H-48 nothing, blanks and null are no arguments", () => {
    for (const text of ["", " ", "\n\t", "null", " null ", "{}", " {} "])
      expect(parseArguments(text)).toEqual({});
  });

  test("what is no object is none", () => {
    for (const text of ["[]", "1", '"a"', "{", '{"a":', "true", "{}{}"])
      expect(parseArguments(text)).toBeNull();
  });

  test("H-145 keys of the prototype are data", () => {
    const parsed = parseArguments('{"__proto__":{"polluted":1},"constructor":2}');
    expect(JSON.stringify(parsed)).toBe('{"__proto__":{"polluted":1},"constructor":2}');
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  test("H-144 nesting has a limit", () => {
    const nested = (levels: number) => `{"a":${"[".repeat(levels - 1)}"]]\\"]"${"]".repeat(levels - 1)}}`;
    expect(parseArguments(nested(500))).not.toBeNull();
    expect(parseArguments(nested(MAX_DEPTH))).not.toBeNull();
    expect(parseArguments(nested(MAX_DEPTH + 1))).toBeNull();
    expect(parseArguments(nested(100_000))).toBeNull();
    expect(isDeeperThan(JSON.parse(nested(MAX_DEPTH)), MAX_DEPTH)).toBe(false);
    expect(isDeeperThan(JSON.parse(nested(MAX_DEPTH + 1)), MAX_DEPTH)).toBe(true);
    expect(isDeeperThan("a", 0)).toBe(false);
  });
});

/** What the reader gives for a text that comes in pieces of so many characters. */
function read(text: string, sizes: readonly number[]): string {
  const reader = new JsonStringReader();
  let out = "";
  for (let from = 0, i = 0; from < text.length; i++) {
    const size = sizes[i % sizes.length] as number;
    out += reader.push(text.slice(from, from + size));
    from += size;
  }
  return out + reader.end();
}

describe("JsonStringReader", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 });

  test("H-83 decodes the input of a custom tool, wherever the fragments are cut", () => {
    fc.assert(
      fc.property(
        text(),
        jsonObject(),
        jsonObject(),
        fc.boolean(),
        sizes,
        (input, before, after, isEscaped, cuts) => {
          const { input: _, ...others } = before;
          let string = JSON.stringify(input);
          if (isEscaped)
            string = string.replace(
              /[^ -~]/g,
              (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
            );
          const members = [
            ...Object.entries(others).map(
              ([name, value]) => `${JSON.stringify(name)} : ${JSON.stringify(value)}`,
            ),
            `"input"\n:\t${string}`,
            ...Object.entries(after).map(
              ([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value, null, 1)}`,
            ),
          ];
          expect(read(` {${members.join(" , ")}} `, cuts)).toBe(input);
        },
      ),
      { numRuns: PROPERTY_RUNS },
    );
  });

  test("H-83 decodes escapes that are split at every place", () => {
    const line = '{"input":"a\\nb\\ud83d\\ude00\\"\\\\\\/\\t\\u00e9 end"}';
    for (let cut = 0; cut <= line.length; cut++) {
      const reader = new JsonStringReader();
      const out = [reader.push(line.slice(0, cut)), reader.push(line.slice(cut)), reader.end()];
      expect(out.join("")).toBe('a\nb😀"\\/\té end');
      // No piece ends within a character.
      for (const piece of out) expect(piece.isWellFormed()).toBe(true);
    }
    expect(read(line, [1])).toBe('a\nb😀"\\/\té end');
  });

  test("gives text as soon as it is certain", () => {
    const reader = new JsonStringReader();
    expect(reader.push('{"in')).toBe("");
    expect(reader.push('put":"*** Begin')).toBe("*** Begin");
    expect(reader.push(" Patch\\")).toBe(" Patch");
    expect(reader.push("n+")).toBe("\n+");
    expect(reader.push('x"')).toBe("x");
    expect(reader.push("}")).toBe("");
    expect(reader.end()).toBe("");
  });

  test("gives the raw text when the model wrote something else", () => {
    for (const other of [
      "*** Begin Patch\n+x",
      '{"command":"ls"}',
      '{"input":{"a":1}}',
      '{"input"',
      '"input"',
      "[1]",
      '{input:"a"}',
      '{"a":[1,{"input":"x"}]}',
    ]) {
      for (const size of [1, 2, 100]) expect(read(other, [size])).toBe(other);
    }
  });

  test("takes no input for an empty one", () => {
    for (const nothing of ["", " \n", "{}", " { } ", '{"input":""}']) expect(read(nothing, [1])).toBe("");
  });

  test("keeps what came of a text that was cut, and escapes that JSON has not", () => {
    expect(read('{"input":"abc', [2])).toBe("abc");
    expect(read('{"input":"abc\\u00', [2])).toBe("abc");
    expect(read('{"input":"a\\x\\u12g4 b"}', [1])).toBe("a\\x\\u12g4 b");
    expect(read('{"input":"line\nbreak"}', [3])).toBe("line\nbreak");
    expect(read('{"input":"\\ud83d"}', [1])).toBe("\ud83d");
  });

  test("does not choke on arbitrary text", () => {
    fc.assert(
      fc.property(fc.string(), sizes, (raw, cuts) => {
        expect(read(raw, cuts)).toBe(read(raw, [raw.length || 1]));
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });
});

describe("custom tools as functions", () => {
  test("carry any input there and back", () => {
    fc.assert(
      fc.property(text(), (input) => {
        const reader = new JsonStringReader();
        expect(reader.push(customArguments(input)) + reader.end()).toBe(input);
        expect(parseArguments(customArguments(input))).toEqual({ input });
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  test("say what the input has to look like", () => {
    const tool = {
      kind: "custom",
      name: "exec",
      namespace: null,
      description: "Runs code.",
      grammar: { syntax: "lark", definition: "start: X" },
      at: "tools[0]",
    } as const;
    expect(customDescription(tool)).toBe("Runs code.\n\nThe input must match this Lark grammar:\nstart: X");
    expect(customDescription({ ...tool, grammar: null })).toBe("Runs code.");
    expect(CUSTOM_PARAMETERS.required).toEqual(["input"]);
  });
});

describe("ObjectFollower", () => {
  const followed = (text: string, size: number): boolean => {
    const follower = new ObjectFollower();
    for (let at = 0; at < text.length; at += size) follower.push(text.slice(at, at + size));
    return follower.isClosed;
  };

  test.each([
    ['{"a":"}"}', true],
    [' {"a":[{},"\\"}"]} \n', true],
    ["{}", true],
    ["{}}", false],
    ["{} {}", false],
    ['{"a":{}', false],
    ['{"a":"\\"}', false],
    ["[1]", false],
    ["null", false],
    ["", false],
  ])("%j: %p, wherever the fragments are cut", (text, isClosed) => {
    for (const size of [1, 2, 3, 100]) expect([size, followed(text, size)]).toEqual([size, isClosed]);
  });

  test("is closed for each object that JSON writes", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.integer({ min: 1, max: 9 }),
        (value, size) => {
          expect(followed(JSON.stringify(value), size)).toBe(true);
        },
      ),
    );
  });
});
