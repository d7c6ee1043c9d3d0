import { expect, test } from "bun:test";
import { checkDialects } from "./check-dialects.ts";
import { EXTRA, PLAN } from "./dialect-plan.ts";

/** A folder with all that the plan asks for, and more. */
function folder(dialect: string, more: readonly string[] = [], without?: string): [string, string][] {
  const extra = Object.keys(EXTRA)
    .filter((place) => place.startsWith(`${dialect}/`))
    .map((place) => place.slice(dialect.length + 1));
  return [...PLAN, ...extra, ...more]
    .filter((name) => name !== without)
    .map((name) => [`src/dialects/${dialect}/${name}.ts`, ""]);
}
const check = (files: [string, string][]): string[] =>
  checkDialects(new Map(files)).map(({ file, rule }) => `${file}: ${rule}`);

test("a dialect with the files of the plan, optional ones, extras and tests keeps it", () => {
  expect(check([...folder("gemini", ["wire", "tap.test"]), ["src/dialects/shared/x.ts", ""]])).toEqual([]);
});

test("a file of another name is found", () => {
  expect(check(folder("gemini", ["helpers"]))).toEqual([
    "src/dialects/gemini/helpers.ts: the floor plan of a dialect has no file helpers.ts; use a name of the plan, or say why in script/dialect-plan.ts",
  ]);
});

test("an extra of one dialect is none of another", () => {
  expect(check(folder("openai-chat", ["offsets"]))).toHaveLength(1);
});

test("a missing file of the plan is found", () => {
  expect(check(folder("gemini", [], "tap"))).toEqual([
    "src/dialects/gemini: the floor plan of a dialect asks for tap.ts",
  ]);
});

test("a reason without its file is found", () => {
  expect(check(folder("gemini", [], "offsets"))).toEqual([
    "script/dialect-plan.ts: EXTRA names gemini/offsets, which is not there",
  ]);
});
