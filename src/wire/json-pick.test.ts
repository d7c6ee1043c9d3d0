import { expect, test } from "bun:test";
import fc from "fast-check";
import { JsonPicker, pickJson } from "./json-pick.ts";
import { MAX_DEPTH, MAX_VALUE_BYTES } from "./json-scan.ts";
import { compileShape, type JsonShape } from "./json-shape.ts";

const SHAPE = {
  model: true,
  usage: true,
  choices: { "*": { finish_reason: true } },
  response: { id: true, conversation: { id: true } },
} as const satisfies JsonShape;
const NODE = compileShape(SHAPE);

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** What must be picked, by way of the whole value. */
function pickSlowly(value: unknown, shape: JsonShape): unknown {
  if (Array.isArray(value)) {
    const inner = shape["*"];
    if (inner === undefined) return value;
    return value.map((element) => (inner === true ? element : pickSlowly(element, inner)));
  }
  if (typeof value !== "object" || value === null) return value;
  if (!Object.keys(shape).some((key) => key !== "*")) return value;
  const picked: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(shape)) {
    if (key === "*" || !Object.hasOwn(value, key)) continue;
    const member = (value as Record<string, unknown>)[key];
    picked[key] = inner === true ? member : pickSlowly(member, inner);
  }
  return picked;
}

const KEYS = ["model", "usage", "choices", "response", "id", "conversation", "finish_reason", 'x"y', "ü", ""];
const leaf = fc.oneof(
  fc.constantFrom(
    null,
    true,
    false,
    0,
    -1.5e-7,
    2 ** 53,
    "",
    "\\",
    '"',
    '\\"',
    "model",
    "a".repeat(60),
    "\u2028😀",
  ),
  fc.string(),
);
const { value: jsonValue } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    leaf,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...KEYS), tie("value"), { maxKeys: 6 }),
  ),
}));
const root = fc.dictionary(fc.constantFrom(...KEYS), jsonValue, { maxKeys: 8 });

/** JSON text with odd but legal white space and escapes. */
function print(value: unknown, isOdd: boolean): string {
  const space = isOdd ? " \n\t\r" : "";
  if (Array.isArray(value)) {
    return `[${space}${value.map((item) => print(item, isOdd)).join(`${space},${space}`)}${space}]`;
  }
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([key, item]) => {
    const name = isOdd ? `"${escapeAll(key)}"` : JSON.stringify(key);
    return `${name}${space}:${space}${print(item, isOdd)}`;
  });
  return `{${space}${members.join(`${space},`)}${space}}`;
}

function escapeAll(key: string): string {
  return [...Array(key.length).keys()]
    .map((at) => `\\u${key.charCodeAt(at).toString(16).padStart(4, "0")}`)
    .join("");
}

function pickInPieces(bytes: Uint8Array, cuts: readonly number[]): JsonPicker {
  const picker = new JsonPicker(NODE);
  let from = 0;
  for (const cut of [...cuts, bytes.length].sort((a, b) => a - b)) {
    const to = Math.min(bytes.length, Math.max(from, cut));
    picker.push(bytes.slice(from, to));
    from = to;
  }
  return picker;
}

test("picks what parsing the whole value would give, however the bytes are split", () => {
  fc.assert(
    fc.property(root, fc.boolean(), fc.array(fc.nat(400), { maxLength: 8 }), (value, isOdd, cuts) => {
      const picker = pickInPieces(encode(print(value, isOdd)), cuts);
      expect(picker.status).toBe("closed");
      expect(picker.root).toEqual(pickSlowly(value, SHAPE));
    }),
    { numRuns: 1000 },
  );
});

test("is the same byte by byte, behind a byte order mark", () => {
  const json =
    '\ufeff {"mod\\u0065l":"a\\\\\\"b","usage":{"n":[1,{"x":"}"}]},"choices":[{"finish_reason":null},7]} \n';
  const bytes = encode(json);
  const picker = pickInPieces(bytes, [...bytes.keys()]);
  expect(picker.status).toBe("closed");
  expect(picker.root).toEqual({
    model: 'a\\"b',
    usage: { n: [1, { x: "}" }] },
    choices: [{ finish_reason: null }, 7],
  });
});

test("the last of two members of one name holds", () => {
  expect(pickJson(NODE, encode('{"model":"a","mod\\u0065l":"b"}'))).toEqual({ model: "b" });
});

test("H-145 keys of a prototype are data", () => {
  const picked = pickJson(NODE, encode('{"__proto__":{"model":"x"},"constructor":1,"model":"y"}')) as object;
  expect(Object.keys(picked)).toEqual(["model"]);
  expect(Object.getPrototypeOf(picked)).toBe(Object.prototype);
});

test("a value over the bound is known to be there and no more", () => {
  const long = encode(`{"usage":{"a":"${"x".repeat(MAX_VALUE_BYTES)}"},"model":"m"}`);
  expect(pickJson(NODE, long)).toEqual({ usage: true, model: "m" });
  expect(pickInPieces(long, [10, 1000, 60_000]).root).toEqual({ usage: true, model: "m" });
});

test("garbage is invalid or unfinished, and never throws", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.array(fc.nat(60), { maxLength: 4 }), (bytes, cuts) => {
      const { status } = pickInPieces(bytes, cuts);
      expect(["open", "invalid", "closed"]).toContain(status);
    }),
  );
  const pieces = fc.array(
    fc.constantFrom("{", "}", "[", "]", '"', ":", ",", "\\", "1", "null", '"model"', " "),
  );
  fc.assert(
    fc.property(pieces, fc.array(fc.nat(60), { maxLength: 4 }), (parts, cuts) => {
      const json = parts.join("");
      const { status } = pickInPieces(encode(json), cuts);
      let value: unknown;
      try {
        value = JSON.parse(json);
      } catch {
        return;
      }
      if (typeof value === "object" && value !== null) expect(status).toBe("closed");
      else expect(status).not.toBe("closed");
    }),
    { numRuns: 2000 },
  );
});

test.each([
  '{"a":1]',
  '{"a":[}',
  '{"a" 1}',
  '{"a":1 "b":2}',
  "[1,2}",
  '{"a":}',
  "{,}",
  '{"a":1,}',
  "7",
  '"x"',
  "{}x",
])("%p is invalid", (json) => {
  const picker = new JsonPicker(NODE);
  picker.push(encode(json));
  expect(picker.status).toBe("invalid");
});

test("H-144 nesting is bounded", () => {
  const nest = (depth: number): Uint8Array => encode(`{"x":${"[".repeat(depth)}${"]".repeat(depth)}}`);
  expect(pickJson(NODE, nest(MAX_DEPTH - 1))).toEqual({});
  expect(pickJson(NODE, nest(MAX_DEPTH))).toBeUndefined();
});
