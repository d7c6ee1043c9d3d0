import { expect, test } from "bun:test";
import { TestOutput } from "./test-output.ts";

const OUTPUT = `bun test v1.4.5 (a7733435c)

src/plan/plan.test.ts:
(pass) one [0.11ms]
(skip) two

src/pool/pool.test.ts:
(pass) three
error: expected 1
(fail) four > five [3.00ms]
(pass) six

 3 pass
`;

const SHOWN = `bun test v1.4.5 (a7733435c)

src/pool/pool.test.ts:
error: expected 1
(fail) four > five [3.00ms]
 3 pass
`;

test("passed tests are counted and left out, and a file is named only if something of it is shown", () => {
  const output = new TestOutput();
  expect(output.push(OUTPUT) + output.end()).toBe(SHOWN);
  expect([output.passed, output.failed]).toEqual([3, 1]);
});

test("pieces may end anywhere, and the last line needs no end", () => {
  const output = new TestOutput();
  let shown = "";
  for (const letter of OUTPUT.trimEnd()) shown += output.push(letter);
  expect(shown + output.end()).toBe(SHOWN);
  expect([output.passed, output.failed]).toEqual([3, 1]);
});
