import { expect, test } from "bun:test";
import fc from "fast-check";
import { parse } from "smol-toml";
import type { Path } from "../problem.ts";
import { lineStarts, positionAt, scanPlaces, toPathId } from "./positions.ts";

/** Values in all the ways that TOML writes them. */
const VALUES = [
  "1",
  "-0x1F",
  "1_000.5e3",
  "true",
  "nan",
  '"a # \\" ] } b"',
  "'C:\\'",
  '"""\n[x]\n\\"""\\\n  y = 1 ""a"""""',
  "'''\n[[x]]\n'q' # \n'''''",
  '""',
  "''",
  '""""""',
  "[]",
  "[1, 2,]",
  "[ # note ]\n  'a', # more [\n\n  [ 'b' ], { c = 1 } ,\n]",
  "{}",
  "{ a = 1, 'b.c' = [ 2 ], d.e = '}' }",
  '{ a = { b = [ { c = "]" } ] } }',
];
const KEYS = ["k", "a.b", " x . 'y.z' ", '"\\u0041 \\"q\\""', "'#'", "3-4_5"];
const HEADERS = [
  "[t{n}]",
  " [ t{n} . 'a b' ] # note",
  "[[l]]",
  "[[l.m]]",
  "[l.m.o{n}]",
  '[[ "q" ]]',
  '["q".r{n}]',
];
const BETWEEN = ["", "  ", "# note = [", "\t# 'x"];

const line = fc.oneof(
  fc.constantFrom(...BETWEEN),
  fc.constantFrom(...HEADERS),
  fc
    .tuple(fc.constantFrom(...KEYS), fc.constantFrom(...VALUES), fc.constantFrom("", " # x", "\t"))
    .map(([key, value, end]) => `n{n}.${key}=${value}${end}`),
);

/** Every path of a value, tables and lists included. */
function paths(value: unknown, path: Path = []): Path[] {
  const children: [string | number, unknown][] = Array.isArray(value)
    ? [...value.entries()]
    : typeof value === "object" && value !== null
      ? Object.entries(value)
      : [];
  return [
    ...(path.length === 0 ? [] : [path]),
    ...children.flatMap(([step, child]) => paths(child, [...path, step])),
  ];
}

function at(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((node, step) => (node as Record<string | number, unknown>)[step], value);
}

test("every value is found, and what stands there is that value", () => {
  let found = 0;
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), fc.constantFrom("\n", "\r\n"), (lines, newline) => {
      const text = lines
        .map((one, index) => one.replaceAll("{n}", String(index)))
        .join("\n")
        .replaceAll("\n", newline);
      let root: unknown;
      try {
        root = parse(text);
      } catch {
        fc.pre(false);
      }
      const places = scanPlaces(text);
      for (const path of paths(root)) {
        const place = places.get(toPathId(path));
        const value = at(root, path);
        // A table that only a longer name made has no place of its own.
        if (place === undefined) {
          expect(typeof value).toBe("object");
          continue;
        }
        found++;
        const written = text.slice(place.value.start, place.value.end);
        if (/^\[\[?[^[\]\n]+\]\]?$/.test(written) && written.startsWith("[") && !Array.isArray(value))
          continue;
        if (written.startsWith("[[")) continue;
        expect(parse(`x = ${written}`).x as unknown).toEqual(value);
      }
    }),
    { numRuns: 500 },
  );
  expect(found).toBeGreaterThan(500);
});

test("any text at all comes to an end", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(line, fc.string())), (lines) => {
      scanPlaces(lines.join("\n"));
    }),
  );
});

test("lines and columns are counted from 1, without the byte order mark", () => {
  const text = "\ufeffa = 1\r\n\n  b = 2";
  const starts = lineStarts(text);
  expect(positionAt(starts, 1)).toEqual({ line: 1, column: 1 });
  expect(positionAt(starts, text.indexOf("b"))).toEqual({ line: 3, column: 3 });
});
