import { expect, test } from "bun:test";
import { checkSizes } from "./check-sizes.ts";

const check = (files: Record<string, string>): string[] =>
  checkSizes(new Map(Object.entries(files))).map(({ file, line, rule }) => `${file}:${line}: ${rule}`);

const lines = (count: number): string => "x\n".repeat(count);
const folder = (path: string, count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`${path}/a${index}.ts`, ""]));

for (const [path, most] of [
  ["src/core/a.ts", 400],
  ["script/a.ts", 400],
  ["bench/a.ts", 400],
  ["src/core/a.test.ts", 1_000],
  ["src/core/fixtures/a.ts", 1_000],
  ["test/kit/a.ts", 1_000],
] as const) {
  test(`${path} may have ${most} lines`, () => {
    expect(check({ [path]: lines(most) })).toEqual([]);
    expect(check({ [path]: `${lines(most)}x` })).toEqual([
      `${path}:${most + 1}: ${most + 1} lines, and at most ${most} are allowed`,
    ]);
  });
}

for (const [path, most] of [
  ["src/proxy", 12],
  ["src/proxy/attempt", 25],
  ["src/dialects", 25],
  ["src/dialects/shared", 25],
  ["src/dialects/gemini", 37],
  ["src", 25],
] as const) {
  test(`${path} may hold ${most} files`, () => {
    const tests = { [`${path}/a.test.ts`]: "", [`${path}/fixtures/b.ts`]: "", [`${path}/below/c.ts`]: "" };
    expect(check({ ...folder(path, most), ...tests })).toEqual([]);
    expect(check(folder(path, most + 1))).toEqual([
      `${path}:1: ${most + 1} files directly in the folder, and at most ${most} are allowed`,
    ]);
  });
}
